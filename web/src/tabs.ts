/** The five places, in their order. */
import type { IconName } from "./parts/icons.ts";

export const TABS: { path: string; name: string; icon: IconName }[] = [
  { path: "/", name: "Ideas", icon: "ideas" },
  { path: "/data", name: "Data", icon: "data" },
  { path: "/runs", name: "Runs", icon: "runs" },
  { path: "/explore", name: "Explore", icon: "explore" },
  { path: "/learn/1", name: "Learn", icon: "learn" },
];

const OTHERS: Record<string, string> = { "": "Ideas", ideas: "Ideas", kept: "Ideas", compare: "Runs" };

/** The tab that a path belongs to. */
export function tabOf(path: string): string | undefined {
  const place = path.split("/")[1] ?? "";
  return OTHERS[place] ?? TABS.find((tab) => tab.path.split("/")[1] === place)?.name;
}
