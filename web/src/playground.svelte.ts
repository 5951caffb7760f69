/** One playground of this tab: started, played, stepped and changed; its frames come with the events. */
import type { PlaneAsk, PlaneFrame, PlaneStart } from "./api.ts";
import { ask as request, post, remove, said } from "./client.ts";
import { numbers } from "./plane.ts";
import { studio } from "./studio.svelte.ts";

const MOST = 2000; // points of the curves
const PATIENCE = 5000; // milliseconds, after which it says that it takes long
const OVER = "It ended while nobody watched; begin it again.";
const SLOW = "The machine is busy: still starting";

export class Playground {
  playing = $state(false);
  error = $state("");
  /** What it waits for while nothing is shown yet. */
  waits = $state("Getting ready");
  spots = $state(0);
  data = $state.raw<Float32Array>(new Float32Array());
  steps = $state.raw<number[]>([]);
  found = $state.raw<number[]>([]);
  right = $state.raw<number[]>([]);
  #id: string | null = null;
  /** The one whose frames are shown, also after it has ended. */
  #shown: string | null = null;
  /** What was changed while there was none yet. */
  #later: Partial<PlaneAsk> = {};
  #turn = 0;

  get frame(): PlaneFrame | null {
    return studio.frame?.id === this.#shown ? studio.frame : null;
  }

  async begin(ask: PlaneAsk, play: boolean): Promise<void> {
    const turn = ++this.#turn;
    this.#later = {};
    await this.end();
    this.error = "";
    this.waits = "Getting ready";
    const slow = setTimeout(() => turn === this.#turn && (this.waits = SLOW), PATIENCE);
    this.steps = this.found = this.right = [];
    try {
      // One try: a place that was taken by another tab is not to be taken back unasked.
      const { value: started } = await request<PlaneStart>("POST", "/api/plane", ask, { tries: 1 });
      if (turn !== this.#turn) return void remove(`/api/plane/${started.id}`).catch(() => undefined);
      this.#id = this.#shown = started.id;
      this.spots = started.spots;
      this.data = numbers(started.data);
      studio.listen(started.id);
      if (Object.keys(this.#later).length) await this.#do("set", this.#later);
      await this.turn(play);
      if (!play) await this.step();
    } catch (problem) {
      if (turn === this.#turn) this.error = said(problem);
    } finally {
      clearTimeout(slow);
    }
  }
  async turn(play: boolean): Promise<void> {
    if (!this.#id) return;
    this.playing = play;
    await this.#do(play ? "play" : "pause");
  }
  async step(): Promise<void> {
    await this.turn(false);
    await this.#do("step");
  }
  async set(change: Partial<PlaneAsk>): Promise<void> {
    if (this.#id) await this.#do("set", change);
    else this.#later = { ...this.#later, ...change };
  }
  async end(): Promise<void> {
    const id = this.#id;
    this.#id = this.#shown = null;
    this.playing = false;
    if (id) await remove(`/api/plane/${id}`).catch(() => undefined);
  }
  leave(): void {
    this.#turn += 1;
    void this.end();
    studio.listen(null);
  }
  /** The studio says that a playground is over, which may be this one. */
  over(id: string): void {
    if (id !== this.#id) return;
    this.#id = null;
    this.playing = false;
    this.error = OVER;
  }
  /** Takes a frame into the curves. */
  note(frame: PlaneFrame): void {
    if (frame.step <= (this.steps.at(-1) ?? -1)) return;
    this.steps = [...this.steps.slice(-MOST), frame.step];
    this.found = [...this.found.slice(-MOST), frame.found];
    this.right = [...this.right.slice(-MOST), frame.right];
  }

  async #do(what: string, body?: unknown): Promise<void> {
    if (!this.#id) return;
    try {
      await post(`/api/plane/${this.#id}/${what}`, body);
    } catch (problem) {
      this.error = said(problem);
      this.playing = false;
    }
  }
}
