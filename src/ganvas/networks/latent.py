"""Drawings from words, generated in the latent space of an autoencoder: the autoencoder, a generator, a critic."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.batch import Kind, kind_of
from ..core.catalog import part
from ..core.errors import DoesNotFit
from .layers import Critic, Generator, Learned, Network, NetworkSettings, in_precision, projected
from .sketch import Sketcher
from .transformer import CHANNELS, Body
from .winograd import Conv3x3

__all__ = ["VEILED", "LatentAutoencoder", "LatentCritic", "LatentGenerator", "has_encoder", "rearranged", "sphere"]

REDUCED = 8  # downsampling factor: one position of the latents stands for 8x8 pixels
VEILED = 0.5  # share of noise at the start of a refinement, and of a drawing from a sketch
ENCODER, DECODER = (40, 96, 192), (48, 112, 192)  # channels, from the picture inwards

Latents = Float[Tensor, "n places 16"]
Pictures = Float[Tensor, "n channels height width"]


def has_encoder(names: Iterable[str]) -> bool:
    """Whether these tensors, named "network/tensor", include an encoder of latents."""
    return any(name.partition("/")[2].startswith("encoder.") for name in names)


def sphere(latents: Latents) -> Latents:
    """Latents normalised to a root mean square of 1 at each position, so that the decoder can draw any output."""
    return latents * (latents.square().mean(-1, keepdim=True) + 1e-4).rsqrt()


def rearranged(noise: Latents) -> Latents:
    """The noise with the two halves of its channels swapped: unrelated, place by place, to what was drawn from it."""
    return torch.cat(noise.chunk(2, -1)[::-1], -1)


@part("network")
@dataclass(frozen=True)
class LatentAutoencoder(NetworkSettings):
    """Autoencoder of drawings: each 8x8 pixels become 16 numbers on a sphere, and back.

    A spatial code as in latent diffusion (Rombach et al. 2022, arXiv:2112.10752), but normalised to a sphere at each
    position instead of regularised by a divergence. It ignores the condition, so that latents mean the same for every
    condition to the networks that generate them. `large` adds a second decoder, which draws at twice the size.
    """

    large: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:  # noqa: ARG002
        """See `NetworkSettings.build`."""
        return _LatentAutoencoder(shape, large=self.large)


@part("network")
@dataclass(frozen=True)
class LatentGenerator(NetworkSettings):
    """Generator of drawings from words: a transformer makes latents, the decoder of `latent_autoencoder` draws them.

    Each block has attention among positions and to the words, then a convolution; words and time also scale and shift
    its features (Peebles & Xie 2023, arXiv:2212.09748; shared among blocks as in PixArt-alpha, arXiv:2310.00426). A
    condition whose length is a multiple of 256 is a sequence of word vectors, padded with zeros; any other is one word.

    With `steps` above 1 it is a flow, which leads noise z to latents step by step (Lipman et al. 2023,
    arXiv:2210.02747), with classifier-free `guidance` (Ho & Salimans 2022, arXiv:2207.12598; 1 for none). With one step
    it is the generator of a GAN and takes no guidance.

    The output of the one-step generator may be refined: it is mixed half and half with noise, which a flow of
    `refinements` steps removes (SDEdit, Meng et al. 2022, arXiv:2108.01073). `distillation` trains this with `refined`.
    The noise is z again, rearranged, so a seed still gives one picture.

    If `sketch` is above 0, z becomes a sketch of that many numbers first (sketch.py), and drawing starts from it, mixed
    half and half with noise. The layout then comes from a distribution that is small enough to be learned, and seeds
    differ. `guidance` also applies to the sketch. Only the game `sketching` trains sketches.
    """

    width: int = 256
    blocks: int = 6
    steps: int = 1
    guidance: float = 1.0
    large: bool = False
    refinements: int = 0
    sketch: int = 0

    from_zero: ClassVar[tuple[str, ...]] = ("refinements", "sketch")
    layered: ClassVar[tuple[str, ...]] = ("blocks", "steps", "refinements")

    def __post_init__(self) -> None:
        """Reject what `NetworkSettings` rejects, and a flow with refinements."""
        super().__post_init__()
        if self.refinements and self.steps > 1:
            raise DoesNotFit("What a flow draws in several steps takes no refinements: set generator.refinements=0.")

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _LatentGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class LatentCritic(NetworkSettings):
    """Critic of drawings and their words, on latents, with the blocks of `latent_generator`.

    It can judge noisy latents, given the noise level (Wang et al. 2023, arXiv:2206.02262), and can start from the
    weights of a flow, which already represent drawings (Sauer et al. 2024, arXiv:2403.12015).
    """

    width: int = 256
    blocks: int = 3

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _LatentCritic(self, shape, condition)


def _places(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the latents of pictures of this shape.

    Raises:
        DoesNotFit: these are not pictures, or a side is not a multiple of 8 pixels.
    """
    if kind_of(shape) is not Kind.PICTURES or shape[1] % REDUCED or shape[2] % REDUCED:
        sides = [max(REDUCED, round(side / REDUCED) * REDUCED) for side in shape[:0:-1]]
        near = f" `size=({sides[0]}, {sides[1]})` does." if kind_of(shape) is Kind.PICTURES else ""
        raise DoesNotFit(f"Latents stand for squares of {REDUCED}x{REDUCED} pixels; {shape} has none such.{near}")
    return shape[1] // REDUCED, shape[2] // REDUCED


class _Residual(nn.Module):
    """A residual block: features [N, C, h, w] plus two convolutions of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.first, self.second = _conv(channels, channels), _conv(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(F.silu(self.first(F.silu(self.norm(x)))))
        return y


def _conv(channels: int, more: int, *, stride: int = 1) -> nn.Conv2d:
    layer = Conv3x3(channels, more) if stride == 1 else nn.Conv2d(channels, more, 3, stride, 1)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class _Encoder(nn.Sequential):
    """Pictures [N, C, H, W] -> latents [N, places, 16], not yet on the sphere."""

    def __init__(self, channels: int) -> None:
        a, b, c = ENCODER
        super().__init__(
            *(nn.PixelUnshuffle(2), _conv(4 * channels, a), _Residual(a)),
            *(_conv(a, b, stride=2), _Residual(b), _conv(b, c, stride=2), _Residual(c), _Residual(c)),
            *(nn.GroupNorm(1, c), nn.SiLU(), nn.Conv2d(c, CHANNELS, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        grid: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return grid.flatten(2).transpose(1, 2)


class _Decoder(nn.Module):
    """Latents [N, places, 16] -> pictures [N, C, H, W], or twice as large if there is a second head."""

    def __init__(self, channels: int, rows: int, *, large: bool) -> None:
        super().__init__()
        self.rows = rows
        a, b, c = DECODER
        self.trunk = nn.Sequential(
            *(_conv(CHANNELS, c), _Residual(c), _Residual(c)),
            *(_conv(c, 4 * b), nn.PixelShuffle(2), _Residual(b)),
            *(_conv(b, 4 * a), nn.PixelShuffle(2), _Residual(a)),
        )
        self.head = nn.Sequential(nn.GroupNorm(1, a), nn.SiLU(), _conv(a, 4 * channels), nn.PixelShuffle(2))
        self.large = (
            nn.Sequential(
                *(_Residual(a), nn.GroupNorm(1, a), nn.SiLU(), _conv(a, 2 * a), nn.PixelShuffle(2)),
                *(_Residual(a // 2), nn.GroupNorm(1, a // 2), nn.SiLU()),
                *(_conv(a // 2, 4 * channels), nn.PixelShuffle(2)),
            )
            if large
            else None
        )

    def forward(self, latents: Tensor, *, large: bool = False) -> Tensor:
        head = self.large if large else self.head
        if head is None:
            raise DoesNotFit("This model has one size alone: it was trained without a second decoder (large=True).")
        return head(self.trunk(latents.transpose(1, 2).unflatten(2, (self.rows, -1))))


class _Latent(Network):
    """A network of this file; they share modules, such as the decoder, and can load them from one another."""

    def adopt(self, name: str, learned: Learned) -> list[str]:
        """See `Network.adopt`: each weight comes from the network of this name, or else from the first that has it."""
        own = self.state_dict()
        sources = [learned[name]] if name in learned else []
        sources += [weights for other, weights in learned.items() if other != name]
        found = {
            key: next((each[key] for each in sources if key in each and each[key].shape == value.shape), None)
            for key, value in own.items()
        }
        self.load_state_dict({key: own[key] if value is None else value for key, value in found.items()})
        return [key for key, value in found.items() if value is None]


class _LatentAutoencoder(_Latent, Generator):
    """Codes z [N, places * 16] -> pictures, and back by `encode`."""

    def __init__(self, shape: tuple[int, ...], *, large: bool) -> None:
        rows, columns = _places(shape)
        super().__init__(shape, 0, rows * columns * CHANNELS)
        self.encoder, self.decoder = _Encoder(shape[0]), _Decoder(shape[0], rows, large=large)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:  # noqa: ARG002
        return self.decode(sphere(z.unflatten(1, (-1, CHANNELS))))

    def latents(self, x: Pictures) -> Latents:
        """The latents of pictures, on the sphere."""
        return sphere(self._encoded(x))

    @in_precision
    def _encoded(self, x: Tensor) -> Tensor:
        latents: Tensor = self.encoder(x)
        return latents

    @in_precision
    def decode(self, latents: Latents, *, large: bool = False) -> Pictures:
        """The pictures of latents, on the sphere or not; `large` draws at twice the size with the second decoder."""
        picture: Tensor = self.decoder(latents, large=large)
        return picture

    def encode(self, x: Pictures, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """The codes [N, latent] of pictures, and zeros in place of log variances."""
        codes = self.latents(x).flatten(1)
        return codes, torch.zeros_like(codes)

    def reconstruct(self, x: Pictures, condition: Tensor | None = None) -> Pictures:
        """See `Generator.reconstruct`."""
        return self.generate(self.encode(x)[0], condition)


class _LatentGenerator(_Latent, Generator):
    """Noise z [N, places * 16] and a condition [N, K] -> pictures; the decoder and the sketcher start out frozen."""

    def __init__(self, settings: LatentGenerator, shape: tuple[int, ...], condition: int) -> None:
        rows, columns = _places(shape)
        super().__init__(shape, condition, rows * columns * CHANNELS)
        self.steps, self.guidance = settings.steps, settings.guidance
        self.refinements, self.sketch = settings.refinements, settings.sketch
        self.body = Body(settings.width, settings.blocks, condition, (rows, columns))
        self.outward = nn.Linear(settings.width, CHANNELS)
        nn.init.normal_(self.outward.weight, std=0.02)
        self.sketcher = (
            Sketcher(settings.sketch, rows * columns, CHANNELS, condition, settings.guidance).requires_grad_(False)
            if settings.sketch
            else None
        )
        self.decoder = _Decoder(shape[0], rows, large=settings.large).requires_grad_(False)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        pictures: Tensor = self.decoder(self.latents(self.places(z), condition))
        return pictures

    @in_precision
    def glimpse(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """See `Generator.glimpse`: one step without refinements, unless it is a flow without sketches."""
        if self.steps > 1 and self.sketcher is None:
            return self.generate(z, condition)
        pictures: Tensor = self.decoder(self.once(self.places(z), condition))
        return pictures

    @property
    def doubles(self) -> bool:
        """See `Generator.doubles`."""
        return self.decoder.large is not None

    @in_precision
    def larger(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """See `Generator.larger`."""
        return self.decoder(self.latents(self.places(z), condition), large=True)

    def places(self, z: Float[Tensor, "n latent"]) -> Latents:
        """Noise, reshaped to positions and channels."""
        return z.unflatten(1, (-1, CHANNELS))

    @in_precision
    def clean(self, noisy: Latents, condition: Tensor | None, time: Float[Tensor, " n"]) -> Latents:
        """The expected clean latents, given noisy ones at a time: 0 is pure noise, 1 is clean; not on the sphere."""
        latents: Tensor = self.outward(self.body(noisy, condition, time)[0])
        return latents

    def latents(self, noise: Latents, condition: Tensor | None) -> Latents:
        """Generate latents from noise with all steps and refinements; on the sphere."""
        if self.steps > 1 and self.sketcher is None:
            return self.flow(noise, condition, steps=self.steps, guidance=self.guidance)
        if self.steps > 1:
            begun, left = self.begun(self.sketched(noise, condition), noise), math.ceil(VEILED * self.steps)
            return self.flow(begun, condition, steps=left, guidance=self.guidance, start=1 - VEILED)
        drawn = self.once(noise, condition)
        if self.refinements == 0:
            return drawn
        return self.flow(self.veiled(drawn, noise), condition, steps=self.refinements, start=1 - VEILED)

    def veiled(self, drawn: Latents, noise: Latents) -> Latents:
        """The input of a refinement: latents mixed with the rearranged noise that they were drawn from."""
        return (1 - VEILED) * drawn + VEILED * rearranged(noise)

    def once(self, noise: Latents, condition: Tensor | None) -> Latents:
        """Generate latents from noise in a single step; on the sphere."""
        if self.sketcher is None:
            return sphere(self.clean(noise, condition, noise.new_zeros(noise.shape[0])))
        return self.finished(self.sketched(noise, condition), noise, condition)

    @in_precision
    def sketched(self, noise: Latents, condition: Tensor | None) -> Latents:
        """The latents, not on the sphere, of sketches sampled from noise."""
        assert self.sketcher is not None
        latents: Tensor = self.sketcher(noise, condition)
        return latents

    @in_precision
    def roughly(
        self, noisy: Float[Tensor, "rows numbers"], condition: Tensor | None, time: Float[Tensor, " rows"]
    ) -> Float[Tensor, "rows numbers"]:
        """The expected clean sketches, given noisy ones at a time; each condition has equally many consecutive rows."""
        assert self.sketcher is not None
        described = self.sketcher.described(condition)
        if condition is not None:
            described = described.repeat_interleave(noisy.shape[0] // condition.shape[0], 0)
        return self.sketcher.clean(noisy, described, time)

    def finished(self, sketched: Latents, noise: Latents, condition: Tensor | None) -> Latents:
        """Generate latents from the latents of a sketch in a single step; on the sphere."""
        time = noise.new_full((noise.shape[0],), 1 - VEILED)
        return sphere(self.clean(self.begun(sketched, noise), condition, time))

    def begun(self, sketched: Latents, noise: Latents) -> Latents:
        """The input of `finished`: the latents of a sketch, mixed half and half with noise."""
        return (1 - VEILED) * sketched + VEILED * noise

    def guided(
        self, x: Latents, condition: Tensor | None, time: Float[Tensor, " n"], guidance: float | Float[Tensor, "n 1 1"]
    ) -> Latents:
        """The output of `clean` with classifier-free guidance; 1 for none."""
        told = self.clean(x, condition, time)
        if condition is None or (isinstance(guidance, float) and guidance == 1.0):
            return told
        untold = self.clean(x, torch.zeros_like(condition), time)
        return untold + guidance * (told - untold)

    def flow(
        self, x: Latents, condition: Tensor | None, *, steps: int, guidance: float = 1.0, start: float = 0.0
    ) -> Latents:
        """Integrate the flow from time `start` to 1 by Euler's method; the result is on the sphere."""
        for step in range(steps):
            time = x.new_full((x.shape[0],), start + (1 - start) * step / steps)
            x = x + (self.guided(x, condition, time, guidance) - x) / (steps - step)
        return sphere(x)


class _LatentCritic(_Latent, Critic):
    """Pictures, or noisy latents with a time, and a condition [N, K] -> logits [N]."""

    judges_alone = True

    def __init__(self, settings: LatentCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        self.encoder = _Encoder(shape[0])
        self.body = Body(settings.width, settings.blocks, condition, _places(shape))
        self.score, self.match = nn.Linear(settings.width, 1), nn.Linear(settings.width, settings.width)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        latents = sphere(self.encoder(x).float())
        return self.judge(latents, condition, latents.new_ones(latents.shape[0]))

    @in_precision
    def judge(self, latents: Latents, condition: Tensor | None, time: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The logits of noisy latents, whose share of noise is 1 - time."""
        features, vector = self.body(latents, condition, time)
        logits: Tensor = self.score(features).flatten(1).mean(1)
        return logits + projected(self.match(features.mean(1)), vector)
