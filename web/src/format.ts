/** Numbers and times as a person reads them. */

export const count = (value: number): string => Math.round(value).toLocaleString("en");

export const many = (value: number, one: string, several = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : several}`;

/** "42 s", "3 min", "1 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

export function bytes(value: number): string {
  if (value < 1e3) return `${value} B`;
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} MB`;
}

export const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** Three digits that say something: "0.0443", "12.3", "1,240". */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return count(value);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Image sizes as "64 × 64". */
export const size = (shape: readonly number[] | null): string => (shape ? `${shape.at(-1)} × ${shape.at(-2)}` : "");

/** A name as runs and sets have it: letters, digits, dot, dash, underscore; at most 64 of them. */
export function tidy(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^\x20-\x7e]/g, "");
  return (
    plain
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+|[.-]+$/g, "")
      .slice(0, 64) || "pictures"
  );
}

/** What files are called together, and the path of each in there: of one folder without it, of several with theirs. */
export function rooted(paths: readonly string[]): { name: string; paths: string[] } {
  const [top] = paths[0]?.split("/") ?? [];
  const shared = !!top && paths.every((path) => path.startsWith(`${top}/`));
  if (shared) return { name: top, paths: paths.map((path) => path.slice(top.length + 1)) };
  const [only = ""] = paths;
  const name = paths.length === 1 && !only.includes("/") ? only.replace(/\.zip$/i, "") : "pictures";
  return { name, paths: [...paths] };
}

/** The name itself, or with -2, -3 … if it is taken. */
export function free(name: string, taken: readonly string[]): string {
  let at = 1;
  let tried = name;
  while (taken.includes(tried)) tried = `${name.slice(0, 60)}-${++at}`;
  return tried;
}
