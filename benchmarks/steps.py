"""Training steps of Ganvas against other training loops: the same networks, batch and optimizer.

    python -m benchmarks.steps wgan_gp [--size 128] [--batch 16] [--rounds 5] [--steps 1] [--threads 1] [--float32]
    git clone https://github.com/brownvc/R3GAN
    python -m benchmarks.steps r3gan --checkout R3GAN [--size 32] [--batch 32] [--width 64] ...

`wgan_gp`: the usual course loop for a WGAN with gradient penalty. The critic plays five times on one batch, each time
with three passes through it, fakes made with their graph, and `.item()` on every loss; then the generator plays. Ours
is the recipe of that name, which also keeps an average of its weights.

`r3gan`: the networks, losses and order of work of R3GAN's own repository, with its reference operators on a CPU; ours
are networks of the same width in the same game, with new fakes for each player as there.

The others compute in float32. So do we if the processor has no bfloat16 or with `--float32`; otherwise ours is the
recipe unchanged. Both sides use random pictures in memory, so that only the steps are compared. The sides run in turns,
in separate processes; the figure is the geometric mean of the ratios of neighbouring turns, in CPU time.
"""

import argparse
import copy
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganvas import plan, train
from ganvas.core import machine
from ganvas.data.dataset import Dataset
from ganvas.networks.wgan import WGANCritic, WGANGenerator

from .cross_check_pretrained import make_importable
from .record import record
from .throughput import of_torch
from .turns import answer, take_turns, times_as_fast

PICTURES = 512


def pictures(size: int) -> np.ndarray:
    """Noise as uint8 [N, H, W, 3]."""
    return np.random.default_rng(0).integers(0, 256, (PICTURES, size, size, 3), dtype=np.uint8)


def batches(size: int, batch: int, *, device: torch.device | str = "cpu") -> Iterator[Tensor]:
    """The same as float [batch, 3, H, W] in [-1, 1], endlessly."""
    samples = torch.from_numpy(pictures(size)).permute(0, 3, 1, 2).contiguous()
    while True:
        for rows in torch.randperm(PICTURES).split(batch)[: PICTURES // batch]:
            yield samples[rows].to(device).float() / 127.5 - 1


def ours(case: str, size: int, batch: int, width: int, *, float32: bool) -> Iterator[None]:
    """Ganvas; yields after each step."""
    machine.keep_memory()
    settings = [f"batch={batch}", *(["bfloat16=()"] if float32 else [])]
    if case == "r3gan":
        settings.append("game.fresh=True")
        for network in ("generator", "critic"):
            settings += [f"{network}.width={width}", f"{network}.blocks=2"]
    recipe = plan(case, data="icons:portraits", size=size, images=2**40, settings=settings)
    for tick in train(recipe, data=Dataset(pictures(size))):
        tick.terms()
        yield


def wgan_gp(size: int, batch: int, *, device: torch.device | str = "cpu") -> Iterator[None]:
    """The usual course loop; yields after each step."""
    critic, generator = (of_torch(each().build((3, size, size), 0)).to(device) for each in (WGANCritic, WGANGenerator))
    optimizers = [torch.optim.Adam(each.parameters(), lr=1e-4, betas=(0.0, 0.9)) for each in (critic, generator)]
    for real in batches(size, batch, device=device):
        for _ in range(5):
            optimizers[0].zero_grad()
            fake = generator(torch.randn(batch, generator.latent, device=device))
            between = torch.rand(batch, 1, 1, 1, device=device, requires_grad=True)
            scores = critic(fake.detach()), critic(real)
            mixed = real * between + fake.detach() * (1 - between)
            mixed_scores = critic(mixed)
            (slope,) = torch.autograd.grad(
                mixed_scores, mixed, torch.ones_like(mixed_scores), create_graph=True, retain_graph=True
            )
            penalty = 10 * ((slope.view(batch, -1).norm(2, dim=1) - 1) ** 2).mean()
            loss = scores[0].mean() - scores[1].mean() + penalty
            loss.item()
            loss.backward(retain_graph=True)
            optimizers[0].step()
        optimizers[1].zero_grad()
        loss = -critic(generator(torch.randn(batch, generator.latent, device=device))).mean()
        loss.backward()
        optimizers[1].step()
        loss.item()
        yield


def r3gan(size: int, batch: int, width: int, checkout: Path) -> Iterator[None]:
    """R3GAN's own networks and losses, in the order of its training loop; yields after each step."""
    make_importable(checkout)
    from R3GAN.Networks import Discriminator, Generator
    from R3GAN.Trainer import AdversarialTraining

    stages = int(np.log2(size)) - 1
    widths = [max(1, width >> max(0, stage - 3)) for stage in range(stages)]
    shape = {"BlocksPerStage": [2] * stages, "ExpansionFactor": 2}
    groups = [each * 2 // 16 for each in widths]
    generator = Generator(64, widths, groups, **shape).requires_grad_(False)
    critic = Discriminator(widths[::-1], groups[::-1], **shape).requires_grad_(False)
    average = copy.deepcopy(generator)
    trainer = AdversarialTraining(generator, critic)
    optimizers = [torch.optim.Adam(each.parameters(), lr=2e-4, betas=(0.0, 0.99)) for each in (critic, generator)]
    reals = batches(size, batch)
    while True:
        optimizers[0].zero_grad(set_to_none=True)
        critic.requires_grad_(True)
        trainer.AccumulateDiscriminatorGradients(torch.randn(batch, 64), next(reals), None, 0.5)
        critic.requires_grad_(False)
        optimizers[0].step()
        optimizers[1].zero_grad(set_to_none=True)
        generator.requires_grad_(True)
        trainer.AccumulateGeneratorGradients(torch.randn(batch, 64), next(reals), None)
        generator.requires_grad_(False)
        optimizers[1].step()
        for kept, weight in zip(average.parameters(), generator.parameters(), strict=True):
            kept.copy_(weight.lerp(kept, 0.999))
        yield


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("case", choices=["wgan_gp", "r3gan"])
    options.add_argument("--checkout", type=Path, default=Path("R3GAN"), help="a clone of R3GAN's repository")
    options.add_argument("--size", type=int)
    options.add_argument("--batch", type=int)
    for name, default in (("width", 64), ("rounds", 5), ("steps", 1), ("threads", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--float32", action="store_true", help="ours, too")
    options.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    chosen = options.parse_args()
    size = chosen.size or {"wgan_gp": 128, "r3gan": 32}[chosen.case]
    batch = chosen.batch or {"wgan_gp": 16, "r3gan": 32}[chosen.case]
    if chosen.side:
        torch.set_num_threads(chosen.threads)
        if chosen.side == "ours":
            steps = ours(chosen.case, size, batch, chosen.width, float32=chosen.float32)
        elif chosen.case == "wgan_gp":
            steps = wgan_gp(size, batch)
        else:
            steps = r3gan(size, batch, chosen.width, chosen.checkout)
        next(islice(steps, 1, None))
        answer(lambda: next(islice(steps, chosen.steps - 1, None)))
        return
    settings = {"size": size, "batch": batch} | {name: vars(chosen)[name] for name in ("width", "steps", "threads")}
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    start = [sys.executable, "-m", "benchmarks.steps", chosen.case, "--checkout", str(chosen.checkout), *words]
    start += ["--float32"] * chosen.float32
    settings["float32"] = chosen.float32
    commands = {side: [*start, "--side", side] for side in ("ours", "theirs")}
    answers = take_turns(commands, rounds=chosen.rounds, variables={"OMP_NUM_THREADS": str(chosen.threads)})
    ratios = {by: times_as_fast(answers["ours"], answers["theirs"], by=by) for by in ("cpu_seconds", "clock_seconds")}
    found = ratios["cpu_seconds"]
    print(f"{found['mean']:.2f} times as fast in CPU seconds ({found['least']:.2f} to {found['most']:.2f})")
    name = f"steps-{chosen.case.replace('_', '-')}" + "-float32" * chosen.float32
    print(record(name, settings | {"ratios": ratios, "turns": answers}))


if __name__ == "__main__":
    main()
