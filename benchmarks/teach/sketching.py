"""What sketches there are of things: the axes along which icons differ most, and a flow in these.

A generator of one step that is told by a critic, or drawn towards what is near, hears its noise less and less, and the
seeds of a word become one drawing. So what is where is drawn from a distribution of its own, of few numbers.
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

SOME = 20_000  # icons of which the axes are those
BATCH, RATE, WARM = 1024, 1e-3, 200
EVERY = 50  # steps between two lines
LITTLE = 0.1  # how much an icon counts that nobody would call what it is called
DARK = 0.25  # what icons of one colour are sketched in, whatever tint they are told in


class Sketches(NamedTuple):
    """Of the icons of either kind, in their order, what their sketches are, [N, K]."""

    mono: Tensor
    coloured: Tensor

    def of(self, mono: Tensor, rows: Tensor) -> Tensor:
        """The sketches of these icons, [M, K]."""
        return torch.where(mono[:, None], *picked(self, rows)).float()


def picked(of_halves: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """What belongs to these rows of either kind; one of them is meant."""
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
    """Flow matching of sketches under words; the weights are the average of those on the way.

    Args:
        corpus: what is told of icons.
        sketches: of all icons.
        sketcher: what learns.
        out: where its weights and the log go.
        seconds: how long.
        named: of the icons of either kind, whether they look like what they are called; others count `LITTLE`.
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
    """Latents of icons drawn by weight."""
    few = round(SOME * corpus.share)
    return torch.cat([mono[corpus.mono.some(few)], coloured[corpus.coloured.some(SOME - few)]]).float()
