"""Before it is judged a generator learns shapes: each drawing is pulled towards the icon that it is most like.

With no critic, which holds every line where it is: what is drawn is smooth at the end, and a little blurred.
"""

import copy
from pathlib import Path
from typing import Any

import torch

from ganvas.learning.latents import REFINED, mixed, unlike
from ganvas.networks.latent import sphere

from .alike import Alike
from .corpus import Corpus
from .learner import Learner, follow, learning, steps
from .output import Log, say
from .sheets import save_sheet

__all__ = ["learn_shapes"]

EVERY = 50  # steps between two lines
BATCH, RATE, WARM = 32, 2e-4, 50
FEW = 4  # one of so many samples asks whether refining is still what it was
KEPT = 0.25  # weight of what is not compared, which is to be drawn as it was
WATCHED = ("generator.alike", "generator.moved", "generator.refined")


def learn_shapes(
    corpus: Corpus, alike: Alike, before: Any, network: Any, autoencoder: Any, out: Path, seconds: float
) -> None:
    """Teach a generator; its weights are the average of those on the way.

    Args:
        corpus: what is shown, and the words that are told of it.
        alike: which icon a drawing is to become.
        before: the generator as it was, which does not change.
        network: what learns, with the same weights.
        autoencoder: of the latents that it draws in.
        out: where log and sheets go.
        seconds: how long.
    """
    average = copy.deepcopy(network)
    learner = Learner(learning(network), RATE, (0.0, 0.99), decay=0.0, warm=WARM)
    log, watched, few = Log(out, "shapes"), torch.zeros(len(WATCHED), device=corpus.device), BATCH // FEW
    for step, done in steps(seconds):
        shown = alike.some(BATCH)
        condition, noise = corpus.condition(shown.told), torch.randn(BATCH, network.latent, device=corpus.device)
        latents = network.once(network.places(noise), condition)
        with torch.no_grad():
            icons, places = alike.nearest(autoencoder.decode(latents), shown)
            wanted = before.once(before.places(noise), condition)
            wanted[places] = autoencoder.latents(icons) if len(icons) else wanted[places]
            time = REFINED[0] + (REFINED[1] - REFINED[0]) * torch.rand(few, device=corpus.device)
            noisy = mixed(latents[:few], torch.randn_like(latents[:few]), time)
            clean = sphere(before.clean(noisy, condition[:few], time))
        off = unlike(latents, wanted)
        rest = torch.ones_like(off).index_fill(0, places, 0.0)
        refined = unlike(sphere(network.clean(noisy, condition[:few], time)), clean).mean()
        terms = torch.stack([(off * (1 - rest)).mean(), (off * rest).mean(), refined])
        learner.step(terms @ terms.new_tensor([1.0, KEPT, 1.0]), 1.0 if done < 0.6 else 2.45 - 2.4 * done, step)
        follow(average, network, min(0.998, 1 - 1 / (1 + (step + 1) * 0.05)))
        watched.lerp_(terms.detach(), max(0.05, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * BATCH, dict(zip(WATCHED, watched.tolist(), strict=True)))
            save_sheet(average, corpus, out)
    log.row((step + 1) * BATCH, dict(zip(WATCHED, watched.tolist(), strict=True)))
    network.load_state_dict(average.state_dict())
    say(f"shapes: {(step + 1) * BATCH:,} images")
