"""Sketches: low-dimensional summaries of latents, sampled for given words, from which `latent_generator` draws."""

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
    """Noise and words -> sketches -> latents.

    A sketch is the projection of latents on their leading principal axes, each number divided by its standard
    deviation. The distribution of sketches given words is learned as a flow (Lipman et al. 2023, arXiv:2210.02747). It
    has so few dimensions that all of its steps cost less than one step of the generator. Together they are a two-stage
    model: a prior over a small code, and a one-step decoder (Dai & Wipf 2019, arXiv:1903.05789; latent diffusion,
    arXiv:2112.10752).

    numbers    length of a sketch
    places     number of positions of the latents
    channels   of the latents
    condition  length of the condition; a multiple of 256 is a sequence of word vectors
    guidance   scale of classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598); 1 for none
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
        """The latents, not on the sphere, of sketches sampled from noise; the flow starts at the noise along the axes.

        The temperature is below 1 (Kingma & Dhariwal 2018, arXiv:1807.03039), so that rare sketches are drawn less
        often.
        """
        sketch = self.TEMPERATURE * (noise.flatten(1) @ self.get_buffer("axes").T)
        described, guided = self.described(condition), condition is not None and self.guidance != 1.0
        if guided:  # with words and without, in one batch
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
        """Whether `look` has set the axes; until then all deviations are 1."""
        return bool((self.get_buffer("deviation") != 1).any())

    @torch.no_grad()
    def look(self, latents: Latents) -> float:
        """Set the axes to the leading principal axes of these latents; returns the share of variance they explain."""
        flat = latents.flatten(1)
        mean = flat.mean(0)
        values, axes = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
        numbers = len(self.get_buffer("deviation"))
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("axes").copy_(axes.T.flip(0)[:numbers])
        self.get_buffer("deviation").copy_(values.flip(0)[:numbers].clamp(min=1e-6).sqrt())
        return float(values[-numbers:].sum() / values.sum())

    def described(self, condition: Tensor | None) -> Float[Tensor, "*n width"]:
        """The words as one vector, independent of their order."""
        if condition is None:
            return torch.zeros_like(self.inward.bias)
        words = condition.unflatten(1, (-1, self.length))
        here = (words != 0).any(-1)
        heard = self.word(words) * here[..., None]
        vector: Tensor = self.told(heard.sum(1) * here.sum(1, keepdim=True).clamp(min=1).rsqrt())
        return vector

    def clean(self, noisy: Sketches, described: Tensor, time: Float[Tensor, " n"]) -> Sketches:
        """The expected clean sketches, given noisy ones at a time: 0 is pure noise, 1 is clean."""
        x = self.inward(torch.cat([noisy, waves(time)], 1)) + described
        for block in self.blocks:
            x = x + F.silu(block(x))
        found: Tensor = self.outward(x)
        return found

    def sketches(self, latents: Latents) -> Sketches:
        """The sketches of latents."""
        return (latents.flatten(1) - self.get_buffer("mean")) @ self.get_buffer("axes").T / self.get_buffer("deviation")

    def latents(self, sketches: Sketches) -> Latents:
        """The mean of all latents that have these sketches; not on the sphere."""
        flat = (sketches * self.get_buffer("deviation")) @ self.get_buffer("axes") + self.get_buffer("mean")
        return flat.unflatten(1, (self.places, -1))
