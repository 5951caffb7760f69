"""The stages of training, one after another, each for so many seconds; every stage saves its result."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.core.pixels import grid, to_image, to_uint8
from ganvas.learning.latents import TREMBLE, clearness, difference, expected, mixed, told_apart, unlike
from ganvas.networks.latent import LatentAutoencoder, LatentCritic, LatentGenerator, sphere

from ..ideas import WORDS
from .corpus import Corpus
from .learner import Learner, autocast, follow, learning, own, steps
from .output import Log, Weights, load, save, say
from .prepare import SLOTS
from .refining import learn_refining

SHAPE, CONDITION, WAVES = (3, 64, 64), SLOTS * 256, 16
EVERY = 200  # steps between two lines of the log
WATCHED = ("generator.likeness", "generator.pictures", "generator.loss", "critic.loss", "critic.right")


@dataclass(frozen=True)
class Plan:
    """Seconds and settings of the stages; the defaults trained the model `icons`, except for refining.

    autoencoder, flow, one_step, refine   seconds of each stage. 0 leaves out one_step or refine, and takes the result
                       of the other two from `--start`, as refine takes the generator if one_step is left out
    flow_from          what the flow continues, out of what is at `--start`: flow, or one_step, or nothing
    span_from, span_to the part of the flow's schedule that this run does, if several sessions share it
    plain, pairs_plain share of descriptions of noun, style and colour alone, in the flow and in the pairs
    real               share of the critic's reals that come from the data; the others come from the flow
    adversarial, adversarial_end   weight of the critic's loss, at the beginning and at the end
    """

    autoencoder: float = 45.0
    flow: float = 335.0
    one_step: float = 150.0
    refine: float = 0.0
    batch: int = 512
    small_batch: int = 256
    rate: float = 1.5e-3
    one_step_rate: float = 2e-4
    refine_rate: float = 6e-5
    tints: int = 12
    pairs: int = 64_000
    steps: int = 10
    guidance: float = 4.0
    flow_from: str = "flow"
    span_from: float = 0.0
    span_to: float = 1.0
    plain: float = 0.0
    pairs_plain: float = 0.6
    real: float = 0.25
    adversarial: float = 0.25
    adversarial_end: float = 0.25
    compile: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.flow_from not in ("flow", "one_step", "nothing"):
            raise SystemExit(f"--flow-from is flow, one_step or nothing, not {self.flow_from}.")
        if not 0 <= self.span_from < self.span_to <= 1:
            raise SystemExit(f"--span-from and --span-to are in order within 0 and 1: {self.span_from}, {self.span_to}")


class Bank(NamedTuple):
    """Latents [N, V, places, 16] of the icons of one kind in several variants, and the tint [N, V] of each."""

    latents: Tensor
    colours: Tensor


def teach(corpus: Corpus, out: Path, plan: Plan, *, start: Path | None = None) -> None:
    """Run all stages, each continuing from what there is at `start`.

    An existing autoencoder is kept unchanged, because a flow only fits the latents that it was trained on.
    """
    begun = (lambda name: load(start, name)) if start else (lambda _: Weights())
    autoencoder = learn_autoencoder(corpus, out, plan, begun("autoencoder"))
    banks = [_bank(corpus, autoencoder, half, plan.tints) for half in (corpus.mono, corpus.coloured)]
    say("latents of", [tuple(bank.latents.shape[:2]) for bank in banks])
    before = begun(plan.flow_from)
    if not plan.flow and not before:
        raise SystemExit(
            f"Nothing is there to be taken for the flow: give --flow SECONDS, or --start with {plan.flow_from}."
        )
    flow, learner = learn_flow(corpus, banks, autoencoder, out, plan, before)
    if plan.one_step:
        learn_one_step(corpus, banks, autoencoder, flow, learner, out, plan)
    if plan.refine:
        drawing = load(out, "one_step") or begun("one_step")
        if not drawing:
            raise SystemExit("Nothing is there to be refined: give --one-step SECONDS, or --start with one_step.")
        generator = copy.deepcopy(flow)
        generator.load_state_dict(drawing, strict=False)
        learn_refining(
            corpus,
            lambda count: _batch(corpus, banks, count, nothing=0.02, plain=plan.pairs_plain)[1],
            generator,
            flow,
            out,
            seconds=plan.refine,
            batch=plan.batch,
            rate=plan.refine_rate,
        )


def learn_autoencoder(corpus: Corpus, out: Path, plan: Plan, begun: Weights) -> Any:
    """Train an autoencoder: it sees 128-pixel pictures at half size, and decodes noisy latents at both sizes."""
    network: Any = LatentAutoencoder(large=True).build(SHAPE, 0).to(corpus.device)
    network.to(memory_format=torch.channels_last)
    if begun:
        network.load_state_dict(begun)
        save(network.state_dict(), out / "autoencoder")
        return network.eval().requires_grad_(False)
    if not plan.autoencoder:
        raise SystemExit("Nothing is there to be taken for the autoencoder: give --autoencoder SECONDS, or --start.")
    learner = Learner(network.parameters(), 2e-3, (0.9, 0.99), decay=0.01, warm=50)
    log, batch = Log(out, "autoencoder"), plan.small_batch
    count = int(batch * 0.6)
    for step, done in steps(plan.autoencoder):
        _, tint = corpus.tints(count)
        big = torch.cat(
            [
                corpus.pictures(corpus.mono, corpus.mono.some(count), tint),
                corpus.pictures(corpus.coloured, corpus.coloured.some(batch - count)),
            ]
        )
        shift = torch.randint(-6, 7, (2,)).tolist()
        big = torch.roll(big, shift, (2, 3)).contiguous(memory_format=torch.channels_last)
        x = F.avg_pool2d(big, 2) if big.shape[-1] > SHAPE[-1] else big
        with autocast(corpus.device):
            latents = network.latents(x)
            noise = 0.15 * torch.rand(batch, 1, 1, device=x.device) * torch.randn_like(latents)
            again = network.decode(latents + noise).float()
            loss = difference(again, x).mean()
            if big is not x:
                large = network.decode(latents + noise, large=True).float()
                loss = loss + 0.7 * difference(large, big, sizes=4).mean()
        learner.step(loss, 0.51 + 0.49 * math.cos(math.pi * done), step)
        if step % EVERY == 0:
            log.row((step + 1) * batch, {"autoencoder.difference": (again.detach() - x).abs().mean().item()})
    log.row((step + 1) * batch, {"autoencoder.difference": (again.detach() - x).abs().mean().item()})
    save(network.state_dict(), out / "autoencoder")
    return network.eval().requires_grad_(False)


def learn_flow(
    corpus: Corpus, banks: list[Bank], autoencoder: Any, out: Path, plan: Plan, begun: Weights
) -> tuple[Any, Any]:
    """Flow matching in the latents (`learning.latents.FlowMatching`): the average, and the network that learned."""
    settings = LatentGenerator(steps=plan.steps, guidance=plan.guidance, large=True)
    network: Any = settings.build(SHAPE, CONDITION).to(corpus.device)
    network.load_state_dict(autoencoder.decoder.state_dict(prefix="decoder.") | begun, strict=False)
    network.decoder.requires_grad_(False)
    network.body.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    _compile(network.body, plan)
    if not plan.flow:
        return average, network
    learner = Learner(learning(network), plan.rate, (0.9, 0.98), decay=0.01, warm=200)
    log, error = Log(out, "flow"), torch.zeros((), device=corpus.device)
    for step, share in steps(plan.flow):
        done = plan.span_from + (plan.span_to - plan.span_from) * share
        latents, told = _batch(corpus, banks, plan.batch, plain=plan.plain)
        centre, detail = (-1.0, 0.3) if done < 0.35 else (-0.6, 0.7) if done < 0.75 else (-0.2, 1.0)
        time_ = torch.sigmoid(torch.randn(plan.batch, device=corpus.device) + centre)
        with autocast(corpus.device):
            found = network.clean(_veiled(latents, time_), corpus.condition(told), time_).float()
        loss, squares = expected(found, latents, time_, detail=detail)
        learner.step(loss.mean(), 1.0 if done < 0.5 else 0.02 + 1.96 * (1 - done), step)
        follow(average, network, min(0.9995, 1 - 1 / (1 + (step + 1) * 0.05)))
        error.lerp_(squares.mean(), max(0.02, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * plan.batch, {"generator.error": error.item()})
    log.row((step + 1) * plan.batch, {"generator.error": error.item()})
    save(own(average), out / "flow")
    _show(corpus, autoencoder, average.latents, out / "flow.png")
    return average, network


def learn_one_step(
    corpus: Corpus, banks: list[Bank], autoencoder: Any, flow: Any, network: Any, out: Path, plan: Plan
) -> None:
    """Distil the flow into one step (`learning.latents.Distillation`), from endpoints that are computed once."""
    noise, ends, told = _pairs(corpus, banks, flow, plan)
    network.load_state_dict(flow.state_dict())
    average, critic = copy.deepcopy(flow), _critic(autoencoder, flow, plan)
    ours = Learner(learning(network), plan.one_step_rate, (0.5, 0.99), decay=0.0, warm=100)
    theirs = Learner(learning(critic), 1.5 * plan.one_step_rate, (0.0, 0.99), decay=0.0, warm=100, most=5.0)
    log, batch, watched = Log(out, "one_step"), plan.batch, torch.zeros(len(WATCHED), device=corpus.device)
    start = torch.zeros(batch, device=corpus.device)
    for step, done in steps(plan.one_step):
        rate = 1.0 if done < 0.6 else 0.03 + 0.97 * (1 - done) / 0.4
        chosen, others = (torch.randint(0, len(ends), (batch,), device=corpus.device) for _ in range(2))
        condition, end = corpus.condition(told[chosen]), ends[chosen].float()
        with autocast(corpus.device):
            fake = sphere(network.clean(noise[chosen].float(), condition, start)).float()
        real, under = _real(corpus, banks, ends[others].float(), told[others], share=plan.real)
        loss, right = _critic_loss(critic, real, under, fake.detach(), condition)
        theirs.step(loss, rate, step)
        off, apart, says = _generator_loss(critic, autoencoder, fake, end, condition, still=theirs.weights)
        likeness = 1 - 0.65 * min(1.0, done / 0.7)
        weight = plan.adversarial + (plan.adversarial_end - plan.adversarial) * done if step > 100 else 0.0
        ours.step(likeness * (off + apart / 2) + weight * says, rate, step)
        follow(average, network, min(0.998, 1 - 1 / (1 + (step + 1) * 0.05)))
        seen = torch.stack([off.detach(), apart.detach(), says.detach(), loss.detach(), right])
        watched.lerp_(seen, max(0.05, 1 / (step + 1)))
        if step % EVERY == 0:
            log.row((step + 1) * batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
    log.row((step + 1) * batch, dict(zip(WATCHED, watched.tolist(), strict=True)))
    save(own(average), out / "one_step")
    save({key: value for key, value in critic.state_dict().items() if not key.startswith("encoder.")}, out / "critic")
    average.steps = 1
    _show(corpus, autoencoder, average.latents, out / "one_step.png")


def _critic(autoencoder: Any, flow: Any, plan: Plan) -> Any:
    """A critic that begins with the first blocks of the flow, on the encoder's latents."""
    critic: Any = LatentCritic().build(SHAPE, CONDITION).to(next(flow.parameters()).device)
    critic.encoder.load_state_dict(autoencoder.encoder.state_dict())
    known = flow.body.state_dict()
    critic.body.load_state_dict({key: known[key] for key in critic.body.state_dict()})
    critic.encoder.requires_grad_(False)
    critic.body.to(memory_format=torch.channels_last)
    _compile(critic.body, plan)
    return critic


def _generator_loss(
    critic: Any, autoencoder: Any, fake: Tensor, end: Tensor, condition: Tensor, *, still: list[nn.Parameter]
) -> tuple[Tensor, Tensor, Tensor]:
    """The distance of fakes to their endpoints in latents and, for an eighth, in pictures; and the adversarial loss.

    The critic's weights `still` are frozen meanwhile.
    """
    few, times = max(1, len(fake) // 8), _times(len(fake), fake.device)
    for each in still:
        each.requires_grad_(False)
    with autocast(fake.device):
        judged = critic.judge(_veiled(fake, times), condition, times).float()
        apart = difference(autoencoder.decode(fake[:few]).float(), autoencoder.decode(end[:few]).float()).mean()
    for each in still:
        each.requires_grad_(True)
    return unlike(fake, end).mean(), apart, F.softplus(-judged).mean()


def _critic_loss(critic: Any, real: Tensor, under: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
    """The critic's loss on reals, fakes, wrong words and small perturbations; and how often it is right."""
    batch, few = len(real), max(1, len(real) // 4)
    times = [_times(batch, real.device) for _ in range(2)]
    seen = [_veiled(real, times[0]), _veiled(fake, times[1])]
    shaken = [each[:few] + TREMBLE * torch.randn_like(each[:few]) for each in seen]
    with autocast(real.device):
        judged = critic.judge(
            torch.cat([*seen, seen[0], *shaken]),
            torch.cat([under, condition, under.roll(1, 0), under[:few], condition[:few]]),
            torch.cat([*times, times[0], times[0][:few], times[1][:few]]),
        ).float()
    good, bad, wrong, *moved = judged.split([batch, batch, batch, few, few])
    still = sum((after - before[:few]).square().mean() for after, before in zip(moved, (good, bad), strict=True))
    loss = told_apart(good, bad).mean() + 0.5 * F.softplus(wrong).mean() + 0.5 * still
    return loss, (good > bad).float().mean()


def _real(corpus: Corpus, banks: list[Bank], ends: Tensor, told: Tensor, *, share: float) -> tuple[Tensor, Tensor]:
    """The critic's reals and their words: a share from the data, the rest drawn by the flow."""
    few = int(len(ends) * share)
    latents, words = _batch(corpus, banks, few, nothing=0.03)
    return torch.cat([latents, ends[few:]]), corpus.condition(torch.cat([words, told[few:]]))


@torch.no_grad()
def _pairs(corpus: Corpus, banks: list[Bank], flow: Any, plan: Plan) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of noise and the flow's endpoint, with the words that led it there."""
    found = []
    for first in range(0, plan.pairs, 2048):
        latents, told = _batch(corpus, banks, min(2048, plan.pairs - first), nothing=0.02, plain=plan.pairs_plain)
        noise = torch.randn_like(latents).bfloat16()
        with autocast(corpus.device):
            end = flow.flow(noise.float(), corpus.condition(told), steps=plan.steps, guidance=plan.guidance)
        found.append((noise, end.bfloat16(), told))
    say(f"{plan.pairs:,} pairs")
    noises, ends, words = (torch.cat(each) for each in zip(*found, strict=True))
    return noises, ends, words


@torch.no_grad()
def _bank(corpus: Corpus, autoencoder: Any, half: Any, tints: int) -> Bank:
    mono = half is corpus.mono
    variants, places = tints if mono else 2, autoencoder.latent // WAVES
    latents = torch.empty(len(half), variants, places, WAVES, dtype=torch.bfloat16, device=corpus.device)
    colours = torch.zeros(len(half), variants, dtype=torch.long, device=corpus.device)
    for variant in range(variants):
        for rows in torch.arange(len(half), device=corpus.device).split(1024):
            chosen, tint = corpus.tints(len(rows))
            coin = torch.rand(len(rows), device=corpus.device) < 0.5 if mono else torch.full_like(rows, variant) == 1
            x = corpus.pictures(half, rows, tint if mono else None, coin & half.flips[rows])
            x = F.avg_pool2d(x, 2) if x.shape[-1] > SHAPE[-1] else x
            with autocast(corpus.device):
                latents[rows, variant] = autoencoder.latents(x).bfloat16()
            colours[rows, variant] = chosen
    return Bank(latents, colours)


def _batch(
    corpus: Corpus, banks: list[Bank], count: int, *, nothing: float = 0.1, plain: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Latents and their descriptions."""
    first = int(count * corpus.share)
    latents, told = [], []
    for half, bank, some in zip((corpus.mono, corpus.coloured), banks, (first, count - first), strict=True):
        rows = half.some(some)
        variant = torch.randint(0, bank.latents.shape[1], (some,), device=corpus.device)
        latents.append(bank.latents[rows, variant].float())
        colour = bank.colours[rows, variant] if half is corpus.mono else None
        told.append(corpus.told(half, rows, colour, nothing=nothing, plain=plain))
    return torch.cat(latents), torch.cat(told)


def _veiled(latents: Tensor, times: Tensor) -> Tensor:
    return mixed(latents, torch.randn_like(latents), times)


def _times(count: int, device: torch.device) -> Tensor:
    return clearness(torch.randn(count, device=device), torch.rand(count, device=device))


def _compile(body: Any, plan: Plan) -> None:
    """Compile each block; what cannot be compiled runs as it is."""
    if plan.compile:
        import torch._dynamo

        torch._dynamo.config.suppress_errors = True
        for block in body.blocks:
            block.compile(dynamic=False)


@torch.no_grad()
def _show(corpus: Corpus, autoencoder: Any, latents: Callable[[Tensor, Tensor], Tensor], path: Path) -> None:
    """Draw eight samples of each of sixteen words, one row each; words that the corpus does not have are left out."""
    words = [text for text in WORDS if set(text.split()) <= corpus.places.keys()]
    if not words:
        return
    told = torch.stack([corpus.asked(word) for word in words]).repeat_interleave(8, 0)
    noise = torch.randn(8, autoencoder.latent // WAVES, WAVES, generator=torch.Generator().manual_seed(1))
    with autocast(corpus.device):
        found = latents(noise.to(corpus.device).repeat(len(words), 1, 1), corpus.condition(told))
        made = torch.cat([autoencoder.decode(part).float().cpu() for part in found.split(64)])
    to_image(grid(to_uint8(made).numpy(), columns=8)).save(path)
