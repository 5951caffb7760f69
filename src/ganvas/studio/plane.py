"""Train on points in the plane, step by step and visibly: the process behind Learn.

    python -m ganvas.studio.plane < asks > frames

It reads one line of JSON per request, the first being {"do": "start", ...}, and writes one per frame. It trains the
recipe `ring`, modified by `recipe.change`, with `ganvas.train`.
"""

import base64
import json
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.dataset import Source
from ..data.sources.points import Points
from ..learning.surface import slopes, surface
from ..models.model import inputs
from ..recipes.recipe import Recipe, change
from ..recipes.toys import ring
from ..training.loop import Tick, train

__all__ = ["Playground", "data_of", "main", "recipe_of"]

EXTENT, SIDE = 1.7, 69
DATA, MADE, ARROWS = 120, 420, 40
WIDTH = 0.05  # standard deviation of drawn spots
NEAR = 0.15  # distance from a spot within which a point is on it
LONGEST = 0.17  # an arrow; it is half as long where the slope is 1, so that those of different steps can be compared
FOUND = 4  # number of points, of 420, for which a spot counts as found
FRAMES_PER_SECOND = 10
STEPS = 20_000_000  # enough for days


def spots_of(shape: str) -> NDArray[np.float64]:
    """The centres of a shape's spots [K, 2]; empty for shapes without spots."""
    angles = np.arange(8) * np.pi / 4
    line = np.linspace(-1.0, 1.0, 5)
    shapes = {
        "ring": np.stack([np.cos(angles), np.sin(angles)], 1),
        "grid": np.stack(np.meshgrid(line, line), -1).reshape(-1, 2),
        "two": np.array([[-0.7, 0.0], [0.7, 0.1]]),
    }
    return shapes.get(shape, np.zeros((0, 2)))


def data_of(shape: str, points: list[list[float]] | None) -> NDArray[np.float32]:
    """Points [N, 2] of a shape, or those that the user drew, each with a little noise."""
    dice, count = np.random.default_rng(0), 20_000
    if shape == "drawn":
        middles = np.array(points, np.float64)
    elif shape == "line":
        along = dice.uniform(-1, 1, count)
        middles = np.stack([along, along], 1)
    elif shape == "spiral":
        turns = np.sqrt(dice.uniform(0.02, 1, count)) * 3 * np.pi
        middles = np.stack([turns * np.cos(turns), turns * np.sin(turns)], 1) / (3 * np.pi) * 1.3
    else:
        middles = spots_of(shape)
    chosen = middles[dice.integers(len(middles), size=count)]
    return (chosen + WIDTH * dice.standard_normal((count, 2))).astype(np.float32)


def recipe_of(loss: str, r1: float, data: Source) -> Recipe:
    """The recipe `ring` with this loss and penalty, and practically without an end.

    Raises:
        DoesNotFit: there is no such loss, or the penalty is out of range.
    """
    recipe = replace(ring(), data=data, images=STEPS * ring().batch, measure_images=0)
    for setting in (f"game.loss={loss}", f"game.r1={r1}", f"game.r2={r1}", "optimizer.rate=1e-3"):
        recipe = change(recipe, setting)
    return recipe


class Playground:
    """One training, and what it looks like now."""

    def __init__(self, ask: dict[str, Any], folder: Path) -> None:
        self.data = data_of(ask["shape"], ask.get("points"))
        self.spots = spots_of(ask["shape"])
        self.seed = ask["seed"]
        file = folder / "points.npy"
        np.save(file, self.data)
        self.recipe = recipe_of(ask["loss"], ask["r1"], Points(str(file)))
        self._ticks: Iterator[Tick] = train(self.recipe, seed=self.seed)
        self._z = inputs(range(MADE), _latent(self.recipe))
        self.tick: Tick | None = None

    def start(self) -> dict[str, Any]:
        """What does not change during the training."""
        return {"data": _packed(self.data[:DATA]), "spots": len(self.spots)}

    def step(self) -> None:
        """Train one step: the critic's turn, then the generator's."""
        self.tick = next(self._ticks)

    def turn(self, *, loss: str, r1: float) -> None:
        """Continue with another loss or penalty.

        Raises:
            DoesNotFit: as `recipe_of`.
        """
        self.recipe = recipe_of(loss, r1, self.recipe.data)
        held = self.tick.state.tensors() if self.tick else None
        self._ticks = train(self.recipe, seed=self.seed, restore=held)

    def frame(self) -> dict[str, Any]:
        """What it looks like now."""
        assert self.tick is not None
        state = self.tick.state
        critic = state.networks["critic"]
        with torch.no_grad():
            points = state.networks[self.recipe.product](self._z)
        seen = surface(critic, extent=EXTENT, side=SIDE)  # type: ignore[arg-type]
        rises = slopes(critic, points[:: MADE // ARROWS])  # type: ignore[arg-type]
        made = points.numpy()
        apart = np.linalg.norm(made[:, None] - self.spots[None], axis=2) if len(self.spots) else np.ones((MADE, 1))
        right = [value for name, value in self.tick.terms().items() if name.endswith(".right")]
        with torch.no_grad():
            if not right:
                logits = critic(torch.from_numpy(self.data[:MADE])), critic(points)
                right = [float((logits[0] > logits[1]).float().mean())]
        arrows = torch.cat([points[:: MADE // ARROWS], LONGEST * rises / (1 + rises.norm(dim=1, keepdim=True))], dim=1)
        return {
            "step": self.tick.step,
            "images": self.tick.images,
            "points": _packed(made),
            "surface": base64.b64encode(_shades(seen).tobytes()).decode(),
            "arrows": _packed(arrows.numpy()),
            "found": int(((apart < NEAR).sum(0) >= FOUND).sum()) if len(self.spots) else 0,
            "on": float((apart.min(1) < NEAR).mean()) if len(self.spots) else 0.0,
            "right": right[0],
        }


def _latent(recipe: Recipe) -> int:
    return int(recipe.networks[recipe.product].latent)  # type: ignore[attr-defined]


def _shades(logits: Tensor) -> NDArray[np.uint8]:
    """0 surely generated, 128 undecided, 255 surely real: centred at the median, scaled by the 92nd percentile."""
    centred = logits - logits.median()
    scale = centred.abs().flatten().quantile(0.92).clamp_min(1e-12)
    return (128 + 127 * (centred / scale).clamp(-1, 1)).round().to(torch.uint8).numpy()


def _packed(values: NDArray[np.float32]) -> str:
    """Little-endian int16 in base64, where 32767 is the edge of the plane."""
    numbers = np.nan_to_num(values / EXTENT * 32767, nan=0.0)
    return base64.b64encode(np.clip(numbers, -32767, 32767).astype("<i2").tobytes()).decode()


def main(asks: IO[str] = sys.stdin, frames: IO[str] = sys.stdout) -> None:
    """Run until the requests end."""
    torch.set_num_threads(1)
    waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def listen() -> None:
        for line in asks:
            waiting.put(json.loads(line))
        waiting.put(None)

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=frames, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        ask = json.loads(asks.readline())
        threading.Thread(target=listen, daemon=True).start()
        try:
            play = Playground(ask, Path(folder))
            play.step()
        except Exception as error:
            say({"error": str(error)})
            return
        say(play.start())
        say(play.frame())
        _play(play, ask, waiting, say)


def _play(play: Playground, ask: dict[str, Any], waiting: "queue.Queue[dict[str, Any] | None]", say: Any) -> None:
    """Handle requests; while playing, train `speed` steps a second and show ten frames a second."""
    playing, speed, shown = False, float(ask.get("speed") or 0), 0.0
    while True:
        began = time.perf_counter()
        try:
            asked = waiting.get(block=not playing) if not playing or not waiting.empty() else {}
        except queue.Empty:
            asked = {}
        if asked is None:
            return
        match asked.get("do"):
            case "play":
                playing = True
            case "pause":
                playing = False
            case "step":
                play.step()
                say(play.frame())
            case "set":
                ask |= {name: asked[name] for name in ("loss", "r1", "speed") if asked.get(name) is not None}
                speed = float(ask.get("speed") or 0)
                play.turn(loss=ask["loss"], r1=ask["r1"])
        if playing:
            play.step()
            if time.perf_counter() - shown >= 1 / FRAMES_PER_SECOND:
                shown = time.perf_counter()
                say(play.frame())
            if speed:
                time.sleep(max(0.0, 1 / speed - (time.perf_counter() - began)))


if __name__ == "__main__":
    main()
