"""Visible attributes of pictures as differentiable numbers: how warm, how large, how round.

Each attribute is a function of pictures [N, 3, H, W] in [0, 1] -> [N], and a part of the catalogue: a new function adds
a direction to find and a slider. `measured` takes a generator's output as it is.
"""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..core import catalog
from ..core.batch import Kind, kind_of
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..core.pixels import in_colour
from ..metrics.features.classifier import SIZE, Classifier

__all__ = ["Attribute", "attributes", "measured", "of_classes"]

Attribute = Callable[[Tensor], Tensor]
"""Pictures [N, 3, H, W] in [0, 1] -> one differentiable number each, [N]."""

TINY = 1e-6  # keeps roots and quotients differentiable for blank pictures
NEAR = 0.15  # colour distance from the background at which a pixel is mostly foreground


def attributes() -> dict[str, Attribute]:
    """All attributes of the catalogue by name."""
    return {name: catalog.find(name, "attribute") for name in catalog.names("attribute")}


def measured(samples: Tensor, by: Mapping[str, Attribute]) -> Float[Tensor, "n a"]:
    """The attributes of a generator's output, [N, C, H, W] or [N, C, T, H, W] in about [-1, 1]; clips are averaged.

    Grey is converted to colour, and transparent pixels are shown on white.

    Raises:
        DoesNotFit: the samples are not pictures.
    """
    kind = kind_of(samples.shape[1:])
    if kind is Kind.POINTS or samples.shape[1] not in {1, 3, 4}:
        raise DoesNotFit(
            f"Attributes are of pictures or clips, gray, RGB or RGBA, and these are samples of shape "
            f"{tuple(samples.shape[1:])}; points have coordinates to be moved by instead."
        )
    frames = samples.movedim(2, 1).flatten(0, 1) if kind is Kind.CLIPS else samples
    seen = in_colour(frames)
    values = torch.stack([attribute(seen) for attribute in by.values()], dim=1)
    return values.unflatten(0, (len(samples), -1)).mean(1)


def of_classes(classifier: Classifier) -> dict[str, Attribute]:
    """An attribute for each class: how much more a picture looks like this class than like all others, in nats.

    Their names are "label:" and the class, as in "label:cat". Several words can hold at once, so each is the log odds
    of one word.
    """

    def odds(index: int) -> Attribute:
        others = torch.arange(len(classifier.classes)) != index

        def attribute(x: Tensor) -> Tensor:
            x = x if classifier.channels == 3 else _luma(x)[:, None]
            resized = F.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)
            logits = classifier(resized * 2 - 1)[1]
            return logits[:, index] if classifier.words else logits[:, index] - logits[:, others].logsumexp(1)

        return attribute

    if classifier.channels not in {1, 3}:
        raise DoesNotFit("Classes can be told of gray or RGB pictures only; give `labels=` a source of these.")
    return {f"label:{name}": odds(index) for index, name in enumerate(classifier.classes)}


@part("attribute")
def brightness(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How light it is: the mean luma."""
    return _luma(x).mean((1, 2))


@part("attribute")
def contrast(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How far light and dark are apart: the deviation of the luma."""
    return (_luma(x).var((1, 2), correction=0) + TINY).sqrt()


@part("attribute")
def saturation(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How colourful it is: the mean chroma, the largest channel less the smallest."""
    return (x.amax(1) - x.amin(1)).mean((1, 2))


@part("attribute")
def warmth(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How warm its colours are: red less blue on average."""
    return (x[:, 0] - x[:, 2]).mean((1, 2))


@part("attribute")
def red(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How much red there is: the chroma of pixels near this hue, 0 degrees."""
    return _hue(x, degrees=0)


@part("attribute")
def yellow(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How much yellow there is: the chroma of pixels near this hue, 60 degrees."""
    return _hue(x, degrees=60)


@part("attribute")
def green(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How much green there is: the chroma of pixels near this hue, 120 degrees."""
    return _hue(x, degrees=120)


@part("attribute")
def blue(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How much blue there is: the chroma of pixels near this hue, 240 degrees."""
    return _hue(x, degrees=240)


@part("attribute")
def area(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How much of the picture is not background, which is the mean colour of its border."""
    return _foreground(x).mean((1, 2))


@part("attribute")
def roundness(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How compact what is not background is: 1 for a disc, .955 for a square, less for what is long or scattered.

    The area over 2 pi times the mean squared distance from its centroid, which for a given area is smallest for a disc.
    """
    mask = _foreground(x)
    total = mask.sum((1, 2)) + TINY
    rows = torch.arange(mask.shape[1], device=x.device, dtype=x.dtype)
    columns = torch.arange(mask.shape[2], device=x.device, dtype=x.dtype)

    def spread(along: Tensor, places: Tensor) -> Tensor:
        middle = (along * places).sum(1) / total
        return (along * (places - middle[:, None]) ** 2).sum(1) / total + 1 / 12  # a pixel is a square, not a point

    return total / (2 * math.pi * (spread(mask.sum(2), rows) + spread(mask.sum(1), columns)))


@part("attribute")
def symmetry(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How alike left and right are: the correlation of the picture with its mirror image, from -1 to 1."""
    centred = x - x.mean((2, 3), keepdim=True)
    return ((centred * centred.flip(3)).mean((1, 2, 3)) + TINY) / (centred.square().mean((1, 2, 3)) + TINY)


@part("attribute")
def detail(x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How many edges there are: the mean step of the luma from pixel to pixel."""
    luma = _luma(x)
    across, down = luma[:, :-1].diff(dim=2), luma[:, :, :-1].diff(dim=1)
    return (across.square() + down.square() + TINY).sqrt().mean((1, 2))


def _luma(x: Tensor) -> Tensor:
    """RGB [N, 3, H, W] -> luma [N, H, W], weighted as in ITU-R BT.601."""
    return 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]


def _hue(x: Tensor, *, degrees: float) -> Tensor:
    """The mean chroma, weighted by the fourth power of the cosine of the angle between a pixel's hue and this one."""
    r, g, b = x.unbind(1)
    first, second = r - (g + b) / 2, (g - b) * math.sqrt(3) / 2
    along = first * math.cos(math.radians(degrees)) + second * math.sin(math.radians(degrees))
    chroma = (first.square() + second.square() + TINY).sqrt()
    return (along.clamp(min=0) ** 4 / chroma**3).mean((1, 2))


def _foreground(x: Tensor) -> Tensor:
    """From 0 for pixels in the colour of the border to 1 for a very different colour, [N, H, W]."""
    border = torch.cat([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], dim=2).mean(2)
    return 1 - torch.exp(-(x - border[:, :, None, None]).square().mean(1) / (2 * NEAR**2))
