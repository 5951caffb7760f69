"""Which icon of its noun and style, of which the same is said, a drawing is most like."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .corpus import OTHERS, Corpus, Half, Shown

__all__ = ["Alike", "small"]

SIDE = 16  # pixels of the side at which pictures are compared
MOST = 384  # icons that a drawing is compared with, drawn at random where there are more


class Alike:
    """The icons of a corpus, small, by noun and style."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus, self._halves = corpus, (corpus.mono, corpus.coloured)
        self._small = {half: small(half) for half in self._halves}
        self._groups = {half: _groups(half) for half in self._halves}
        colours = torch.unique(torch.cat([corpus.names, corpus.coloured.candidates[:, 2:4].flatten()]))
        self._colours = colours[colours > 0]

    def comparable(self, shown: Shown) -> Tensor:
        """Whether all is told of samples, [N], which icons of a group have in common.

        It is not where noun or style were not told, where the colour of one was not, where colours of many were.
        """
        mono, coloured = (half.candidates[shown.rows.clamp(max=len(half) - 1), :2] for half in self._halves)
        both = torch.where(shown.mono[:, None], mono, coloured)
        told = (both[..., None] == shown.told[:, None]).any(2) & (both > 0)
        return told.all(1) & (torch.isin(shown.told, self._colours).any(1) == shown.mono)

    def some(self, count: int) -> Shown:
        """Icons in any order, of which twice as many can be compared as by chance, or all."""
        shown = self._corpus.some(2 * count)
        first = (~self.comparable(shown)).float() + torch.rand(2 * count, device=self._corpus.device) * 0.9
        chosen = first.argsort()[:count][torch.randperm(count, device=self._corpus.device)]
        return Shown(*(each[chosen] for each in shown))

    @torch.no_grad()
    def nearest(self, drawn: Tensor, shown: Shown) -> tuple[Tensor, Tensor]:
        """Icons [M, 3, S, S] in the tints that were told, and the places [M] of drawings like them.

        An icon like a drawing has all words that were told of it. Left out are drawings [N, 3, S, S] that are not
        comparable.
        """
        seen = F.adaptive_avg_pool2d(drawn.float().clamp(-1, 1) / 2 + 0.5, SIDE)
        found, places = [drawn[:0]], self.comparable(shown).nonzero()[:, 0]
        for place in places.tolist():
            mono, row = shown.mono[place].item(), shown.rows[place]
            half, tint = (self._corpus.mono, shown.tints[place][None]) if mono else (self._corpus.coloured, None)
            rows = self._groups[half][tuple(half.candidates[row, :2].tolist())]
            rows = rows[_said(half.candidates[rows, OTHERS:], half.candidates[row, OTHERS:], shown.told[place])]
            rows = rows[torch.randperm(len(rows), device=rows.device)[:MOST]]
            there = self._small[half][rows].float()
            there = there if tint is None else 1 - there * (1 - tint[..., None, None])
            best = rows[(there - seen[place]).square().mean((1, 2, 3)).argmin()][None]
            found.append(self._corpus.pictures(half, best, tint))
        return torch.cat(found), places


def small(half: Half) -> Tensor:
    """Pictures [N, C, SIDE, SIDE] in [0, 1]: of one colour how much of it there is, of many what they are."""
    parts = [part.float()[..., None] if part.dim() == 3 else part.float() for part in half.pictures.split(4000)]
    return torch.cat([F.adaptive_avg_pool2d(part.permute(0, 3, 1, 2) / 255, SIDE).half() for part in parts])


def _said(words: Tensor, own: Tensor, told: Tensor) -> Tensor:
    """Which icons, whose words are [M, W], have all of its `own` [W] that were told of one of them, [M]."""
    said = own[torch.isin(own, told) & (own > 0)]
    return (words[..., None] == said).any(1).all(1)


def _groups(half: Half) -> dict[tuple[int, ...], Tensor]:
    """Noun and style -> the rows of the icons that are drawn by weight."""
    groups: dict[tuple[int, ...], list[int]] = {}
    weights = half.weights().tolist()
    for row, (noun, style) in enumerate(half.candidates[:, :2].tolist()):
        if weights[row] > 0:
            groups.setdefault((noun, style), []).append(row)
    return {key: torch.tensor(rows, device=half.candidates.device) for key, rows in groups.items()}
