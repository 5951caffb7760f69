"""Checks for exercises about gradients: a whole step, the gradient penalty, steering by the input."""

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
    """Check `step` by the weights after three steps of plain gradient descent, which show what is missing."""
    begun = _players()
    try:
        after = _played(given["step"], begun)
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        raise Wrong("`backward()` goes a second time through the same computation, which the first one has used up. If "
                    "both players use the same fakes, the critic's turn has gone back into the generator: detach the "
                    "fakes there.") from None  # fmt: skip
    if all(near(mine, right) for mine, right in zip(after, _played(_step, begun), strict=True)):
        return
    generator, critic = len(list(begun[0].parameters())), len(list(begun[1].parameters()))
    before = [weight.detach() for player in begun for weight in player.parameters()]
    still = [near(mine, weight) for mine, weight in zip(after, before, strict=True)]
    if all(still):
        raise Wrong("No weights change: each player needs `backward()` on its loss, and then its optimizer's `step()`.")
    if all(still[:generator]):
        raise Wrong("The generator's weights do not change: in its turn, the critic has to get fakes that are not "
                    "detached, and `generator_optimizer.step()` has to follow `backward()`.")  # fmt: skip
    if all(still[-critic:]):
        raise Wrong("The critic's weights do not change: its turn needs `backward()` and `critic_optimizer.step()`.")
    for sentence, settings in MISSTEPS.items():
        if all(near(*pair) for pair in zip(after, _played(lambda *a, s=settings: _step(*a, **s), begun), strict=True)):
            raise Wrong(sentence)
    raise Wrong("Both players learn, but not as they should. First the critic takes one step on its loss. Then the "
                "generator takes one step on its own loss, for which the changed critic is asked. The gradients of "
                "each player are cleared before its turn.")  # fmt: skip


MISSTEPS: dict[str, dict[str, Any]] = {
    "The critic's gradient is not cleared before its turn, so what the generator's turn left there is added to it: "
    "each player needs `zero_grad()` before its `backward()`.": {"clear": (False, True)},
    "The generator's gradient is not cleared before its turn, so that of the step before is added to it: each player "
    "needs `zero_grad()` before its `backward()`.": {"clear": (True, False)},
    "No gradient is ever cleared, so those of all steps before are added to it: each player needs `zero_grad()` "
    "before its `backward()`.": {"clear": (False, False)},
    "The generator learns first: the critic's turn should come before its turn.": {"critic_first": False},
    "The generator makes the critic's loss smaller, so it helps the critic: give it the generator's loss.":
        {"helps": True},
    "The generator learns from the critic as it was before its turn: ask the critic again after its step.":
        {"stale": True},
    "The fakes are not detached in the critic's turn, so the gradient of the critic's loss also ends up in the "
    "generator and is added to its own. Detach them, or clear the generator's gradient after the critic's turn.":
        {"detach": False},
    "Each player's gradients are cleared after each step of its own, but the generator's turn then leaves gradients in "
    "the critic: clear them before the critic's `backward()`.": {"clear": (False, True), "tidy": True},
    "Both gradients are computed before either has taken its step: the generator learns from the critic as it was, and "
    "leaves its own gradient in the critic. Finish the critic's turn, with its step, before the generator's begins.":
        {"at_once": True},
    "Reals and fakes are the wrong way round: fakes are given to the critic's loss as reals.": {"swapped": True},
    "The critic learns twice: in the generator's turn, only the generator's optimizer should take a step.":
        {"twice": True},
}  # fmt: skip


def _step(
    generator: nn.Module, critic: nn.Module, of_generator: Any, of_critic: Any, real: Tensor, z: Tensor, *,
    clear: tuple[bool, bool] = (True, True), critic_first: bool = True, helps: bool = False, stale: bool = False,
    detach: bool = True, twice: bool = False, tidy: bool = False, at_once: bool = False, swapped: bool = False,
) -> None:  # fmt: skip
    """The right step, or one with the given mistakes."""

    def critics_turn() -> None:
        fake = generator(z).detach() if detach else generator(z)
        trusted, other = (fake, real) if swapped else (real, fake)
        loss = (softplus(-critic(trusted)).mean() + softplus(critic(other)).mean()) / 2
        if clear[0]:
            of_critic.zero_grad()
        loss.backward()
        if not at_once:
            of_critic.step()
        if tidy:
            of_critic.zero_grad()

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
        if twice or at_once:
            of_critic.step()

    before = deepcopy(critic)
    for turn in (critics_turn, generators_turn) if critic_first else (generators_turn, critics_turn):
        turn()


def _played(step: Step, begun: tuple[nn.Module, nn.Module]) -> list[Tensor]:
    """All weights after three steps from the given networks: the generator's, then the critic's."""
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
    """Check `gradient_penalty` by its value for a critic that is not linear, and that the critic can learn from it."""
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
        f"The slope is taken at the {name}: take it at the pictures in between, share * real + (1 - share) * "
        "fake.":
            (found - 1).square().mean() for name, found in ends.items()
    } | {
        "The share is not used: every slope is taken half-way between real and fake.":
            (gradient((real + fake) / 2).flatten(1).norm(dim=1) - 1).square().mean(),
        "The slope should be 1, not 0: the mean of slope^2 is another kind of penalty, as in R1.":
            length.square().mean(),
        "The square is missing: in the mean of slope - 1, a steep place and a flat one cancel.":
            (length - 1).mean(),
        "The square is missing: this is the mean of |slope - 1|.": (length - 1).abs().mean(),
        "The slope is squared before 1 is taken away: the slope is the length of the gradient, root included.":
            (length.square() - 1).square().mean(),
        "The length is taken over the whole batch: every picture has its own slope, over its own pixels.":
            (slopes.norm() - 1).square(),
        "The length is taken along axis 1 alone, the channels: it has to cover all axes of a picture.":
            (slopes.norm(dim=1) - 1).square().mean(),
        "The formula is applied pixel by pixel: first take the length of the gradient over a whole picture.":
            (slopes - 1).square().mean(),
        "The penalty is added up over the batch: use the mean.": 4 * right,
        "There is one number for each picture: take the mean over the batch.": (length - 1).square(),
        "The gradient is that of the mean of scores, so every slope is divided by the batch size: take that of "
        "their sum, or give `grad_outputs` ones.": (length / 4 - 1).square().mean(),
        "The penalty is 10 times as large as it should be: its weight is multiplied elsewhere.": 10 * right,
    }  # fmt: skip
    penalty = given["gradient_penalty"](critic, real, fake, share)
    if isinstance(penalty, Tensor) and near(penalty.detach(), turned):
        raise Wrong("The share is the wrong way round: it says how much of the real picture to take. (With random "
                    "shares this would do no harm.)")  # fmt: skip
    expect(penalty, right, wrong, what="The penalty")
    weights = [each for name, each in critic.named_parameters() if name != "3.bias"]
    reached = penalty.requires_grad and torch.autograd.grad(penalty, weights, allow_unused=True)
    if not reached or any(each is None for each in reached):
        raise Wrong("The value is right, but the critic cannot learn from it, because the gradient in it has no "
                    "gradient of its own: `torch.autograd.grad` keeps what is needed for that only with "
                    "`create_graph=True`.")  # fmt: skip


def check_steer(given: Given) -> None:
    """Check `moved`: the step of each z, which must not depend on the batch, and that the given z stays as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        generator, z = nn.Sequential(nn.Linear(3, 5), nn.Tanh()), torch.randn(4, 3)
    kept, rate = z.clone(), 0.25

    def score(pictures: Tensor) -> Tensor:
        return (pictures.square() * torch.arange(1.0, 6)).sum(1)

    weights, leaf = deepcopy(generator.state_dict()), z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(generator(leaf)).sum(), leaf)
    length = gradient.norm(dim=1, keepdim=True)
    wrong = {
        "Nothing moved: this is z as it was.": kept,
        "The step goes down the gradient, so the score falls: it should go up.": kept - rate * gradient,
        "The gradient is that of the mean score, so steps are smaller in a larger batch: take that of the sum, in "
        "which each z only affects its own term.": kept + rate * gradient / 4,
        "The rate is not used: the gradient has to be multiplied by it.": kept + gradient,
        "This is the gradient alone: return the z that one step leads to.": gradient,
        "This is the step alone, rate * gradient: return the z that it leads to.": rate * gradient,
        "Only the direction of the gradient is used: its length counts, too.": kept + rate * gradient / length,
        "Only the sign of the gradient is used: the step is rate times the gradient itself.":
            kept + rate * gradient.sign(),
    }  # fmt: skip
    expect(given["moved"](z, generator, score, rate), kept + rate * gradient, wrong, what="The new z")
    if any(not near(weight, weights[name]) for name, weight in generator.state_dict().items()):
        raise Wrong("The new z is right, but the generator's weights have changed: only z is to move.")
    if not near(z.detach(), kept):
        raise Wrong("The new z is right, but the z that was given is changed, too: make a new tensor (`z + ...`, "
                    "not `z += ...`).")  # fmt: skip
    if z.requires_grad:
        raise Wrong("The new z is right, but the z that was given now has `requires_grad` set: set it on a copy "
                    "instead, `z.detach().clone()`.")  # fmt: skip
