"""Which icon of its noun and style a drawing is most like."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .corpus import Corpus, Half, Shown

__all__ = ["Alike", "small"]

SIDE = 16  # pixels of the side at which pictures are compared
MOST = 384  # icons that a drawing is compared with, drawn at random where there are more


class Alike:
    """The icons of a corpus, small, by noun and style.

    Each time that an icon was found it seems farther away by a price, so that those of a noun come to their turn: so
    prices of an auction move samples to data as a whole (semi-discrete optimal transport; Peyre and Cuturi 2019,
    arXiv:1803.00567, chapter 5), where the nearest alone draws all seeds to a few.
    """

    def __init__(self, corpus: Corpus, price: float = 0.0) -> None:
        self._corpus, self._price = corpus, price
        self._found = {half: torch.zeros(len(half), device=corpus.device) for half in (corpus.mono, corpus.coloured)}
        self._small = {half: small(half) for half in (corpus.mono, corpus.coloured)}
        self._groups = {half: _groups(half) for half in (corpus.mono, corpus.coloured)}
        colours = torch.unique(torch.cat([corpus.names, corpus.coloured.candidates[:, 2:4].flatten()]))
        self._colours = colours[colours > 0]

    @torch.no_grad()
    def nearest(self, drawn: Tensor, shown: Shown) -> tuple[Tensor, Tensor]:
        """Icons [M, 3, S, S] in the tints that were told, and the places [M] of drawings like them.

        Left out are drawings [N, 3, S, S] of which more or less was told than such icons have in common: where noun or
        style were not, where the colour of one was not, where colours of many were.
        """
        seen = F.adaptive_avg_pool2d(drawn.float().clamp(-1, 1) / 2 + 0.5, SIDE)
        found, places = [drawn[:0]], []
        for place, mono in enumerate(shown.mono.tolist()):
            half, row = self._corpus.mono if mono else self._corpus.coloured, shown.rows[place]
            told, tint = shown.told[place], shown.tints[place][None] if mono else None
            both = half.candidates[row, :2]
            if not torch.isin(both, told[told > 0]).all() or torch.isin(told, self._colours).any().item() != mono:
                continue
            rows = self._groups[half][tuple(both.tolist())]
            rows = rows[torch.randperm(len(rows), device=rows.device)[:MOST]]
            there = self._small[half][rows].float()
            there = there if tint is None else 1 - there * (1 - tint[..., None, None])
            off = (there - seen[place]).square().mean((1, 2, 3)) + self._price * self._found[half][rows]
            best = rows[off.argmin()][None]
            self._found[half][best] += 1
            found.append(self._corpus.pictures(half, best, tint))
            places.append(place)
        return torch.cat(found), shown.rows.new_tensor(places)


def small(half: Half) -> Tensor:
    """Pictures [N, C, SIDE, SIDE] in [0, 1]: of one colour how much of it there is, of many what they are."""
    parts = [part.float()[..., None] if part.dim() == 3 else part.float() for part in half.pictures.split(4000)]
    return torch.cat([F.adaptive_avg_pool2d(part.permute(0, 3, 1, 2) / 255, SIDE).half() for part in parts])


def _groups(half: Half) -> dict[tuple[int, ...], Tensor]:
    """Noun and style -> the rows of the icons that are drawn by weight."""
    groups: dict[tuple[int, ...], list[int]] = {}
    weights = half.weights().tolist()
    for row, (noun, style) in enumerate(half.candidates[:, :2].tolist()):
        if weights[row] > 0:
            groups.setdefault((noun, style), []).append(row)
    return {key: torch.tensor(rows, device=half.candidates.device) for key, rows in groups.items()}
