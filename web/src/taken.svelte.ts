/** What was asked for to be taken away: saved when it is there, wherever the page has gone meanwhile. */
import { save, under } from "./jobs.ts";
import { notes } from "./notes.svelte.ts";
import { studio } from "./studio.svelte.ts";
import { remember, remembered } from "./tab.ts";

interface Taken {
  job: string;
  name: string;
}

const KEY = "ganvas-taken";
let waiting = $state.raw<Taken[]>(remembered(KEY, []));

function set(next: Taken[]): void {
  waiting = next;
  remember(KEY, next);
}

export const taken = {
  add(job: string, name: string): void {
    set([...waiting, { job, name }]);
  },
  /** Whether something is still being made. */
  get busy(): boolean {
    return waiting.some((one) => under(studio.job(one.job)));
  },
  /** After a reload: forgets what the studio has forgotten, and says that the rest is still coming. */
  resume(): void {
    set(waiting.filter((one) => studio.job(one.job)));
    if (taken.busy) notes.show("It is still being made, and saved as soon as it is there.");
  },
  /** Saves what has come, and says what has failed; for an effect of the whole page. */
  settle(): void {
    const come = waiting.filter((one) => studio.job(one.job) && !under(studio.job(one.job)));
    if (!come.length) return;
    set(waiting.filter((one) => !come.includes(one))); // first, so that a reload saves nothing twice
    for (const { job, name } of come) {
      const found = studio.job(job);
      const [file] = found?.files ?? [];
      if (found?.state === "done" && file) {
        save(file.url, file.name);
        notes.show(`${name}: saved as ${file.name}, where your browser puts what it loads`);
      } else if (found?.state === "failed") notes.fail(`${name}: ${found.error ?? "it failed without a word"}`);
    }
  },
};
