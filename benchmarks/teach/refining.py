"""The last stage: a one-step generator learns to refine what it has drawn, as the flow would."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganvas.learning.latents import REFINED, guidance, mixed, unlike
from ganvas.networks.latent import sphere

from .corpus import Corpus
from .learner import Learner, autocast, follow, learning, own, steps
from .output import Log, save, say

__all__ = ["learn_refining"]

EVERY = 50  # steps between two lines of the log
KEPT = 4  # one in so many samples checks that the first step stays as it was
WATCHED = ("generator.refined", "generator.kept")


def learn_refining(
    corpus: Corpus,
    told: Callable[[int], Tensor],
    generator: Any,
    flow: Any,
    out: Path,
    *,
    seconds: float,
    batch: int,
    rate: float,
) -> None:
    """Train with `learning.latents.Distillation.refined`, and keep what the generator draws in its first step.

    Args:
        corpus: the vectors of words.
        told: returns so many random descriptions.
        generator: of one step; it does not change.
        flow: gives the targets.
        out: where the weights and the log go.
        seconds: how long.
        batch: samples per step.
        rate: of Adam; it falls in the second half.
    """
    network = copy.deepcopy(generator).train()
    network.requires_grad_(True).decoder.requires_grad_(False)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    learner = Learner(learning(network), rate, (0.9, 0.99), decay=0.0, warm=50)
    log, watched = Log(out, "refined"), torch.zeros(len(WATCHED), device=corpus.device)
    few, (first, last) = max(1, batch // KEPT), REFINED
    for step, done in steps(seconds):
        condition = corpus.condition(told(batch))
        noise = torch.randn(batch, *generator.places(torch.zeros(1, generator.latent)).shape[1:], device=corpus.device)
        time = first + (last - first) * torch.rand(batch, device=corpus.device)
        with torch.no_grad(), autocast(corpus.device):
            drawn = generator.once(noise, condition).float()
            noisy = mixed(drawn, torch.randn_like(drawn), time)
            wanted = sphere(flow.guided(noisy, condition, time, guidance(time)).float())
        with autocast(corpus.device):
            refined = sphere(network.clean(noisy, condition, time).float())
            kept = network.once(noise[:few], condition[:few]).float()
        off, away = unlike(refined, wanted).mean(), unlike(kept, drawn[:few]).mean()
        learner.step(off + away, 1.0 if done < 0.5 else 0.03 + 1.94 * (1 - done), step)
        follow(average, network, min(0.995, 1 - 1 / (1 + (step + 1) * 0.03)))
        watched.lerp_(torch.stack([off.detach(), away.detach()]), max(0.05, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
    log.row((step + 1) * batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
    save(own(average), out / "refined")
    say(f"refining: {(step + 1) * batch:,} images")
