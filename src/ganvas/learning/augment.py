"""Augmentation of all inputs of the critic, so that it cannot memorise a small set of pictures.

Augmentations are differentiable, so the generator learns through them, and apply to reals and fakes alike, so the
target is still the data. Each one is applied to a picture with a probability called the strength: below about 0.8 they
do not leak into generated pictures (Karras et al. 2020, arXiv:2006.06676, section 2.2).
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

    translate  the largest shift, as a share of the side; uncovered pixels are mid-gray
    cutout     the side of the square that becomes mid-gray, as a share of the picture's side
    colour     how much brightness, saturation and contrast change; 1 is as in the paper
    """

    translate: float = 0.125
    cutout: float = 0.5
    colour: float = 1.0

    def __post_init__(self) -> None:
        """Reject settings out of range.

        Raises:
            DoesNotFit: `translate`, `cutout` or `colour` is not in [0, 1].
        """
        for name in ("translate", "cutout", "colour"):
            within(f"game.augment.{name}", getattr(self, name), 0.0, 1.0, closed=True)

    @abstractmethod
    def probability(self, batch: Batch) -> float | Tensor:
        """The current strength, in [0, 1]."""

    def memory(self) -> dict[str, Tensor]:
        """See `Game.memory`."""
        return {}

    def remember(self, memory: Mapping[str, Tensor], sure: Tensor, *, images: int) -> None:  # noqa: B027
        """Update the memory in place after a step of so many images; `sure` is the mean of `Objective.sure`."""

    def __call__(self, samples: Float[Tensor, "n *sample"], batch: Batch) -> Float[Tensor, "n *sample"]:
        """The pictures or clips [N, C, ..., H, W], each augmented independently; all frames of a clip alike.

        Raises:
            DoesNotFit: the samples are points.
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

    With `passes` the strength rises from 0 over that many passes over the data: samples that were seen only a few times
    cannot be memorised yet, and are learned faster without augmentation.
    """

    strength: Value = 1.0
    passes: float = 0.0

    def __post_init__(self) -> None:
        """Reject settings out of range.

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
    """Translation, cutout and colour, stronger while the critic overfits (ADA: Karras et al. 2020, section 3.1).

    A critic that overfits is sure of nearly all reals. The strength starts at 0; it rises while the mean sign of the
    critic's verdict on reals, in [-1, 1], is above `target`, and falls while it is below. From 0 to 1 takes at least
    `over_images`. With several critics, the first one counts.
    """

    target: float = 0.6
    over_images: int = 500_000

    def __post_init__(self) -> None:
        """Reject a target that no critic can reach, and an instant rise.

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
    """Brightness, then saturation, then contrast, each changed by its number in [-0.5, 0.5]; alpha is unchanged."""
    brightness, saturation, contrast = (change.T.reshape(3, -1, *[1] * (samples.dim() - 1))).unbind()
    colours = samples[:, :3] + brightness
    gray = colours.mean(1, keepdim=True)
    colours = colours + (colours - gray) * 2 * saturation
    middle = colours.flatten(1).mean(1).reshape(brightness.shape)
    colours = colours + (colours - middle) * contrast
    return torch.cat([colours, samples[:, 3:]], dim=1) if samples.shape[1] > 3 else colours


def _shift(samples: Tensor, drawn: Float[Tensor, "n 2"], chosen: Bool[Tensor, " n"], *, farthest: float) -> Tensor:
    """Shift the chosen pictures by whole pixels, up to this share of the side; `drawn` in [0, 1) selects the shift."""
    far = [int(farthest * side + 0.5) for side in samples.shape[-2:]]
    each = [(drawn[:, axis] * (2 * most + 1)).floor().long() - most for axis, most in enumerate(far)]
    moves = torch.stack(each, 1) * chosen[:, None]
    if samples.device.type == "cpu":
        moved: Tensor = _Moved.apply(samples, moves.tolist())  # type: ignore[no-untyped-call]
        return moved
    return _gathered(samples, moves)


class _Moved(Function):
    """Move each picture down and right by its two numbers of pixels, by copying slices; fast on a CPU."""

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
    """The target and source slices of an axis of this size when its content moves by `moved` pixels."""
    return slice(max(moved, 0), size + min(moved, 0)), slice(max(-moved, 0), size + min(-moved, 0))


def _gathered(samples: Tensor, moves: Int[Tensor, "n 2"]) -> Tensor:
    """The same as `_Moved` without reading `moves` on the host, which would synchronise a GPU."""
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
    """Fill a square in the chosen pictures with gray; its side and its centres are shares of the picture's sides."""
    inside = chosen.reshape(-1, *[1] * (samples.dim() - 1))
    for dim, centre in ((-2, centres[:, 0]), (-1, centres[:, 1])):
        size = samples.shape[dim]
        shape = [len(samples), *[1] * (samples.dim() - 1)]
        shape[dim] = size
        first = (centre * (size + 1 - round(side * size) % 2)).floor() - round(side * size) // 2
        places = torch.arange(size, device=samples.device) - first[:, None]
        inside = inside & ((places >= 0) & (places < round(side * size))).reshape(shape)
    return samples.masked_fill(inside, 0.0)
