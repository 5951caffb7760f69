"""Open two sets of samples to measure them against each other, or a model against its data.

    compared = compare("runs/icons", "icons")            # a model against the data that it learned from
    for name, score in compared.scores():                # as they are computed: fd-efficientnet_lite0 41.2 ± 0.4
        print(name, score)
    compared.about                                       # what the numbers depend on

A side is a run, a model file, or a source of data.
"""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor

from .. import metrics
from ..core import checkpoint, distributed, machine, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..core.files import cache_folder, key, replacing, writing
from ..core.seeds import refuse_seeds
from ..core.sums import load_tensors, save_tensors
from ..core.version import __version__
from ..data.dataset import Dataset, Source, Watch, unwatched
from ..learning.conditions import Keywords
from ..metrics.features import by_name
from ..metrics.features.extractor import Extractor
from ..metrics.score import FEWEST, Score
from ..models.model import Model, inputs
from ..models.shipped import called
from ..runs.run import Run
from .sides import CHUNK, Data, Side, centres_of, is_model, name_of, opened, refuse_unlike, run_of

__all__ = ["Comparison", "compare"]

MOST = 10_000  # pictures of a side, unless more are asked for
DRAWN = 1_000  # samples of a model at least, unless fewer are asked for
APART = 10**9  # between the first seeds of two models that are compared
PATHS, FEWEST_PATHS = 2_000, 100
DESCRIBED = 1_000  # descriptions to generate samples for, at most
APART_IN_FORMAT = 0.25  # reportable difference between the shares of lossy files
TAUGHT = "by pixels at 16x16 at most, since the other features were learned from these classes and hold the answer"
FRAMES = "each clip is judged by one of its frames, so this says nothing of how it moves"


@dataclass(frozen=True)
class Comparison:
    """Two sides and their feature extractor; features are computed on first use, once.

    fake      what is judged
    real      what it is compared with
    describe  the feature extractor; None for points
    held_out  data of the same kind that the model has not seen, to detect memorisation
    training  all that the model learned from, also for this; `real` if None
    mirror    whether the model learned from mirror images, too; those count as copies as well
    """

    fake: Side
    real: Side
    describe: Extractor | None
    held_out: Side | None = None
    training: Side | None = None
    mirror: bool = False
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
    @machine.plainly()
    def fakes(self) -> Float[Tensor, "n d"]:
        """The features of the fake side."""
        return self._described(self.fake)

    @cached_property
    @machine.plainly()
    def reals(self) -> Float[Tensor, "n d"]:
        """The features of the real side."""
        return self._described(self.real)

    def scores(self) -> Iterator[tuple[str, Score]]:
        """Every figure that applies, with its name, as soon as it is known; the quickest first."""
        notes, found = tuple(self._notes()), self._scores()
        while True:
            with machine.plainly():  # the caller's own ways hold again between figures
                known = next(found, None)
            if known is None:
                return
            yield known[0], replace(known[1], notes=(*known[1].notes, *notes))

    def gallery(self, count: int = 16, k: int = 5) -> pixels.Pictures:
        """One picture [H, W, C]: in each row a sample and the `k` training pictures nearest to it."""
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
        yield "vendi", metrics.vendi_score(fake, real)
        yield from self._conditional()
        yield from self._retrieval()
        if self.held_out:
            yield from self._memorisation(self.held_out)
        opaque = self.fake.kind is Kind.PICTURES and self.fake.shape[0] < 4
        if isinstance(self.fake.made, Model) and self.describe and self.describe.unrounded and opaque:
            yield f"path_length-{name}", self._path_length(self.fake.made, self.describe)

    def _notes(self) -> Iterator[str]:
        """Notes that apply to all figures."""
        if self.real.kind is Kind.CLIPS:
            yield FRAMES
        ours, theirs = self.fake.lossy, self.real.lossy
        if ours is not None and theirs is not None and abs(ours - theirs) > APART_IN_FORMAT:
            yield (
                f"{ours:.0%} of the files of {self.fake.name} and {theirs:.0%} of those of {self.real.name} are JPEG, "
                "WebP or GIF, which lose details: some of what is found is the formats' and not the pictures'"
            )
        if self.fake.classes and self.real.classes and len({*self.fake.classes} & {*self.real.classes}) < 2:
            some = (", ".join(sorted(side.classes)[:3]) for side in (self.fake, self.real))
            yield f"nothing is said of classes, as fewer than two are called alike: {' against '.join(some)}"

    def _memorisation(self, held_out: Side) -> Iterator[tuple[str, Score]]:
        known = self.training or self.real
        learned = self._described(known)
        found = metrics.memorisation(learned, self._facing(held_out, learned), self._facing(self.fake, learned))
        among = len(known.made) if isinstance(known.made, Dataset) else known.count
        note = f"looked for among {known.count:,} of {among:,} training pictures, so copies of the others are not seen"
        for name, score in found.items():
            yield name, replace(score, notes=(*score.notes, note)) if known.count < among else score

    def _facing(self, side: Side, learned: Float[Tensor, "n d"]) -> Float[Tensor, "m d"]:
        """The features of a side; if mirror images were learned from, of each sample turned as is nearer to those."""
        plain = self._described(side) if side is not self.fake else self.fakes
        if not self.mirror or self.describe is None:
            return plain
        turned = self._described(replace(side, flipped=True))
        near = [metrics.nearest(each, learned).distances for each in (plain, turned)]
        return torch.where(near[1] < near[0], turned, plain)

    def _kernel_distance(self) -> Score:
        found, (fake, real) = metrics.kernel_distance(self.reals, self.fakes), (self.fake.made, self.real.made)
        if isinstance(fake, Dataset) and isinstance(real, Dataset) and fake.digest() == real.digest():
            note = "both sides are the same pictures; without bias it is below 0 then, as they are nearer than chance"
            found = replace(found, notes=(*found.notes, note))
        return found

    def _described(self, side: Side) -> Float[Tensor, "n d"]:
        """The features of a side; those of data are cached, by what they depend on.

        Several processes compute a part each and gather the whole, so all of them must call this together.
        """
        if self.describe is None:
            return torch.cat([side.samples(side.rows[at : at + CHUNK]) for at in range(0, side.count, CHUNK)])
        if isinstance(side.made, Model):
            return self._shared(side, self.describe)
        about = (
            self.describe.about
            | {
                "exact": self.describe.exact,
                "data": side.made.digest(),
                "count": side.count,
            }
            | ({"flipped": True} if side.flipped else {})
        )
        file = cache_folder() / "features" / f"{key(sorted(about.items()))}.safetensors"
        told = {name: repr(value) for name, value in about.items()}
        known = None
        with suppress(OSError, SafetensorError, ValueError, KeyError):  # missing, damaged or of another content
            tensors, held = load_tensors(file)
            known = tensors["features"] if held == told else None
        if not distributed.either(known is None, torch.device("cpu")) and known is not None:
            return known
        found = self._shared(side, self.describe)
        if distributed.is_first():
            with writing(file), replacing(file) as draft:
                save_tensors(draft, {"features": found}, told)
        return found

    def _shared(self, side: Side, describe: Extractor) -> Float[Tensor, "n d"]:
        mine = distributed.share(side.count, chunk=CHUNK)
        return distributed.gathered(describe(side.pictures(mine), watch=self._counted(side)))

    def _counted(self, side: Side) -> Watch:
        return lambda what, done, _: self.watch(f"{what}: {side.name}", done, side.count)

    def _modes(self, logits: Float[Tensor, "n k"]) -> Iterator[tuple[str, Score]]:
        """The classes that samples are recognised as, compared with the class frequencies of reals."""
        classes = logits.shape[1]
        assert self.real.labels is not None
        shares = torch.bincount(self.real.labels, minlength=classes).double()
        if self.real.classes == tuple(map(str, range(classes))) and (shares > 0).all():
            yield from metrics.mode_counts(logits.argmax(1), classes, expected=shares / shares.sum()).items()

    def _conditional(self) -> Iterator[tuple[str, Score]]:
        """Figures of single classes, over the classes that both sides name."""
        shared = [name for name in self.real.classes if name in self.fake.classes]
        left_out = sorted({*self.real.classes, *self.fake.classes} - {*shared})
        ours, theirs = (side.labelled(shared) for side in (self.fake, self.real))
        if ours is None or theirs is None or len(shared) < 2:
            return
        counts = torch.stack([torch.bincount(each[each >= 0], minlength=len(shared)) for each in (ours, theirs)])
        known = ours >= 0, theirs >= 0
        fakes, reals, ours, theirs = self.fakes[known[0]], self.reals[known[1]], ours[known[0]], theirs[known[1]]
        notes = (f"not of the classes that one side alone has: {', '.join(left_out)}",) if left_out else ()
        if counts.min() >= FEWEST:
            name = self.describe.name if self.describe else "coordinates"
            found = metrics.intra_class_distance(reals, theirs, fakes, ours, classes=len(shared))
            yield f"intra_fd-{name}", replace(found, notes=(*found.notes, *notes))
        if counts[0].min() > 0:
            if self.describe and self.describe.taught:
                fakes, reals = self.fake.reduced()[known[0]], self.real.reduced()[known[1]]
                notes = (TAUGHT, *notes)
            found = metrics.classification_accuracy(fakes, ours, reals, theirs, classes=len(shared))
            yield "classification_accuracy", replace(found, notes=(*found.notes, *notes))

    def _retrieval(self) -> Iterator[tuple[str, Score]]:
        """Whether samples match the keywords that they were generated for; and the same figure for real pictures.

        For the latter, each real picture is replaced by the other one whose words are most like its own.
        """
        model, data = self.fake.made, self.real.made
        if not (isinstance(model, Model) and isinstance(model.condition, Keywords) and isinstance(data, Dataset)):
            return
        rows = [place for place, row in enumerate(self.real.rows) if any(data.keywords[row : row + 1])][:DESCRIBED]
        if self.describe is None or len(rows) < FEWEST:
            return
        conditions = model.condition.take(data, self.real.rows[rows])
        z = inputs(range(self.fake.seed, self.fake.seed + len(rows)), model.network.latent)
        asked = [
            pixels.to_uint8(model.make(*some)).numpy()
            for some in zip(z.split(CHUNK), conditions.split(CHUNK), strict=True)
        ]
        reals = self.reals[rows]
        yield "retrieval", metrics.retrieval_precision(self.describe(asked), reals, conditions)
        alike = (conditions @ conditions.T).fill_diagonal_(-torch.inf).argmax(1)
        yield "retrieval_of_reals", metrics.retrieval_precision(reals[alike], reals, conditions, own=alike)

    def _path_length(self, model: Model, describe: Extractor) -> Score:
        """On the model's own latents; each path of a conditional model keeps one condition."""
        dice, condition = torch.Generator().manual_seed(self.fake.seed), model.condition
        device = next(model.network.parameters()).device
        paths, seeds = min(PATHS, max(self.fake.count, FEWEST_PATHS)), count(self.fake.seed)

        @torch.no_grad()
        def generate(z: Tensor) -> Tensor:
            """The samples at both ends of some paths, all starts first."""
            drawn = list(islice(seeds, len(z) // 2))
            self.watch("Measuring paths through latent space", drawn[-1] + 1 - self.fake.seed, paths)
            conditions = condition.draw(drawn).repeat(2, 1).to(device) if condition else None
            return model.network.generate(z.to(device), conditions)

        def embed(made: Tensor) -> Tensor:
            levels = (made.clamp(-1, 1) + 1) * 127.5
            return describe.run(levels.permute(0, 2, 3, 1).expand(-1, -1, -1, describe.channels)).cpu()

        def draw(count: int) -> Tensor:
            return torch.randn(count, model.network.latent, generator=dice)

        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):  # its rounding is larger than a step
            return metrics.perceptual_path_length(generate, embed, draw, paths=paths)


@machine.plainly()
def compare(
    fake: Model | Data | Run,
    real: Model | Data | Run | None = None,
    *,
    count: int | None = None,
    features: str = "",
    weights: str | Path | None = None,
    held_out: Data | None = None,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Comparison:
    """Two sets of samples, ready to be measured against each other.

    Args:
        fake: what is judged: a run, a model file, or a source of data.
        real: what it is compared with, likewise; by default the data that a run learned from.
        count: of samples on each side; by default all there are up to 10,000, and for a model as many as on the other
            side but at least 1,000.
        features: what describes the pictures, see `ganvas.metrics.features`; by default the best for these data.
        weights: a file to take the features' weights from.
        held_out: data of the same kind that the model has not seen. Copies are then searched for among all that a run
            learned from, or if that is unknown, among `real`.
        size: of the pictures, as in `ganvas train`; by default that of the model, or the common one of all pictures.
        seed: the first of a model's samples.
        device: where to compute.
        watch: told of slow work.

    Raises:
        NotFound or DoesNotFit: there is no such thing, or the two sides do not go together; the message says what to
            do.
    """
    if count is not None and count < FEWEST:
        raise DoesNotFit(f"`count=` is at least {FEWEST}, not {count}; papers use 10,000 or more.")
    refuse_seeds([seed])
    fake = fake.path if isinstance(fake, Run) else fake
    real = real.path if isinstance(real, Run) else real
    run, learned = run_of(fake), None
    opening = partial(opened, size=size, device=device, watch=watch, run=run or run_of(real))
    first = opening(real) if real is not None and is_model(real) and not is_model(fake) else None  # data follow models
    judged = opening(fake, like=first)
    if real is None:
        real, name, learned = _learned(run, watch)
    else:
        name = name_of(real, "data")
    against = learned or first or opening(real, like=judged)
    if isinstance(judged, Dataset) and judged.shape != against.shape:
        judged = opening(fake, like=against)
    refuse_unlike((name_of(fake, "samples"), judged), (name, against))
    unseen = None if held_out is None else opening(held_out, like=judged)
    if isinstance(unseen, Model):
        raise DoesNotFit("`held_out=` takes data that the model has not seen, not a model.")
    describe = _extractor(against, features, weights, device, watch)
    if run and unseen and not learned:
        learned = run.learned_from(watch, instead="Leave out `held_out=`.")
    many, enough = _counts(judged, against, count)
    return Comparison(
        Side(name_of(fake, "samples"), judged, many, seed, images=_images(run)),
        Side(name, against, enough, seed + APART, centres=centres_of(real)),
        describe,
        Side(name_of(held_out, "held out"), unseen, min(len(unseen), MOST)) if unseen else None,
        Side(run.about["source"], learned, min(len(learned), count or len(learned))) if run and learned else None,
        run is not None and run.recipe.mirror and against.kind is not Kind.POINTS,
        watch,
    )


def _learned(run: Run | None, watch: Watch) -> tuple[Source, str, Dataset]:
    """What a run learned from: the source, its name, and the samples."""
    if run is None:
        raise DoesNotFit("Say what to compare with: a folder, a zip or a source such as icons:portraits.")
    instead = f"Say what to compare with: `ganvas evaluate {shlex.quote(called(run.path))} FOLDER`."
    return run.recipe.data, run.about["source"], run.learned_from(watch, instead=instead)


def _extractor(
    against: Model | Dataset, features: str, weights: str | Path | None, device: torch.device | str, watch: Watch
) -> Extractor | None:
    """The feature extractor for such samples; None for points."""
    if against.kind is not Kind.POINTS:
        shown = against if isinstance(against, Dataset) else None
        return by_name.features(features, data=shown, weights=weights, device=device, watch=watch)
    if features or weights:
        raise DoesNotFit("Points are compared by their coordinates: leave out `features=` and `weights=`.")
    return None


def _counts(judged: Model | Dataset, against: Model | Dataset, count: int | None) -> tuple[int, int]:
    """How many samples of the judged and of the other side."""
    enough = min(len(against), count or MOST) if isinstance(against, Dataset) else count or DRAWN
    many = min(len(judged), count or MOST) if isinstance(judged, Dataset) else count or max(enough, DRAWN)
    return many, enough


def _images(run: Run | None) -> int | None:
    """The images seen by the model that is opened: the one in the newest sound checkpoint."""
    found = run.newest_sound(checkpoint.MODEL) if run else None
    return int(found.name) if found else None
