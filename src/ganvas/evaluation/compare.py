"""Two sets of samples, described once by the same features, and every figure that they allow.

Points are described by their own coordinates, clips by one frame of each in turn.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .. import __version__, metrics
from ..core import pixels
from ..data.dataset import Dataset, Watch, unwatched
from ..data.pack import cache_folder, key
from ..learning.conditions import Keywords, Labels
from ..metrics.features.extractor import Features
from ..metrics.score import FEWEST, Score
from ..models.model import Model, inputs

__all__ = ["Comparison", "Side"]

CHUNK = 256
PATHS, FEWEST_PATHS = 2_000, 100
ASKED = 1_000  # descriptions that samples are asked for
FRAMES = "each clip is judged by one of its frames, so this says nothing of how it moves"


@dataclass(frozen=True)
class Side:
    """One of two sets that are compared.

    name     as it was asked for
    made     the data, or the model that draws the samples
    count    how many of them
    seed     the first of a model's samples
    images   that the model had learned from, counted as often as it saw them, if they are known
    centres  of the modes and the deviation about them, if they are known: toys
    """

    name: str
    made: Dataset | Model
    count: int
    seed: int = 0
    images: int | None = None
    centres: tuple[NDArray[np.float64], float] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (C, H, W), (C, T, H, W) or (F,)."""
        return self.made.shape

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the data, spread evenly; or the seeds of the samples."""
        if isinstance(self.made, Model):
            return np.arange(self.seed, self.seed + self.count)
        return np.linspace(0, len(self.made) - 1, self.count).round().astype(np.int64)

    @cached_property
    def labels(self) -> Int64[Tensor, " n"] | None:
        """The class of each sample, or what the model was told to make; None without classes."""
        if isinstance(self.made, Dataset):
            return None if self.made.labels is None else torch.from_numpy(self.made.labels[self.rows])
        condition = self.made.condition
        return condition.draw(self.rows.tolist()).argmax(1) if isinstance(condition, Labels) else None

    @property
    def classes(self) -> tuple[str, ...]:
        """What its classes are called; none without any."""
        return self.made.classes if isinstance(self.made, Dataset) else getattr(self.made.condition, "classes", ())

    def labelled(self, names: list[str]) -> Int64[Tensor, " n"] | None:
        """The class of each sample as its place among these names, -1 for others; None without classes."""
        if self.labels is None or not self.classes:
            return None
        places = [names.index(name) if name in names else -1 for name in self.classes]
        return torch.tensor(places)[self.labels]

    def samples(self, rows: NDArray[np.int64]) -> Tensor:
        """These samples, float32 [n, *shape]."""
        return self.made.generate(rows.tolist()) if isinstance(self.made, Model) else self.made.take(rows)

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """All of them as pictures, uint8 [n, H, W, C], some at a time."""
        for first in range(0, self.count, CHUNK):
            some = self.samples(self.rows[first : first + CHUNK])
            if some.dim() == 5:
                frames = torch.arange(first, first + len(some)) % some.shape[2]
                some = some[torch.arange(len(some)), :, frames]
            yield pixels.to_uint8(some).numpy()


@dataclass(frozen=True)
class Comparison:
    """Two sides and what they are described by; features are made when they are first needed, and once.

    fake      what is judged
    real      what it is compared with
    describe  the features; None for points
    held_out  data of the same kind that the model has not seen, for the question whether it memorised
    training  what the model learned from, all of it, for the same question; else what it is compared with
    """

    fake: Side
    real: Side
    describe: Features | None
    held_out: Side | None = None
    training: Side | None = None
    watch: Watch = unwatched

    @property
    def about(self) -> dict[str, Any]:
        """Everything the figures depend on."""
        sides = {"fake": self.fake, "real": self.real} | ({"held_out": self.held_out} if self.held_out else {})
        about: dict[str, Any] = {name: side.name for name, side in sides.items()}
        about |= {} if self.fake.images is None else {"images": self.fake.images}
        about |= {"counts": {name: side.count for name, side in sides.items()}, "shape": list(self.real.shape)}
        about |= self.describe.about if self.describe else {"features": "coordinates"}
        return about | {"seed": self.fake.seed, "ganvas": __version__}

    @cached_property
    def fakes(self) -> Float[Tensor, "n d"]:
        """The features of what is judged."""
        return self._described(self.fake)

    @cached_property
    def reals(self) -> Float[Tensor, "n d"]:
        """The features of what it is compared with."""
        return self._described(self.real)

    def scores(self) -> Iterator[tuple[str, Score]]:
        """Every figure that makes sense here, by its name, as soon as it is known; the quickest first."""
        for name, score in self._scores():
            yield name, replace(score, notes=(*score.notes, FRAMES)) if len(self.real.shape) == 4 else score

    def gallery(self, count: int = 16, k: int = 5) -> pixels.Pictures:
        """One picture [H, W, C]: in each row a sample and the `k` training pictures that are nearest to it."""
        known = self.training or self.real
        count, k = min(count, self.fake.count), min(k, known.count)
        near = metrics.nearest(self.fakes[:count], self._described(known), k).indices.cpu().numpy()
        samples = self.fake.samples(self.fake.rows[:count])
        beside = known.samples(known.rows[near.flatten()]).unflatten(0, near.shape)
        return pixels.sheet(torch.cat([samples[:, None], beside], dim=1).flatten(0, 1), columns=1 + k)

    def _scores(self) -> Iterator[tuple[str, Score]]:
        name = self.describe.name if self.describe else "coordinates"
        real, fake = self.reals, self.fakes
        yield (self.describe.frechet if self.describe else "fd-coordinates"), metrics.frechet_distance(real, fake)
        yield "kid" if name == "inception" else f"kd-{name}", self._kernel_distance()
        if self.describe and self.describe.head:
            logits = self.describe.logits(fake)
            if len(fake) >= 100:
                yield "inception_score" if name == "inception" else f"is-{name}", metrics.inception_score(logits)
            if name == "digits" and self.real.labels is not None:
                yield from self._modes(logits)
        if self.real.centres:
            yield from metrics.mixture_modes(fake, *self.real.centres).items()
        yield from metrics.manifold_scores(real, fake).items()
        yield "vendi", metrics.vendi_score(fake)
        yield from self._conditional()
        yield from self._asked()
        if self.held_out:
            yield from self._memorisation(self.held_out)
        opaque = len(self.fake.shape) == 3 and self.fake.shape[0] < 4
        if isinstance(self.fake.made, Model) and self.describe and self.describe.unrounded and opaque:
            yield f"path_length-{name}", self._path_length(self.fake.made, self.describe)

    def _memorisation(self, held_out: Side) -> Iterator[tuple[str, Score]]:
        known = self.training or self.real
        found = metrics.memorisation(self._described(known), self._described(held_out), self.fakes)
        among = len(known.made) if isinstance(known.made, Dataset) else known.count
        note = f"looked for among {known.count:,} of {among:,} training pictures, so copies of the others are not seen"
        for name, score in found.items():
            yield name, replace(score, notes=(*score.notes, note)) if known.count < among else score

    def _kernel_distance(self) -> Score:
        found, (fake, real) = metrics.kernel_distance(self.reals, self.fakes), (self.fake.made, self.real.made)
        if isinstance(fake, Dataset) and isinstance(real, Dataset) and fake.digest() == real.digest():
            note = "both sides are the same pictures; without bias it is below 0 then, as they are nearer than chance"
            found = replace(found, notes=(*found.notes, note))
        return found

    def _described(self, side: Side) -> Float[Tensor, "n d"]:
        """The features of a side; those of data are kept in the cache, by what they are made from."""
        if self.describe is None:
            return torch.cat([side.samples(side.rows[at : at + CHUNK]) for at in range(0, side.count, CHUNK)])
        if isinstance(side.made, Model):
            return self.describe(side.pictures(), watch=self._counted(side))
        about = self.describe.about | {
            "exact": self.describe.exact,
            "data": side.made.digest(),
            "count": side.count,
        }
        file = cache_folder() / "features" / f"{key(sorted(about.items()))}.safetensors"
        with suppress(OSError, SafetensorError):  # there is none, or it is damaged
            return load_file(file)["features"]
        found = self.describe(side.pictures(), watch=self._counted(side))
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        save_file({"features": found.contiguous()}, unfinished)
        unfinished.replace(file)
        return found

    def _counted(self, side: Side) -> Watch:
        return lambda what, done, _: self.watch(f"{what}: {side.name}", done, side.count)

    def _modes(self, logits: Float[Tensor, "n k"]) -> Iterator[tuple[str, Score]]:
        """Which classes samples are taken for, against how frequent these are among reals."""
        classes = logits.shape[1]
        assert self.real.labels is not None
        shares = torch.bincount(self.real.labels, minlength=classes).double()
        if self.real.classes == tuple(map(str, range(classes))) and (shares > 0).all():
            yield from metrics.mode_counts(logits.argmax(1), classes, expected=shares / shares.sum()).items()

    def _conditional(self) -> Iterator[tuple[str, Score]]:
        """What is made of each class that both sides name against what there is of it."""
        shared = [name for name in self.real.classes if name in self.fake.classes]
        left_out = sorted({*self.real.classes, *self.fake.classes} - {*shared})
        ours, theirs = (side.labelled(shared) for side in (self.fake, self.real))
        if ours is None or theirs is None or len(shared) < 2:
            return
        counts = torch.stack([torch.bincount(each[each >= 0], minlength=len(shared)) for each in (ours, theirs)])
        fakes, reals = self.fakes[ours >= 0], self.reals[theirs >= 0]
        ours, theirs = ours[ours >= 0], theirs[theirs >= 0]
        notes = (f"not of the classes that one side alone has: {', '.join(left_out)}",) if left_out else ()
        if counts.min() >= FEWEST:
            name = self.describe.name if self.describe else "coordinates"
            found = metrics.intra_class_distance(reals, theirs, fakes, ours, classes=len(shared))
            yield f"intra_fd-{name}", replace(found, notes=(*found.notes, *notes))
        if counts[0].min() > 0:
            found = metrics.classification_accuracy(fakes, ours, reals, theirs, classes=len(shared))
            yield "classification_accuracy", replace(found, notes=(*found.notes, *notes))

    def _asked(self) -> Iterator[tuple[str, Score]]:
        """Whether samples show the keywords that they were asked for; beside it the same of real pictures.

        Of these, each is found by the other one whose words are most like its own.
        """
        model, data = self.fake.made, self.real.made
        if not (isinstance(model, Model) and isinstance(model.condition, Keywords) and isinstance(data, Dataset)):
            return
        rows = [place for place, row in enumerate(self.real.rows) if any(data.keywords[row : row + 1])][:ASKED]
        if self.describe is None or len(rows) < FEWEST:
            return
        told = model.condition.take(data, self.real.rows[rows])
        z = inputs(range(self.fake.seed, self.fake.seed + len(rows)), model.network.latent)
        asked = [
            pixels.to_uint8(model.make(*some)).numpy() for some in zip(z.split(CHUNK), told.split(CHUNK), strict=True)
        ]
        reals = self.reals[rows]
        yield "retrieval", metrics.retrieval_precision(self.describe(asked), reals, told)
        alike = (told @ told.T).fill_diagonal_(-torch.inf).argmax(1)
        yield "retrieval_of_reals", metrics.retrieval_precision(reals[alike], reals, told, own=alike)

    def _path_length(self, model: Model, describe: Features) -> Score:
        """On the model's own latents; each path of a conditional one keeps to a condition of its own."""
        dice, condition = torch.Generator().manual_seed(self.fake.seed), model.condition
        paths, seeds = min(PATHS, max(self.fake.count, FEWEST_PATHS)), count(self.fake.seed)

        @torch.no_grad()
        def generate(z: Tensor) -> Tensor:
            """Of both ends of some paths, the beginnings first."""
            drawn = list(islice(seeds, len(z) // 2))
            self.watch("Measuring paths through latent space", drawn[-1] + 1 - self.fake.seed, paths)
            told = condition.draw(drawn).repeat(2, 1) if condition else None
            return model.network.generate(z, told)

        def embed(made: Tensor) -> Tensor:
            levels = (made.clamp(-1, 1) + 1) * 127.5
            return describe.run(levels.permute(0, 2, 3, 1).expand(-1, -1, -1, describe.channels))

        def draw(count: int) -> Tensor:
            return torch.randn(count, model.network.latent, generator=dice)

        return metrics.perceptual_path_length(generate, embed, draw, paths=paths)
