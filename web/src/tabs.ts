/** The five places, in their order. */
import type { IconName } from "./parts/icons.ts";
import { board } from "./router.svelte.ts";

interface Tab {
  path: string;
  name: string;
  icon: IconName;
}

export const TABS: Tab[] = [
  { path: "/", name: "Ideas", icon: "ideas" },
  { path: "/data", name: "Data", icon: "data" },
  { path: "/runs", name: "Runs", icon: "runs" },
  { path: "/explore", name: "Explore", icon: "explore" },
  { path: "/learn/1", name: "Learn", icon: "learn" },
];

const OTHERS: Record<string, string> = { "": "Ideas", ideas: "Ideas", kept: "Ideas", compare: "Runs" };

/** Where a tab leads: Ideas to the pictures that were left, if there were some. */
export const pathOf = (tab: Tab): string => (tab.path === "/" ? (board() ?? tab.path) : tab.path);

/** The tab that a path belongs to. */
export function tabOf(path: string): string | undefined {
  const place = path.split("/")[1] ?? "";
  return OTHERS[place] ?? TABS.find((tab) => tab.path.split("/")[1] === place)?.name;
}
