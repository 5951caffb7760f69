/** What reading a set has found, in words, worst first. */
import type { Set as DataSet } from "./api.ts";
import { count, many } from "./format.ts";

export interface Finding {
  kind: string;
  tone: "good" | "look" | "quiet";
  text: string;
  about: string;
  /** What opens below it, and the word for that. */
  names: string[];
  show: string;
}

const FEW = 100; // are learned by heart
const ENOUGH = 300;

export function findings(set: DataSet, size: number): Finding[] {
  const found = [
    usable(set, size),
    skipped(set),
    small(set, size),
    wordless(set),
    twins(set),
    modes(set),
    classes(set),
    words(set),
  ];
  const order = { look: 0, good: 1, quiet: 2 };
  const some = found.filter((one) => one !== null);
  const [first, ...others] = some;
  if (!first) return [];
  return first.tone === "look"
    ? some.sort((a, b) => order[a.tone] - order[b.tone])
    : [first, ...others.sort((a, b) => order[a.tone] - order[b.tone])];
}

const finding = (
  kind: string,
  tone: Finding["tone"],
  text: string,
  about: string,
  names: string[] = [],
  show = "Show",
): Finding => ({
  kind,
  tone,
  text,
  about,
  names,
  show,
});

function usable({ count: pictures }: DataSet, size: number): Finding {
  const text = `${count(pictures)} can be learned from`;
  if (pictures < FEW) return finding("usable", "look", text, "a GAN memorises so few; collect at least a few hundred");
  if (pictures < ENOUGH) return finding("usable", "quiet", text, "enough to start with; some hundred more would help");
  return finding("usable", "good", text, `a few hundred is the least; this is plenty for ${size} × ${size}`);
}

function skipped({ skipped: left }: DataSet): Finding | null {
  const files = left.reduce((sum, one) => sum + one.files.length, 0);
  if (!files) return null;
  const about = left.map((one) => `${one.reason} (${one.files.length})`).join(", ");
  const names = left.flatMap((one) => one.files.map((file) => `${file}: ${one.reason}`));
  return finding("skipped", "look", `${many(files, "file")} ${files === 1 ? "was" : "were"} left out`, about, names);
}

function small({ sizes }: DataSet, size: number): Finding | null {
  const under = sizes.filter((one) => Math.min(one.width, one.height) < size);
  const pictures = under.reduce((sum, one) => sum + one.count, 0);
  if (!pictures) return null;
  const names = under.map((one) => `${one.width} × ${one.height}: ${many(one.count, "picture")}`);
  return finding(
    "small",
    "look",
    `${many(pictures, "picture")} smaller than ${size} × ${size}`,
    "enlarged, they look soft, and so will what is made",
    names,
    "Sizes",
  );
}

function wordless({ wordless: pictures }: DataSet): Finding | null {
  return pictures
    ? finding(
        "wordless",
        "look",
        `${many(pictures, "picture")} without words`,
        "the others have some; these are learned without",
      )
    : null;
}

function twins({ twins: groups }: DataSet): Finding | null {
  const doubles = groups.reduce((sum, group) => sum + group.length - 1, 0);
  const names = groups.map((group) => group.join(" = "));
  return doubles
    ? finding(
        "twins",
        "quiet",
        `${count(doubles)} look${doubles === 1 ? "s" : ""} the same as another`,
        "harmless; they count twice",
        names,
      )
    : null;
}

function modes({ modes: all }: DataSet): Finding | null {
  if (all.length < 2) return null;
  return finding(
    "modes",
    "quiet",
    `${all.length} kinds of colours`,
    "brought to one before training",
    all.map((one) => `${one.mode}: ${many(one.count, "picture")}`),
  );
}

function classes({ classes: all }: DataSet): Finding | null {
  return all.length > 1
    ? finding(
        "classes",
        "quiet",
        many(all.length, "class", "classes"),
        "one for each folder; the model can be asked for them",
        all,
        "Names",
      )
    : null;
}

function words({ keywords, rare }: DataSet): Finding | null {
  if (!keywords.length) return null;
  const text = `${many(keywords.length, "word")}${rare.length ? `, ${count(rare.length)} of them too rare` : ""}`;
  const names = keywords.map((one) => `${one.word}: ${one.count}`);
  return finding("words", "quiet", text, "a word wants ten pictures to be learned", names, "Words");
}
