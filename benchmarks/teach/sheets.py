"""Sheets of the same words and seeds during training; `ganvas film OUT` turns them into a film."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.ideas import WORDS
from ganvas.core import pixels
from ganvas.learning.told import noise

from .corpus import Corpus
from .output import rows

__all__ = ["save_sheet"]

WAYS = ("outline blue", "solid red", "flat", "gradient")  # styles in which each thing is drawn, each with another seed
STAGES = ("shapes", "finished")


@torch.no_grad()
def save_sheet(network: Any, corpus: Corpus, out: Path) -> None:
    """Draw the things of `benchmarks.ideas` that the corpus knows into OUT/samples, named by the images seen so far."""
    texts = [f"{thing} {way}" for thing in _things(corpus) for way in WAYS]
    seeds = [seed for _ in _things(corpus) for seed in range(len(WAYS))]
    if texts:
        told = corpus.condition(torch.stack([corpus.asked(text) for text in texts]))
        drawn = network.generate(torch.from_numpy(noise(seeds, network.latent)).to(corpus.device), told)
        images = sum(found[-1]["images"] for stage in STAGES if (found := rows(out, stage)))
        pixels.save_picture(pixels.sheet(drawn.cpu()), out / "samples" / f"{images:09}.png")


def _things(corpus: Corpus) -> list[str]:
    return [thing for thing in (words.split()[-1] for words in WORDS) if thing in corpus.places]
