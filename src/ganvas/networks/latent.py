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
from ..data.words import DIMENSION
from .layers import Critic, Generator, Learned, Network, NetworkSettings, in_precision, projected

__all__ = ["LatentAutoencoder", "LatentCritic", "LatentGenerator", "sphere"]

REDUCED = 8  # pixels of the side of the square that one place of the latents stands for
CHANNELS = 16  # numbers at each place
HEADS = 4
TIMES = 64  # waves that a time is told by
ENCODER, DECODER = (40, 96, 192), (48, 112, 192)  # channels, from the picture inwards

Latents = Float[Tensor, "n places 16"]
Pictures = Float[Tensor, "n channels height width"]


def sphere(latents: Latents) -> Latents:
    """Latents with a root mean square of 1 at each place: whatever a network says, a decoder can draw."""
    return latents * (latents.square().mean(-1, keepdim=True) + 1e-4).rsqrt()


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
    """

    width: int = 256
    blocks: int = 6
    steps: int = 1
    guidance: float = 1.0
    large: bool = False

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
    layer = nn.Conv2d(channels, more, 3, stride, 1)
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


class _Told(nn.Module):
    """Condition [N, K] and time [N] -> words as tokens [N, 1 + S, D], which are absent, and one vector [N, D]."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.length = DIMENSION if condition % DIMENSION == 0 else condition
        self.nothing = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.time = nn.Sequential(nn.Linear(TIMES, width), nn.SiLU(), nn.Linear(width, width))
        self.mixed = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        if condition:
            self.word = nn.Sequential(nn.Linear(self.length, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
            self.pooled = nn.Linear(width, width)
        frequencies = torch.exp(torch.linspace(0, math.log(1000.0), TIMES // 2))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, condition: Tensor | None, time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        waves = time[:, None] * self.get_buffer("frequencies")
        vector = self.time(torch.cat([waves.sin(), waves.cos()], 1))
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
    """Places [N, T, D] that looked at one another and at words, then at their neighbours."""

    WIDER: ClassVar[float] = 1.5

    def __init__(self, width: int, rows: int) -> None:
        super().__init__()
        self.rows, inner = rows, int(width * self.WIDER)
        self.norms = nn.ModuleList([nn.LayerNorm(width, elementwise_affine=False) for _ in range(2)])
        self.own, self.words = nn.Linear(width, 3 * width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.around, self.back = nn.Conv2d(width, inner, 3, padding=1), nn.Linear(inner, width)
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
        """Attention (Vaswani et al. 2017, arXiv:1706.03762, eq. 1) of places to places and words.

        Plain products: the backward pass of torch's fused attention is several times as slow on a CPU.
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


class _Body(nn.Module):
    """Latents [N, T, 16] at a time [N], and a condition -> features [N, T, D] of the places."""

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
        words, absent, vector = self.told(condition, time)
        absent = F.pad(absent, (latents.shape[1], 0))[:, None, None]
        modulation = self.modulation(vector)
        x = self.place + self.inward(latents)
        for block in self.blocks:
            x = block(x, words, absent, modulation)
        return self.norm(x), vector


class _LatentGenerator(_Latent, Generator):
    """Noise z [N, places * 16] and a condition [N, K] -> pictures, by a decoder that learns nothing here."""

    def __init__(self, settings: LatentGenerator, shape: tuple[int, ...], condition: int) -> None:
        rows, columns = _places(shape)
        super().__init__(shape, condition, rows * columns * CHANNELS)
        self.steps, self.guidance = settings.steps, settings.guidance
        self.body = _Body(settings.width, settings.blocks, condition, (rows, columns))
        self.outward = nn.Linear(settings.width, CHANNELS)
        nn.init.normal_(self.outward.weight, std=0.02)
        self.decoder = _Decoder(shape[0], rows, large=settings.large).requires_grad_(False)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        pictures: Tensor = self.decoder(self.latents(self.places(z), condition))
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
        """The latents that noise becomes, in as many steps as are set, on the sphere."""
        if self.steps == 1:
            return sphere(self.clean(noise, condition, noise.new_zeros(noise.shape[0])))
        return self.flow(noise, condition, steps=self.steps, guidance=self.guidance)

    def flow(self, noise: Latents, condition: Tensor | None, *, steps: int, guidance: float) -> Latents:
        """Latents led from noise along straight lines to what they are expected to be, by Euler's method."""
        x = noise
        for step in range(steps):
            time = x.new_full((x.shape[0],), step / steps)
            end = self.clean(x, condition, time)
            if guidance != 1 and condition is not None:
                untold = self.clean(x, torch.zeros_like(condition), time)
                end = untold + guidance * (end - untold)
            x = x + (end - x) / (steps - step)
        return sphere(x)


class _LatentCritic(_Latent, Critic):
    """Pictures, or latents at a time, and a condition [N, K] -> logits [N]."""

    judges_alone = True

    def __init__(self, settings: LatentCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        self.encoder = _Encoder(shape[0])
        self.body = _Body(settings.width, settings.blocks, condition, _places(shape))
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
