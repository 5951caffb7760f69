/** Sizes in pixels to learn at, and the one that suits a set. */
import type { Set as DataSet } from "./api.ts";

export const SIZES = [32, 64, 128];

/** The largest of 64, 32 and 16 for which most pictures need not be enlarged, which makes them soft. */
export function sizeFor({ sizes }: Pick<DataSet, "sizes">): number {
  const known = sizes.filter(({ width, height }) => width > 0 && height > 0); // drawings of lines have none
  const many = (least: number): number =>
    known.reduce((sum, { width, height, count }) => sum + (Math.min(width, height) >= least ? count : 0), 0);
  return [64, 32].find((size) => 2 * many(size) >= many(0)) ?? 16;
}
