"""Which kinds of things a model draws: those under which a thing is still that thing, the most unlike first.

    python -m benchmarks.teach kinds CARRY OUT     # after `finish`; OUT/condition.json has them then, for `assemble`

A clock may be an alarm clock or a watch, and its drawings then differ; a key that is `locked` is a lock. So a namer is
asked, which learned from the icons alone.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganvas.learning.phrases import Phrases
from ganvas.metrics.features.efficientnet import appearance

from .namer import Namer, seen

__all__ = ["drawn_kinds"]

MOST = 6  # kinds of a thing
FIRST = 2  # a thing is found if it is among so many that the namer names first
ALMOST = 0.75  # in such a share of its drawings
WAYS = ("outline black", "solid black", "flat", "gradient")  # in which drawings are looked at, each of another seed

Draw = Callable[[Sequence[str], int], Tensor]


@torch.no_grad()
def drawn_kinds(asked: Phrases, draw: Draw, namer: Namer, places: dict[str, int]) -> tuple[str, ...]:
    """The kinds that are kept of those that `asked` has.

    Args:
        asked: the words that a model knows.
        draw: texts and a seed -> pictures [N, 3, 64, 64] in [-1, 1].
        namer: what is to find the things.
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
    """Those of N kinds that are named, each farthest from all before; looks [1 + N, D] begin with the plain thing."""
    apart, kept = torch.cdist(looks, looks), [0]
    while len(kept) <= MOST:
        far = apart[kept].amin(0)[1:] * named
        if not far.any():
            break
        kept.append(int(far.argmax()) + 1)
    return [place - 1 for place in kept[1:]]
