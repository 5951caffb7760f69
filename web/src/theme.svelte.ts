/** Light, dark, or as the system has it. `/theme.js` sets the same before the first paint. */

export type Theme = "system" | "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept(): Theme {
  try {
    const found = localStorage.getItem("theme") as Theme | null;
    return found ?? "system";
  } catch {
    return "system";
  }
}

let chosen = $state<Theme>(kept());
let dark = $state(document.documentElement.dataset.theme === "dark");

function show(): void {
  dark = chosen === "dark" || (chosen === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

export const theme = {
  get chosen(): Theme {
    return chosen;
  },
  get dark(): boolean {
    return dark;
  },
  /** The other look. Turning to what the system has follows the system again. */
  turn(): void {
    const wanted = !dark;
    chosen = wanted === system.matches ? "system" : wanted ? "dark" : "light";
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      // Then it holds for this visit.
    }
    show();
  },
};

system.addEventListener("change", show);
addEventListener("beforeprint", () => (document.documentElement.dataset.theme = "light")); // ink on paper
addEventListener("afterprint", show);

/** Whether the user asked for less movement. */
export const still = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
