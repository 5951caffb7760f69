"""DCGAN: strided convolutions with batch norm (Radford, Metz & Chintala 2016, arXiv:1511.06434)."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from ..core.catalog import part
from .layers import BatchNorm, Critic, Dropout, Generator, NetworkSettings, doublings, planes, widths, with_condition
from .modulation import ModulatedNorm, Style
from .strided import Doubling, Gathering, Halving, Spreading
from .torus import TorusConv, TorusDoubling

__all__ = ["DCGANCritic", "DCGANGenerator"]

WIDEST = 8  # the widest layer has 8 times the width of the narrowest, as at 64x64 in the paper


@part("network")
@dataclass(frozen=True)
class DCGANGenerator(NetworkSettings):
    """DCGAN generator: transposed 4x4 convolutions, batch norm, ReLU, tanh (Radford et al. 2016, arXiv:1511.06434).

    `width` is the number of channels before the last layer, 128 in the paper's figure 1; each layer further from the
    picture has twice as many, up to 8 times `width`. `extra` is the number of 3x3 convolutions added at each size below
    the picture's. `full` is that of 3x3 convolutions at the picture's own size, the last of which makes the picture;
    the last transposed convolution then has `width` channels. A `slope` above 0 replaces each ReLU by a LeakyReLU. If
    `modulated`, z and the condition also scale and shift the features after each norm (Chen et al. 2019,
    arXiv:1810.01365). If `seamless`, convolutions go on at the opposite edge of a picture, so copies side by side
    continue one another; with the game's `rolled` critics judge the edges, too.
    """

    width: int = 64
    latent: int = 100
    extra: int = 0
    full: int = 0
    slope: float = 0.0
    modulated: bool = False
    seamless: bool = False
    from_zero = ("extra", "full")

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _DCGANGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class DCGANCritic(NetworkSettings):
    """DCGAN discriminator: 4x4 convolutions of stride 2, batch norm, LeakyReLU 0.2 (Radford et al. 2016).

    Batch norm mixes the samples of a batch, so gradient penalties cannot be used.

    `dropout` is the share of features that is zeroed after each LeakyReLU. With `projection`, the inner product of the
    embedded condition and the last layer's input is added to the logit (Miyato & Koyama 2018, arXiv:1802.05637);
    otherwise the condition is appended to the picture as constant planes.
    """

    width: int = 64
    dropout: float = 0.0
    projection: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _DCGANCritic(self, shape, condition)


def _initialise(module: nn.Module) -> None:
    """Deviation 0.02, around 0 for all weights (section 4 of the paper) and around 1 for the scales of batch norm."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, BatchNorm) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)


def _follow(channels: int, settings: DCGANGenerator) -> list[nn.Module]:
    """The layers after each convolution of the generator except the last."""
    norm = ModulatedNorm(channels, modulated=True) if settings.modulated else BatchNorm(channels)
    slope = settings.slope
    return [norm, nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)]


class _DCGANGenerator(Generator):
    def __init__(self, settings: DCGANGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)[::-1]
        channels += channels[-1:] if settings.full else []
        conv3 = partial(nn.Conv2d, kernel_size=3, padding=1)
        double, keep = (TorusDoubling, TorusConv) if settings.seamless else (Doubling, conv3)
        layers: list[nn.Module] = []
        for number, (a, b) in enumerate(pairwise([settings.latent + condition, *channels])):
            layers.append(double(a, b, bias=False) if number else Spreading(a, b, (height, width), bias=False))
            layers += _follow(b, settings)
            for _ in range(settings.extra if number < count else settings.full - 1):
                layers += [keep(b, b, bias=False), *_follow(b, settings)]
        last, colours = channels[-1], shape[0]
        layers.append(keep(last, colours) if settings.full else double(last, colours, bias=False))
        layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers).apply(_initialise)
        self.style = Style(settings.latent + condition) if settings.modulated else None

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        z = with_condition(z, condition)
        style, x = self.style(z) if self.style else None, z[:, :, None, None]
        for layer in self.layers:
            x = layer(x, style) if isinstance(layer, ModulatedNorm) else layer(x)
        return x


class _DCGANCritic(Critic):
    def __init__(self, settings: DCGANCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)
        inputs = shape[0] + (0 if settings.projection else condition)
        layers: list[nn.Module] = []
        for a, b in pairwise([inputs, *channels]):
            layers += [Halving(a, b, bias=False), *([BatchNorm(b)] if layers else [])]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            layers += [Dropout(settings.dropout)] if settings.dropout else []
        layers.append(Gathering(channels[-1], 1, (height, width), bias=False))
        self.layers = nn.Sequential(*layers).apply(_initialise)
        self.mixes_samples = count > 1  # the first layer has no batch norm
        self.embed = None
        if condition and settings.projection:
            self.embed = nn.Linear(condition, channels[-1] * height * width, bias=False).apply(_initialise)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = self.layers[:-1](x if self.embed is not None else planes(x, condition))
        logits: Tensor = self.layers[-1](features).flatten()
        if self.embed is not None and condition is not None:
            logits = logits + (self.embed(condition) * features.flatten(1)).sum(1)
        return logits
