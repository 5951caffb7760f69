"""What changes from step to step of a training: its state, how it begins, and how it is kept and restored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..core import checkpoint, machine
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..core.seeds import refuse_seeds
from ..data.dataset import Dataset
from ..learning.conditions import Condition, Labels
from ..networks.layers import Generator, Network
from ..recipes.recipe import Recipe
from .alarm import Levels

__all__ = ["State", "begin", "build", "count_parameters", "start"]


@dataclass
class State:
    """All that changes during training, and the condition."""

    networks: dict[str, Network]
    average: Generator
    optimizers: dict[str, torch.optim.Optimizer]
    memory: dict[str, Tensor]  # what the game keeps from step to step
    condition: Condition | None
    step: int = 0
    drawn: int = 0  # batches consumed so far
    levels: Levels = field(default_factory=dict)  # of the alarm, if there is one
    learner: str = ""  # the player that learned last; empty at first

    def tensors(self, *, copied: bool = True) -> dict[str, Tensor]:
        """Everything as named tensors, to be kept or written, and to continue from by `train(restore=...)`.

        Args:
            copied: whether later steps leave them as they are; otherwise they are the state's own and change with it.
        """
        counters = {"step": self.step, "drawn": self.drawn, "moments": 0}
        saved: dict[str, Tensor] = {}
        for name, network in {**self.networks, "average": self.average}.items():
            saved |= checkpoint.named_below(name, network.state_dict())
        saved |= checkpoint.named_below("memory", self.memory)
        levels = {name: torch.tensor(level, dtype=torch.float64) for name, level in self.levels.items()}
        saved |= checkpoint.named_below("levels", levels)
        for name, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                saved |= checkpoint.named_below(f"optimizer.{name}/{index}", moments)
                counters["moments"] += len(moments)
        saved = checkpoint.named_below("counters", {name: torch.tensor(of) for name, of in counters.items()}) | saved
        whole = torch.contiguous_format  # the only layout that safetensors writes
        return {name: value.clone(memory_format=whole) if copied else value for name, value in saved.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the result of `tensors`.

        Raises:
            DoesNotFit: moments are missing, or it is of other networks than these.
        """
        counters = {name: int(value) for name, value in checkpoint.below(tensors, "counters").items()}
        found = sum(name.startswith("optimizer.") for name in tensors)
        if counters.get("moments", found) != found:  # not counted by earlier versions
            raise DoesNotFit(
                f"The newest checkpoint has {found} of the {counters['moments']} moments of its optimizers. Bring it "
                "back from a copy, or remove its folder to go on from the one before."
            )
        try:
            self.step, self.drawn = counters["step"], counters["drawn"]
            for name, network in {**self.networks, "average": self.average}.items():
                network.load_state_dict(checkpoint.below(tensors, name))
            levels = checkpoint.below(tensors, "levels")  # not saved by earlier versions
            self.levels = {name: (float(level[0]), int(level[1])) for name, level in levels.items()}
            memory = checkpoint.below(tensors, "memory")
            for name, value in self.memory.items():
                value.copy_(memory[name])
            for name, optimizer in self.optimizers.items():
                moments: dict[int, dict[str, Tensor]] = {}
                for key, value in checkpoint.below(tensors, f"optimizer.{name}").items():
                    index, _, moment = key.partition("/")
                    moments.setdefault(int(index), {})[moment] = value
                groups = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict({"state": moments, "param_groups": groups})
                for weight, held in optimizer.state.items():  # a fused step needs the memory layout of the weights,
                    for moment, value in held.items():  # and a file does not record that they are channels-last
                        alike = value.shape == weight.shape
                        held[moment] = torch.empty_like(weight).copy_(value) if alike else value.clone()
        except (RuntimeError, KeyError) as error:
            if machine.ran_out(error):
                raise
            raise DoesNotFit(f"The checkpoint is of other networks than the recipe's: {error}") from error


def start(recipe: Recipe, data: Dataset, *, seed: int = 0, device: torch.device | str = "cpu") -> State:
    """Networks, average and optimizers before the first step.

    Raises:
        DoesNotFit: the recipe's networks, its game and the data do not go together.
    """
    device, condition = torch.device(device), recipe.condition.of(data) if recipe.condition else None
    refuse_seeds([seed])
    if isinstance(condition, Labels) and any(
        getattr(each, "guidance", 1.0) != 1.0 for each in recipe.networks.values()
    ):
        raise DoesNotFit(
            "Guidance goes away from what is drawn for no condition (arXiv:2207.12598), and a training by classes "
            "never leaves them out, so that is never learned: `settings=['guidance=1']`."
        )
    _refuse_beyond_memory(recipe, data, condition, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = build(recipe, data, condition)
    for name, network in networks.items():
        network.to(device)
        if data.kind is Kind.PICTURES:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if name in recipe.bfloat16 and machine.has_bfloat16(device):
            network.precision = torch.bfloat16
    product = networks[recipe.product]
    if not isinstance(product, Generator):
        raise DoesNotFit(f"The product {recipe.product!r} is no generator, so nothing can be sampled from it.")
    return State(
        networks=networks,
        average=recipe.average.start(product),
        optimizers={name: recipe.optimizer_of(name).build(network) for name, network in networks.items()},
        memory={name: value.to(device) for name, value in recipe.game.memory().items()},
        condition=condition,
    )


def begin(state: State, recipe: Recipe, data: Dataset) -> None:
    """Let the game look at the data before the first step, after networks have their initial weights.

    Raises:
        DoesNotFit: the game cannot begin with them.
    """
    product = state.networks[recipe.product]
    recipe.game.begin(state.networks, data)
    state.average.load_state_dict(product.state_dict())


def build(recipe: Recipe, data: Dataset, condition: Condition | None) -> dict[str, Network]:
    """The networks of a recipe for these data, freshly initialised from torch's global generator.

    Raises:
        GanvasError: they cannot make such samples, or do not suit the recipe's game.
    """
    length = condition.length if condition else 0
    networks = {name: settings.build(data.shape, length) for name, settings in recipe.networks.items()}
    recipe.game.check(networks)
    return networks


def _refuse_beyond_memory(recipe: Recipe, data: Dataset, condition: Condition | None, device: torch.device) -> None:
    """Refuse early what cannot fit: counts networks with optimizer state and a batch, without a step's activations.

    Raises:
        DoesNotFit: they are larger than the device's memory.
    """
    most, sizes = machine.memory(device), {"batch": recipe.batch * math.prod(data.shape) * 2 * 4}
    try:
        counts = _counts(recipe, data, condition)
    except (RuntimeError, OverflowError):  # too large to be counted
        counts = dict.fromkeys(recipe.networks, 2**63)
    sizes |= {name: count * 4 * 4 for name, count in counts.items()}  # weights, gradients and two moments
    largest = max(sizes, key=sizes.__getitem__)
    setting = largest if largest == "batch" else f"{largest}.width"
    if most and sum(sizes.values()) > most:
        raise DoesNotFit(
            f"This training takes more than {sum(sizes.values()) / 1e9:,.0f} GB, and there are {most / 1e9:,.0f} here. "
            f"What is large is the {largest}: lower `settings=['{setting}']`."
        )


def count_parameters(recipe: Recipe, data: Dataset) -> dict[str, int]:
    """The number of parameters of each network, computed without allocating them."""
    return _counts(recipe, data, recipe.condition.of(data) if recipe.condition else None)


def _counts(recipe: Recipe, data: Dataset, condition: Condition | None) -> dict[str, int]:
    with torch.device("meta"):
        networks = build(recipe, data, condition)
    return {name: sum(weight.numel() for weight in network.parameters()) for name, network in networks.items()}
