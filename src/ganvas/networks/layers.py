"""Base classes of networks, and the layers that several of them share."""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Concatenate, ParamSpec, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from ..core import distributed
from ..core.batch import Dice, Kind, kind_of
from ..core.catalog import name_of
from ..core.errors import DoesNotFit

__all__ = [
    "BatchNorm",
    "Critic",
    "Dropout",
    "Generator",
    "Learned",
    "Network",
    "NetworkSettings",
    "SpectralNorm",
    "doublings",
    "embedding",
    "in_precision",
    "planes",
    "projected",
    "spectrally_normalised",
    "widths",
    "with_condition",
]

MOMENTUM = 0.1  # of batch norm: how far a batch moves its running statistics
MOST, MOST_LAYERS = 2**24, 256  # the largest integer setting, and the largest that counts layers


Learned = Mapping[str, Mapping[str, Tensor]]
"""The weights of another training: name of the network -> name of the weight -> tensor."""

Player = TypeVar("Player", bound="Network")
Rest = ParamSpec("Rest")


def in_precision(
    ask: Callable[Concatenate[Player, Tensor, Rest], Tensor],
) -> Callable[Concatenate[Player, Tensor, Rest], Tensor]:
    """Decorate a network's method, whose first argument is a batch, to compute in its precision and return float32.

    Every method that a game may call needs this.
    """

    @functools.wraps(ask)
    def asked(self: Player, x: Tensor, /, *rest: Rest.args, **named: Rest.kwargs) -> Tensor:
        lower = self.precision is not torch.float32
        with torch.autocast(x.device.type, self.precision, enabled=lower):
            answer = ask(self, x, *rest, **named)
        return answer.float() if lower else answer

    return asked


class Network(nn.Module):
    """A player. It computes in `precision` and returns float32, so that losses and penalties are exact."""

    precision: torch.dtype = torch.float32

    def __init__(self, shape: tuple[int, ...], condition: int) -> None:
        super().__init__()
        self.shape, self.condition = shape, condition

    @in_precision
    def __call__(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Run the network on a batch [N, ...] under its own precision."""
        if self.condition and condition is None:
            raise DoesNotFit(f"This network wants a condition vector of {self.condition} numbers with each sample.")
        answer: Tensor = super().__call__(x, condition)
        return answer

    def adopt(self, name: str, learned: Learned) -> list[str]:
        """Load weights from another training: by default the network of this name, if all names and shapes agree.

        Args:
            name: this network's name in its recipe.
            learned: the weights of all networks of the other training.

        Returns:
            The names of the weights that were not loaded.
        """
        own, found = self.state_dict(), learned.get(name, {})
        if {key: value.shape for key, value in own.items()} != {key: value.shape for key, value in found.items()}:
            return list(own)
        self.load_state_dict(dict(found))
        return []

    def withdraw(self) -> None:
        """Discard what an aborted turn left in the network, other than in buffers; the turn is then repeated."""

    def settle(self) -> None:
        """Update what depends on the weights; called after each optimizer step."""
        for module in self.modules():
            if isinstance(module, parametrize.ParametrizationList) and isinstance(module[0], SpectralNorm):
                module[0].follow(module.original)


class Generator(Network):
    """z [N, latent] and a condition [N, condition] -> samples [N, *shape]; the only interface that sampling uses."""

    def __init__(self, shape: tuple[int, ...], condition: int, latent: int) -> None:
        super().__init__(shape, condition)
        self.latent = latent

    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """The final samples [N, *shape] for these inputs."""
        return self(z, condition)

    def glimpse(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """The samples of `generate`, or a faster approximation of them for previews."""
        return self.generate(z, condition)

    @property
    def doubles(self) -> bool:
        """Whether `larger` is supported."""
        return False

    def larger(self, z: Tensor, condition: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """The samples of `generate` at twice the size, [N, C, 2 H, 2 W].

        Raises:
            DoesNotFit: this network has only one output size.
        """
        raise DoesNotFit("This network draws its pictures in one size alone.")

    def truncated(self, z: Tensor, condition: Tensor | None, share: float | Tensor) -> Tensor:
        """Samples [N, *shape] of inputs whose distance to the mean input is scaled by `share`."""
        return self.generate(z * share, condition)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor | None:  # noqa: ARG002
        """Samples [N, *shape], encoded and decoded again; None if this network has no encoder."""
        return None


class Critic(Network):
    """Samples [N, *shape] and a condition [N, condition] -> logits [N]: how real each sample looks."""

    judges_alone: ClassVar[bool] = False
    """Whether each logit depends only on its own sample and condition, also during training: no batch norm and no
    random numbers. Then reals and fakes may be judged in one batch."""

    mixes_samples: bool = False
    """Whether a logit depends on other samples of the batch during training, as with batch norm. Then per-sample
    gradients are undefined, and gradient penalties cannot be used."""


class NetworkSettings(ABC):
    """The frozen settings of a network; every part of kind "network" is one."""

    from_zero: ClassVar[tuple[str, ...]] = ()
    """The integer settings that may be 0; all others are at least 1."""

    layered: ClassVar[tuple[str, ...]] = ("depth", "blocks")
    """The settings that count layers; their limit is lower, since even a small layer takes time to build."""

    def __post_init__(self) -> None:
        """Reject networks without width, depth or input, and those too large for any machine.

        Raises:
            DoesNotFit: an integer is too large, or below 1 (below 0 if it is in `from_zero`); or a float is below 0,
                infinite or NaN.
        """
        for name, value in vars(self).items():
            least = 0 if name in self.from_zero else 1
            most = MOST_LAYERS if name in self.layered else MOST
            if type(value) is int and value < least:
                raise DoesNotFit(f"{name_of(self)}.{name} must be at least {least}, not {value}.")
            if type(value) is int and value > most:
                raise DoesNotFit(f"{name_of(self)}.{name} must be at most {most:,}.")
            if type(value) is float and not 0 <= value < math.inf:
                raise DoesNotFit(f"{name_of(self)}.{name} takes a number from 0 on, not {value}.")

    @abstractmethod
    def build(self, shape: tuple[int, ...], condition: int) -> Network:
        """The network, freshly initialised from torch's global generator.

        Args:
            shape: of one sample: (C, H, W), (C, T, H, W) or (F,).
            condition: the length of the condition vector, 0 for none.

        Raises:
            DoesNotFit: this architecture does not support that shape.
        """


def doublings(shape: tuple[int, ...], *, smallest: int = 4) -> tuple[int, int, int]:
    """How a picture [C, H, W] is grown by doubling: (base height, base width, number of doublings).

    The shorter base side is at least `smallest` and below twice that: 64x64 is 4x4 doubled four times, 28x28 is 7x7
    doubled twice, and a picture 96 wide and 64 high starts from 4x6.

    Raises:
        DoesNotFit: the shape is not a picture, or a side cannot be halved that often; the message suggests a similar
            size.
    """
    if kind_of(shape) is Kind.CLIPS:
        raise DoesNotFit("This network makes pictures, and these are clips: take the recipe moving_digits for them.")
    if kind_of(shape) is Kind.POINTS:
        raise DoesNotFit(
            f"This network makes pictures, and these samples of shape {shape} are points: take the recipe ring, or an "
            "mlp, which makes both."
        )
    _, height, width = shape
    count = max(0, int(math.log2(min(height, width) / smallest)))
    step = 2**count
    if height % step or width % step or not count:
        step = max(step, 2)
        if round(min(height, width) / step) == 2 * smallest:
            step *= 2  # the suggested size has one more doubling
        near = tuple(max(2 * smallest, round(side / step) * step) for side in (width, height))
        raise DoesNotFit(
            f"Pictures of {width}x{height} cannot be grown by doubling; `size=({near[0]}, {near[1]})` can (or use an "
            "mlp)."
        )
    return height // step, width // step, count


def widths(narrowest: int, count: int, *, widest: int) -> list[int]:
    """Channels of `count` levels, from the picture inwards: they double, up to `widest` times the narrowest."""
    return [narrowest * min(2**level, widest) for level in range(count)]


def with_condition(z: Tensor, condition: Tensor | None) -> Tensor:
    """A generator's input: z [N, L] with the condition [N, K] appended, if there is one (Mirza & Osindero 2014)."""
    return z if condition is None else torch.cat([z, condition.to(z)], dim=1)


def planes(x: Tensor, condition: Tensor | None) -> Tensor:
    """A critic's input: pictures [N, C, H, W] with the condition [N, K] appended as K constant planes."""
    if condition is None:
        return x
    return torch.cat([x, condition.to(x)[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)


def embedding(condition: int, features: int) -> nn.Linear:
    """The linear embedding of a condition for `projected`: no bias, weights of variance 1 / condition."""
    layer = nn.Linear(condition, features, bias=False)
    nn.init.normal_(layer.weight, 0.0, 1 / math.sqrt(condition))
    return layer


def projected(features: Tensor, embedded: Tensor) -> Tensor:
    """The condition's term in the logits [N]: the inner product of features and embedded condition, both [N, F].

    (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3.) It is divided by the root of F, so that the condition does not
    outweigh the samples at first, and one step of Adam does not change all of the many products at once (Karras et al.
    2020).
    """
    return (features * embedded).sum(1) / math.sqrt(features.shape[1])


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm of [N, C, ...], over the samples of all processes (Ioffe & Szegedy 2015, arXiv:1502.03167).

    In one process it is torch's own; for several, torch's `SyncBatchNorm` needs a GPU, so this class does it. All
    processes must have the same number of samples. It can be differentiated twice. Each micro-batch is normalised by
    itself.
    """

    def __init__(self, channels: int, *, affine: bool = True) -> None:
        super().__init__(channels, momentum=MOMENTUM, affine=affine)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of dimensions."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, ...] -> the same."""
        if not self.training or distributed.world() == 1:
            return super().forward(x)
        running_mean, running_variance = self.get_buffer("running_mean"), self.get_buffer("running_var")
        centred = x.movedim(1, -1).to(running_mean.dtype)
        others = list(range(x.dim() - 1))
        mean = distributed.mean(centred.mean(others))
        centred = centred - mean
        variance = distributed.mean(centred.square().mean(others))
        count = distributed.world() * x.numel() / x.shape[1]
        with torch.no_grad():
            running_mean.lerp_(mean, MOMENTUM)
            running_variance.lerp_(variance * (count / (count - 1)), MOMENTUM)
            self.get_buffer("num_batches_tracked").add_(1)
        answer = centred * torch.rsqrt(variance + self.eps)
        if self.affine:
            answer = answer * self.weight + self.bias
        return answer.movedim(-1, 1).to(x.dtype)


class Dropout(nn.Module):
    """Dropout: zero a share of the features during training and scale up the others (Srivastava et al. 2014).

    The mask comes from the current `Dice`, so that it does not depend on resuming, micro-batches or processes.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise DoesNotFit(f"dropout takes a share from 0 to below 1, not {share}.")
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """[N, ...] -> [N, ...]."""
        dice = Dice.current()
        if not self.training or not self.share:
            return x
        if dice is None:
            return F.dropout(x, self.share)
        kept = dice.uniform("dropout", *x.shape[1:]) >= self.share
        return x * kept.to(x.dtype) / (1 - self.share)


class SpectralNorm(nn.Module):
    """A weight divided by its largest singular value, as estimated by power iteration.

    (Miyato et al. 2018, arXiv:1802.05957, algorithm 1.) The iteration advances once per optimizer step, in `follow`,
    and never in the forward pass, so the number of forward passes per step does not matter.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.register_buffer("left", F.normalize(torch.randn(rows), dim=0))
        self.register_buffer("right", F.normalize(torch.randn(columns), dim=0))
        for _ in range(0 if weight.is_meta else 15):
            self.follow(weight)

    @torch.no_grad()
    def follow(self, weight: Tensor) -> None:
        """One step of the power iteration."""
        left, right, matrix = self.get_buffer("left"), self.get_buffer("right"), weight.flatten(1)
        right.copy_(F.normalize(matrix.T @ left, dim=0))
        left.copy_(F.normalize(matrix @ right, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """[out, ...] -> the same, with a largest singular value of about 1."""
        if weight.is_meta:  # only the shape matters, and this device has no autocast to disable
            return weight
        with torch.autocast(weight.device.type, enabled=False):
            return weight / (self.get_buffer("left") @ weight.flatten(1) @ self.get_buffer("right"))


Layer = TypeVar("Layer", bound=nn.Module)


def spectrally_normalised(layer: Layer) -> Layer:
    """Normalise the layer's weight spectrally from now on, in place; returns the layer."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight.detach()))
    return layer
