// The page: what is asked for, the pictures of it, and the one that is looked at. worker.js draws them.
"use strict";
{
  const about = JSON.parse(document.getElementById("model").textContent);
  const $ = (id) => document.getElementById(id);
  const [channels, ...sides] = about.shape;
  const [high, wide] = sides.slice(-2);
  const frames = sides.length > 2 ? sides[0] : 1;
  const NARROW = matchMedia("(max-width: 1100px)");
  const STILL = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const BATCH = matchMedia("(max-width: 640px)").matches ? 12 : 21;
  const MOST_SEED = 2 ** 53;
  const MOST_TRACED = 256; // pixels a side, which take about a second
  const FIRST = ["warmth", "detail", "area", "roundness", "brightness", "saturation"];
  const names = [...(about.directions?.names ?? [])].sort((a, b) => rank(a) - rank(b));
  const kind = about.condition?.part;

  const state = { words: "", style: "", variety: null, truncation: 1, first: 0, count: BATCH, seed: 0, moves: {} };
  const ends = { from: null, to: null };

  function rank(name) {
    return FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
  }

  // Drawing: one message at a time, what is looked at before the others, and nothing that is not wanted any more.

  const drawing = {
    ask: null,
    busy: null,
    waiting: [],
    known: new Map(),
    begin() {
      const parts = [...document.querySelectorAll("script[type='text/plain']")].map((part) => part.textContent.trim());
      const weights = [...parts, ...(window.ganvasParts ?? [])];
      const first = { about, weights };
      try {
        const source = new Blob([$("engine").textContent], { type: "text/javascript" });
        const worker = new Worker(URL.createObjectURL(source));
        worker.onmessage = ({ data }) => this.answered(data);
        worker.onerror = ({ message }) => failed(message);
        this.ask = (message) => worker.postMessage(message);
      } catch {
        // A browser that makes no worker here draws between two moments of the page.
        let studio = null;
        this.ask = (message) =>
          setTimeout(() => {
            const begun = performance.now();
            if (message.weights) studio = new Studio(about, bytesOf(message.weights.join("")));
            const answer = message.weights ? { simd: studio.generator.tools.simd } : answering(studio, message);
            this.answered({ id: message.id, ...answer, milliseconds: performance.now() - begun });
          });
      }
      this.busy = { done: begun };
      this.ask(first);
    },
    answered({ error, ...answer }) {
      const { done } = this.busy;
      this.busy = null;
      if (error) failed(error);
      else done(answer);
      this.next();
    },
    next() {
      if (this.busy || !this.waiting.length) return;
      this.busy = this.waiting.shift();
      this.ask(this.busy.message);
    },
    /** Draw this; `slot` names where it goes, and what waits for the same place is dropped. */
    want(slot, message, done, urgent = false) {
      this.waiting = this.waiting.filter((one) => one.slot !== slot);
      const one = { slot, message, done };
      if (urgent) this.waiting.unshift(one);
      else this.waiting.push(one);
      this.next();
    },
    forget(like) {
      this.waiting = this.waiting.filter(({ slot }) => !slot.startsWith(like));
    },
  };

  function failed(message) {
    $("state").className = "state bad";
    $("state").textContent = `This browser could not draw: ${message}`;
  }

  function begun({ simd }) {
    for (const part of document.querySelectorAll("script[type='text/plain']")) part.textContent = "";
    $("state").textContent = simd ? "" : "This browser has no SIMD, so drawing is slow";
    refresh();
    if (about.check)
      drawing.want("check", { place: { seed: 0 } }, ({ pixels }) => {
        const wanted = bytesOf(about.check);
        let most = 0;
        for (let place = 0; place < wanted.length; place++)
          most = Math.max(most, Math.abs(wanted[place] - pixels[Math.floor(place / channels) * 4 + (place % channels)]));
        $("checked").textContent = `Checked in this browser: seed 0 is what the model itself draws, ${
          most ? `to within ${most} of 255 shades` : "to the last shade"
        }.`;
        document.body.dataset.checked = most;
      });
  }

  // Pictures

  function paint(canvas, pixels, frame = 0) {
    canvas.width = wide;
    canvas.height = high;
    const part = pixels.subarray(frame * high * wide * 4, (frame + 1) * high * wide * 4);
    canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(part), wide, high), 0, 0);
    canvas.pixels = pixels;
  }

  if (frames > 1 && !STILL) {
    let frame = 0;
    setInterval(() => {
      frame = (frame + 1) % frames;
      for (const canvas of document.querySelectorAll("canvas"))
        if (canvas.pixels && canvas.offsetParent) paint(canvas, canvas.pixels, frame);
    }, 100);
  }

  const asked = () => [state.style, state.words.trim()].filter(Boolean).join(" ");

  /** What a picture is made of; what is as the model has it is not said. */
  function placeOf(seed, moves = {}) {
    const place = {};
    if (Object.values(moves).some(Boolean)) place.moves = Object.fromEntries(Object.entries(moves).filter(([, far]) => far));
    place.seed = seed;
    if (state.truncation !== 1) place.truncation = state.truncation;
    if (state.variety !== null && asked()) place.variety = state.variety;
    if (asked()) place.words = asked();
    return place;
  }

  function tile(seed) {
    const button = document.createElement("button");
    button.className = "tile";
    button.type = "button";
    button.dataset.seed = seed;
    const [pic, cap] = [document.createElement("span"), document.createElement("span")];
    pic.className = "pic wait";
    cap.className = "cap";
    cap.textContent = seed;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [wide, high];
    pic.append(canvas);
    button.append(pic, cap);
    button.onclick = () => {
      choose(seed);
      // Where the picture is not beside the others it comes into sight.
      if (NARROW.matches) document.querySelector(".inspect").scrollIntoView({ behavior: STILL ? "auto" : "smooth" });
    };
    return button;
  }

  /** Lay out the grid and have all of it drawn. */
  function refresh() {
    drawing.forget("tile");
    const seeds = Array.from({ length: state.count }, (_, place) => state.first + place).filter((seed) => seed <= MOST_SEED);
    const here = new Map([...$("grid").children].map((each) => [Number(each.dataset.seed), each]));
    $("grid").replaceChildren(...seeds.map((seed) => here.get(seed) ?? tile(seed)));
    if (!seeds.includes(state.seed)) [state.seed, state.moves] = [seeds[0], {}];
    mark();
    look();
    let left = 0; // to be drawn; then who hears the page is told
    for (const seed of seeds) {
      const place = placeOf(seed);
      const button = $("grid").querySelector(`[data-seed="${seed}"]`);
      const key = JSON.stringify(place);
      if (button.dataset.key === key) continue;
      drawing.want(`tile ${seed}`, { place }, ({ pixels, notes, milliseconds }) => {
        if (JSON.stringify(placeOf(seed)) !== key) return;
        tell(notes);
        if (!pixels) return;
        paint(button.querySelector("canvas"), pixels);
        button.querySelector(".pic").classList.remove("wait");
        button.dataset.key = key;
        document.body.dataset.milliseconds = Math.round(milliseconds);
        if (--left) return;
        $("drawn").textContent = `${seeds.length} pictures of ${asked() || about.name}, seeds ${seeds[0]} to ${seeds.at(-1)}`;
      });
      left++;
    }
    remember();
  }

  function mark() {
    for (const button of $("grid").children) {
      const seed = Number(button.dataset.seed);
      button.setAttribute("aria-pressed", String(seed === state.seed));
      button.setAttribute("aria-label", `${asked() || about.name}, seed ${seed}`);
    }
  }

  function choose(seed) {
    [state.seed, state.moves] = [seed, {}];
    mark();
    look();
    remember();
  }

  /** Have the chosen picture drawn, with its moves. */
  function look() {
    stop();
    const place = placeOf(state.seed, state.moves);
    const title = document.createElement("small");
    title.textContent = ` ${state.seed}`;
    $("called").replaceChildren(asked() || about.name, title);
    $("look").setAttribute("aria-label", `${asked() || about.name}, seed ${state.seed}`);
    $("command").textContent = `ganvas sample ${about.name} --place '${JSON.stringify(place).replaceAll("'", "'\\''")}' --out picture.png`;
    for (const row of $("moves").children) row.show?.();
    drawing.want(
      "look",
      { place },
      ({ pixels, notes }) => {
        tell(notes);
        if (!pixels) return;
        title.textContent = [` ${state.seed}`, ...(notes.added ?? [])].join(" ");
        paint($("look"), pixels);
        $("look").place = place;
      },
      true,
    );
  }

  /** Say which words are not known, and which are written alike. */
  function tell({ unknown = [], most }) {
    const line = [];
    if (most) line.push(`This model listens to ${most} words at most: leave out those that matter least.`);
    for (const [word, near] of unknown) {
      line.push(kind === "labels" ? `There is no class “${word}”.` : `It has not learned “${word}” and leaves it out.`);
      for (const other of near) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = other;
        button.onclick = () => ask(state.words.toLowerCase().replace(word, other));
        line.push(button);
      }
    }
    const text = line.map((each) => each.textContent ?? each).join(" ");
    if (text === $("told").textContent.trim()) return;
    $("told").replaceChildren(...line.flatMap((each) => [each, " "]));
  }

  // Controls

  function ask(words) {
    state.words = words;
    $("words").value = words;
    tell({});
    refresh();
  }

  function fill(input) {
    const [min, max, value] = [input.min, input.max, input.value].map(Number);
    const zero = min < 0 ? 0 : min;
    const at = (each) => ((each - min) / (max - min)) * 100;
    // Where the knob is; a background's position counts what is left over.
    const length = at(Math.max(value, zero)) - at(Math.min(value, zero));
    const begin = at(Math.min(value, zero));
    input.style.setProperty("--length", `${length}%`);
    input.style.setProperty("--begin", `${length < 100 ? (begin / (100 - length)) * 100 : 0}%`);
  }

  function range(input, value, change) {
    input.value = value;
    fill(input);
    input.addEventListener("input", () => {
      fill(input);
      change(Number(input.value));
    });
  }

  function choices(box, values, chosen, change) {
    for (const [value, text] of values) {
      const [label, input] = [document.createElement("label"), document.createElement("input")];
      Object.assign(input, { type: "radio", name: box.id, value, checked: value === chosen });
      input.onchange = () => change(value);
      label.append(input, text);
      box.append(label);
    }
  }

  const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

  function sliders() {
    const few = 6;
    for (const [place, name] of names.entries()) {
      const row = document.createElement("label");
      row.className = "slide";
      row.hidden = place >= few;
      const [text, input, output] = ["span", "input", "output"].map((tag) => document.createElement(tag));
      text.textContent = capital(name);
      text.title = name;
      Object.assign(input, { type: "range", min: -3, max: 3, step: 0.1 });
      input.setAttribute("aria-label", capital(name));
      row.show = () => {
        const far = state.moves[name] ?? 0;
        input.value = far;
        output.textContent = far ? `${far > 0 ? "+" : "−"}${Math.abs(far)}` : "0";
        fill(input);
      };
      range(input, 0, (far) => {
        state.moves = { ...state.moves, [name]: far };
        if (!far) delete state.moves[name];
        look();
        remember();
      });
      row.addEventListener("dblclick", () => {
        delete state.moves[name];
        look();
        remember();
      });
      row.append(text, input, output);
      row.show();
      $("moves").append(row);
    }
    if (names.length <= few) return;
    const button = $("all");
    button.hidden = false;
    const turn = (open) => {
      [...$("moves").children].forEach((row, place) => (row.hidden = !open && place >= few));
      button.textContent = open ? "Fewer sliders" : `More: all ${names.length}`;
      button.setAttribute("aria-expanded", String(open));
    };
    turn(false);
    button.onclick = () => turn(button.getAttribute("aria-expanded") === "false");
  }

  // Morph

  let playing = null;

  function stop() {
    cancelAnimationFrame(playing);
    playing = null;
    $("play").textContent = "Play";
  }

  function set(end) {
    ends[end] = $("look").place ?? placeOf(state.seed, state.moves);
    const canvas = $(end).querySelector("canvas");
    canvas.hidden = false;
    if ($("look").pixels) paint(canvas, $("look").pixels);
    $(end).classList.add("set");
    const ready = ends.from && ends.to;
    $("share").disabled = $("play").disabled = !ready;
    $("hint").textContent = ready ? "" : `Now choose another picture, then ${ends.from ? "To" : "From"}.`;
  }

  function between(share) {
    $("share").value = share;
    fill($("share"));
    const message = { ends: [ends.from, ends.to], share };
    drawing.want("look", message, ({ pixels }) => {
      paint($("look"), pixels);
      $("look").place = null;
    }, true);
  }

  function play() {
    if (playing !== null) return stop();
    $("play").textContent = "Stop";
    const begin = performance.now();
    const step = (now) => {
      const at = ((now - begin) / 3000) % 2;
      const way = at > 1 ? 2 - at : at;
      if (!drawing.waiting.some(({ slot }) => slot === "look")) between(way * way * (3 - 2 * way));
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  }

  // Files

  let times = 1;

  async function save() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [wide * times, high * times];
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = wide >= 48;
    context.drawImage($("look"), 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const { place } = $("look");
    give(place ? await signed(blob, place) : blob, place, "png");
  }

  function give(blob, place, ending) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${(asked() || about.name).replace(/[^\p{L}\p{N}]+/gu, "-")}-${place ? place.seed : "morph"}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  /** Give the picture as few flat fills, of a clip its first frame. */
  function saveVectors() {
    const { pixels, place } = $("look");
    if (!pixels) return;
    drawing.want(
      "vectors",
      { trace: [pixels.slice(0, high * wide * 4), wide, high] },
      ({ elements, ...traced }) => {
        const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
        const title = plain([asked() || about.name, place && `seed ${place.seed}`].filter(Boolean).join(", "));
        const made = place ? `<metadata id="ganvas">${plain(saying(place))}</metadata>\n` : "";
        const size = `width="${wide * times}" height="${high * times}" viewBox="0 0 ${traced.wide} ${traced.high}"`;
        const head = `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n`;
        const text = `${head}${made}<title>${title}</title>\n${elements}\n</svg>\n`;
        give(new Blob([text], { type: "image/svg+xml" }), place, "svg");
      },
      true,
    );
  }

  /** What made a picture, as JSON in ASCII. */
  function saying(place) {
    return JSON.stringify({ ...about.made, places: [place] }).replace(
      /[^ -~]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  }

  /** The PNG with what made it as its text, which `ganvas sample --like` reads. */
  async function signed(blob, place) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const content = Uint8Array.from(`tEXtganvas\0${saying(place)}`, (letter) => letter.charCodeAt(0));
    const chunk = new Uint8Array(content.length + 8);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, content.length - 4);
    chunk.set(content, 4);
    view.setUint32(content.length + 4, checksum(content));
    const head = 33; // the signature and the first chunk
    return new Blob([bytes.subarray(0, head), chunk, bytes.subarray(head)], { type: "image/png" });
  }

  function checksum(bytes) {
    let sum = -1;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum >>> 0;
  }

  // The address says what is shown, so that it can be kept and sent.

  function remember() {
    const said = new URLSearchParams();
    if (state.words) said.set("words", state.words);
    if (state.style) said.set("style", state.style);
    if (state.variety !== null) said.set("variety", state.variety);
    if (state.truncation !== 1) said.set("truncation", state.truncation);
    if (state.first) said.set("first", state.first);
    if (state.seed !== state.first) said.set("seed", state.seed);
    if (Object.keys(state.moves).length) said.set("moves", JSON.stringify(state.moves));
    try {
      history.replaceState(null, "", `#${said}`);
    } catch {
      // Where the address may not be changed nothing is lost but the address.
    }
  }

  function recall() {
    const said = new URLSearchParams(location.hash.slice(1));
    const number = (name, least, most, otherwise) => {
      const value = Number(said.get(name));
      return said.has(name) && value >= least && value <= most ? value : otherwise;
    };
    state.words = (said.get("words") ?? (kind && kind !== "labels" ? about.example : "")).slice(0, 200);
    if (about.condition?.styles?.includes(said.get("style"))) state.style = said.get("style");
    state.variety = number("variety", 0, 4, null);
    state.truncation = number("truncation", 0, 4, 1);
    state.first = Math.floor(number("first", 0, MOST_SEED, 0));
    state.seed = Math.floor(number("seed", 0, MOST_SEED, state.first));
    if (state.seed < state.first || state.seed >= state.first + BATCH) state.first = state.seed;
    try {
      const moves = Object.entries(JSON.parse(said.get("moves") ?? "{}"));
      state.moves = Object.fromEntries(moves.filter(([name, far]) => names.includes(name) && Math.abs(far) <= 6));
    } catch {
      state.moves = {};
    }
  }

  // The page itself

  function dress() {
    $("name").textContent = about.name;
    $("what").textContent = `Draw with ${about.name}`;
    $("about").textContent = about.title;
    $("error").textContent = about.error;
    $("notice").hidden = !about.notice;
    $("notice").querySelector("pre").textContent = about.notice;
    if (wide < 48) document.body.classList.add("fine");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const shade = (on) => (document.documentElement.dataset.theme = on ? "dark" : "light");
    shade(dark.matches);
    dark.addEventListener("change", () => shade(dark.matches));
    $("theme").onclick = () => shade(document.documentElement.dataset.theme !== "dark");
    $("copy").onclick = () => navigator.clipboard?.writeText($("command").textContent);
    $("save").onclick = save;
    $("vectors").onclick = saveVectors;
    $("vectors").hidden = Math.max(wide, high) > MOST_TRACED;
    const sizes = [...new Set([1, Math.max(1, Math.ceil(512 / wide))])];
    choices($("sizes"), sizes.map((each) => [each, wide * each]), 1, (each) => (times = each));
    $("sizes").hidden = sizes.length < 2;
    for (const end of ["from", "to"]) $(end).onclick = () => set(end);
    range($("share"), 0, (share) => {
      stop();
      between(share);
    });
    $("play").onclick = play;
    $("grid").onkeydown = ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      const next = step && $("grid").querySelector(`[data-seed="${state.seed + step}"]`);
      if (!next) return;
      next.focus();
      choose(state.seed + step);
    };
  }

  function controls() {
    $("asking").hidden = !kind;
    if (!kind) $("ask").classList.add("bare");
    $("words").hidden = kind === "labels";
    $("class").hidden = kind !== "labels";
    if (kind === "labels") {
      $("asked").textContent = "Class";
      for (const name of ["", ...about.condition.classes]) $("class").append(new Option(name || "Any class", name));
      $("class").value = state.words;
      $("class").onchange = () => ask($("class").value);
    }
    $("words").value = state.words;
    $("words").placeholder = "Words, such as " + about.example;
    $("ask").inert = false; // until here Enter would send the form away
    $("ask").onsubmit = (event) => {
      event.preventDefault();
      const words = $("words").value.trim();
      if (kind && kind !== "labels" && words !== state.words) return ask(words);
      state.first = Math.min(state.first + state.count, MOST_SEED);
      $("first").value = state.first;
      state.count = BATCH;
      refresh();
    };
    let settle = 0;
    $("words").oninput = () => {
      clearTimeout(settle);
      settle = setTimeout(() => ask($("words").value), 500);
    };
    const styles = about.condition?.styles ?? [];
    $("styles").hidden = !styles.length;
    const named = [["", "Any style"], ...styles.map((style) => [style, capital(style)])];
    choices($("styles"), named, state.style, (style) => {
      state.style = style;
      refresh();
    });
    const wordy = about.condition && "variety" in about.condition;
    $("variety").hidden = !wordy;
    if (wordy)
      range($("variety").querySelector("input"), state.variety ?? about.condition.variety, (variety) => {
        state.variety = variety;
        refresh();
      });
    range($("truncation"), state.truncation, (share) => {
      state.truncation = share;
      refresh();
    });
    $("first").value = state.first;
    $("first").max = MOST_SEED;
    $("first").onchange = () => {
      const seed = Math.floor(Number($("first").value));
      state.first = seed >= 0 && seed <= MOST_SEED ? seed : 0;
      $("first").value = state.first;
      refresh();
    };
    $("more").onclick = () => {
      state.count += BATCH;
      refresh();
    };
  }

  recall();
  dress();
  controls();
  sliders();
  drawing.begin();
}
