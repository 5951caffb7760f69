/** What runs are called by, and what can be done with them in each state. */
import type { Run, RunState, Set as DataSet } from "./api.ts";
import { post, remove } from "./client.ts";
import { studio } from "./studio.svelte.ts";

export const STATES: Record<RunState, { text: string; tone: string }> = {
  queued: { text: "Waiting", tone: "calm" },
  starting: { text: "Starting", tone: "" },
  training: { text: "Training", tone: "" },
  paused: { text: "Paused", tone: "calm" },
  finished: { text: "Finished", tone: "good" },
  "ended early": { text: "Ended early", tone: "calm" },
  failed: { text: "Failed", tone: "bad" },
  elsewhere: { text: "Training elsewhere", tone: "" },
};

/** Those that can be trained longer. */
export const ENDED: readonly RunState[] = ["finished", "ended early"];

export const live = (run: Run): boolean => ["queued", "starting", "training", "elsewhere"].includes(run.state);

/** What a training in the queue waits for: the one that goes on, by name. */
export function awaited(): string {
  const goes = studio.runs.find((run) => run.state === "training" || run.state === "starting");
  return `begins by itself when ${goes?.name ?? "the training before it"} has ended`;
}

export const share = (run: Run): number => (run.wanted ? Math.min(1, run.images / run.wanted) : 0);

export async function turn(
  run: Run,
  act: "pause" | "go-on" | "stop" | "longer",
  body?: { minutes: number },
): Promise<void> {
  studio.put(await post<Run>(`/api/runs/${encodeURIComponent(run.name)}/${act}`, body));
}

export async function discard(run: Run): Promise<void> {
  await remove(`/api/runs/${encodeURIComponent(run.name)}`);
  studio.drop("runs", run.name);
}

export async function restore(name: string): Promise<void> {
  studio.put(await post<Run>(`/api/runs/${encodeURIComponent(name)}/restore`));
}

/** The set that a run learned from, if it is one of ours; other sources have no page here. */
export const setOf = ({ source }: Run): DataSet | undefined =>
  studio.set(source) ?? studio.data.find((set) => set.source === source);

/** A score without the features that it is measured on: "kd-efficientnet_lite0 0.6" is "kd 0.6". */
export const brief = (score: string): string => score.replace(/-\S+/, "");

/** The end of the name of a run's best model. */
export const BEST = /\/best$/;

/** The model that a run's samples are drawn with. */
export const modelOf = (run: Run): string => `runs/${run.name}`;
