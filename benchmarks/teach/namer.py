"""Recognises which noun an icon shows, from the features of a network pretrained on photographs."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.core.tensors import write_safetensors
from ganvas.metrics.features.efficientnet import appearance

from .corpus import Corpus, Half
from .output import say

__all__ = ["Namer", "kept_namer", "known_namer", "learn_namer", "look_named", "seen", "shaken"]

LEAST = 12  # a noun is learned if it has at least so many icons
WIDTH, BATCH, RATE = 512, 256, 1e-3
GUESSES = 3
LOOKS = {True: 1, False: 2}  # how often each icon of one colour, and of many, is used


class Namer(nn.Module):
    """Numbers from `seen` -> logits [N, nouns]; `nouns` are the numbers of their words."""

    def __init__(self, inputs: int, nouns: list[int], words: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.BatchNorm1d(inputs, affine=False), nn.Linear(inputs, WIDTH), nn.LeakyReLU(0.1), nn.Dropout(0.3)),
            *(nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.1), nn.Dropout(0.3), nn.Linear(WIDTH, len(nouns))),
        )
        places = torch.full((words + 1,), -1)
        places[nouns] = torch.arange(len(nouns))
        self.register_buffer("places", places)

    def forward(self, numbers: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.layers(numbers)
        return logits

    def wanted(self, told: Tensor) -> Tensor:
        """The class of the noun at the start of each description [N, slots], or -1 if it is not one of the classes."""
        return self.get_buffer("places")[told[:, 0]]


class _Looks(NamedTuple):
    numbers: Tensor
    nouns: Tensor
    weights: Tensor


def seen(scales: list[Tensor]) -> Tensor:
    """Numbers [N, 2144] from features of Lite1 at three of its four scales: what is there and, coarsely, where."""
    _, eighth, sixteenth, least = scales
    return torch.cat(
        [
            *(eighth.mean((2, 3)), eighth.amax((2, 3)), sixteenth.amax((2, 3))),
            *(F.adaptive_avg_pool2d(sixteenth, 2).flatten(1), least.flatten(1)),
        ],
        1,
    )


def known_namer(file: Path, corpus: Corpus, steps: int) -> Namer:
    """The namer in a file, or one that is trained and written there."""
    if not file.exists():
        write_safetensors(learn_namer(corpus, steps).state_dict(), file)
    return kept_namer(file, len(corpus.words)).to(corpus.device)


def kept_namer(file: Path, words: int) -> Namer:
    """The namer in a file, which knows so many words."""
    weights = load_file(file)
    nouns = (weights["places"] >= 0).nonzero().flatten().tolist()
    namer = Namer(weights["layers.1.weight"].shape[1], nouns, words)
    namer.load_state_dict(weights)
    return namer.eval().requires_grad_(False)


def learn_namer(corpus: Corpus, steps: int) -> Namer:
    """Train with cross-entropy over the nouns that have at least `LEAST` icons, sampled by weight.

    The features of each icon are computed once or twice beforehand, with a little shift and noise.
    """
    count = Counter(number for half in (corpus.mono, corpus.coloured) for number in half.candidates[:, 0].tolist())
    nouns = sorted(noun for noun, icons in count.items() if noun and icons >= LEAST)
    parts = [
        part
        for half, share in ((corpus.mono, corpus.share), (corpus.coloured, 1 - corpus.share))
        for part in _looks(corpus, half, share, torch.tensor(nouns, device=corpus.device))
    ]
    numbers, told, weights = (torch.cat(each) for each in zip(*parts, strict=True))
    say(f"{len(numbers):,} looks at icons of {len(nouns):,} nouns")
    namer = Namer(numbers.shape[1], nouns, len(corpus.words)).to(corpus.device)
    optimizer = torch.optim.AdamW(namer.parameters(), RATE, weight_decay=0.05)
    ends, places = torch.cumsum(weights.double(), 0), namer.wanted(told[:, None])
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1.01 - step / steps)
        rows = torch.searchsorted(ends, torch.rand(BATCH, device=ends.device).double() * ends[-1])
        rows = rows.clamp(max=len(ends) - 1)
        logits = namer(numbers[rows].float())
        loss = F.cross_entropy(logits, places[rows], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    named = (logits.argmax(1) == places[rows]).float().mean().item()
    say(f"namer: {named:.2f} of what it learned from")
    return namer.eval().requires_grad_(False)


@torch.no_grad()
def _looks(corpus: Corpus, half: Half, share: float, nouns: Tensor) -> list[_Looks]:
    """The features of each icon that has one of the nouns, as often as `LOOKS` says."""
    mono, known, weights = half is corpus.mono, half.candidates[:, 0], half.weights()
    found = []
    for _ in range(LOOKS[mono]):
        for rows in torch.isin(known, nouns).nonzero().flatten().split(BATCH):
            tint = corpus.tints(len(rows))[1] if mono else None
            coin = torch.rand(len(rows), device=corpus.device) < 0.5
            x = shaken(corpus.pictures(half, rows, tint, coin & half.flips[rows]))
            x = F.avg_pool2d(x, x.shape[-1] // 64)
            x = x + 0.12 * torch.rand(len(x), 1, 1, 1, device=x.device) * torch.randn_like(x)
            found.append(_Looks(seen(appearance(x)).half(), known[rows], share * weights[rows]))
    return found


@torch.no_grad()
def look_named(namer: Namer, corpus: Corpus, half: Half) -> Tensor:
    """Whether icons of one kind look like what they are called, [N]: that noun is among the namer's first guesses.

    Also true of icons whose nouns it does not know.
    """
    found = []
    for rows in torch.arange(len(half), device=corpus.device).split(BATCH):
        tint = torch.zeros(len(rows), 3, device=corpus.device) if half is corpus.mono else None
        logits = namer(seen(appearance(corpus.pictures(half, rows, tint))))
        wanted = namer.wanted(half.candidates[rows])
        better = (logits > logits.gather(1, wanted.clamp(min=0)[:, None])).sum(1)
        found.append((better < GUESSES) | (wanted < 0))
    return torch.cat(found)


def shaken(x: Tensor, most: int = 3) -> Tensor:
    """Pictures shifted by up to so many pixels, all by the same; their edges are white, so wrapping does not show."""
    return torch.roll(x, torch.randint(-most, most + 1, (2,)).tolist(), (2, 3))
