/** Files on their way into a set: dropped or chosen, six at once, whole folders too. */
import type { Set as DataSet } from "./api.ts";
import { post, said, upload } from "./client.ts";
import { free, rooted, tidy } from "./format.ts";
import { studio } from "./studio.svelte.ts";

/** What one drop sends into a set, and how far it is. */
class Sending {
  readonly set: string;
  readonly files: number;
  readonly bytes: number;
  sent = $state(0);
  gone = $state(0);
  errors = $state.raw<string[]>([]);

  constructor(set: string, items: Item[]) {
    this.set = set;
    this.files = items.length;
    this.bytes = items.reduce((sum, { file }) => sum + file.size, 0);
  }
}
interface Item {
  path: string;
  file: File;
}

const AT_ONCE = 6;
const TAKEN = /\.(png|jpe?g|webp|gif|bmp|tiff?|svg|txt|jsonl|csv|json|zip)$/i;

let all = $state.raw<Sending[]>([]);
export const uploads = {
  /** The last one into a set that is under way, or was and has something to say. */
  into: (set: string): Sending | undefined => all.findLast((one) => one.set === set),
  /** Its errors were read; what is under way goes on. */
  understood(set: string): void {
    for (const one of all) if (one.set === set) one.errors = [];
    all = all.filter((one) => one.set !== set || one.sent < one.files);
  },
};

/** What was dropped, folders opened, without hidden files; pictures from other programs come without an entry. */
export async function dropped(transfer: DataTransfer): Promise<Item[]> {
  const items = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: Item[] = [];
  for (const { entry, file } of items) {
    if (entry) await collect(entry, "", found);
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}
export const chosen = (files: FileList): Item[] =>
  [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

async function collect(entry: FileSystemEntry, above: string, found: Item[]): Promise<void> {
  if (entry.name.startsWith(".")) return;
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((done, failed) => (entry as FileSystemFileEntry).file(done, failed));
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return; // readEntries answers a hundred at a time
    for (const one of some) await collect(one, `${path}/`, found);
  }
}

/** Makes a set of them, named like their folder, and says its name at once; the files follow. */
export async function make(items: Item[]): Promise<string> {
  const { name, paths } = rooted(items.map((item) => item.path));
  const taken = studio.data.map((set) => set.name);
  const set = await post<DataSet>("/api/data", { name: free(tidy(name), taken) });
  studio.putSet(set);
  void send(
    set.name,
    items.map(({ file }, at) => ({ file, path: paths[at] ?? file.name })),
  );
  return set.name;
}

export async function send(set: string, items: Item[]): Promise<void> {
  const queue = items.filter((item) => TAKEN.test(item.path));
  const left = items.length - queue.length;
  const mine = new Sending(set, queue);
  if (left) mine.errors = [`${left} ${left === 1 ? "file is" : "files are"} of no kind that holds pictures or words.`];
  all = [...all, mine];
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(mine, queue)));
  if (!mine.errors.length) all = all.filter((one) => one !== mine);
}

async function work(sending: Sending, queue: Item[]): Promise<void> {
  for (let item = queue.shift(); item; item = queue.shift()) {
    let before = 0;
    const path = item.path.split("/").map(encodeURIComponent).join("/");
    try {
      await upload(`/api/data/${encodeURIComponent(sending.set)}/files/${path}`, item.file, (bytes) => {
        sending.gone += bytes - before;
        before = bytes;
      });
    } catch (problem) {
      if (sending.errors.length < 20) sending.errors = [...sending.errors, `${item.path}: ${said(problem)}`];
    }
    sending.sent += 1;
  }
}

/** Where a picture that was put there for jobs can be seen; for a day. */
export const uploadedUrl = (name: string): string => `/api/uploads/${encodeURIComponent(name)}`;

/** Puts one file where jobs find it, and says under what name. */
export async function put(file: File): Promise<string> {
  const ending = /\.[A-Za-z0-9]+$/.exec(file.name)?.[0] ?? ".png";
  const name =
    `${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(16)}-${tidy(file.name.slice(0, -ending.length))}`.slice(
      0,
      50,
    ) + ending;
  await upload(uploadedUrl(name), file, () => undefined);
  return name;
}
