/** What was asked for to be taken away: saved when it is there, wherever the page has gone meanwhile. */
import { save, under } from "./jobs.ts";
import { notes } from "./notes.svelte.ts";
import { studio } from "./studio.svelte.ts";

interface Taken {
  job: string;
  name: string;
}

let waiting = $state.raw<Taken[]>([]);

export const taken = {
  add(job: string, name: string): void {
    waiting = [...waiting, { job, name }];
  },
  /** Whether something is still being made. */
  get busy(): boolean {
    return waiting.some((one) => under(studio.job(one.job)));
  },
  /** Saves what has come, and says what has failed; for an effect of the whole page. */
  settle(): void {
    const come = waiting.filter((one) => studio.job(one.job) && !under(studio.job(one.job)));
    if (!come.length) return;
    waiting = waiting.filter((one) => !come.includes(one));
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
