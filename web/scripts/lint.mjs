// Rules of the house that no compiler knows: the content security policy, and files that can be read at a sitting.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const LONGEST = 400;
const RULES = [
  [/\{@html/, "no {@html}: names reach the page as text only"],
  [/<[a-z][^>]*\sstyle="/, "no style attribute: the policy forbids it; use a class, or style:name={…}"],
  [/\b(innerHTML|outerHTML|insertAdjacentHTML|eval|new Function)\b/, "no code or markup from strings"],
  [/\son[a-z]+="/, "no handler in markup"],
];

const files = readdirSync("src", { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
const faults = [];
for (const file of files) {
  const path = join(file.parentPath ?? file.path, file.name);
  const lines = readFileSync(path, "utf8").split("\n");
  if (lines.length > LONGEST) faults.push(`${path}: ${lines.length} lines, at most ${LONGEST}`);
  for (const [at, line] of lines.entries()) {
    for (const [rule, why] of RULES) if (rule.test(line)) faults.push(`${path}:${at + 1}: ${why}`);
  }
}
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
