/** Files on their way into a set: dropped or chosen, six at once, whole folders too. */
import type { Set as DataSet } from "./api.ts";
import { post, said, upload } from "./client.ts";
import { free, tidy } from "./format.ts";
import { studio } from "./studio.svelte.ts";

export interface Sending {
  set: string;
  files: number;
  sent: number;
  bytes: number;
  gone: number;
  errors: string[];
}
interface Item {
  path: string;
  file: File;
}

const AT_ONCE = 6;
const TAKEN = /\.(png|jpe?g|webp|gif|bmp|tiff?|txt|jsonl|csv|json|zip)$/i;

let sending = $state.raw<Sending | null>(null);
export const uploads = {
  get now(): Sending | null {
    return sending;
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
  const top = items[0]?.path.split("/");
  const name =
    top && top.length > 1 ? top[0] : items.length === 1 ? items[0]?.file.name.replace(/\.zip$/i, "") : "pictures";
  const taken = studio.data.map((set) => set.name);
  const set = await post<DataSet>("/api/data", { name: free(tidy(name ?? "pictures"), taken) });
  studio.putSet(set);
  void send(
    set.name,
    items.map((item) => ({ ...item, path: item.path.replace(/^[^/]+\/(?=.)/, "") })),
  );
  return set.name;
}

export async function send(set: string, items: Item[]): Promise<void> {
  const wanted = items.filter((item) => TAKEN.test(item.path));
  const left = items.length - wanted.length;
  const errors = left
    ? [`${left} ${left === 1 ? "file is" : "files are"} of no kind that holds pictures or words.`]
    : [];
  sending = {
    set,
    files: wanted.length,
    sent: 0,
    bytes: wanted.reduce((sum, { file }) => sum + file.size, 0),
    gone: 0,
    errors,
  };
  const queue = [...wanted];
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(set, queue)));
  if (!sending.errors.length) sending = null;
}

async function work(set: string, queue: Item[]): Promise<void> {
  for (let item = queue.shift(); item; item = queue.shift()) {
    let before = 0;
    const path = item.path.split("/").map(encodeURIComponent).join("/");
    try {
      await upload(`/api/data/${encodeURIComponent(set)}/files/${path}`, item.file, (bytes) => {
        if (sending) sending = { ...sending, gone: sending.gone + bytes - before };
        before = bytes;
      });
    } catch (problem) {
      if (sending && sending.errors.length < 20)
        sending = { ...sending, errors: [...sending.errors, `${item.path}: ${said(problem)}`] };
    }
    if (sending) sending = { ...sending, sent: sending.sent + 1 };
  }
}

export function dismiss(): void {
  sending = null;
}

/** Puts one file where jobs find it, and says under what name. */
export async function put(file: File): Promise<string> {
  const ending = /\.[A-Za-z0-9]+$/.exec(file.name)?.[0] ?? ".png";
  const name =
    `${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(16)}-${tidy(file.name.slice(0, -ending.length))}`.slice(
      0,
      50,
    ) + ending;
  await upload(`/api/uploads/${encodeURIComponent(name)}`, file, () => undefined);
  return name;
}
