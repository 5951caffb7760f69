"""Before it is judged, a generator learns shapes: what it draws from the sketch of an icon must be that icon.

There is no critic, because a critic keeps every line where it is; so drawings end up smooth and a little blurred.
"""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganvas.learning.latents import REFINED, mixed, unlike
from ganvas.networks.latent import sphere

from .corpus import Corpus, Shown
from .learner import Learner, follow, learning, steps
from .output import Log, say
from .sheets import save_sheet
from .sketching import Sketches

__all__ = ["learn_shapes", "missed", "refined"]

EVERY = 50  # steps between two lines of the log
BATCH, RATE, WARM = 32, 2e-4, 50
FEW = 4  # one in so many samples checks that refining stays as it was
WATCHED = ("generator.missed", "generator.refined")


def learn_shapes(
    corpus: Corpus, sketches: Sketches, before: Any, network: Any, autoencoder: Any, out: Path, seconds: float
) -> None:
    """Train a generator; its weights at the end are their average during training.

    Args:
        corpus: the icons and their descriptions.
        sketches: of all icons.
        before: the generator as it was, which does not change.
        network: the generator that learns, and begins with a sketch.
        autoencoder: of the latents that it draws in.
        out: where log and sheets go.
        seconds: how long.
    """
    average = copy.deepcopy(network)
    learner = Learner(learning(network), RATE, (0.0, 0.99), decay=0.0, warm=WARM)
    log, watched = Log(out, "shapes"), torch.zeros(len(WATCHED), device=corpus.device)
    for step, done in steps(seconds):
        shown = corpus.some(BATCH)
        condition = corpus.condition(shown.told)
        off, latents = missed(corpus, sketches, network, autoencoder, shown, condition)
        terms = torch.stack([off, refined(before, network, latents.detach(), condition)])
        learner.step(terms.sum(), 1.0 if done < 0.6 else 2.45 - 2.4 * done, step)
        follow(average, network, min(0.998, 1 - 1 / (1 + (step + 1) * 0.05)))
        watched.lerp_(terms.detach(), max(0.05, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * BATCH, dict(zip(WATCHED, watched.tolist(), strict=True)))
            save_sheet(average, corpus, out)
    log.row((step + 1) * BATCH, dict(zip(WATCHED, watched.tolist(), strict=True)))
    network.load_state_dict(average.state_dict())
    say(f"shapes: {(step + 1) * BATCH:,} images")


def missed(
    corpus: Corpus, sketches: Sketches, network: Any, autoencoder: Any, shown: Shown, condition: Tensor
) -> tuple[Tensor, Tensor]:
    """The mean distance of icons to what is drawn from their sketches, and these drawings as latents [N, places, 16].

    Icons of one colour count only if their colour was told, because it is not in the sketch.
    """
    sketched = network.sketcher.latents(sketches.of(shown.mono, shown.rows))
    latents: Tensor = network.finished(sketched, torch.randn_like(sketched), condition)
    with torch.no_grad():
        wanted = autoencoder.latents(shown.pictures)
    told = ~shown.mono | torch.isin(shown.told, corpus.names).any(1)
    return (unlike(latents, wanted) * told).mean(), latents


def refined(before: Any, network: Any, latents: Tensor, condition: Tensor) -> Tensor:
    """The mean distance of a few refined latents, at random times, to what refining gave before."""
    few, (first, last) = max(1, len(latents) // FEW), REFINED
    time = first + (last - first) * torch.rand(few, device=latents.device)
    noisy = mixed(latents[:few], torch.randn_like(latents[:few]), time)
    with torch.no_grad():
        wanted = sphere(before.clean(noisy, condition[:few], time))
    return unlike(sphere(network.clean(noisy, condition[:few], time)), wanted).mean()
