/** Which job each view asked for last, of this tab of the browser: found again after a reload, and on the way back. */
import { studio } from "./studio.svelte.ts";
import { remember, remembered } from "./tab.ts";

interface Asked {
  job: string;
  /** What the view needs to show it again. */
  about: unknown;
}

const KEY = "ganvas-jobs";
let all = $state.raw<Record<string, Asked>>(remembered(KEY, {}));

function set(next: Record<string, Asked>): void {
  all = next;
  remember(KEY, next);
}

export const asked = {
  /** The job of a view, and what it is about; of those that the studio knows. */
  of<T>(view: string): { job: string; about: T } | undefined {
    const one = all[view];
    return one && studio.job(one.job) ? { job: one.job, about: one.about as T } : undefined;
  },
  /** The job of a view if it is about just this. */
  just(view: string, about: string): string | null {
    return all[view]?.about === about ? all[view].job : null;
  },
  keep(view: string, job: string, about: unknown): void {
    set({ ...all, [view]: { job, about } });
  },
  drop(view: string): void {
    const { [view]: _, ...rest } = all;
    set(rest);
  },
  /** Forgets what the studio has forgotten; when it has told of its jobs for the first time. */
  settle(): void {
    set(Object.fromEntries(Object.entries(all).filter(([, one]) => studio.job(one.job))));
  },
};
