/** Pictures while something is dragged: one request at a time, and always for the newest place. */
import type { Place } from "./api.ts";
import { keyOf } from "./places.ts";

export class Previews {
  url = $state<string | null>(null);
  #stream = Math.random().toString(36).slice(2, 10);
  #next: [string, Place] | null = null;
  #asking = false;
  #ended = false;

  ask(model: string, place: Place): void {
    this.#next = [model, place];
    if (!this.#asking) void this.#run();
  }
  end(): void {
    this.#ended = true;
    this.#next = null;
    if (this.url) URL.revokeObjectURL(this.url);
  }

  async #run(): Promise<void> {
    this.#asking = true;
    while (this.#next) {
      const [model, place] = this.#next;
      this.#next = null;
      const query = new URLSearchParams({ model, place: keyOf(place), stream: this.#stream });
      const answer = await fetch(`/api/preview?${query}`).catch(() => null);
      if (answer?.status === 200) this.#show(await answer.blob());
    }
    this.#asking = false;
  }
  #show(picture: Blob): void {
    if (this.#ended) return;
    const before = this.url;
    this.url = URL.createObjectURL(picture);
    if (before) URL.revokeObjectURL(before);
  }
}
