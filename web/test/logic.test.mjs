// What can be told without a browser: keys of places, commands, names, and the axes of curves.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createServer } from "vite";

const server = await createServer({
  server: { middlewareMode: true, hmr: false, ws: false },
  appType: "custom",
  logLevel: "error",
  optimizeDeps: { noDiscovery: true },
});
after(() => server.close());
const load = (name) => server.ssrLoadModule(`/src/${name}.ts`);

test("a key is the place and nothing else, however it is written", async () => {
  const { keyOf, placeOf } = await load("places");
  const place = { words: "3d fruit", seed: 9, moves: { warmth: 1.5, area: -1 }, parents: ["x"] };
  const text = '{"moves":{"area":-1,"warmth":1.5},"seed":9,"words":"3d fruit"}';
  assert.equal(keyOf(place), Buffer.from(text).toString("base64url"));
  assert.equal(keyOf(placeOf(keyOf(place))), keyOf(place));
  assert.equal(
    keyOf({ seed: 1, words: "žluťoučký 🐎" }),
    Buffer.from('{"seed":1,"words":"žluťoučký 🐎"}').toString("base64url"),
  );
  assert.equal(placeOf("not a key"), null);
  assert.equal(placeOf(Buffer.from("{}").toString("base64url")), null);
});

test("a PNG of ours says what made it, and nothing else does", async () => {
  const { made } = await load("recall");
  const chunk = (kind, data) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(kind), data, Buffer.alloc(4)]);
  };
  const png = (said) => {
    const parts = [chunk("IHDR", Buffer.alloc(13)), chunk("tEXt", Buffer.from(said, "latin1"))];
    const all = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts]);
    return all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
  };
  const said = { digest: "ab".repeat(32), places: [{ seed: 9, words: "3d fruit" }] };
  assert.deepEqual(made(png(`ganvas\0${JSON.stringify(said)}`)), { fp: "ab".repeat(8), places: said.places });
  assert.equal(made(png(`Comment\0${JSON.stringify(said)}`)), null);
  assert.equal(made(png('ganvas\0{"digest": 1, "places": [{"seed": 9}]}')), null);
  assert.equal(made(png(`ganvas\0{"digest": "${said.digest}", "places": [3, {"seed": "9"}]}`)), null);
  assert.equal(made(png("ganvas\0{")), null);
  assert.equal(made(new ArrayBuffer(3)), null);
});

test("moves are read from a URL within bounds", async () => {
  const { movesOf, movesText } = await load("places");
  assert.deepEqual(movesOf("warmth:1.5,area:-9,x:no,"), { warmth: 1.5, area: -6 });
  assert.equal(movesText({ warmth: 1.5, area: 0 }), "warmth:1.5");
});

test("commands say the words that a shell reads back", async () => {
  const commands = await load("commands");
  const place = { seed: 0, words: "3d fruit", variety: 1 };
  assert.equal(
    commands.grid("icons", place, 28),
    'ganvas sample icons --keywords "3d fruit" --variety 1 --count 28 --seed 0 --out 3d-fruit.png',
  );
  assert.equal(
    commands.one("icons", { ...place, moves: { warmth: 1.5 } }),
    'ganvas edit icons --seed 0 --keywords "3d fruit" --variety 1 --direction warmth --strength 1.5 --pictures 1 --out 3d-fruit-0.png',
  );
  assert.equal(
    commands.pictures("icons", [place, { ...place, seed: 7 }], 2, true),
    'ganvas sample icons --keywords "3d fruit" --variety 1 --seeds 0,7 --scale 2 --separate --out 3d-fruit',
  );
  assert.match(
    commands.pictures("icons", [place, { seed: 1, words: "car" }], 1, true),
    /--place '\{"seed":1,"words":"car"\}'/,
  );
  const film = { seconds: 4, loop: true, eased: true, format: "gif", scale: 4 };
  assert.equal(
    commands.morph(
      "icons",
      [
        { seed: 3, words: "fish" },
        { seed: 1, words: "red car" },
      ],
      film,
    ),
    'ganvas morph icons --seeds 3,1 --keywords fish --keywords "red car" --closed --seconds 4 --scale 4 --out morph.gif',
  );
  assert.match(
    commands.morph("icons", [{ ...place, moves: { warmth: 1 } }, { seed: 1 }], { ...film, scale: 1 }),
    /^ganvas morph icons --place '\{"seed":0,.*"moves":\{"warmth":1\}\}' --place '\{"seed":1\}' --closed --seconds 4 --out/,
  );
  assert.equal(commands.command("train", 'a "b" $(c)'), `ganvas train 'a "b" $(c)'`);
});

test("names are those of runs and sets", async () => {
  const { tidy, free, duration, bytes } = await load("format");
  assert.equal(tidy("Größe 1: <img onerror>"), "Groe-1-img-onerror");
  assert.equal(tidy("…"), "pictures");
  assert.equal(tidy(".hidden."), "hidden");
  assert.equal(free("cats", ["cats", "cats-2"]), "cats-3");
  assert.deepEqual([42, 150, 7200, 7320].map(duration), ["42 s", "3 min", "2 h", "2 h 2 min"]);
  assert.deepEqual([999, 3400, 8_900_000].map(bytes), ["999 B", "3 kB", "8.9 MB"]);
});

test("files of one folder lose its name, and those of several keep theirs", async () => {
  const { rooted } = await load("format");
  assert.deepEqual(rooted(["cats/1.png", "cats/small/1.png"]), { name: "cats", paths: ["1.png", "small/1.png"] });
  for (const paths of [
    ["cats/1.png", "dogs/1.png"],
    ["cats/1.png", "catsup/1.png"],
    ["cats/1.png", "1.png"],
    ["1.png", "2.png"],
  ])
    assert.deepEqual(rooted(paths), { name: "pictures", paths });
  assert.deepEqual(rooted(["cats.zip"]), { name: "cats", paths: ["cats.zip"] });
});

test("an undo changes what its step changed, whatever another tab has done since", async () => {
  const { applied } = await load("keeping");
  const kept = (order, names = {}) => ({
    version: 1,
    places: [...order].sort().map((id) => ({ id, ...(names[id] && { name: names[id] }) })),
    order: [...order],
  });
  const cases = [
    ["abc", "ab", "abcd", "abd"], // an undo of keeping c: d stays
    ["abd", "abcd", "xabd", "xabcd"], // an undo of letting c go puts it where it was
    ["bac", "abc", "bacd", "abcd"], // an undo of a move
    ["abcd", "dcba", "xabcd", "dcbax"], // several moves at once
    ["ab", "ac", "dab", "dac"], // one went, and one came
    ["ab", "a", "a", "a"], // what both let go
    ["a", "ab", "ab", "ab"], // and what both kept
  ];
  for (const [from, to, present, wanted] of cases)
    assert.deepEqual(applied(kept(from), kept(to), kept(present)).order.join(""), wanted, `${from} ${to} ${present}`);
  const named = applied(kept("ab", { a: "old" }), kept("ab"), kept("abc", { a: "old", b: "theirs" }));
  assert.deepEqual(JSON.parse(JSON.stringify(named)), kept("abc", { b: "theirs" }));
  const [, other] = applied(kept("ab"), kept("a"), kept("abc", { c: "new" })).places;
  assert.deepEqual(other, { id: "c", name: "new" });
});

test("axes have three round marks that hold the line", async () => {
  const { axis } = await load("curves");
  const chart = (values, more) => ({
    title: "",
    about: "",
    text: String,
    lines: [{ name: "", colour: 0, images: values.map((_, at) => at), values }],
    ...more,
  });
  assert.deepEqual(axis(chart([0.6, 0.8], { low: 0.5, high: 1 })).ticks, [0.5, 0.75, 1]);
  assert.deepEqual(axis(chart([0.3, 0.8], { low: 0.5, high: 1 })).ticks, [0, 0.5, 1]);
  assert.deepEqual(axis(chart([321, 300], { low: 0 })).ticks, [0, 200, 400]);
  assert.deepEqual(axis(chart([-0.2, 8.9])).ticks, [-3, 3, 9]);
  assert.deepEqual(axis(chart([null, null])).ticks, [0, 0.5, 1]);
});

test("findings come worst first", async () => {
  const { findings } = await load("findings");
  const set = {
    count: 40,
    sizes: [{ width: 32, height: 32, count: 3 }],
    modes: [],
    classes: [],
    keywords: [],
    rare: [],
    wordless: 0,
    skipped: [{ reason: "broken", files: ["a"] }],
    twins: [["a", "b"]],
  };
  assert.deepEqual(
    findings(set, 64).map((one) => one.kind),
    ["usable", "skipped", "small", "twins"],
  );
  assert.deepEqual(
    findings({ ...set, count: 785, sizes: [] }, 64).map((one) => one.tone),
    ["good", "look", "quiet"],
  );
});

test("a set is learned at a size for which few of its pictures are enlarged", async () => {
  const { sizeFor } = await load("sizes");
  const sizes = (...sides) => ({ sizes: sides.map(([width, height, count]) => ({ width, height, count })) });
  assert.equal(sizeFor(sizes()), 64);
  assert.equal(sizeFor(sizes([0, 0, 9])), 64);
  assert.equal(sizeFor(sizes([640, 480, 2], [32, 32, 1])), 64);
  assert.equal(sizeFor(sizes([640, 48, 9])), 32);
  assert.equal(sizeFor(sizes([16, 16, 9], [512, 512, 8])), 16);
  assert.equal(sizeFor(sizes([24, 24, 5])), 16);
});
