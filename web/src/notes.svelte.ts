/** What is said at the edge: a toast for what was copied or can be undone, and a live region for those who listen. */

export interface Toast {
  text: string;
  act?: { text: string; run: () => void };
}

let toast = $state.raw<Toast | null>(null);
let spoken = $state("");
let last = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

export const notes = {
  get toast(): Toast | null {
    return toast;
  },
  get spoken(): string {
    return spoken;
  },
  show(text: string, act?: Toast["act"]): void {
    clearTimeout(timer);
    toast = { text, act };
    spoken = text;
    timer = setTimeout(() => (toast = null), 5000);
  },
  hide(): void {
    toast = null;
  },
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
      const field = document.createElement("textarea"); // plain http on another machine has no clipboard
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    notes.show(what);
  },
};
