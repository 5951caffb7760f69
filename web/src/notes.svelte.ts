/** What is said at the edge: a toast for what was copied, can be undone or failed, and a live region for listeners. */
import { said } from "./client.ts";
import { go } from "./router.svelte.ts";

export interface Toast {
  text: string;
  act?: { text: string; run: () => void };
  /** It stays until it was dismissed or something else is said. */
  failed?: boolean;
}

const BRIEF = 5_000; // milliseconds
const LONG = 10_000; // for what can be acted on

let toast = $state.raw<Toast | null>(null);
let spoken = $state("");
let covered = $state(false);
let last = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Begins to wait for the end of the toast. */
function wait(): void {
  clearTimeout(timer);
  if (toast && !toast.failed) timer = setTimeout(notes.hide, toast.act ? LONG : BRIEF);
}

export const notes = {
  get toast(): Toast | null {
    return toast;
  },
  get spoken(): string {
    return spoken;
  },
  /** Whether a dialog is open: what lies behind it is neither heard nor pressed, so all is said in it. */
  get covered(): boolean {
    return covered;
  },
  set covered(is: boolean) {
    covered = is;
  },
  show(text: string, act?: Toast["act"]): void {
    toast = { text, act };
    spoken = text;
    wait();
  },
  /** An alert by itself, so that it is not spoken twice. */
  fail(problem: unknown): void {
    toast = { text: said(problem), failed: true };
    spoken = "";
    wait();
  },
  /** What was deleted from a view can be brought back, and then the view is shown again. */
  deleted(name: string, view: string, restore: () => Promise<void>): void {
    const run = (): void =>
      void restore()
        .then(() => go(view))
        .catch(notes.fail);
    notes.show(`${name} is in studio/trash/ for seven days.`, { text: "Undo", run });
  },
  hide(): void {
    clearTimeout(timer);
    toast = null;
  },
  /** While somebody is at the toast, it stays; then its time begins anew. */
  hold: (): void => clearTimeout(timer),
  release: wait,
  /** At most one sentence in ten seconds, so that nobody is talked over. */
  speak(text: string): void {
    if (Date.now() - last < 10_000 || text === spoken) return;
    last = Date.now();
    spoken = text;
  },
  async copy(text: string, what = "Copied"): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const before = document.activeElement as HTMLElement | null;
      const field = document.createElement("textarea"); // plain http on another machine has no clipboard
      field.value = text;
      (document.querySelector("dialog[open]") ?? document.body).append(field); // behind a dialog nothing is selected
      field.select();
      document.execCommand("copy");
      field.remove();
      before?.focus();
    }
    notes.show(what);
  },
};
