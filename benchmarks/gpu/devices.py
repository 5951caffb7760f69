"""Whether recipes learn the same on a card as on a CPU, and continue from states of the other device."""

import copy
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from ganvas import fit, load, plan, train
from ganvas.core import checkpoint, machine
from ganvas.data.dataset import Dataset
from ganvas.learning import conditions
from ganvas.metrics.features import features
from ganvas.metrics.features.inception import made_up_weights
from ganvas.models.model import Model
from ganvas.recipes.recipe import Recipe
from ganvas.training.loop import Tick

from ..cross_check_features import made_up_pictures
from .ledger import Ledger
from .speed import waits

STEPS = 2
EXACT, TF32 = 1e-3, 3e-2  # tolerances for terms and samples, relative to 0.1 plus their size
MOST = 0.4  # share of the remaining time for one recipe
COUNTED = ("right", "sure")  # terms that are counts, and change by whole samples
WORDS = ("red", "blue", "green", "fish", "bird", "house", "round", "small")


class Case(NamedTuple):
    """A recipe, and samples that replace its data."""

    recipe: Recipe
    data: Dataset


class Walk(NamedTuple):
    """The result of a few steps: the terms of each, and the last state."""

    terms: list[dict[str, float]]
    tick: Tick
    tensors: dict[str, Tensor]


def cases() -> Mapping[str, Callable[[], Case]]:
    """The cases by name, made when they are used, each with the recipe's own networks and small batches."""

    def planned(name: str, *settings: str, size: int | None = None, colours: int = 0) -> Callable[[], Case]:
        def case() -> Case:
            recipe = plan(name, size=size, images=1000, settings=["batch=8", *settings])
            return Case(recipe, _pictures(colours) if colours else recipe.data.open())

        return case

    return {
        "cgan": planned("cgan"),
        "vae": planned("vae"),
        "ring": planned("ring"),
        "digits": planned("digits"),
        "wgan_gp": planned("wgan_gp", size=32, colours=32),
        "keyword_icons": planned("keyword_icons", colours=64),
        "sngan": planned("sngan", colours=32),
        "moving_digits": planned("moving_digits", "data.count=32"),
    }


def _pictures(size: int) -> Dataset:
    """64 made-up pictures, with two words each."""
    words = tuple((WORDS[place % 8], WORDS[(place // 8 + 1) % 8]) for place in range(64))
    return Dataset(made_up_pictures(size, size, 64), keywords=words)


def made_up_vectors(words: Any) -> np.ndarray:
    """A replacement for WordLlama's vectors: for each word a direction derived from its letters alone."""
    found = [np.random.default_rng(crc32(word.encode())).normal(size=conditions.DIMENSION) for word in words]
    return np.array([each / np.linalg.norm(each) for each in found], np.float32).reshape(-1, conditions.DIMENSION)


def walk(case: Case, device: torch.device, *, steps: int = STEPS, restore: dict[str, Tensor] | None = None) -> Walk:
    terms = []
    for tick in islice(train(case.recipe, case.data, device=device, restore=restore), steps):
        terms.append(tick.terms())
    tensors = {name: value.detach().cpu().clone() for name, value in tick.state.tensors().items()}
    return Walk(terms, tick, tensors)


def off(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """The largest difference between two steps' terms, relative to 0.1 plus their size; NaN if one is not finite."""
    names = [name for name in ours if not name.endswith(COUNTED)]
    apart = [abs(ours[name] - theirs[name]) / (0.1 + max(abs(ours[name]), abs(theirs[name]))) for name in names]
    return float(np.max(apart))


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in convolutions on a card."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def measure(ledger: Ledger, device: torch.device) -> None:
    """Measure the fastest first; without cuDNN's search for the fastest algorithms, which would outlast the steps."""
    torch.backends.cudnn.benchmark = False
    ledger.measure("pixels", partial(_pixels, ledger, device))
    with patch.object(conditions, "vectors", made_up_vectors), machine.threads(min(4, torch.get_num_threads())):
        for name, make in cases().items():
            ledger.measure(name, partial(_compare, ledger, name, make, device), MOST)
    ledger.measure("fit", partial(_fit, ledger, device))
    ledger.measure("features", partial(_features, ledger, device))
    torch.backends.cudnn.benchmark = device.type == "cuda"


def _compare(ledger: Ledger, name: str, make: Callable[[], Case], device: torch.device) -> None:
    """Write a few rows: terms, continuation, samples, and the unchanged recipe with its memory use."""
    case = make()
    plain = Case(replace(case.recipe, bfloat16=()), case.data)
    cpu = torch.device("cpu")
    here = walk(plain, cpu)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with tf32(False):
        there, again = walk(plain, device), walk(plain, device)
    with tf32(True):
        rounded = walk(plain, device)
    apart = off(here.terms[0], there.terms[0]), off(here.terms[0], rounded.terms[0])
    same = all(torch.equal(there.tensors[key], again.tensors[key]) for key in there.tensors)
    ledger.row(
        name,
        ok=apart[0] < EXACT and apart[1] < TF32,
        off_exact=apart[0],
        off_tf32=apart[1],
        second_step=[off(here.terms[1], there.terms[1]), off(here.terms[1], rounded.terms[1])],
        same_again=same,
        terms_here=here.terms[0],
        terms_there=there.terms[0],
    )
    with tempfile.TemporaryDirectory() as folder, tf32(False):
        going_on = []
        for number, (state, other) in enumerate([(there, cpu), (here, device)]):
            place = Path(folder) / f"{number}"
            checkpoint.write(place, {"state.safetensors": (state.tick.state.tensors(), {})})
            saved = checkpoint.read(place / "state.safetensors")
            moved, stayed = (walk(plain, where, steps=1, restore=saved).terms[0] for where in (other, _home(state)))
            going_on.append(off(moved, stayed))
        ledger.row(f"{name} goes on", ok=max(going_on) < EXACT, from_card=going_on[0], from_cpu=going_on[1])
        ledger.row(f"{name} drawn", **_drawn(there))
    comes = walk(case, device)
    finite = all(np.isfinite(list(terms.values())).all() for terms in comes.terms)
    memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None
    ledger.row(f"{name} as it comes", ok=finite, off=off(here.terms[0], comes.terms[0]), peak_MiB=memory)
    if device.type == "cuda":
        loop = train(case.recipe, case.data, device=device)
        next(loop)
        ledger.row(f"{name} waits", lines=waits(loop))


def _home(state: Walk) -> torch.device:
    return next(state.tick.state.average.parameters()).device


def _drawn(state: Walk) -> dict[str, Any]:
    """The difference between samples of one model drawn on both devices."""
    average = state.tick.state.average
    there, here = (Model(net, state.tick.state.condition) for net in (average, copy.deepcopy(average).to("cpu")))
    made, known = there.generate(range(8)), here.generate(range(8))
    apart = float((made - known).abs().max() / (0.1 + known.abs().max()))
    return {"ok": apart < EXACT, "off": apart}


def _fit(ledger: Ledger, device: torch.device) -> None:
    """Everything a user does: train, interrupt, continue, load, draw."""
    with tempfile.TemporaryDirectory() as folder:
        run = fit("digits", images=320, out=Path(folder) / "run", device=device.type, quiet=True)
        run = fit(str(run.path), images=640, device=device.type, quiet=True)
        here, there = (load(run.path, device=where).sample(8) for where in ("cpu", device))
        apart = max(int(np.ptp(np.stack([a, b]).astype(int), axis=0).max()) for a, b in zip(here, there, strict=True))
        last = run.rows[-1]
        ledger.row("fit", ok=apart <= 1 and run.finished, apart_of_255=apart, images=last["images"], last=last["terms"])


def _pixels(ledger: Ledger, device: torch.device) -> None:
    """Check that bytes become the same numbers on all devices."""
    data = Dataset(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    here, there = data.take(np.array([0])), data.take(np.array([0]), device=device).cpu()
    ledger.row("pixels", ok=torch.equal(here, there), off=float((here - there).abs().max()))


def _features(ledger: Ledger, device: torch.device) -> None:
    """Check Inception with made-up weights, which has every kind of layer that feature networks have."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(made_up_weights(), file)
        pictures = made_up_pictures(64, 64, 8)
        here, there = (features("inception", weights=file, device=where)(pictures) for where in ("cpu", device))
    apart = float((here - there).abs().max() / here.abs().max())
    ledger.row("features", ok=apart < 1e-4, off=apart)
