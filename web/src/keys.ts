/** Keys that work everywhere; what a view does on a key it says itself, see view.svelte.ts. */
import { steps } from "./history.svelte.ts";
import { letters } from "./letters.svelte.ts";
import { notes } from "./notes.svelte.ts";
import { go } from "./router.svelte.ts";
import { pathOf, TABS } from "./tabs.ts";
import { view } from "./view.svelte.ts";

export const KEYS: [string, string][] = [
  ["/", "To the words"],
  ["← ↑ → ↓", "Move in a grid"],
  ["Enter", "Open in the inspector"],
  ["F", "Keep, or let go"],
  ["M", "More like this"],
  ["B", "Breed with the next one chosen"],
  ["S", "Save the picture"],
  ["Z, Shift Z", "Undo, redo"],
  ["R", "Other seeds"],
  ["Space", "Play or pause"],
  [", .", "Previous or next sheet"],
  ["C", "Copy the command"],
  ["1 to 5", "Ideas, Data, Runs, Explore, Learn"],
  ["?", "This list"],
  ["Esc", "Close"],
];

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    (target.matches("input, textarea, select") && !target.matches("[type=range], [type=radio], [type=checkbox]")));

export function pressed(event: KeyboardEvent, help: () => void): void {
  if (event.defaultPrevented || event.altKey || event.metaKey || event.repeat) return;
  if (document.querySelector("dialog[open]")) return;
  if (typing(event.target) && !event.ctrlKey) return;
  if (event.ctrlKey && event.key.toLowerCase() !== "z") return;
  if (event.ctrlKey && typing(event.target)) return; // the text's own undo
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length === 1 && key !== " " && !event.ctrlKey && !letters.on) return;
  if (key === " " && (event.target as Element).matches?.("button, a, input, summary, [role=option]")) return;
  if (act(key, event.shiftKey, help)) event.preventDefault();
}

function act(key: string, shift: boolean, help: () => void): boolean {
  const tab = TABS[Number(key) - 1];
  if (key === "?") help();
  else if (key === "Escape" && notes.toast?.failed) notes.hide();
  else if (key === "z") (shift ? steps.redo : steps.undo)();
  else if (key === "c" && view.command) void notes.copy(view.command, "Copied the command");
  else if (tab) go(pathOf(tab));
  else return view.press(key);
  return true;
}
