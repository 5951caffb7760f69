/** What runs are called by, and what can be done with them in each state. */
import type { Run, RunState } from "./api.ts";
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

export const live = (run: Run): boolean => ["queued", "starting", "training", "elsewhere"].includes(run.state);

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

/** The end of the name of a run's best model. */
export const BEST = /\/best$/;

/** The model that a run's samples are drawn with. */
export const modelOf = (run: Run): string => `runs/${run.name}`;
