"""Drawings made from words in the latents of an autoencoder: what draws them, what learns them, what judges them."""

import math
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

__all__ = ["VEILED", "LatentAutoencoder", "LatentCritic", "LatentGenerator", "rearranged", "sphere"]

REDUCED = 8  # pixels of the side of the square that one place of the latents stands for
VEILED = 0.5  # share of noise in what is to be refined, and in what is to be drawn from a sketch
ENCODER, DECODER = (40, 96, 192), (48, 112, 192)  # channels, from the picture inwards

Latents = Float[Tensor, "n places 16"]
Pictures = Float[Tensor, "n channels height width"]


def sphere(latents: Latents) -> Latents:
    """Latents with a root mean square of 1 at each place: whatever a network says, a decoder can draw."""
    return latents * (latents.square().mean(-1, keepdim=True) + 1e-4).rsqrt()


def rearranged(noise: Latents) -> Latents:
    """The same numbers at other channels: noise that has nothing to do with what was drawn from it there."""
    return torch.cat(noise.chunk(2, -1)[::-1], -1)


@part("network")
@dataclass(frozen=True)
class LatentAutoencoder(NetworkSettings):
    """Autoencoder of drawings: 8 pixels to a place of 16 numbers on a sphere, and back.

    A spatial code, as in latent diffusion (Rombach et al. 2022, arXiv:2112.10752), held on a sphere at each place in
    place of a divergence. It hears no condition: others draw in its latents, so they mean the same whatever is told.
    `large` adds a second decoder, which draws the same latents twice as large.
    """

    large: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:  # noqa: ARG002
        """See `NetworkSettings.build`."""
        return _LatentAutoencoder(shape, large=self.large)


@part("network")
@dataclass(frozen=True)
class LatentGenerator(NetworkSettings):
    """Generator of drawings from words: a transformer makes latents, the decoder of `latent_autoencoder` draws them.

    Each block lets the places look at one another and at the words, then mixes neighbours by a convolution; words and
    time also scale and shift its features (Peebles & Xie 2023, arXiv:2212.09748; shared among blocks as in
    PixArt-alpha, arXiv:2310.00426). A condition of a multiple of 256 numbers is a row of word vectors, zeros where
    there is none; any other is one word.

    With `steps` above 1 it is a flow: z is noise that is led to latents step by step (Lipman et al. 2023,
    arXiv:2210.02747), away from what it would draw without words by `guidance` (Ho & Salimans 2022, arXiv:2207.12598;
    1 leads nowhere else). With one step it is the generator of a GAN, which takes no guidance.

    What that generator draws may be refined: half of it is covered with noise again, which is led away in so many steps
    as there are `refinements`, as by a flow (SDEdit, Meng et al. 2022, arXiv:2108.01073). `distillation` teaches this
    with `refined`. The noise is z once more, in another order, so a seed is still one picture.

    With a `sketch` of so many numbers z becomes a sketch first (sketch.py), and the one step begins with that, half
    covered with noise: so what is where comes from a distribution that is small enough to be learned, and seeds differ.
    `guidance` is that of the sketch, too. The game `sketching` teaches sketches, and no other does.
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
        """Refuse what `NetworkSettings` does, and a flow with refinements."""
        super().__post_init__()
        if self.refinements and self.steps > 1:
            raise DoesNotFit("What a flow draws in several steps takes no refinements: set generator.refinements=0.")

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _LatentGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class LatentCritic(NetworkSettings):
    """Critic of drawings under words: it looks at their latents with the blocks of `latent_generator`.

    It may be shown latents with noise in them and told how much (Wang et al. 2023, arXiv:2206.02262), and begin with
    the weights of a flow, which knows what drawings are (Sauer et al. 2024, arXiv:2403.12015).
    """

    width: int = 256
    blocks: int = 3

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _LatentCritic(self, shape, condition)


def _places(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the latents of pictures of this shape.

    Raises:
        DoesNotFit: they are no pictures, or a side is no multiple of 8 pixels.
    """
    if kind_of(shape) is not Kind.PICTURES or shape[1] % REDUCED or shape[2] % REDUCED:
        sides = [max(REDUCED, round(side / REDUCED) * REDUCED) for side in shape[:0:-1]]
        near = f" `size=({sides[0]}, {sides[1]})` does." if kind_of(shape) is Kind.PICTURES else ""
        raise DoesNotFit(f"Latents stand for squares of {REDUCED}x{REDUCED} pixels; {shape} has none such.{near}")
    return shape[1] // REDUCED, shape[2] // REDUCED


class _Residual(nn.Module):
    """Features [N, C, h, w] and what two convolutions say of them."""

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
    """Pictures [N, C, H, W] -> latents [N, places, 16], not on the sphere yet."""

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
    """Latents [N, places, 16] -> pictures [N, C, H, W], or twice as large where there is a second head."""

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
    """A network of this file: some have parts in common, such as the decoder, and learn them from one another."""

    def adopt(self, name: str, learned: Learned) -> list[str]:
        """See `Network.adopt`: each weight from the network of its own name, or else from the first that has it."""
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
        """The pictures of latents, on the sphere or beside it; `large` draws them twice as large, if it can."""
        picture: Tensor = self.decoder(latents, large=large)
        return picture

    def encode(self, x: Pictures, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """The codes [N, latent] of pictures, and zeros: they have no variance."""
        codes = self.latents(x).flatten(1)
        return codes, torch.zeros_like(codes)

    def reconstruct(self, x: Pictures, condition: Tensor | None = None) -> Pictures:
        """See `Generator.reconstruct`."""
        return self.generate(self.encode(x)[0], condition)


class _LatentGenerator(_Latent, Generator):
    """Noise z [N, places * 16] and a condition [N, K] -> pictures; what decodes and sketches learns for no critic."""

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
        """See `Generator.glimpse`: what it draws of a sketch in one step, and before it refines."""
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
        """Noise as it lies in the places."""
        return z.unflatten(1, (-1, CHANNELS))

    @in_precision
    def clean(self, noisy: Latents, condition: Tensor | None, time: Float[Tensor, " n"]) -> Latents:
        """What latents are expected to be that are seen at a time: noise at 0, themselves at 1; not on the sphere."""
        latents: Tensor = self.outward(self.body(noisy, condition, time)[0])
        return latents

    def latents(self, noise: Latents, condition: Tensor | None) -> Latents:
        """The latents that noise becomes, as many steps and refinements as are set, on the sphere."""
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
        """What is to be refined of latents: they and the noise that they were drawn from, rearranged."""
        return (1 - VEILED) * drawn + VEILED * rearranged(noise)

    def once(self, noise: Latents, condition: Tensor | None) -> Latents:
        """The latents that noise becomes in a single step, on the sphere."""
        if self.sketcher is None:
            return sphere(self.clean(noise, condition, noise.new_zeros(noise.shape[0])))
        return self.finished(self.sketched(noise, condition), noise, condition)

    @in_precision
    def sketched(self, noise: Latents, condition: Tensor | None) -> Latents:
        """The latents, off the sphere, of the sketch that noise becomes."""
        assert self.sketcher is not None
        latents: Tensor = self.sketcher(noise, condition)
        return latents

    @in_precision
    def roughly(
        self, noisy: Float[Tensor, "rows numbers"], condition: Tensor | None, time: Float[Tensor, " rows"]
    ) -> Float[Tensor, "rows numbers"]:
        """What sketches are expected to be that are seen at a time; there are as many in a row for each condition."""
        assert self.sketcher is not None
        described = self.sketcher.described(condition)
        if condition is not None:
            described = described.repeat_interleave(noisy.shape[0] // condition.shape[0], 0)
        return self.sketcher.clean(noisy, described, time)

    def finished(self, sketched: Latents, noise: Latents, condition: Tensor | None) -> Latents:
        """The latents that the latents of a sketch become in a single step, on the sphere."""
        time = noise.new_full((noise.shape[0],), 1 - VEILED)
        return sphere(self.clean(self.begun(sketched, noise), condition, time))

    def begun(self, sketched: Latents, noise: Latents) -> Latents:
        """What is drawn from: the latents of a sketch, half covered with noise."""
        return (1 - VEILED) * sketched + VEILED * noise

    def guided(
        self, x: Latents, condition: Tensor | None, time: Float[Tensor, " n"], guidance: float | Float[Tensor, "n 1 1"]
    ) -> Latents:
        """What `clean` says, led away from what it says without words: 1 is as it is."""
        told = self.clean(x, condition, time)
        if condition is None or (isinstance(guidance, float) and guidance == 1.0):
            return told
        untold = self.clean(x, torch.zeros_like(condition), time)
        return untold + guidance * (told - untold)

    def flow(
        self, x: Latents, condition: Tensor | None, *, steps: int, guidance: float = 1.0, start: float = 0.0
    ) -> Latents:
        """Latents led from a time along straight lines to what they are expected to be at 1, by Euler's method."""
        for step in range(steps):
            time = x.new_full((x.shape[0],), start + (1 - start) * step / steps)
            x = x + (self.guided(x, condition, time, guidance) - x) / (steps - step)
        return sphere(x)


class _LatentCritic(_Latent, Critic):
    """Pictures, or latents at a time, and a condition [N, K] -> logits [N]."""

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
        """Logits of latents with noise in them, 1 - time of it."""
        features, vector = self.body(latents, condition, time)
        logits: Tensor = self.score(features).flatten(1).mean(1)
        return logits + projected(self.match(features.mean(1)), vector)
