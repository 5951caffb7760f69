"""Which kinds of things a model draws: those whose drawings still show the thing, the most different first.

    python -m benchmarks.teach kinds CARRY OUT     # after `finish`; writes them to OUT/condition.json, for `assemble`

A clock may be an alarm clock or a watch, and its drawings then differ; but a `locked` key is a lock. So a namer
decides, which was trained on the icons alone.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganvas.learning.phrases import Phrases
from ganvas.metrics.features.efficientnet import appearance

from .namer import Namer, seen

__all__ = ["drawn_kinds"]

MOST = 6  # kinds of a thing, at most
FIRST = 2  # a thing is recognised if it is among the namer's first so many nouns
ALMOST = 0.75  # required share of recognised drawings
WAYS = ("outline black", "solid black", "flat", "gradient")  # styles to check, each with another seed

Draw = Callable[[Sequence[str], int], Tensor]


@torch.no_grad()
def drawn_kinds(asked: Phrases, draw: Draw, namer: Namer, places: dict[str, int]) -> tuple[str, ...]:
    """The kinds to keep, out of those in `asked`.

    Args:
        asked: the words that a model knows.
        draw: texts and a seed -> pictures [N, 3, 64, 64] in [-1, 1].
        namer: recognises the things.
        places: the number of each word, as the namer has them.
    """
    found = []
    for thing, *kinds in (each.split() for each in asked.kinds):
        if (noun := namer.get_buffer("places")[places[thing]]) < 0:
            continue
        named, looks = [], []
        for seed, way in enumerate(WAYS):
            numbers = seen(appearance(draw([f"{way} {thing} {kind}" for kind in ("", *kinds)], seed)))
            named.append((namer(numbers).topk(FIRST).indices == noun).any(1))
            looks.append(namer.layers[0](numbers))
        if kept := _unlike(torch.stack(named).float().mean(0)[1:] >= ALMOST, torch.cat(looks, 1)):
            found.append(" ".join([thing, *(kinds[place] for place in kept)]))
    return tuple(found)


def _unlike(named: Tensor, looks: Tensor) -> list[int]:
    """The recognised ones of N kinds, each farthest from all before; looks [1 + N, D] begin with the plain thing."""
    apart, kept = torch.cdist(looks, looks), [0]
    while len(kept) <= MOST:
        far = apart[kept].amin(0)[1:] * named
        if not far.any():
            break
        kept.append(int(far.argmax()) + 1)
    return [place - 1 for place in kept[1:]]
