"""Which way things face.

Half of the fish look to the left. A generator trained on both, or on icons that are sometimes mirrored, draws a mixture
of both: a fish with two tails, a key along both diagonals. So the icons of a noun are turned to face one way.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .corpus import Corpus, Half

__all__ = ["face_one_way"]

ROUNDS = 20
SIDE = 16  # icons are compared at this many pixels a side


def face_one_way(corpus: Corpus) -> int:
    """Mirror icons, where that is permitted, so that those of each noun face the same way.

    Returns:
        How many were mirrored. No icon may be mirrored afterwards.
    """
    halves = (corpus.mono, corpus.coloured)
    ink = torch.cat([_ink(half) for half in halves])
    leaning = (ink - ink.flip(-1)).flatten(1)
    nouns = torch.cat([half.candidates[:, 0] for half in halves])
    free = torch.cat([half.flips for half in halves]) & (nouns > 0)
    order = nouns.argsort(stable=True)
    mirrored = torch.zeros(len(nouns), dtype=torch.bool, device=corpus.device)
    for rows in order.split(torch.unique_consecutive(nouns[order], return_counts=True)[1].tolist()):
        mirrored[rows] = agreed(leaning[rows], free[rows])
    for half, turned in zip(halves, mirrored.split([len(half) for half in halves]), strict=True):
        half.pictures[turned] = half.pictures[turned].flip(2)
        half.flips = torch.zeros_like(half.flips)
    return int(mirrored.sum())


def agreed(leaning: Tensor, free: Tensor) -> Tensor:
    """Which rows to negate so that the sum of all is long; at most half of them, if all are free.

    Args:
        leaning: the asymmetric part of each, [N, D].
        free: which may be negated, [N].
    """
    sign = torch.ones(len(leaning), device=leaning.device)
    if not free.any():
        return sign < 0
    towards = leaning[leaning.square().sum(1).argmax()]
    for _ in range(ROUNDS):
        sign = torch.where(free & (leaning @ towards < 0), -1.0, 1.0)
        towards = sign @ leaning
    if (sign[free] < 0).float().mean() > 0.5 and free.all():
        sign = -sign
    return sign < 0


def _ink(half: Half) -> Tensor:
    """How far each place of the icons of one kind is from white, [N, SIDE, SIDE]."""
    found = []
    for part in half.pictures.split(4000):
        ink = part[..., None].float() / 255 if part.dim() == 3 else 1 - part.float() / 255
        found.append(F.adaptive_avg_pool2d(ink.permute(0, 3, 1, 2), SIDE).mean(1))
    return torch.cat(found)
