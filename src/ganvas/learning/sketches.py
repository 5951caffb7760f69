"""Learning what there is to be drawn, roughly: the sketches that a generator of latents begins with."""

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

SOME, AT_ONCE = 2_048, 256  # samples of which the axes of sketches are those, and how many are encoded at once


@part("game")
@dataclass(frozen=True)
class Sketching(Game):
    """The sketches of a generator learn which of them there are under words; nothing else of it does.

    Flow matching (Lipman et al. 2023, arXiv:2210.02747) of a few numbers, so each sample is seen under `draws` noises
    at once, at times that are the sigmoid of a normal number of mean `centre` (Esser et al. 2024, arXiv:2403.03206).
    Where sketches have no axes yet, these are found before the first step: the longest principal axes of the latents
    of at most 2,048 samples. No other game teaches sketches: critics would have all seeds look alike.
    """

    draws: int = 32
    centre: Value = -0.4

    def __post_init__(self) -> None:
        """Refuse samples that are not seen."""
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
    """A generator learns to draw each sample from its sketch; its sketches do not learn.

    The latents that it makes of the sketch and some noise are to be those of the sample (as an autoencoder of two
    stages is refined, Dai & Wipf 2019, arXiv:1903.05789): with no critic, so colours and shapes are those of the data
    and lines a little soft, and in a few hundred steps.
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
    """A critic judges what a generator draws, which is also to draw each sample of its sketch, as in `drawing`.

    A critic of few pictures minds lines and lets colours and places go; this holds them.

    drawn  weight of how far samples are missed, in the generator's loss
    """

    drawn: Value = field(default_factory=lambda: Cosine(1.5, 0.2))

    def __post_init__(self) -> None:
        """Refuse what `Adversarial` does, and a weight below 0."""
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
    """How far what a generator draws of the sketch of each sample is from that sample, in latents."""
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
