/** What the present view tells the frame around it: its command, its title, and which of its actions have keys. */
import type { Export } from "./exports.ts";

interface Actions {
  [key: string]: (() => void) | undefined;
}

let command = $state("");
let title = $state("");
let actions: Actions = {};
let exporting = $state.raw<Export | null>(null);

export const view = {
  get command(): string {
    return command;
  },
  get title(): string {
    return title;
  },
  get exporting(): Export | null {
    return exporting;
  },
  show(next: { title: string; command?: string }): void {
    title = next.title;
    command = next.command ?? "";
  },
  /** The keys of the view: in force until the next view says its own. */
  keys(next: Actions): () => void {
    actions = next;
    return () => {
      if (actions === next) actions = {};
    };
  },
  /** Does what the view does on this key; whether it does anything. */
  press(key: string): boolean {
    const run = actions[key];
    run?.();
    return run !== undefined;
  },
  export(what: Export | null): void {
    exporting = what;
  },
};
