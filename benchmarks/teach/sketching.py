"""Sketches of things: the axes along which icons differ most, and a flow in these coordinates.

A one-step generator trained with a critic or with distances gradually ignores its noise, and all seeds of a word give
the same drawing. So the layout is drawn from a separate distribution of few numbers.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganvas.learning.latents import expected, mixed
from ganvas.networks.sketch import Sketcher

from .corpus import Corpus, Half
from .learner import Learner, follow, steps
from .output import Log, load, save, say

__all__ = ["Sketches", "known_sketches", "learn_sketches"]

SOME = 20_000  # icons from which the axes are computed
BATCH, RATE, WARM = 1024, 1e-3, 200
EVERY = 50  # steps between two lines of the log
LITTLE = 0.1  # weight of an icon that does not look like what it is called
DARK = 0.25  # gray in which icons of one colour are sketched, whatever tint is told


class Sketches(NamedTuple):
    """The sketches of the icons of each kind, in their order, [N, K]."""

    mono: Tensor
    coloured: Tensor

    def of(self, mono: Tensor, rows: Tensor) -> Tensor:
        """The sketches of these icons, [M, K]."""
        return torch.where(mono[:, None], *picked(self, rows)).float()


def picked(of_halves: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """The values at these rows for each kind; the caller uses the one that is meant."""
    return [each[rows.clamp(max=len(each) - 1)] for each in of_halves]


def known_sketches(corpus: Corpus, autoencoder: Any, sketcher: Sketcher, out: Path, *, anew: bool) -> Sketches:
    """The sketches of all icons, kept in OUT; with `anew` their axes are found first, unless OUT has a sketcher."""
    kept, known = load(out, "sketches"), load(out, "sketcher")
    sketcher.load_state_dict(known, strict=False)
    if not kept:
        latents = [_latents(half, autoencoder) for half in (corpus.mono, corpus.coloured)]
        if anew and not known:
            share = sketcher.look(_some(corpus, *latents))
            say(f"sketches of {len(sketcher.get_buffer('deviation'))} numbers, {share:.2f} of the variance")
        kept = {
            name: torch.cat([sketcher.sketches(part.float()) for part in each.split(4000)])
            for name, each in zip(Sketches._fields, latents, strict=True)
        }
        save(sketcher.state_dict(), out / "sketcher")
        save(kept, out / "sketches")
    return Sketches(*(kept[name].half().to(corpus.device) for name in Sketches._fields))


def learn_sketches(
    corpus: Corpus, sketches: Sketches, sketcher: Sketcher, out: Path, seconds: float, *, named: Sequence[Tensor]
) -> None:
    """Flow matching of sketches under words; the weights at the end are their average during training.

    Args:
        corpus: the descriptions of icons.
        sketches: of all icons.
        sketcher: the flow that learns.
        out: where its weights and the log go.
        seconds: how long.
        named: for the icons of each kind, whether they look like what they are called; others count `LITTLE`.
    """
    average = copy.deepcopy(sketcher)
    sketcher.requires_grad_(True)
    learner = Learner(sketcher.parameters(), RATE, (0.9, 0.99), decay=0.01, warm=WARM)
    log, watched = Log(out, "sketches"), torch.zeros(1, device=corpus.device)
    for step, done in steps(seconds):
        described = corpus.described(BATCH)
        wanted = sketches.of(described.mono, described.rows)
        time = torch.sigmoid(torch.randn(BATCH, device=corpus.device) - 0.4)
        noisy = mixed(wanted, torch.randn_like(wanted), time)
        found = sketcher.clean(noisy, sketcher.described(corpus.condition(described.told)), time)
        loss, error = expected(found, wanted, time, detail=1.0)
        weight = torch.where(torch.where(described.mono, *picked(named, described.rows)), 1.0, LITTLE)
        learner.step((weight * loss).mean(), 1.0 - 0.99 * done, step)
        follow(average, sketcher, min(0.998, 1 - 1 / (1 + (step + 1) * 0.05)))
        watched.lerp_(error.mean(), max(0.02, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * BATCH, {"sketcher.error": watched.item()})
    sketcher.requires_grad_(False).load_state_dict(average.state_dict())
    save(sketcher.state_dict(), out / "sketcher")
    say(f"sketches: {(step + 1) * BATCH:,} icons")


@torch.no_grad()
def _latents(half: Half, autoencoder: Any) -> Tensor:
    """The latents of all icons of one kind, [N, places, channels]."""
    found = []
    for rows in torch.arange(len(half), device=half.candidates.device).split(500):
        tint = torch.full((len(rows), 3), DARK, device=rows.device) if half.pictures.dim() == 3 else None
        found.append(autoencoder.latents(Corpus.pictures(half, rows, tint)).half())
    return torch.cat(found)


def _some(corpus: Corpus, mono: Tensor, coloured: Tensor) -> Tensor:
    """Latents of icons sampled by weight."""
    few = round(SOME * corpus.share)
    return torch.cat([mono[corpus.mono.some(few)], coloured[corpus.coloured.some(SOME - few)]]).float()
