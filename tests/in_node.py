"""The JavaScript of a page, taken from the page itself and run by Node without a browser."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

NODE = shutil.which("node")
BEFORE = """
const fs = require("fs");
const page = fs.readFileSync(process.argv[2], "utf8");
const part = (begin) => page.split(begin)[1].split("</script>")[0];
const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const answer = {};
"""
AFTER = """
const about = JSON.parse(part('<script type="application/json" id="model">'));
const studio = new Studio(about, bytesOf(part('<script type="text/plain">')), asked.plain);
answer.simd = studio.generator.tools.simd;
answer.raw = (asked.raw ?? []).map(([z, told, share]) => [...studio.generator.draw(z, told, share)]);
answer.given = (asked.places ?? []).map((place) => {
  const { z, told, notes } = studio.given(place);
  return { z: [...z], told: told && [...told], notes };
});
answer.drawn = (asked.drawn ?? []).map((place) => {
  const { pixels, notes } = studio.draw(place);
  return { pixels: pixels && [...pixels], notes };
});
answer.between = (asked.between ?? []).map(([ends, share]) => [...studio.between(ends, share).pixels]);
answer.normals = (asked.normals ?? []).map(([seed, count]) => [...inputOf(seed, count)]);
answer.traced = (asked.traced ?? []).map((given) => traced(...given));
answer.uniform = (asked.uniform ?? []).map((numbers) => {
  const dice = new Dice(...numbers);
  return [dice.random(), dice.random(), dice.random()];
});
process.stdout.write(JSON.stringify(answer));
"""


def in_node(page, **asked):
    """What the page at this path answers, such as the pictures of drawn=[place, ...]; AFTER says what may be asked."""
    if NODE is None:
        pytest.skip("There is no node to run the page's JavaScript.")
    engine = re.search(r'<script id="engine">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)[1]
    script = page.with_suffix(".js")
    script.write_text(BEFORE + engine + AFTER, encoding="utf-8")
    asked = json.dumps(asked, default=lambda tensor: np.asarray(tensor).tolist())
    done = subprocess.run([NODE, script, page], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
