"""Your own network and data, for Python and, with GANVAS_PARTS=own_network.py, for the command line."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

import ganvas
from ganvas.data.dataset import Source, Watch, unwatched
from ganvas.data.decode import Frame
from ganvas.networks.layers import Generator, NetworkSettings


@ganvas.part("data")
@dataclass(frozen=True)
class Bars(Source):
    """Dark pictures, each with one white bar."""

    count: int = 400
    size: int | tuple[int, int] = 16  # by this field it is a source of pictures, which has recipes of its own
    channels: int = 1

    def open(self, watch: Watch = unwatched) -> ganvas.Dataset:
        frame = Frame.of(self.size, self.channels)
        pictures = np.zeros((self.count, frame.height, frame.width, frame.channels), np.uint8)  # networks: [C, H, W]
        for number, row in enumerate(np.random.default_rng(0).integers(0, frame.height - 2, self.count)):
            pictures[number, row : row + 3] = 255
        return ganvas.Dataset(pictures)


@ganvas.part("network")
@dataclass(frozen=True)
class Rows(NetworkSettings):
    """A generator that draws rows, each of a single colour."""

    width: int = 64
    latent: int = 8

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        return RowsNetwork(self, shape, condition)


class RowsNetwork(Generator):
    def __init__(self, settings: Rows, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        channels, height, self.across = shape
        self.first = nn.Linear(settings.latent + condition, settings.width)
        self.last = nn.Linear(settings.width, channels * height)

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        z = z if condition is None else torch.cat([z, condition], 1)
        rows: torch.Tensor = self.last(self.first(z).relu()).tanh()
        return rows.view(len(z), *self.shape[:2], 1).repeat(1, 1, 1, self.across)  # [N, C, H, W] in [-1, 1]


if __name__ == "__main__":
    recipe = ganvas.plan("digits", data="bars", size=16, images=1_280, settings=["generator=rows"])
    *_, last = ganvas.train(recipe)
    print(last.terms())
