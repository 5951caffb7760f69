/** What the server says, kept live by its events: models, runs, sets and jobs. One stream per visible tab. */
import type { Events, Job, Model, PlaneFrame, Row, Run, Set as DataSet, State } from "./api.ts";
import { get } from "./client.ts";

class Studio {
  state = $state.raw<State | null>(null);
  runs = $state.raw<Run[]>([]);
  data = $state.raw<DataSet[]>([]);
  jobs = $state.raw<Job[]>([]);
  /** Rows of the log by run, for runs that somebody looked at. */
  rows = $state.raw<Record<string, Row[]>>({});
  /** URLs of sheets whose content is known, by run and images. */
  sheets = $state.raw<Record<string, string>>({});
  /** Whether the server has stopped answering. */
  gone = $state(false);
  /** Whether anything has been heard yet. */
  heard = $state(false);
  /** How often the whole state has come: before it events may have been missed. */
  begun = $state(0);
  frame = $state.raw<PlaneFrame | null>(null);
  /** The playground that was said to have ended last. */
  ended = $state<string | null>(null);

  #source: EventSource | null = null;
  #plane: string | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;

  get models(): Model[] {
    return this.state?.models ?? [];
  }
  model(name: string | null): Model | undefined {
    return this.models.find((model) => model.name === name);
  }
  /** The model with these weights, by whatever name it is here; one that has learned on since draws other pictures. */
  drawer(fp: string): Model | undefined {
    return this.models.find((model) => model.fp === fp);
  }
  run(name: string): Run | undefined {
    return this.runs.find((run) => run.name === name);
  }
  set(name: string): DataSet | undefined {
    return this.data.find((set) => set.name === name);
  }
  job(id: string | null): Job | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  /** Listens while the tab is visible; `plane` is the playground whose frames are wanted, too. */
  listen(plane: string | null = this.#plane): void {
    this.#plane = plane;
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = null;
    if (document.hidden) return;
    const source = new EventSource(plane ? `/api/events?plane=${encodeURIComponent(plane)}` : "/api/events");
    this.#source = source;
    source.onerror = () => {
      source.close();
      this.gone = true;
      this.#again = setTimeout(() => this.listen(), 2000);
    };
    const on = <K extends keyof Events>(name: K, act: (data: Events[K]) => void): void =>
      source.addEventListener(name, (event) => act(JSON.parse((event as MessageEvent<string>).data) as Events[K]));
    on("state", (all) => this.#begin(all));
    on("run", (run) => ("gone" in run ? this.drop("runs", run.name) : this.put(run)));
    on("row", ({ name, rows }) => this.addRows(name, rows));
    on("sheet", (sheet) => this.#sheet(sheet));
    on("job", (job) => this.putJob(job));
    on("data", (set) => ("gone" in set ? this.drop("data", set.name) : this.putSet(set)));
    on("plane", (told) => ("ended" in told ? (this.ended = told.id) : (this.frame = told)));
  }

  put(run: Run): void {
    this.runs = replaced(this.runs, run, (other) => other.name === run.name);
  }
  putSet(set: DataSet): void {
    this.data = replaced(this.data, set, (other) => other.name === set.name);
  }
  putJob(job: Job): void {
    this.jobs = replaced(this.jobs, job, (other) => other.id === job.id);
  }
  drop(kind: "runs" | "data", name: string): void {
    if (kind === "runs") this.runs = this.runs.filter((run) => run.name !== name);
    else this.data = this.data.filter((set) => set.name !== name);
  }
  /** Rows behind those that are known; a run that went back takes what lies beyond with it. */
  addRows(name: string, rows: Row[]): void {
    const [first] = rows;
    const known = this.rows[name];
    if (!known || !first) return;
    const kept = known.filter((row) => row.images < first.images);
    this.rows = { ...this.rows, [name]: [...kept, ...rows] };
  }
  setRows(name: string, rows: Row[]): void {
    this.rows = { ...this.rows, [name]: rows };
  }
  /** Reads the whole log; rows that come meanwhile are added to it. */
  async readRows(name: string): Promise<void> {
    const before = this.rows[name] ?? [];
    if (!this.rows[name]) this.setRows(name, before);
    const rows = await get<Row[]>(`/api/runs/${encodeURIComponent(name)}/log?after=-1`);
    const last = rows.at(-1)?.images ?? -1;
    const later = (this.rows[name] ?? []).filter((row) => row.images > last && !before.includes(row));
    this.setRows(name, [...rows, ...later]);
  }

  #begin({ runs, data, jobs, ...state }: Events["state"]): void {
    this.state = state;
    this.runs = runs;
    this.data = data;
    this.jobs = jobs;
    this.gone = false;
    this.heard = true;
    this.begun += 1;
  }
  #sheet({ name, images, url }: Events["sheet"]): void {
    this.sheets = { ...this.sheets, [`${name} ${images}`]: url };
    const run = this.run(name);
    if (!run) return;
    const sheets = [...run.sheets.filter((sheet) => sheet < images), images];
    this.put({ ...run, sheets });
  }
}

function replaced<T>(all: T[], item: T, same: (other: T) => boolean): T[] {
  return all.some(same) ? all.map((other) => (same(other) ? item : other)) : [...all, item];
}

export const studio = new Studio();

document.addEventListener("visibilitychange", () => studio.listen());

/** What a command line calls a model: a run by its folder, a shipped one by its name. */
export const pathOf = (model: string): string => (studio.run(model) ? `runs/${model}` : model);
