"""Changes that the critic sees everything through, so that it cannot learn few pictures by heart.

They are differentiable, so the generator learns through them, and they are made to reals and fakes alike, so what is
learned is still the data. Each is made to a picture with a probability that is called the strength: below about 0.8
they cannot leak into what is generated (Karras et al. 2020, arXiv:2006.06676, section 2.2).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd import Function

from ..core.batch import Batch
from ..core.catalog import part
from ..core.errors import DoesNotFit
from .schedules import Value, at, within

__all__ = ["AdaptiveAugment", "Augment", "Augmentation"]

Rows = Float[Tensor, " n"]


@dataclass(frozen=True, kw_only=True)
class Augmentation(ABC):
    """Translation, cutout, colour (DiffAugment: Zhao et al. 2020, arXiv:2006.10738); parts of kind "augment" are one.

    translate  the farthest shift, as a share of the side; what comes in from outside is mid-gray
    cutout     the side of the square that becomes mid-gray, as a share of the picture's side
    colour     how far brightness, saturation and contrast are changed; 1 is as in the paper
    """

    translate: float = 0.125
    cutout: float = 0.5
    colour: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no picture can be given.

        Raises:
            DoesNotFit: `translate`, `cutout` or `colour` is not in [0, 1].
        """
        for name in ("translate", "cutout", "colour"):
            within(f"game.augment.{name}", getattr(self, name), 0.0, 1.0, closed=True)

    @abstractmethod
    def probability(self, batch: Batch) -> float | Tensor:
        """The strength at present, in [0, 1]."""

    def memory(self) -> dict[str, Tensor]:
        """See `Game.memory`."""
        return {}

    def remember(self, memory: Mapping[str, Tensor], sure: Tensor, *, images: int) -> None:  # noqa: B027
        """Change the memory, in place, after a step of so many images; `sure` is the critic's mean verdict on reals."""

    def __call__(self, samples: Float[Tensor, "n *sample"], batch: Batch) -> Float[Tensor, "n *sample"]:
        """The pictures or clips [N, C, ..., H, W], each changed by dice of its own; all frames of a clip alike.

        Raises:
            DoesNotFit: the samples are no pictures.
        """
        if samples.dim() < 4:
            raise DoesNotFit("Augmentation is for pictures; points are trained with `settings=['game.augment=None']`.")
        drawn = batch.dice.uniform("augment", 10).to(samples.dtype)
        chosen = drawn[:, 7:] < self.probability(batch)
        if self.colour:
            samples = _recolour(samples, (drawn[:, :3] - 0.5) * self.colour * chosen[:, :1])
        if self.translate:
            samples = _shift(samples, drawn[:, 3:5], chosen[:, 1], farthest=self.translate)
        if self.cutout:
            samples = _cut(samples, drawn[:, 5:7], chosen[:, 2], side=self.cutout)
        return samples


@part("augment")
@dataclass(frozen=True)
class Augment(Augmentation):
    """Translation, cutout and colour at a strength that is constant or follows a schedule; 1 is DiffAugment.

    With `passes` it rises from 0 in so many passes over the data, and stays there: what was seen a few times cannot be
    known by heart, and is learned the quicker as it is.
    """

    strength: Value = 1.0
    passes: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a strength that is no probability.

        Raises:
            DoesNotFit: `strength`, or a setting of all augmentations, is not in [0, 1], or `passes` is below 0.
        """
        super().__post_init__()
        within("game.augment.strength", self.strength, 0.0, 1.0, closed=True)
        within("game.augment.passes", self.passes, 0.0)

    def probability(self, batch: Batch) -> float:
        """See `Augmentation.probability`."""
        risen = min(1.0, batch.passes / self.passes) if self.passes else 1.0
        return at(self.strength, batch.progress) * risen


@part("augment")
@dataclass(frozen=True)
class AdaptiveAugment(Augmentation):
    """Translation, cutout and colour, ever stronger while the critic overfits (ADA: Karras et al. 2020, section 3.1).

    A critic that overfits is sure of nearly all reals. The strength rises from 0 while that is so of more than
    `target` says, as the mean sign of its verdict in [-1, 1], and falls while it is so of fewer. From 0 to 1 it takes
    `over_images`. Of several critics the first is followed.
    """

    target: float = 0.6
    over_images: int = 500_000

    def __post_init__(self) -> None:
        """Refuse a target that no critic has, and a rise that takes no time.

        Raises:
            DoesNotFit: `target` is not in [-1, 1], `over_images` is below 1, or another setting is not in [0, 1].
        """
        super().__post_init__()
        within("game.augment.target", self.target, -1.0, 1.0, closed=True)
        within("game.augment.over_images", self.over_images, 1)

    def probability(self, batch: Batch) -> Tensor:
        """See `Augmentation.probability`."""
        return batch.memory["augment"]

    def memory(self) -> dict[str, Tensor]:
        """See `Game.memory`."""
        return {"augment": torch.zeros(())}

    def remember(self, memory: Mapping[str, Tensor], sure: Tensor, *, images: int) -> None:
        """See `Augmentation.remember`."""
        step = (sure - self.target).sign() * (images / self.over_images)
        memory["augment"].add_(step).clamp_(0, 1)


def _recolour(samples: Tensor, change: Float[Tensor, "n 3"]) -> Tensor:
    """Brightness, then saturation, then contrast, each changed by its number in [-0.5, 0.5]; alpha stays as it is."""
    brightness, saturation, contrast = (change.T.reshape(3, -1, *[1] * (samples.dim() - 1))).unbind()
    colours = samples[:, :3] + brightness
    gray = colours.mean(1, keepdim=True)
    colours = colours + (colours - gray) * 2 * saturation
    middle = colours.flatten(1).mean(1).reshape(brightness.shape)
    colours = colours + (colours - middle) * contrast
    return torch.cat([colours, samples[:, 3:]], dim=1) if samples.shape[1] > 3 else colours


def _shift(samples: Tensor, drawn: Float[Tensor, "n 2"], chosen: Bool[Tensor, " n"], *, farthest: float) -> Tensor:
    """The chosen pictures moved by whole pixels, up to this share of the side; numbers in [0, 1) make all as likely."""
    far = [int(farthest * side + 0.5) for side in samples.shape[-2:]]
    each = [(drawn[:, axis] * (2 * most + 1)).floor().long() - most for axis, most in enumerate(far)]
    moves = torch.stack(each, 1) * chosen[:, None]
    if samples.device.type == "cpu" and samples.dtype is not torch.bfloat16:
        moved: Tensor = _Moved.apply(samples, moves.tolist())  # type: ignore[no-untyped-call]
        return moved
    return _gathered(samples, moves)


class _Moved(Function):
    """Each picture moved down and to the right by its two numbers of pixels, quick on a processor: copies of slices."""

    @staticmethod
    def forward(samples: Tensor, moves: list[list[int]]) -> Tensor:
        moved, (height, width) = torch.zeros_like(samples), samples.shape[-2:]
        for after, before, (down, right) in zip(moved.numpy(), samples.detach().numpy(), moves, strict=True):
            (to, of), (into, out) = _overlap(down, height), _overlap(right, width)
            after[..., to, into] = before[..., of, out]
        return moved

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, list[list[int]]], output: Tensor) -> None:  # noqa: ARG004
        ctx.moves = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        moves = [[-down, -right] for down, right in ctx.moves]
        back: Tensor = _Moved.apply(gradient, moves)  # type: ignore[no-untyped-call]
        return back, None


def _overlap(moved: int, size: int) -> tuple[slice, slice]:
    """Where in a side what is moved so far comes to lie, and where it was before."""
    return slice(max(moved, 0), size + min(moved, 0)), slice(max(-moved, 0), size + min(-moved, 0))


def _gathered(samples: Tensor, moves: Int[Tensor, "n 2"]) -> Tensor:
    """The same without looking at the numbers, for which a device would have to be waited for."""
    outside = []
    for dim, moved in ((-2, moves[:, 0]), (-1, moves[:, 1])):
        size = samples.shape[dim]
        places = torch.arange(size, device=samples.device) - moved[:, None]
        shape = [len(samples), *[1] * (samples.dim() - 1)]
        shape[dim] = size
        places = places.reshape(shape)
        outside.append((places < 0) | (places >= size))
        samples = torch.take_along_dim(samples, places.clamp(0, size - 1).expand_as(samples), dim)
    return samples.masked_fill(outside[0] | outside[1], 0.0)


def _cut(samples: Tensor, centres: Float[Tensor, "n 2"], chosen: Bool[Tensor, " n"], *, side: float) -> Tensor:
    """The chosen pictures with a square of this share of the side, about these shares of height and width, in gray."""
    inside = chosen.reshape(-1, *[1] * (samples.dim() - 1))
    for dim, centre in ((-2, centres[:, 0]), (-1, centres[:, 1])):
        size = samples.shape[dim]
        shape = [len(samples), *[1] * (samples.dim() - 1)]
        shape[dim] = size
        first = (centre * (size + 1 - round(side * size) % 2)).floor() - round(side * size) // 2
        places = torch.arange(size, device=samples.device) - first[:, None]
        inside = inside & ((places >= 0) & (places < round(side * size))).reshape(shape)
    return samples.masked_fill(inside, 0.0)
