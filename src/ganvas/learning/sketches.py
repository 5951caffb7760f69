"""Games that train a flow of sketches, and generators that draw from sketches."""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..core.batch import Batch, Nets, Terms
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset
from ..networks.sketch import Sketcher
from .adversarial import Adversarial
from .latents import expected, mixed, unlike, wants
from .schedules import Cosine, Value, at, within
from .turns import Game, Turn

__all__ = ["Drawing", "Finishing", "Sketching"]

SOME, AT_ONCE = 2_048, 256  # the most samples that the axes of sketches are computed from, and how many per batch


@part("game")
@dataclass(frozen=True)
class Sketching(Game):
    """A generator's sketcher learns the distribution of sketches for given words; the rest of the generator is frozen.

    Flow matching (Lipman et al. 2023, arXiv:2210.02747) in few dimensions, so each sample is seen with `draws` noises
    at once, at times that are the sigmoid of a normal number with mean `centre` (Esser et al. 2024, arXiv:2403.03206).
    If sketches have no axes yet, they are computed before the first step: the leading principal axes of the latents of
    at most 2,048 samples. No other game trains the sketcher, because critics would make all seeds look alike.
    """

    draws: int = 32
    centre: Value = -0.4

    def __post_init__(self) -> None:
        """Reject `draws` below 1."""
        if self.draws < 1:
            raise DoesNotFit(f"game.draws must be at least 1, not {self.draws}.")

    def turns(self) -> tuple[Turn, ...]:
        """One turn of the generator; the autoencoder only shows."""
        return (Turn("generator", self._generator),)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        _wants_sketches(nets)
        nets["generator"].sketcher.requires_grad_(True)

    def begin(self, nets: Nets, data: Dataset) -> None:
        """Find the axes of sketches, unless they are known."""
        _find_axes(nets, data)

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        generator = nets["generator"]
        with torch.no_grad():
            sketches = generator.sketcher.sketches(nets["autoencoder"].latents(batch.real))
        noise = batch.dice.normal("sketch", self.draws, sketches.shape[1]).flatten(0, 1)
        time = torch.sigmoid(batch.dice.normal("time", self.draws).flatten() + at(self.centre, batch.progress))
        seen = sketches.repeat_interleave(self.draws, 0)
        found = generator.roughly(mixed(seen, noise, time), batch.condition, time)
        each = [rows.unflatten(0, (-1, self.draws)).mean(1) for rows in expected(found, seen, time, detail=1.0)]
        return dict(zip(("loss", "error"), each, strict=True))


@part("game")
@dataclass(frozen=True)
class Drawing(Game):
    """A generator learns to draw each sample from its sketch; the sketcher is frozen.

    Its latents, computed from the sketch and some noise, should equal those of the sample (as in the second stage of
    Dai & Wipf 2019, arXiv:1903.05789). Without a critic, colours and shapes are those of the data and lines are a
    little soft; a few hundred steps suffice.
    """

    def turns(self) -> tuple[Turn, ...]:
        """One turn of the generator; the autoencoder only shows."""
        return (Turn("generator", self._generator),)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        _wants_sketches(nets)

    def begin(self, nets: Nets, data: Dataset) -> None:
        """Find the axes of sketches, unless they are known."""
        _find_axes(nets, data)

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        return {"loss": _missed(nets, batch)}


@part("game")
@dataclass(frozen=True)
class Finishing(Adversarial):
    """A generator learns from a critic and, as in `drawing`, to draw each sample from its sketch.

    A critic of few pictures enforces lines but neglects colours and layout; the second term preserves these.

    drawn  weight, in the generator's loss, of the distance to the samples
    """

    drawn: Value = field(default_factory=lambda: Cosine(1.5, 0.2))

    def __post_init__(self) -> None:
        """Reject what `Adversarial` rejects, and a weight below 0."""
        super().__post_init__()
        within("game.drawn", self.drawn, 0.0)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        super().check(nets)
        _wants_sketches(nets)

    def begin(self, nets: Nets, data: Dataset) -> None:
        """Find the axes of sketches, unless they are known."""
        _find_axes(nets, data)

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        drawn = at(self.drawn, batch.progress) * _missed(nets, batch)
        return super()._generator(nets, batch) | {"drawn": drawn}


def _missed(nets: Nets, batch: Batch) -> Float[Tensor, " n"]:
    """The distance, in latents, between each sample and what the generator draws from its sketch."""
    generator = nets["generator"]
    with torch.no_grad():
        latents = nets["autoencoder"].latents(batch.real)
        sketched = generator.sketcher.latents(generator.sketcher.sketches(latents))
    return unlike(generator.finished(sketched, batch.dice.normal("veil", *latents.shape[1:]), batch.condition), latents)


@torch.no_grad()
def _find_axes(nets: Nets, data: Dataset) -> None:
    sketcher: Sketcher = nets["generator"].sketcher
    if sketcher.known:
        return
    rows = np.linspace(0, len(data) - 1, min(SOME, len(data))).round().astype(np.int64)
    parts = np.array_split(rows, -(-len(rows) // AT_ONCE))
    device = sketcher.get_buffer("mean").device
    sketcher.look(torch.cat([nets["autoencoder"].latents(data.take(part, device=device)) for part in parts]))


def _wants_sketches(nets: Nets) -> None:
    wants(nets, "autoencoder", "latents", "latent_autoencoder")
    wants(nets, "generator", "sketched", "latent_generator")
    if nets["generator"].sketcher is None:
        raise DoesNotFit("This generator begins with no sketch: set generator.sketch=64.")
