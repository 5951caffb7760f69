"""Checks for exercises about many samples: Bayes' rule, the earth mover's distance, modes, mismatched words."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from .answer import Wrong, expect, near, number

__all__ = ["check_bayes", "check_earth", "check_mismatch", "check_modes"]

Given = Mapping[str, Any]


def check_bayes(given: Given) -> None:
    """Check `belief` on logarithms that `exp` can take, and then on some for which `exp` gives 0."""
    log, prior = _draw(4, 3), torch.tensor([0.6, 0.3, 0.1])
    right = (log + prior.log()).softmax(1)
    wrong = {
        "The prior is left out: a rare class needs better evidence.": log.softmax(1),
        "The prior is added as it is: the sum needs logarithms on both sides.": (log + prior).softmax(1),
        "This is the prior alone: the pictures make no difference.": prior.expand(4, 3),
        "The beliefs do not add up to 1 for each picture: divide by the sum over classes.": log.exp() * prior,
        "The beliefs add up to 1 over the pictures: they should over the classes, along axis 1.":
            (log + prior.log()).softmax(0),
        "This is the logarithm of the belief: use `softmax`, not `log_softmax`.": (log + prior.log()).log_softmax(1),
        "This is the likeliest class: return the probability of each class.": (log + prior.log()).argmax(1),
        "The prior comes in after the sum over the classes, but it belongs into that sum, too.":
            log.softmax(1) * prior,
        "Logarithms are multiplied by the prior: only probabilities multiply, logarithms add up.":
            (log * prior).softmax(1),
    }  # fmt: skip
    expect(given["belief"](log, prior), right, wrong, what="The belief")
    far = log - 150 * torch.tensor([[1.0], [2.0], [1.0], [3.0]])
    shared = ((far - far.max()).exp() * prior).log()
    nan = {
        "This is right, but not for a picture that is unlikely in every class: `exp` of its logarithms is 0, and 0 / 0 "
        "is not a number. Stay with the logarithms and use `softmax`.": torch.full((4, 3), torch.nan),
        "This is right, but not if the likeliest of all pictures is taken off each: `exp` of the others is 0 then. "
        "Take off the largest number of each row, or use `softmax`.": shared.softmax(1),
        "This is right, but for a picture that is unlikely in every class it is 0 everywhere, as `exp` of its "
        "logarithms is. Stay with the logarithms and use `softmax`.": torch.zeros(4, 3),
    }
    expect(given["belief"](far, prior), right, nan, what="The belief for unlikely pictures")


def check_earth(given: Given) -> None:
    """Check `earth_mover` on grains in no order, some of which have to move left."""
    a, b = torch.tensor([3.0, -1.0, 0.5, 2.0, 7.0]), torch.tensor([0.0, 4.0, -2.5, 1.0, 7.5])
    way = a.sort().values - b.sort().values
    right = way.abs().mean()
    wrong = {
        "Grains are paired with places in the order of the lists: sort both heaps first.": (a - b).abs().mean(),
        "Only the first heap is sorted: sort both.": (a.sort().values - b).abs().mean(),
        "Only the second heap is sorted: sort both.": (a - b.sort().values).abs().mean(),
        "This is how far apart the means of the heaps are: moves to the left and to the right cancel in it. Use how "
        "far each grain moves, without the sign.": way.mean().abs(),
        "Moves to the left and to the right cancel: use how far each grain moves, without the sign.": way.mean(),
        "Moves to the right and to the left cancel: use how far each grain moves, without the sign.": -way.mean(),
        "This is the sum over all grains together: take the mean over the grains.": way.abs().sum(),
        "The moves are squared: that is another distance, dominated by long moves.": way.square().mean(),
        "The moves are squared and the root is taken: that is another distance, dominated by long moves.":
            way.square().mean().sqrt(),
        "This is the longest move: take the mean over the grains.": way.abs().max(),
        "This is the median move: take the mean over the grains.": way.abs().median(),
        "There is one number for each grain: take the mean.": way.abs(),
        "Every grain goes to every place: each should go to one place only, in sorted order.":
            (a[:, None] - b).abs().mean(),
        "Each grain goes to the nearest place, so some places stay empty and others get two.":
            (a[:, None] - b).abs().min(1).values.mean(),
    }  # fmt: skip
    expect(number(given["earth_mover"](a, b)), right, wrong, what="The distance")


def check_modes(given: Given) -> None:
    """Check `modes_held` on twelve modes, first with a fair share that divides by four, then with one that does not."""
    counts = torch.tensor([46, 12, 9, 8, 8, 4, 4, 2, 2, 1, 0, 0])
    centres = 4 * torch.cartesian_prod(torch.arange(4.0), torch.arange(3.0))
    samples = _around(centres, counts)
    right = (counts >= 2).sum()
    farthest = torch.bincount(torch.cdist(samples, centres).argmax(1), minlength=12)
    wrong = {
        "Every mode that has a sample counts: it needs a quarter of its fair share.": (counts > 0).sum(),
        "A mode only counts with its whole fair share: a quarter of it is enough.": (counts >= 8).sum(),
        "A mode only counts with a quarter of all samples: a quarter of its share is enough.": (counts >= 24).sum(),
        "A mode only counts with more than a quarter of its share: exactly a quarter is enough, of N / K, where K "
        "also counts the modes without a sample.": (counts > 2).sum(),
        "This is the share of modes that are held: return their number.": right / 12,
        "This is the number of modes that are lost: return how many are held.": 12 - right,
        "There is one number for each mode, how many samples it has: count the modes that have enough.":
            counts,
        "There is one answer for each mode: add them up.": counts >= 2,
        "Every mode counts: is each mode looking for its nearest sample? Each sample should look for its nearest "
        "mode, along axis 1.": torch.tensor(12),
        "Each sample belongs to the farthest mode here: it should be the nearest.": (farthest >= 2).sum(),
    }  # fmt: skip
    expect(number(given["modes_held"](samples, centres)), right, wrong, what="The number of modes")
    samples = _around(centres, torch.tensor([51, 12, 9, 8, 5, 4, 3, 3, 2, 1, 0, 0]))
    wrong = {
        "A quarter of the fair share, 98 / 12 / 4 = 2.04 here, is rounded: 2 samples are less. Divide with `/`.":
            torch.tensor(9),
    }  # fmt: skip
    expect(number(given["modes_held"](samples, centres)), torch.tensor(8), wrong, what="The number of modes")


def _around(centres: Tensor, counts: Tensor) -> Tensor:
    """So many samples of each mode, nearer to its centre than to another, but not near."""
    way = _draw(int(counts.sum()), 2)
    return centres.repeat_interleave(counts, 0) + 1.5 * way / way.norm(dim=1, keepdim=True)


def check_mismatch(given: Given) -> None:
    """Check the value of `critic_loss` with words, where its gradient goes, and where it must not go."""
    critic = _Reader()
    real, words = _draw(5, 3), _draw(5, 2, seed=2)
    fake = _draw(5, 3, seed=1).requires_grad_()
    other = words.roll(1, 0)
    right_pair, fake_pair = softplus(-critic(real, words)).mean(), softplus(critic(fake, words)).mean()
    wrong_pair, praised = softplus(critic(real, other)).mean(), softplus(-critic(real, other)).mean()
    wrong = {
        "The pairs with the words of another picture are missing: such a critic may look at the picture alone.":
            (right_pair + fake_pair) / 2,
        "The fakes are missing: the loss needs them, too.": (right_pair + wrong_pair) / 2,
        "Real pictures with the words of another are called 1: what does not belong together should be called 0.":
            (right_pair + (fake_pair + praised) / 2) / 2,
        "Fakes get the words of another picture: the real pictures should.":
            (right_pair + (fake_pair + softplus(critic(fake, other)).mean()) / 2) / 2,
        "The third part has real pictures with their own words, called 0: give them the words of another.":
            (right_pair + (fake_pair + softplus(critic(real, words)).mean()) / 2) / 2,
        "Each wrong part counts as much as the right part: the two together should count that much.":
            (right_pair + fake_pair + wrong_pair) / 2,
        "The three parts count a third each: the right one should count a half, the two wrong ones a quarter each.":
            (right_pair + fake_pair + wrong_pair) / 3,
        "The three parts are added up without weights: a half, a quarter and a quarter.":
            right_pair + fake_pair + wrong_pair,
        "The sum is not halved: right and wrong should count a half each.": right_pair + (fake_pair + wrong_pair) / 2,
        "The labels are the wrong way round: the right pairs should be called 1.":
            (softplus(critic(real, words)).mean()
             + (softplus(-critic(fake, words)).mean() + praised) / 2) / 2,
    }  # fmt: skip
    loss = given["critic_loss"](critic, real, fake, words)
    right = (right_pair + (fake_pair + wrong_pair) / 2) / 2
    expect(loss, right.detach(), {text: value.detach() for text, value in wrong.items()}, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it, so the critic could not learn.")
    loss.backward()
    if fake.grad is not None and bool(fake.grad.any()):
        raise Wrong("The value is right, but its gradient goes on into the fakes, and through them into the "
                    "generator: cut the fakes off from it, as in exercise 3.")  # fmt: skip
    right_pair, fake_pair = softplus(-critic(real, words)).mean(), softplus(critic(fake.detach(), words)).mean()
    right = (right_pair + (fake_pair + softplus(critic(real, other)).mean()) / 2) / 2
    weights = list(critic.parameters())
    for weight, grad in zip(weights, torch.autograd.grad(right, weights), strict=True):
        if weight.grad is None or not near(weight.grad, grad):
            raise Wrong("The value is right, but the critic does not learn from all of it: an answer of it is "
                        "detached, or computed under `no_grad`. Cut off the fakes alone, before the critic sees "
                        "them.")  # fmt: skip


class _Reader(nn.Module):
    """A critic of pictures of three numbers with words of two numbers, with fixed weights."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(5, 1)
        with torch.no_grad():
            self.both.weight.copy_(torch.tensor([[0.9, -0.4, 0.7, -1.1, 0.6]]))
            self.both.bias.fill_(0.2)

    def forward(self, pictures: Tensor, words: Tensor) -> Tensor:
        logits: Tensor = self.both(torch.cat([pictures, words], 1))
        return logits


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
