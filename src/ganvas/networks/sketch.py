"""What is to be drawn, roughly: a few numbers under words, from which `latent_generator` draws in one step."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.errors import DoesNotFit
from ..data.words import DIMENSION
from .transformer import TIMES, waves

__all__ = ["Sketcher"]

Latents = Float[Tensor, "n places channels"]
Sketches = Float[Tensor, "n numbers"]


class Sketcher(nn.Module):
    """Noise and words -> sketches, and those -> latents.

    A sketch is what latents are along their longest principal axes, each number divided by its deviation. What sketches
    there are under words is learned as a flow (Lipman et al. 2023, arXiv:2210.02747), which takes so few numbers that
    all of its steps cost less than one of the generator's: a prior of a small code, and a decoder of it in one step, as
    in two-stage models (Dai & Wipf 2019, arXiv:1903.05789; latent diffusion, arXiv:2112.10752).

    numbers    of a sketch
    places     of the latents
    channels   numbers at each place
    condition  numbers of a description; a multiple of 256 are words, each in a place of its own
    guidance   how far sketches are led away from those that there are without words (Ho & Salimans 2022,
               arXiv:2207.12598); 1 leads nowhere else
    """

    STEPS: ClassVar[int] = 8
    TEMPERATURE: ClassVar[float] = 0.8
    WIDTH: ClassVar[int] = 512
    BLOCKS: ClassVar[int] = 3

    def __init__(self, numbers: int, places: int, channels: int, condition: int, guidance: float = 1.0) -> None:
        super().__init__()
        if numbers > places * channels:
            raise DoesNotFit(
                f"A sketch of {numbers} numbers is no rougher than latents of {places * channels}: take larger "
                "pictures by `size=`, or set generator.sketch lower."
            )
        self.length, width = DIMENSION if condition % DIMENSION == 0 else condition, self.WIDTH
        self.places, self.guidance = places, guidance
        self.register_buffer("axes", torch.eye(places * channels)[:numbers].clone())
        self.register_buffer("mean", torch.zeros(places * channels))
        self.register_buffer("deviation", torch.ones(numbers))
        if condition:
            self.word = nn.Sequential(nn.Linear(self.length, width), nn.SiLU())
            self.told = nn.Linear(width, width)
        self.inward = nn.Linear(numbers + TIMES, width)
        self.blocks = nn.ModuleList(
            [nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width)) for _ in range(self.BLOCKS)]
        )
        self.outward = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, numbers))

    def forward(self, noise: Latents, condition: Tensor | None) -> Latents:
        """Latents, off the sphere, of the sketch that noise becomes: it begins as that lies along the axes.

        At a temperature below 1 (Kingma & Dhariwal 2018, arXiv:1807.03039), so that what is seldom is seldom drawn.
        """
        sketch = self.TEMPERATURE * (noise.flatten(1) @ self.get_buffer("axes").T)
        described, guided = self.described(condition), condition is not None and self.guidance != 1.0
        if guided:  # what is said of words and without them, at once
            described = torch.cat([described, self.told.bias.expand_as(described)])
        for step in range(self.STEPS):
            seen = torch.cat([sketch, sketch]) if guided else sketch
            end = self.clean(seen, described, seen.new_full((seen.shape[0],), step / self.STEPS))
            if guided:
                end, untold = end[: sketch.shape[0]], end[sketch.shape[0] :]
                end = untold + self.guidance * (end - untold)
            sketch = sketch + (end - sketch) / (self.STEPS - step)
        return self.latents(sketch)

    @property
    def known(self) -> bool:
        """Whether axes were found: before, all deviations are 1."""
        return bool((self.get_buffer("deviation") != 1).any())

    @torch.no_grad()
    def look(self, latents: Latents) -> float:
        """Take the longest principal axes of latents for those of sketches; returns their share of the variance."""
        flat = latents.flatten(1)
        mean = flat.mean(0)
        values, axes = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
        numbers = len(self.get_buffer("deviation"))
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("axes").copy_(axes.T.flip(0)[:numbers])
        self.get_buffer("deviation").copy_(values.flip(0)[:numbers].clamp(min=1e-6).sqrt())
        return float(values[-numbers:].sum() / values.sum())

    def described(self, condition: Tensor | None) -> Float[Tensor, "*n width"]:
        """Words as one vector, the same in any order."""
        if condition is None:
            return self.inward.bias.new_zeros(self.WIDTH)
        words = condition.unflatten(1, (-1, self.length))
        here = (words != 0).any(-1)
        heard = self.word(words) * here[..., None]
        vector: Tensor = self.told(heard.sum(1) * here.sum(1, keepdim=True).clamp(min=1).rsqrt())
        return vector

    def clean(self, noisy: Sketches, described: Tensor, time: Float[Tensor, " n"]) -> Sketches:
        """What sketches are expected to be that are seen at a time: noise at 0, themselves at 1."""
        x = self.inward(torch.cat([noisy, waves(time)], 1)) + described
        for block in self.blocks:
            x = x + F.silu(block(x))
        found: Tensor = self.outward(x)
        return found

    def sketches(self, latents: Latents) -> Sketches:
        """Of latents, their sketches."""
        return (latents.flatten(1) - self.get_buffer("mean")) @ self.get_buffer("axes").T / self.get_buffer("deviation")

    def latents(self, sketches: Sketches) -> Latents:
        """The means, off the sphere, of all latents of which these are the sketches."""
        flat = (sketches * self.get_buffer("deviation")) @ self.get_buffer("axes") + self.get_buffer("mean")
        return flat.unflatten(1, (self.places, -1))
