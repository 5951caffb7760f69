"""Training loops to compare in speed: each yields after a step, when the card may still be working on it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganvas import plan, train
from ganvas.core.batch import Batch, Dice
from ganvas.core.pixels import to_float
from ganvas.data.dataset import Dataset
from ganvas.networks.r3gan import R3Critic, R3Generator
from ganvas.recipes.recipe import Recipe
from ganvas.training.state import State, start

from .. import steps, throughput

PICTURES = 1024  # random pictures in memory


@dataclass(frozen=True)
class Work:
    """What is trained: a recipe's name, the size of the pictures, the batch, and optionally the networks' width."""

    recipe: str
    size: int
    batch: int
    width: int | None = None

    def __str__(self) -> str:
        wide = f", width {self.width}" if self.width else ""
        return f"{self.recipe} {self.size}x{self.size}, batch {self.batch}{wide}"

    def planned(self, *, float32: bool) -> Recipe:
        """The recipe for it, without mirroring, which plain loops do not do."""
        settings = [f"batch={self.batch}"]
        if self.width:
            settings += [f"{network}.width={self.width}" for network in ("generator", "critic")]
        recipe = plan(self.recipe, size=self.size, images=2**40, settings=settings)
        return replace(recipe, mirror=False, bfloat16=() if float32 else recipe.bfloat16)


def pictures(size: int) -> np.ndarray:
    """Noise as uint8 [N, H, W, 3]."""
    return np.random.default_rng(0).integers(0, 256, (PICTURES, size, size, 3), dtype=np.uint8)


def ours(work: Work, device: torch.device, *, float32: bool = False, compiled: bool = False) -> Iterator[None]:
    """`ganvas.train` as a run uses it, which reads the terms of the losses only now and then."""
    for tick in train(work.planned(float32=float32), data=Dataset(pictures(work.size)), device=device):
        if compiled and tick.step == 1:
            for network in tick.state.networks.values():
                network.compile(dynamic=False)
        yield


def plain(work: Work, device: torch.device) -> Iterator[None]:
    """The usual tutorial loop: float32, `.item()` on every loss, batches from memory."""
    batches = steps.batches(work.size, work.batch, device=device)
    if work.recipe == "dcgan":
        return throughput.plain(batches, device=device)
    if work.recipe == "wgan_gp":
        return steps.wgan_gp(work.size, work.batch, device=device)
    return plain_r3gan(work, batches, device)


def plain_r3gan(work: Work, batches: Iterator[Tensor], device: torch.device) -> Iterator[None]:
    """The order of work of R3GAN's own trainer: reals and fakes apart, new fakes for each player, an average."""
    shape = (3, work.size, work.size)
    settings = {"width": work.width, "blocks": 1}
    generator, average, critic = (
        kind(**settings).build(shape, 0).to(device) for kind in (R3Generator, R3Generator, R3Critic)
    )
    optimizers = [torch.optim.Adam(each.parameters(), lr=2e-4, betas=(0.0, 0.99)) for each in (critic, generator)]

    def fakes() -> Tensor:
        return generator(torch.randn(work.batch, generator.latent, device=device))

    def penalty(samples: Tensor, logits: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
        return gradient.square().sum([1, 2, 3])

    while True:
        optimizers[0].zero_grad(set_to_none=True)
        real, fake = next(batches).requires_grad_(True), fakes().detach().requires_grad_(True)
        real_logits, fake_logits = critic(real), critic(fake)
        loss = torch.nn.functional.softplus(fake_logits - real_logits)
        loss = (loss + 0.5 * (penalty(real, real_logits) + penalty(fake, fake_logits))).mean()
        loss.backward()
        optimizers[0].step()
        optimizers[1].zero_grad(set_to_none=True)
        other = torch.nn.functional.softplus(critic(next(batches)) - critic(fakes())).mean()
        other.backward()
        optimizers[1].step()
        with torch.no_grad():
            for kept, weight in zip(average.parameters(), generator.parameters(), strict=True):
                kept.lerp_(weight, 0.001)
        loss.item(), other.item()
        yield


class CardDice(Dice):
    """Dice rolled on the card itself; a recorded step rolls them anew each time it is replayed."""

    def __init__(self, total: int, device: torch.device) -> None:
        super().__init__(0, 0, rows=slice(None), total=total, device=device)

    def normal(self, purpose: str, *shape: int) -> Tensor:  # noqa: ARG002
        """See `Dice.normal`."""
        return torch.randn(self._total, *shape, device=self._device)

    def uniform(self, purpose: str, *shape: int) -> Tensor:  # noqa: ARG002
        """See `Dice.uniform`."""
        return torch.rand(self._total, *shape, device=self._device)


def graph(work: Work, device: torch.device, *, float32: bool = False) -> Iterator[None]:
    """The recipe's game with its own losses and optimizers, a step recorded once as a CUDA graph and then replayed.

    Every play has its own pictures, which are sent to the card as bytes. On a CPU the step runs without recording.
    """
    recipe, data = work.planned(float32=float32), Dataset(pictures(work.size))
    state = start(recipe, data, device=device)
    plays = sum(turn.times for turn in recipe.game.turns())
    host = torch.from_numpy(data.samples[: plays * work.batch]).unflatten(0, (plays, work.batch))
    there = host.to(device)
    for name, optimizer in state.optimizers.items():
        recipe.optimizer_of(name).schedule(optimizer, 0.5)
        for group in optimizer.param_groups:
            group["capturable"] = device.type == "cuda"
    play = lambda: _play_all(recipe, state, there, device)  # noqa: E731
    if device.type == "cuda":
        host, side = host.pin_memory(), torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                play()
        torch.cuda.current_stream().wait_stream(side)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            play()
        play = recorded.replay
    while True:
        there.copy_(host, non_blocking=True)
        play()
        yield


def _play_all(recipe: Recipe, state: State, reals: Tensor, device: torch.device) -> None:
    """One step: every turn of the game, each play on its own batch, and the average."""
    number, made = 0, {}
    for turn in recipe.game.turns():
        learning = list(state.networks[turn.player].parameters())
        for _ in range(turn.times):
            if not turn.again:
                made = {}
            dice = CardDice(recipe.batch, device)
            batch = Batch(to_float(reals[number]), None, dice, 0.5, made, state.memory)
            number += 1
            state.optimizers[turn.player].zero_grad(set_to_none=True)
            with dice.at_hand():
                terms = turn.loss(state.networks, batch)
            torch.stack(list(terms.values())).sum().div(recipe.batch).backward(inputs=learning)
            state.optimizers[turn.player].step()
            state.networks[turn.player].settle()
    recipe.average.follow(state.average, state.networks[recipe.product], images=10**6, batch=recipe.batch, progress=0.5)
