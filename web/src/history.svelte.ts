/** Undo and redo of everything that changes the board: where it was, and what was kept. A hundred steps, per tab. */
import type { Kept } from "./api.ts";
import { kept } from "./kept.svelte.ts";
import { go } from "./router.svelte.ts";

interface Step {
  url: string;
  kept: Kept;
}

const STEPS = 100;
let before = $state.raw<Step[]>([]);
let after = $state.raw<Step[]>([]);
let last = { kind: "", at: 0 };

const now = (): Step => ({ url: location.pathname + location.search, kept: kept.all });

function back(step: Step): void {
  if (step.kept !== kept.all) kept.set(step.kept);
  go(step.url, { replace: true });
}

/** Does it so that it can be undone; changes of one kind that follow each other within a second are one step. */
export function act(kind: string, run: () => void): void {
  const joined = kind !== "" && kind === last.kind && Date.now() - last.at < 1000;
  if (!joined) before = [...before.slice(1 - STEPS), now()];
  last = { kind, at: Date.now() };
  after = [];
  run();
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
    after = [...after, now()];
    last.kind = "";
    back(step);
  },
  redo(): void {
    const step = after.at(-1);
    if (!step) return;
    after = after.slice(0, -1);
    before = [...before, now()];
    back(step);
  },
};
