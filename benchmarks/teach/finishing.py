"""After all others: a finished model continues, guided by two networks that look at its drawings.

Both see them through a network pretrained on photographs. A critic with the hinge loss (`feature_critic`; Sauer et al.
2021, arXiv:2111.01007) gets the data as the decoder draws them. A namer must recognise the noun that was told (like the
classifier of AC-GAN, Odena et al. 2017, arXiv:1610.09585, but trained beforehand and then fixed). Half of the pictures
come from the first step, half from refining such pictures, as in sampling. All begin with sketches from the generator's
sketcher (sketching.py), so that seeds stay different. A critic improves lines but not the layout, so what is drawn from
an icon's own sketch must still be that icon (shaping.py), and refining at other times must give what it gave before.
The icons of a noun all face one way.
"""

import copy
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import ideas, naming
from ganvas import load as load_model
from ganvas.core.machine import has_bfloat16
from ganvas.metrics.features.efficientnet import appearance
from ganvas.models.critics import load_critics
from ganvas.models.shipped import locate
from ganvas.networks.feature import FeatureCritic
from ganvas.networks.latent import VEILED, LatentAutoencoder, sphere
from ganvas.runs.run import Run

from .assemble import encoder
from .corpus import Corpus
from .facing import face_one_way
from .learner import Learner, follow, learning, own, steps
from .namer import Namer, known_namer, look_named, seen, shaken
from .output import Log, load, save, say
from .shaping import learn_shapes, missed, refined
from .sheets import save_sheet
from .sketching import known_sketches, learn_sketches

__all__ = ["SHAPE", "Finish", "finish", "learn_finish"]

EVERY, KEPT = 50, 10  # steps between two lines of the log; lines between two saves of the weights
SHAPE = (3, 64, 64)
EVERYDAY = (*naming.THINGS, *(words.split()[-1] for words in ideas.WORDS))
GOALS = ("loss", "named", "refined", "missed")
WATCHED = (*(f"generator.{goal}" for goal in GOALS), "critic.loss", "critic.right")


@dataclass(frozen=True)
class Finish:
    """Settings of the last stage.

    sketch               numbers in a sketch, if the model to continue has none (sketching.py)
    guidance             of sketches
    sketches, first      seconds for learning sketches and then shapes, before everything else (shaping.py)
    seconds, warm        seconds after that, and the first steps of these in which a new critic learns alone
    namer                steps in which the namer learns, beforehand
    seed                 of all random numbers
    power                nouns are weighted by their number of icons to this power
    everyday             minimum share of the things that `benchmarks.naming` and `ideas` ask for
    adversarial, named, refined, missed   weights in the generator's loss: of the critic, of the namer, of the distance
                         to what refining gave before, and of the distance to the icons whose sketches are drawn
    """

    sketch: int = 64
    guidance: float = 2.5
    sketches: float = 900.0
    first: float = 1200.0
    seconds: float = 2400.0
    warm: int = 150
    namer: int = 3000
    batch: int = 16
    rate: float = 1.2e-4
    critic_rate: float = 3e-4
    power: float = 0.5
    everyday: float = 0.5
    adversarial: float = 0.3
    named: float = 0.3
    refined: float = 0.25
    missed: float = 2.0
    seed: int = 0


def finish(corpus: Corpus, model: str, out: Path, plan: Finish) -> None:
    """Continue the generator of a published model, and its critic if that one uses EfficientNet.

    A generator, critic or namer that is already in OUT is continued instead.
    """
    say(f"mirrored {face_one_way(corpus):,} icons")
    found = Run(locate(model))
    generator: Any = load_model(model).network.to(corpus.device)
    settings = found.recipe.networks["generator"]
    begins = {"sketch": settings.sketch or plan.sketch, "guidance": plan.guidance}
    network = replace(settings, **begins).build(SHAPE, generator.condition)
    network.to(corpus.device).load_state_dict(generator.state_dict(), strict=False)
    critic: Any = FeatureCritic().build(SHAPE, generator.condition).to(corpus.device)
    learned = load(out, "finished_critic")
    if not learned and found.recipe.networks["critic"] == FeatureCritic():
        learned = load_critics(found, generator.condition)["critic"].state_dict()
    if learned:
        critic.load_state_dict(learned)
        plan = replace(plan, warm=0)
    autoencoder: Any = LatentAutoencoder(large=generator.doubles).build(SHAPE, 0).to(corpus.device)
    autoencoder.decoder.load_state_dict(generator.decoder.state_dict())
    autoencoder.load_state_dict(encoder(found), strict=False)
    namer = known_namer(out / "namer.safetensors", corpus, plan.namer)
    for each in (generator, autoencoder):
        each.eval().requires_grad_(False)
    anew = settings.sketch == 0
    learn_finish(corpus, generator, network, critic, autoencoder, namer, out, plan, anew=anew)


def learn_finish(
    corpus: Corpus,
    before: Any,
    network: Any,
    critic: Any,
    autoencoder: Any,
    namer: Namer,
    out: Path,
    plan: Finish,
    *,
    anew: bool,
) -> None:
    """Train a generator further; its average is saved in OUT as `finished`.

    Args:
        corpus: the icons and their descriptions.
        before: the generator as it was, in one step, for the targets of refining; it does not change.
        network: the generator that learns, starting with the same weights.
        critic: a `feature_critic`, which learns.
        autoencoder: of the latents that it draws in.
        namer: recognises nouns.
        out: where weights, log and sheets go, the weights every few minutes.
        plan: the settings.
        anew: whether the axes of sketches must be found, too.
    """
    corpus.favour(plan.power, EVERYDAY, plan.everyday)
    learned = load(out, "finished")
    network.load_state_dict(learned, strict=False)
    network.train().requires_grad_(True)
    for fixed in (network.decoder, network.sketcher):
        fixed.requires_grad_(False)
    if has_bfloat16(corpus.device):
        for each in (network, before, autoencoder):
            each.precision = torch.bfloat16
    sketches = known_sketches(corpus, autoencoder, network.sketcher, out, anew=anew)
    if plan.sketches and not learned:
        named = [look_named(namer, corpus, half) for half in (corpus.mono, corpus.coloured)]
        learn_sketches(corpus, sketches, network.sketcher, out, plan.sketches, named=named)
    if plan.first and not learned:
        learn_shapes(corpus, sketches, before, network, autoencoder, out, plan.first)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    _save(average, critic, out)
    ours = Learner(learning(network), plan.rate, (0.0, 0.99), decay=0.0, warm=plan.warm + 100)
    theirs = Learner(learning(critic), plan.critic_rate, (0.0, 0.99), decay=0.0, warm=1, most=math.inf)
    log, watched = Log(out, "finished", go_on=bool(learned)), torch.zeros(len(WATCHED), device=corpus.device)
    weights = torch.tensor([plan.adversarial, plan.named, plan.refined, plan.missed], device=corpus.device)
    for step, done in steps(plan.seconds):
        shown = corpus.some(plan.batch)
        condition, noise = corpus.condition(shown.told), torch.randn(plan.batch, network.latent, device=corpus.device)
        drawing = _draw(network, autoencoder, network.places(noise), condition)
        with torch.no_grad():
            real = appearance(shaken(autoencoder.decode(autoencoder.latents(shown.pictures))))
        loss, right = _critic_loss(critic, real, [each.detach() for each in drawing.looks], condition)
        theirs.step(loss, 1.0, step)
        if step >= plan.warm:
            critic.requires_grad_(False)
            says = -critic.verdict(critic.look(drawing.looks), condition).mean()
            critic.requires_grad_(True)
            goals = (
                says,
                _unnamed(namer, drawing.looks, shown.told),
                refined(before, network, drawing.latents.detach(), condition),
                missed(corpus, sketches, network, autoencoder, shown, condition)[0],
            )
            falling = 1.0 if done < 0.5 else 0.05 + 1.9 * (1 - done)
            weights[-1] = plan.missed * falling
            ours.step(weights @ torch.stack(goals), falling, step - plan.warm)
            follow(average, network, min(0.998, 1 - 1 / (1 + (step - plan.warm + 1) * 0.05)))
            terms = torch.stack([each.detach() for each in (*goals, loss, right)])
            watched.lerp_(terms, max(0.05, 1 / (step - plan.warm + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * plan.batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
            save_sheet(average, corpus, out)
        if step % (EVERY * KEPT) == 0:
            _save(average, critic, out)
    log.row((step + 1) * plan.batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
    save_sheet(average, corpus, out)
    _save(average, critic, out)
    say(f"finished: {(step + 1) * plan.batch:,} images")


class _Drawing(NamedTuple):
    """Latents [N, places, 16], and the features of their pictures."""

    latents: Tensor
    looks: list[Tensor]


def _draw(network: Any, autoencoder: Any, noise: Tensor, condition: Tensor) -> _Drawing:
    """Half of the samples after the first step, the others after one step that refines the result of the first."""
    first = len(noise) // 2
    with torch.no_grad():
        sketched = network.sketched(noise, condition)
        once = network.finished(sketched[first:], noise[first:], condition[first:])
    begun = torch.cat([network.begun(sketched[:first], noise[:first]), network.veiled(once, noise[first:])])
    latents = sphere(network.clean(begun, condition, noise.new_full((len(noise),), 1 - VEILED)))
    return _Drawing(latents, appearance(shaken(autoencoder.decode(latents))))


def _critic_loss(critic: Any, real: list[Tensor], fake: list[Tensor], condition: Tensor) -> tuple[Tensor, Tensor]:
    """The hinge loss of reals, fakes, and reals with the words of others; and how often the critic is right."""
    looks_real, looks_fake = critic.look([torch.cat(pair) for pair in zip(real, fake, strict=True)]).chunk(2)
    good, bad = critic.verdict(looks_real, condition), critic.verdict(looks_fake, condition)
    wrong = critic.verdict(looks_real, condition.roll(1, 0))
    loss = F.relu(1 - good).mean() + F.relu(1 + bad).mean() + F.relu(1 + wrong).mean() / 2
    return loss, (good > bad).float().mean()


def _unnamed(namer: Namer, looks: list[Tensor], told: Tensor) -> Tensor:
    """The cross-entropy of the nouns that were told."""
    wanted = namer.wanted(told)
    return F.cross_entropy(namer(seen(looks)), wanted, ignore_index=-1, reduction="sum") / len(wanted)


def _save(average: Any, critic: Any, out: Path) -> None:
    save(own(average), out / "finished")
    save(critic.state_dict(), out / "finished_critic")
