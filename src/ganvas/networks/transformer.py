"""Transformer blocks over the positions of a latent grid and over words, for the networks in latent.py."""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import DoesNotFit
from ..data.words import DIMENSION
from .winograd import Conv3x3

__all__ = ["CHANNELS", "TIMES", "Body", "waves"]

CHANNELS = 16  # of a latent, at each position
HEADS = 4
TIMES = 64  # length of the embedding of a time


def waves(time: Float[Tensor, " n"]) -> Float[Tensor, "n 64"]:
    """The sinusoidal embedding of times in [0, 1]: sines and cosines of frequencies from 1 to 1000."""
    phase = time[:, None] * torch.exp(torch.linspace(0, math.log(1000.0), TIMES // 2, device=time.device))
    return torch.cat([phase.sin(), phase.cos()], 1)


class _Told(nn.Module):
    """Condition [N, K], time [N] -> word tokens [N, 1 + S, D], a mask [N, 1 + S] of absent ones, one vector [N, D]."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.length = DIMENSION if condition % DIMENSION == 0 else condition
        self.nothing = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.time = nn.Sequential(nn.Linear(TIMES, width), nn.SiLU(), nn.Linear(width, width))
        self.mixed = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        if condition:
            self.word = nn.Sequential(nn.Linear(self.length, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
            self.pooled = nn.Linear(width, width)

    def forward(self, condition: Tensor | None, time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        vector = self.time(waves(time))
        tokens = self.nothing.expand(time.shape[0], -1, -1)
        absent = torch.zeros(time.shape[0], 1, dtype=torch.bool, device=time.device)
        if condition is not None:
            words = condition.unflatten(1, (-1, self.length))
            here = (words != 0).any(-1)
            told = self.word(words) * here[..., None]
            vector = vector + self.pooled(told.sum(1) * here.sum(1, keepdim=True).clamp(min=1).rsqrt())
            tokens, absent = torch.cat([tokens.to(told.dtype), told], 1), torch.cat([absent, ~here], 1)
        return tokens, absent, self.mixed(vector)


class _Block(nn.Module):
    """Features [N, T, D] -> the same: attention among positions and to words, then a 3x3 convolution."""

    WIDER: ClassVar[float] = 1.5

    def __init__(self, width: int, rows: int) -> None:
        super().__init__()
        self.rows, inner = rows, int(width * self.WIDER)
        self.norms = nn.ModuleList([nn.LayerNorm(width, elementwise_affine=False) for _ in range(2)])
        self.own, self.words = nn.Linear(width, 3 * width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.around, self.back = Conv3x3(width, inner), nn.Linear(inner, width)
        self.modulation = nn.Parameter(torch.zeros(6, width))
        for layer in (self.out, self.back):
            nn.init.normal_(layer.weight, std=0.01)
        with torch.no_grad():
            self.modulation[[2, 5]] = 1.0

    def forward(self, x: Tensor, words: Tensor, absent: Tensor, vector: Tensor) -> Tensor:
        scale, shift, gate, scale2, shift2, gate2 = (vector.unflatten(1, (6, -1)) + self.modulation)[:, :, None].unbind(
            1
        )
        x = x + gate * self._attended(self.norms[0](x) * (1 + scale) + shift, words, absent)
        grid = (self.norms[1](x) * (1 + scale2) + shift2).transpose(1, 2).unflatten(2, (self.rows, -1))
        near = F.silu(self.around(grid)).flatten(2).transpose(1, 2)
        y: Tensor = x + gate2 * self.back(near)
        return y

    def _attended(self, x: Tensor, words: Tensor, absent: Tensor) -> Tensor:
        """Attention (Vaswani et al. 2017, arXiv:1706.03762, eq. 1) from positions to positions and words.

        Written as plain products, because the backward pass of torch's fused attention is several times slower on a
        CPU.
        """
        query, key, value = self.own(x).chunk(3, -1)
        word_key, word_value = self.words(words).chunk(2, -1)
        query, key, value = (
            each.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for each in (query, torch.cat([key, word_key], 1), torch.cat([value, word_value], 1))
        )
        alike = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
        share = alike.masked_fill(absent, -1e4).softmax(-1).to(value.dtype)
        y: Tensor = self.out((share @ value).transpose(1, 2).flatten(2))
        return y


class Body(nn.Module):
    """Latents [N, T, 16] with times [N] and a condition -> features [N, T, D] of the positions."""

    def __init__(self, width: int, blocks: int, condition: int, places: tuple[int, int]) -> None:
        super().__init__()
        if width % HEADS:
            raise DoesNotFit(f"The width of a latent network is a multiple of {HEADS}, not {width}.")
        self.told, self.inward = _Told(width, condition), nn.Linear(CHANNELS, width)
        self.place = nn.Parameter(torch.randn(places[0] * places[1], width) * 0.5)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.blocks = nn.ModuleList([_Block(width, places[0]) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)

    def forward(self, latents: Tensor, condition: Tensor | None, time: Tensor) -> tuple[Tensor, Tensor]:
        """The features, and one vector [N, D] that represents condition and time."""
        words, absent, vector = self.told(condition, time)
        absent = F.pad(absent, (latents.shape[1], 0))[:, None, None]
        modulation = self.modulation(vector)
        x = self.place + self.inward(latents)
        for block in self.blocks:
            x = block(x, words, absent, modulation)
        return self.norm(x), vector
