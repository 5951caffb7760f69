/** Undo and redo of everything that changes the board: where it was, and what was kept. A hundred steps, per tab. */
import type { Kept } from "./api.ts";
import { applied } from "./keeping.ts";
import { kept } from "./kept.svelte.ts";
import { go } from "./router.svelte.ts";

interface Step {
  /** Where undo or redo leads. */
  url: string;
  /** What was kept before the step and after it; another tab may have changed it since. */
  was: Kept;
  became: Kept;
}

const STEPS = 100;
let before = $state.raw<Step[]>([]);
let after = $state.raw<Step[]>([]);
let last = { kind: "", at: 0 };

const address = (): string => location.pathname + location.search;

/** Goes there, and changes what is kept by what lies between the two states alone. */
function turn(url: string, from: Kept, to: Kept): void {
  if (from !== to) kept.set(applied(from, to, kept.all));
  go(url, { replace: true });
}

/** Does it so that it can be undone; changes of one kind that follow each other within a second are one step. */
export function act(kind: string, run: () => void): void {
  const joined = kind !== "" && kind === last.kind && Date.now() - last.at < 1000;
  const [url, was] = [address(), kept.all];
  last = { kind, at: Date.now() };
  after = [];
  run();
  if (!joined || was !== kept.all) before = [...before.slice(1 - STEPS), { url, was, became: kept.all }];
}

export const steps = {
  get canUndo(): boolean {
    return before.length > 0;
  },
  get canRedo(): boolean {
    return after.length > 0;
  },
  undo(): void {
    const step = before.at(-1);
    if (!step) return;
    before = before.slice(0, -1);
    after = [...after, { ...step, url: address() }];
    last.kind = "";
    turn(step.url, step.became, step.was);
  },
  redo(): void {
    const step = after.at(-1);
    if (!step) return;
    after = after.slice(0, -1);
    before = [...before, { ...step, url: address() }];
    turn(step.url, step.was, step.became);
  },
};
