"""The training loop. It plays the turns of a recipe's game, and knows nothing of files, printing or kinds of models.

    for tick in train(recipe, seed=0):
        if tick.images >= 10_000:
            break

Each step plays the turns that are due and then yields; the consumer of the ticks saves, shows, measures and stops. All
randomness is a function of (seed, draw), so the same recipe and seed give the same model, and a restored run continues
bit for bit as if it had never stopped.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from ..core import checkpoint, distributed, machine
from ..core.batch import Kind, Terms
from ..core.errors import DoesNotFit
from ..core.seeds import refuse_seeds
from ..data.dataset import Dataset
from ..learning.conditions import Condition, Labels
from ..learning.turns import Turn
from ..networks.layers import Generator, Network
from ..recipes.recipe import Recipe
from .alarm import Alarm, Levels
from .dealer import Dealer, Hand, Pieces

__all__ = ["State", "Tick", "begin", "build", "count_parameters", "start", "train"]

NEVER: Mapping[str, Sequence[int]] = MappingProxyType({})


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


@dataclass(frozen=True)
class Tick:
    """The result of one step.

    step     steps so far
    images   samples seen so far, one batch a step
    state    the present networks, their average and their optimizers; the next step changes them
    """

    step: int
    images: int
    state: State
    _sums: dict[str, Tensor] = field(repr=False)
    _batch: int = field(repr=False)

    def terms(self) -> dict[str, float]:
        """The mean of every term of this step's losses, named "player.term". Waits for the device.

        With several processes, all of them must call this together.
        """
        means = distributed.mean(torch.stack(list(self._sums.values()))) * (distributed.world() / self._batch)
        return dict(zip(self._sums, means.tolist(), strict=True))


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


def train(
    recipe: Recipe,
    data: Dataset | None = None,
    *,
    seed: int = 0,
    device: torch.device | str | None = "cpu",
    restore: Mapping[str, Tensor] | None = None,
    micro_batch: int | None = None,
    pieces: Pieces | None = None,
    alarm: Alarm | None = None,
    halved: Mapping[str, Sequence[int]] = NEVER,
) -> Iterator[Tick]:
    """Train step by step until `recipe.images` samples have been seen.

    Args:
        recipe: what to train.
        data: the samples, if already open; else `recipe.data` is opened.
        seed: determines all randomness.
        device: where to compute; None for the fastest there is.
        restore: `tick.state.tensors()` of an earlier run of the same recipe, data and seed, to continue from.
        micro_batch: at most so many samples at once, to save memory; affects nothing else but batch norm.
        pieces: the same for a training that splits batches further when memory runs out, and records where.
        alarm: watches the numbers of each step; with several processes each has one, and all agree.
        halved: player -> images seen, at each of which its rate is halved.

    Raises:
        NotFound: there are no such data, or this machine has no such device.
        DoesNotFit: the recipe and the data do not go together, or are something else.
        BlewUp: the alarm detects divergence.
    """
    if not all(isinstance(*each) for each in ((recipe, Recipe), (data, Dataset | None))):
        raise DoesNotFit("`train` takes a recipe, as `plan` makes it, and a `Dataset`: `train(plan('digits'), data)`.")
    with machine.plainly():
        data = recipe.data.open() if data is None else data
        device = machine.device(device)
        state = start(recipe, data, seed=seed, device=device)
        if restore is None:
            begin(state, recipe, data)
        else:
            state.load(restore)
            restore = None  # free it: it is as large as the state itself
    turns = recipe.game.turns()
    state.learner = _learned_last(turns, state.step)
    if alarm:
        alarm.watch(state.levels)
    pieces = pieces or Pieces(micro_batch or recipe.batch)
    dealer = Dealer(recipe, data, state.condition, seed=seed, device=device, pieces=pieces)
    while state.step * recipe.batch < recipe.images:
        with machine.plainly():  # the caller's own ways hold again between steps
            sums: dict[str, Tensor] = {}
            plays = 0
            made: dict[str, Tensor] | None = None  # nothing is reused from the step before, whose weights were others
            for turn in turns:
                if state.step % turn.every:
                    continue
                for _ in range(turn.times):
                    if made is None or not turn.again:
                        state.drawn, made = state.drawn + 1, {}
                    hand = dealer.hand(state.drawn, step=state.step, play=plays, made=made, memory=state.memory)
                    sums |= _play(turn, state, hand, recipe, alarm=alarm, halved=halved)
                    plays += 1
            if state.memory:
                means = distributed.mean(torch.stack(list(sums.values()))) * (distributed.world() / recipe.batch)
                recipe.game.remember(state.memory, dict(zip(sums, means.unbind(), strict=True)), images=recipe.batch)
            recipe.average.follow(
                state.average,
                state.networks[recipe.product],
                images=state.step * recipe.batch,
                batch=recipe.batch,
                progress=state.step * recipe.batch / recipe.images,
            )
            state.step += 1
        yield Tick(state.step, state.step * recipe.batch, state, sums, recipe.batch)


def _learned_last(turns: Sequence[Turn], step: int) -> str:
    """The player that learned last before this step, for a resumed training to match an uninterrupted one."""
    return next((turn.player for turn in reversed(turns) if step and (step - 1) % turn.every == 0), "")


def _play(
    turn: Turn,
    state: State,
    hand: Hand,
    recipe: Recipe,
    *,
    alarm: Alarm | None,
    halved: Mapping[str, Sequence[int]],
) -> dict[str, Tensor]:
    """Let one player learn from one batch; returns the sum over samples of each of its terms."""
    player, optimizer, images = state.networks[turn.player], state.optimizers[turn.player], state.step * recipe.batch
    learning = list(player.parameters())
    recipe.optimizer_of(turn.player).schedule(optimizer, images / recipe.images)
    for group in optimizer.param_groups:
        group["lr"] *= 0.5 ** sum(images >= since for since in halved.get(turn.player, ()))
    sums = _gradients_that_fit(turn, state, hand, recipe)
    if alarm:
        before = state.learner or turn.player
        alarm.terms(_of_all(sums), recipe.batch, images=images + recipe.batch, player=turn.player, before=before)
    distributed.sum_gradients(learning)
    optimizer.step()
    state.learner = turn.player
    if alarm:
        alarm.weights(learning, images=images + recipe.batch, player=turn.player)
    if turn.after:
        turn.after(player)
    _settle(player, alarm)
    return sums


def _of_all(sums: dict[str, Tensor]) -> dict[str, Tensor]:
    """Sums over all processes, so that each judges the same numbers in the same way."""
    if distributed.world() == 1:
        return sums
    totals = distributed.mean(torch.stack(list(sums.values()))) * distributed.world()
    return dict(zip(sums, totals.unbind(), strict=True))


def _settle(player: Network, alarm: Alarm | None) -> None:
    try:
        player.settle()
    except RuntimeError:  # from linear algebra, on numbers that are not finite and have not been read yet
        if alarm:
            alarm.read()
        raise


def _gradients_that_fit(turn: Turn, state: State, hand: Hand, recipe: Recipe) -> dict[str, Tensor]:
    """`_gradients`, in smaller pieces if memory runs out; no weights have changed at that point."""
    while True:
        held = {} if hand.fitted else _buffers(state)
        try:
            sums = _gradients(turn, state, hand, recipe)
        except (MemoryError, RuntimeError) as error:
            if not machine.ran_out(error) or distributed.world() > 1:
                raise
        else:
            hand.fits()
            return sums
        state.optimizers[turn.player].zero_grad(set_to_none=True)  # outside `except`, so that the error holds no memory
        hand.split()
        for network in state.networks.values():
            network.withdraw()
        for name, buffer in _buffers(state, copied=False).items():
            buffer.copy_(held.get(name, buffer))
        machine.free()


def _buffers(state: State, *, copied: bool = True) -> dict[str, Tensor]:
    """The networks' buffers before a turn, such as batch norm's statistics."""
    return {
        f"{player}/{name}": buffer.clone() if copied else buffer
        for player, network in state.networks.items()
        for name, buffer in network.named_buffers()
    }


def _gradients(turn: Turn, state: State, hand: Hand, recipe: Recipe) -> dict[str, Tensor]:
    """Compute a player's gradients from one batch; returns the sum over samples of each term."""
    learning = [weight for weight in state.networks[turn.player].parameters() if weight.requires_grad]
    state.optimizers[turn.player].zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    for batch in hand:
        with batch.dice.at_hand():
            terms = turn.loss(state.networks, batch)
        _check(terms, turn, len(batch))
        objective = torch.stack(list(terms.values())).sum() * (turn.every / recipe.batch)
        objective.backward(inputs=learning)  # computes no gradients of other players
        for name, term in terms.items():
            sums[name] = sums.get(name, 0) + term.detach().sum()
    return {f"{turn.player}.{name}": total for name, total in sums.items()}


def _check(terms: Terms, turn: Turn, count: int) -> None:
    for name, term in terms.items():
        if term.shape != (count,):
            raise DoesNotFit(
                f"In the turn of the {turn.player} the term {name!r} has shape {list(term.shape)}, and has to hold a "
                f"number for each sample, [{count}]: losses take no means, and critics answer [N]."
            )
