// What a first visit costs, as it is committed.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const PAGE = new URL("../../src/ganvas/studio/page/", import.meta.url);
const kilobytes = (bytes) => bytes / 1000;
const all = (folder, ending) =>
  readdirSync(new URL(folder, PAGE))
    .filter((name) => name.endsWith(ending))
    .reduce((sum, name) => sum + statSync(new URL(folder + name, PAGE)).size, 0);
const packed = (name) => gzipSync(readFileSync(new URL(name, PAGE))).length;

test("the page keeps to its budgets", () => {
  const found = {
    js: kilobytes(packed("app.js")),
    css: kilobytes(packed("app.css")),
    fonts: kilobytes(all("fonts/", ".woff2")),
    examples: kilobytes(all("examples/", ".png")),
  };
  console.log(found);
  assert.ok(found.js <= 120 && found.css <= 15 && found.fonts <= 60 && found.examples <= 80, JSON.stringify(found));
});
