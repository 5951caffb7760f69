"""The training loop. It plays the turns of a recipe's game, and knows nothing of files, printing or kinds of models.

    for tick in train(recipe, seed=0):
        if tick.images >= 10_000:
            break

Each step plays the turns that are due and then yields; the consumer of the ticks saves, shows, measures and stops. All
randomness is a function of (seed, draw), so the same recipe and seed give the same model, and a restored run continues
bit for bit as if it had never stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from ..core import distributed, machine
from ..core.batch import Terms
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset
from ..learning.turns import Turn
from ..networks.layers import Network
from ..recipes.recipe import Recipe
from .alarm import Alarm
from .dealer import Dealer, Hand, Pieces
from .state import State, begin, start

__all__ = ["Tick", "train"]

NEVER: Mapping[str, Sequence[int]] = MappingProxyType({})


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
