"""DCGAN at 64x64, batch 64: images/s of Ganvas against the plain PyTorch loop, from a folder of pictures.

    python -m benchmarks.throughput [--folder PICTURES] [--rounds 7] [--steps 8] [--float32]

The peer is the usual tutorial loop: a DataLoader with two workers that opens every file with Pillow in every epoch, a
sigmoid and BCELoss, three backward passes per step and `.item()` on every loss. Both sides have the same networks (3.6
and 2.8 million weights), batch and optimizer. The peer computes in float32. So do we if the processor has no bfloat16
or with `--float32`; otherwise ours is the recipe unchanged. The sides take turns in separate processes; the figure is
the geometric mean of the ratios of neighbouring turns, in wall-clock time, because the peer's workers run on cores of
their own.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from ganvas import plan, train
from ganvas.core import machine
from ganvas.data.sources.icons import Icons
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.layers import Network

from .record import record
from .turns import answer, take_turns, times_as_fast

SIZE, BATCH = 64, 64


class PictureFiles(TorchDataset[torch.Tensor]):
    """A folder as tutorials read it: open, resize and normalise each file every time."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(file for file in folder.rglob("*") if file.suffix in {".jpg", ".png"})

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.open(self.files[index]).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous().float().div(255)
        return (pixels - 0.5) / 0.5


def peer(folder: Path) -> Iterator[None]:
    """The plain loop over a folder; yields after each step."""
    loader = DataLoader(PictureFiles(folder), BATCH, shuffle=True, num_workers=2, drop_last=True)
    return plain(chain.from_iterable(repeat(loader)))


def plain(batches: Iterable[torch.Tensor], *, device: torch.device | str = "cpu") -> Iterator[None]:
    """The plain loop over batches [N, 3, 64, 64] in [-1, 1]; yields after each step."""
    critic = nn.Sequential(of_torch(DCGANCritic().build((3, SIZE, SIZE), 0)), nn.Sigmoid()).to(device)
    generator = of_torch(DCGANGenerator().build((3, SIZE, SIZE), 0)).to(device)
    criterion = nn.BCELoss()
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for batch in batches:
        real = batch.to(device)
        critic.zero_grad()
        label = torch.full((len(real),), 1.0, device=device)
        output = critic(real).view(-1)
        loss_real = criterion(output, label)
        loss_real.backward()
        output.mean().item()
        fake = generator(torch.randn(len(real), 100, device=device))
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


def of_torch(network: Network) -> Network:
    """A network with PyTorch's standard layers, where Ganvas has its own implementations of the same."""
    for layer in network.modules():
        for known in (nn.Conv2d, nn.ConvTranspose2d, nn.InstanceNorm2d):
            if isinstance(layer, known):
                layer.__class__ = known
    return network


def ours(folder: Path, *, float32: bool) -> Iterator[None]:
    """Ganvas; yields after each step. The pictures are packed before the first."""
    machine.keep_memory()
    settings = [f"batch={BATCH}", *(["bfloat16=()"] if float32 else [])]
    recipe = plan("dcgan", data=str(folder), size=SIZE, images=2**40, settings=settings)
    for tick in train(recipe):
        tick.terms()
        yield


def make_pictures(folder: Path) -> None:
    """Write the icons as JPEG files of 128x128, if no folder was given."""
    data = Icons(size=128).open()
    for place, picture in enumerate(data.samples):
        Image.fromarray(np.asarray(picture)).save(folder / f"{place:05}.jpg", quality=90)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path)
    for name, default in (("rounds", 7), ("steps", 8), ("threads", torch.get_num_threads())):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--float32", action="store_true", help="ours, too")
    options.add_argument("--side", choices=["ours", "peer"], help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        torch.set_num_threads(chosen.threads)
        steps = ours(chosen.folder, float32=chosen.float32) if chosen.side == "ours" else peer(chosen.folder)
        next(islice(steps, 2, None))
        answer(lambda: next(islice(steps, chosen.steps - 1, None)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.folder or Path(made)
        if chosen.folder is None:
            make_pictures(folder)
        settings = ["--steps", str(chosen.steps), "--threads", str(chosen.threads), "--folder", str(folder)]
        settings += ["--float32"] * chosen.float32
        start = [sys.executable, "-m", "benchmarks.throughput", *settings]
        commands = {side: [*start, "--side", side] for side in ("peer", "ours")}
        turns = take_turns(commands, rounds=chosen.rounds, variables={"OMP_NUM_THREADS": str(chosen.threads)})
    for side, found in turns.items():
        print(side, " ".join(f"{chosen.steps * BATCH / turn['clock_seconds']:.1f}" for turn in found), "images/s")
    ratio = times_as_fast(turns["ours"], turns["peer"], by="clock_seconds")
    print(f"{ratio['mean']:.2f} times as fast ({ratio['least']:.2f} to {ratio['most']:.2f})")
    about = {"steps": chosen.steps, "batch": BATCH, "float32": chosen.float32}
    name = "throughput-dcgan64-float32" if chosen.float32 else "throughput-dcgan64"
    print(record(name, about | {"ratio": ratio, "turns": turns}))


if __name__ == "__main__":
    main()
