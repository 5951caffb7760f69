"""Checks of exercises that are about gradients: a whole step, the gradient penalty, steering by the input."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from .answer import Wrong, expect, near

__all__ = ["check_penalty", "check_steer", "check_step"]

Given = Mapping[str, Any]
Step = Callable[..., None]


def check_step(given: Given) -> None:
    """Two steps on plain gradient descent: the weights afterwards tell which line is missing."""
    begun = _players()
    after = _played(given["step"], begun)
    if all(near(mine, right) for mine, right in zip(after, _played(_step, begun), strict=True)):
        return
    generator, critic = len(list(begun[0].parameters())), len(list(begun[1].parameters()))
    before = [weight.detach() for player in begun for weight in player.parameters()]
    still = [near(mine, weight) for mine, weight in zip(after, before, strict=True)]
    if all(still):
        raise Wrong("Nobody moves: each player takes `loss.backward()` and then `optimizer.step()`.")
    if all(still[:generator]):
        raise Wrong("The generator does not move: give the critic the fakes undetached in the generator's turn, and "
                    "let `generator_optimizer.step()` follow `backward()`.")  # fmt: skip
    if all(still[-critic:]):
        raise Wrong("The critic does not move: it needs `backward()` and `critic_optimizer.step()` in its turn.")
    for sentence, settings in MISSTEPS.items():
        if all(near(*pair) for pair in zip(after, _played(lambda *a, s=settings: _step(*a, **s), begun), strict=True)):
            raise Wrong(sentence)
    raise Wrong("Both players move, but not as they should. First the critic learns by the critic's loss, then the "
                "generator by the generator's loss and the critic as it is then; each once, each cleared "
                "before.")  # fmt: skip


MISSTEPS: dict[str, dict[str, Any]] = {
    "The critic's gradient is not cleared before its turn: what the generator's turn left in it is added. Call "
    "`critic_optimizer.zero_grad()` before the critic's `backward()`.": {"clear": (False, True)},
    "The generator's gradient is not cleared before its turn: that of the step before is added. Call "
    "`generator_optimizer.zero_grad()` before the generator's `backward()`.": {"clear": (True, False)},
    "No gradient is ever cleared: that of all steps before is added. Call `zero_grad()` of each player's optimizer "
    "before its `backward()`.": {"clear": (False, False)},
    "The generator learns first: let the critic go before it.": {"critic_first": False},
    "The generator makes the critic's loss smaller: it helps the critic. Give it the generator's loss.":
        {"helps": True},
    "The generator learns from the critic as it was before its turn: ask the critic anew after it has moved.":
        {"stale": True},
    "The fakes are not detached in the critic's turn: the gradient of the critic's loss is left in the generator "
    "and added to its own. Detach them, or clear the generator's gradient after the critic's turn.": {"detach": False},
    "The critic moves twice: the generator's turn moves the generator alone, so only its optimizer steps there.":
        {"twice": True},
}  # fmt: skip


def _step(
    generator: nn.Module, critic: nn.Module, of_generator: Any, of_critic: Any, real: Tensor, z: Tensor, *,
    clear: tuple[bool, bool] = (True, True), critic_first: bool = True, helps: bool = False, stale: bool = False,
    detach: bool = True, twice: bool = False,
) -> None:  # fmt: skip
    """The right step, or one with a mistake."""

    def critics_turn() -> None:
        fake = generator(z).detach() if detach else generator(z)
        loss = (softplus(-critic(real)).mean() + softplus(critic(fake)).mean()) / 2
        if clear[0]:
            of_critic.zero_grad()
        loss.backward()
        of_critic.step()

    def generators_turn() -> None:
        judge = before if stale else critic
        fake = generator(z)
        if clear[1] and detach:
            of_generator.zero_grad()
        if helps:
            loss = (softplus(-judge(real)).mean() + softplus(judge(fake)).mean()) / 2
        else:
            loss = softplus(-judge(fake)).mean()
        loss.backward()
        of_generator.step()
        if not detach:
            of_generator.zero_grad()
        if twice:
            of_critic.step()

    before = deepcopy(critic)
    for turn in (critics_turn, generators_turn) if critic_first else (generators_turn, critics_turn):
        turn()


def _played(step: Step, begun: tuple[nn.Module, nn.Module]) -> list[Tensor]:
    """All weights after three steps from the same beginning, the generator's first."""
    generator, critic = deepcopy(begun)
    optimizers = [torch.optim.SGD(player.parameters(), lr=0.5) for player in (generator, critic)]
    dice = torch.Generator().manual_seed(3)
    for _ in range(3):
        real, z = torch.randn(8, 2, generator=dice) + 1, torch.randn(8, 3, generator=dice)
        step(generator, critic, *optimizers, real, z)
    return [weight.detach() for player in (generator, critic) for weight in player.parameters()]


def _players() -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))


def check_penalty(given: Given) -> None:
    """By value for a critic that is not linear, and by whether the critic can learn from it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        last = nn.Linear(12, 1)
        critic = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Tanh(), nn.Flatten(), last)
        real, fake, share = torch.randn(4, 2, 3, 3), torch.randn(4, 2, 3, 3) - 1, torch.rand(4, 1, 1, 1)
    with torch.no_grad():
        last.weight.mul_(3)  # so that slopes lie on both sides of 1

    def gradient(at: Tensor) -> Tensor:
        at = at.detach().requires_grad_()
        return torch.autograd.grad(critic(at).sum(), at)[0].detach()

    slopes = gradient(share * real + (1 - share) * fake)
    length, right = slopes.flatten(1).norm(dim=1), (slopes.flatten(1).norm(dim=1) - 1).square().mean()
    turned = (gradient((1 - share) * real + share * fake).flatten(1).norm(dim=1) - 1).square().mean()
    ends = {name: gradient(at).flatten(1).norm(dim=1) for name, at in (("reals", real), ("fakes", fake))}
    wrong = {
        f"The slope is taken at the {name}: it is to be taken between reals and fakes, share * real + (1 - share) * "
        "fake.":
            (found - 1).square().mean() for name, found in ends.items()
    } | {
        "The share is not used: one place, half-way, is taken for all.":
            (gradient((real + fake) / 2).flatten(1).norm(dim=1) - 1).square().mean(),
        "The slope is to be 1 and not 0: the mean of its square is R1, another penalty. Take (slope - 1)^2.":
            length.square().mean(),
        "The square is missing: that is the mean of slope - 1, which a steep place and a flat one make 0 together.":
            (length - 1).mean(),
        "The square is missing: the mean size of slope - 1 is not the mean of its square.": (length - 1).abs().mean(),
        "The slope is squared before 1 is taken away: it is the length of the gradient, with its root.":
            (length.square() - 1).square().mean(),
        "The length is taken over the whole batch: every picture has a slope of its own, over its own pixels.":
            (slopes.norm() - 1).square(),
        "The length is taken along axis 1 alone, which are the channels: flatten each picture first, `.flatten(1)`.":
            (slopes.norm(dim=1) - 1).square().mean(),
        "The gradient is squared pixel by pixel: first take its length over all pixels of a picture.":
            (slopes - 1).square().mean(),
        "It is added up over the batch: take the mean.": 4 * right,
        "There is a number for each picture: take the mean over the batch.": (length - 1).square(),
        "The gradient is that of the mean of scores, so every slope is divided by the batch: take that of their "
        "sum, or give `grad_outputs` ones.": (length / 4 - 1).square().mean(),
        "It is 10 times what it should be: the weight is multiplied elsewhere.": 10 * right,
    }  # fmt: skip
    penalty = given["gradient_penalty"](critic, real, fake, share)
    if isinstance(penalty, Tensor) and near(penalty.detach(), turned):
        raise Wrong("The share is the wrong way round: it is how much is of the real picture. (With random shares "
                    "it would do no harm.)")  # fmt: skip
    expect(penalty, right, wrong, what="The penalty")
    weights = [each for name, each in critic.named_parameters() if name != "3.bias"]
    reached = penalty.requires_grad and torch.autograd.grad(penalty, weights, allow_unused=True)
    if not reached or any(each is None for each in reached):
        raise Wrong("The value is right, but the critic cannot learn from it: the gradient was not kept as "
                    "something that has a gradient itself. Give `torch.autograd.grad` the argument "
                    "`create_graph=True`.")  # fmt: skip


def check_steer(given: Given) -> None:
    """A step for each z, which is the same however many there are beside it."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        generator, z = nn.Sequential(nn.Linear(3, 5), nn.Tanh()), torch.randn(4, 3)
    kept, rate = z.clone(), 0.25

    def score(pictures: Tensor) -> Tensor:
        return (pictures.square() * torch.arange(1.0, 6)).sum(1)

    leaf = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(generator(leaf)).sum(), leaf)
    length = gradient.norm(dim=1, keepdim=True)
    wrong = {
        "Nothing moved: z comes back as it was.": kept,
        "It goes down the gradient: the score falls. Add the gradient, for once.": kept - rate * gradient,
        "The gradient is that of the mean score, so a step gets the smaller the more there are beside it: take that "
        "of the sum.": kept + rate * gradient / 4,
        "The rate is not used.": kept + gradient,
        "That is the gradient alone: it is added to z.": gradient,
        "That is the step alone, rate * gradient: it is added to z.": rate * gradient,
        "Only the direction of the gradient is taken; its length belongs to the step.": kept + rate * gradient / length,
        "Only the sign of the gradient is taken; the step is rate times the gradient itself.":
            kept + rate * gradient.sign(),
    }  # fmt: skip
    expect(given["moved"](z, generator, score, rate), kept + rate * gradient, wrong, what="The new z")
    if not near(z.detach(), kept):
        raise Wrong("The new z is right, but the one that was given is changed, too: make a new tensor (`z + ...`, "
                    "and not `z += ...`).")  # fmt: skip
    if z.requires_grad:
        raise Wrong("The new z is right, but the one that was given asks for gradients from now on: work on "
                    "`z.detach().clone().requires_grad_()`.")  # fmt: skip
