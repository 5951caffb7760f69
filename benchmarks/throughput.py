"""DCGAN at 64x64, batch 64: images/s of Ganvas against the plain PyTorch loop, from a folder of pictures.

    python -m benchmarks.throughput [--folder PICTURES] [--rounds 7] [--steps 8]

The peer is the loop that tutorials have: a DataLoader with two workers that opens every file with Pillow in every
epoch, a sigmoid and BCELoss, three backward passes a step and `.item()` on every loss. Both sides have the same
networks (3.6 and 2.8 million weights), batch, optimizer and float type. Each runs in a process of its own; they take
turns, so that a change in the machine's speed meets both. The figure is the geometric mean of the ratios of
neighbouring turns.
"""

import argparse
import math
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from ganvas import machine, plan, train
from ganvas.data.icons import Icons
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator

from .record import record

SIZE, BATCH = 64, 64


class PictureFiles(TorchDataset[torch.Tensor]):
    """A folder as tutorials read it: open, resize, normalise, each time anew."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(file for file in folder.rglob("*") if file.suffix in {".jpg", ".png"})

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.open(self.files[index]).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous().float().div(255)
        return (pixels - 0.5) / 0.5


def peer(folder: Path) -> Iterator[None]:
    """The plain loop; yields after each step."""
    critic = nn.Sequential(DCGANCritic().build((3, SIZE, SIZE), 0), nn.Sigmoid())
    generator = DCGANGenerator().build((3, SIZE, SIZE), 0)
    criterion = nn.BCELoss()
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    while True:
        for real in DataLoader(PictureFiles(folder), BATCH, shuffle=True, num_workers=2, drop_last=True):
            critic.zero_grad()
            label = torch.full((BATCH,), 1.0)
            output = critic(real).view(-1)
            loss_real = criterion(output, label)
            loss_real.backward()
            output.mean().item()
            fake = generator(torch.randn(BATCH, 100))
            label.fill_(0.0)
            output = critic(fake.detach()).view(-1)
            loss_fake = criterion(output, label)
            loss_fake.backward()
            output.mean().item()
            critic_optimizer.step()
            generator.zero_grad()
            label.fill_(1.0)
            output = critic(fake).view(-1)
            loss = criterion(output, label)
            loss.backward()
            output.mean().item()
            generator_optimizer.step()
            (loss_real + loss_fake).item(), loss.item()
            yield


def ours(folder: Path) -> Iterator[None]:
    """Ganvas; yields after each step. The pictures are packed before the first."""
    machine.keep_memory()
    recipe = plan("dcgan", data=str(folder), size=SIZE, images=2**40, settings=[f"batch={BATCH}"])
    for tick in train(recipe):
        tick.terms()
        yield


def work(side: Callable[[Path], Iterator[None]], folder: Path, threads: int, steps: int, wire: Connection) -> None:
    """A process that does `steps` steps each time it is told to, and answers with images/s."""
    torch.set_num_threads(threads)
    ticks = side(folder)
    next(islice(ticks, 2, None))
    wire.send(None)
    while wire.recv():
        began = time.perf_counter()
        next(islice(ticks, steps - 1, None))
        wire.send(steps * BATCH / (time.perf_counter() - began))


def make_pictures(folder: Path) -> None:
    """The icons as JPEG files of 128x128, for want of a folder."""
    data = Icons(size=128).open()
    for place, picture in enumerate(data.samples):
        Image.fromarray(np.asarray(picture)).save(folder / f"{place:05}.jpg", quality=90)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--folder", type=Path)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.folder or Path(made)
        if chosen.folder is None:
            make_pictures(folder)
        start = multiprocessing.get_context("spawn")
        wires = {}
        for side in (peer, ours):
            wires[side.__name__], theirs = start.Pipe()
            start.Process(
                target=work, args=(side, folder, chosen.threads, chosen.steps, theirs), daemon=side is ours
            ).start()
            wires[side.__name__].recv()
        speeds: dict[str, list[float]] = {name: [] for name in wires}
        for _ in range(chosen.rounds):
            for name, wire in wires.items():
                wire.send(True)
                speeds[name].append(wire.recv())
            print("  ".join(f"{name} {values[-1]:.1f} images/s" for name, values in speeds.items()), flush=True)
        for wire in wires.values():
            wire.send(False)
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["peer"], strict=True)]
    ratio = math.exp(statistics.fmean(map(math.log, ratios)))
    print(f"ratio {ratio:.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")
    print(record("throughput-dcgan64", {"images_per_second": speeds, "ratios": ratios, "ratio": ratio}))


if __name__ == "__main__":
    main()
