"""What networks are made of: their base classes, and the layers that several of them share."""

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
MOST, MOST_LAYERS = 2**24, 256  # of a whole number among settings, and of one that counts layers


Learned = Mapping[str, Mapping[str, Tensor]]
"""What networks of another training have learned: the name of each -> its weights by their names."""

Player = TypeVar("Player", bound="Network")
Rest = ParamSpec("Rest")


def in_precision(
    ask: Callable[Concatenate[Player, Tensor, Rest], Tensor],
) -> Callable[Concatenate[Player, Tensor, Rest], Tensor]:
    """Let a method of a network, whose first argument is a batch, compute in its precision and answer in float32.

    All that a game may ask of a network goes this way: calling it, and whatever else it offers.
    """

    @functools.wraps(ask)
    def asked(self: Player, x: Tensor, /, *rest: Rest.args, **named: Rest.kwargs) -> Tensor:
        lower = self.precision is not torch.float32
        with torch.autocast(x.device.type, self.precision, enabled=lower):
            answer = ask(self, x, *rest, **named)
        return answer.float() if lower else answer

    return asked


class Network(nn.Module):
    """A player. It computes in `precision` and answers in float32, so that logits and penalties are exact."""

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
        """Begin with what another training has learned; here with its network of this name, if that has the same form.

        Args:
            name: that of this network in its recipe.
            learned: the weights of all networks there.

        Returns:
            Those of its own weights for which there was nothing.
        """
        own, found = self.state_dict(), learned.get(name, {})
        if {key: value.shape for key, value in own.items()} != {key: value.shape for key, value in found.items()}:
            return list(own)
        self.load_state_dict(dict(found))
        return []

    def withdraw(self) -> None:
        """Forget what a turn has left in the network that is played anew, but for its buffers."""

    def settle(self) -> None:
        """Bring up to date what follows the weights; called after each step of the optimizer."""
        for module in self.modules():
            if isinstance(module, parametrize.ParametrizationList) and isinstance(module[0], SpectralNorm):
                module[0].follow(module.original)


class Generator(Network):
    """z [N, latent] and a condition [N, condition] -> samples [N, *shape]; all that sampling may know of a model."""

    def __init__(self, shape: tuple[int, ...], condition: int, latent: int) -> None:
        super().__init__(shape, condition)
        self.latent = latent

    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """The finished samples [N, *shape] for these inputs."""
        return self(z, condition)

    def glimpse(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """The samples of `generate`, or what is like them and made sooner, to be looked at in passing."""
        return self.generate(z, condition)

    @property
    def doubles(self) -> bool:
        """Whether it draws its pictures twice as large, too, by `larger`."""
        return False

    def larger(self, z: Tensor, condition: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """The samples of `generate` drawn twice as large, [N, C, 2 H, 2 W].

        Raises:
            DoesNotFit: it draws in one size alone.
        """
        raise DoesNotFit("This network draws its pictures in one size alone.")

    def truncated(self, z: Tensor, condition: Tensor | None, share: float | Tensor) -> Tensor:
        """Samples [N, *shape] of inputs that are brought to `share` of their distance to the mean input."""
        return self.generate(z * share, condition)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor | None:  # noqa: ARG002
        """Samples [N, *shape] as made from codes of their own; None from what knows no way from a sample to a code."""
        return None


class Critic(Network):
    """Samples [N, *shape] and a condition [N, condition] -> logits [N]: how real each one looks."""

    judges_alone: ClassVar[bool] = False
    """Whether each logit depends on its own sample and condition alone, while training too: there is no batch norm, and
    no dice are rolled. Then reals and fakes may be judged in one batch."""

    mixes_samples: bool = False
    """Whether a logit depends on the other samples of its batch while training, as by batch norm: then it has no
    gradient of its own, and there can be no gradient penalties."""


class NetworkSettings(ABC):
    """The frozen settings of a network; every part of kind "network" is one."""

    from_zero: ClassVar[tuple[str, ...]] = ()
    """The settings that may be 0; all others that are whole numbers are at least 1."""

    layered: ClassVar[tuple[str, ...]] = ("depth", "blocks")
    """The settings that count layers, each of which takes time to make, whatever its size."""

    def __post_init__(self) -> None:
        """Refuse networks without width, depth or input, and those that nothing could hold.

        Raises:
            DoesNotFit: a whole number is below 1, or below 0 if it is counted `from_zero`, or too large; or another
                one is below 0, infinite or not a number.
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
            shape: of one sample, (C, H, W) or (F,).
            condition: the length of the condition vector, 0 for none.

        Raises:
            DoesNotFit: this architecture cannot make that shape.
        """


def doublings(shape: tuple[int, ...], *, smallest: int = 4) -> tuple[int, int, int]:
    """How a picture [C, H, W] is grown by doubling: (base height, base width, number of doublings).

    The shorter base side is from `smallest` up to just under its double: 64x64 is 4x4 doubled four times, 28x28 is 7x7
    doubled twice, and a picture 96 wide and 64 high starts from 4x6.

    Raises:
        DoesNotFit: the shape is no picture, or a side cannot be halved that often; the message names a near size.
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
            step *= 2  # the near size is doubled once more often
        near = tuple(max(2 * smallest, round(side / step) * step) for side in (width, height))
        raise DoesNotFit(
            f"Pictures of {width}x{height} cannot be grown by doubling; `size=({near[0]}, {near[1]})` can (or use an "
            "mlp)."
        )
    return height // step, width // step, count


def widths(narrowest: int, count: int, *, widest: int) -> list[int]:
    """Channels of `count` levels from the picture inwards: they double, up to `widest` times the narrowest."""
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
    """What a condition is embedded by, to be `projected`: N(0, 1 / condition) without a bias."""
    layer = nn.Linear(condition, features, bias=False)
    nn.init.normal_(layer.weight, 0.0, 1 / math.sqrt(condition))
    return layer


def projected(features: Tensor, embedded: Tensor) -> Tensor:
    """A condition's share of the logits [N]: features times the embedded condition, both [N, F], summed.

    (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3.) The sum is divided by the root of F, so that the condition is not
    louder than the samples at first, and one step of Adam does not turn all of the many products at once (Karras et al.
    2020).
    """
    return (features * embedded).sum(1) / math.sqrt(features.shape[1])


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm of [N, C, ...], over the samples of all processes (Ioffe & Szegedy 2015, arXiv:1502.03167).

    In one process it is torch's own; torch's `SyncBatchNorm` for several wants a GPU. All of them must have the same
    number of samples. Penalties may differentiate it twice. Micro-batches are normalised one by one, each as a batch.
    """

    def __init__(self, channels: int, *, affine: bool = True) -> None:
        super().__init__(channels, momentum=MOMENTUM, affine=affine)

    def _check_input_dim(self, x: Tensor) -> None:
        """Any number of dimensions will do."""

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
    """Zero a share of all features while training, others scaled up in return (Srivastava et al. 2014).

    Which ones is decided by the dice at hand, so that resuming, micro-batches and processes change nothing.
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

    (Miyato et al. 2018, arXiv:1802.05957, algorithm 1.) The iteration takes one step for each step of the optimizer, in
    `follow`, and none in the forward pass: how often a critic is asked in a step changes nothing.
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
        if weight.is_meta:  # it is only to be counted, and there is no autocast to be kept out of
            return weight
        with torch.autocast(weight.device.type, enabled=False):
            return weight / (self.get_buffer("left") @ weight.flatten(1) @ self.get_buffer("right"))


Layer = TypeVar("Layer", bound=nn.Module)


def spectrally_normalised(layer: Layer) -> Layer:
    """The layer with its weight spectrally normalised from now on."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight.detach()))
    return layer
