"""Checks of exercises about crowds of samples: whose they are, how far apart, how many kinds, with which words."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from .answer import Wrong, expect, number

__all__ = ["check_bayes", "check_earth", "check_mismatch", "check_modes"]

Given = Mapping[str, Any]


def check_bayes(given: Given) -> None:
    """Of logarithms that `exp` still takes, and then of some that it does not."""
    log, prior = _draw(4, 3), torch.tensor([0.6, 0.3, 0.1])
    right = (log + prior.log()).softmax(1)
    wrong = {
        "The prior is left out: a class that comes rarely needs better evidence.": log.softmax(1),
        "The prior is added as it is: to a logarithm its logarithm is added.": (log + prior).softmax(1),
        "The prior alone is told: the pictures have no part in it.": prior.expand(4, 3),
        "It does not add up to 1 for each picture: divide by the sum over the classes.": log.exp() * prior,
        "It adds up to 1 over the pictures: it has to over the classes, along axis 1.":
            (log + prior.log()).softmax(0),
        "It is the logarithm of the belief: `softmax` in place of `log_softmax`.": (log + prior.log()).log_softmax(1),
        "The likeliest class is told and not how likely each of them is.": (log + prior.log()).argmax(1),
        "The prior comes in after the sum over the classes, so a picture's beliefs do not add up to 1.":
            log.softmax(1) * prior,
        "Logarithms are multiplied by the prior: probabilities are, so logarithms are added up.":
            (log * prior).softmax(1),
    }  # fmt: skip
    expect(given["belief"](log, prior), right, wrong, what="The belief")
    far = log - 2000
    nan = {
        "It is right, but not for a picture that is unlikely in every class: `exp` of -2000 is 0, and 0 / 0 is not a "
        "number. Stay with the logarithms and take `softmax`.": torch.full((4, 3), torch.nan),
        "It is right, but for a picture that is unlikely in every class it says 0 of each: `exp` of -2000 is 0. Stay "
        "with the logarithms and take `softmax`.": torch.zeros(4, 3),
    }
    expect(given["belief"](far, prior), right, nan, what="The belief in unlikely pictures")


def check_earth(given: Given) -> None:
    """Of grains in no order, some of which have to go left."""
    a, b = torch.tensor([3.0, -1.0, 0.5, 2.0, 7.0]), torch.tensor([0.0, 4.0, -2.5, 1.0, 7.5])
    way = a.sort().values - b.sort().values
    right = way.abs().mean()
    wrong = {
        "Grains go to whatever place comes as far down the list: sort both heaps first.": (a - b).abs().mean(),
        "One heap alone is sorted: sort both.": (a.sort().values - b).abs().mean(),
        "The other heap alone is sorted: sort both.": (a - b.sort().values).abs().mean(),
        "It is how far the means of the heaps are apart: ways to the left and to the right cancel in it. Take the "
        "size of each grain's way.": way.mean().abs(),
        "Ways to the left and to the right cancel: take the size of each grain's way.": way.mean(),
        "Ways to the left and to the right cancel: take the size of each way.": -way.mean(),
        "It is the work of all grains together: take the mean way of one.": way.abs().sum(),
        "Ways are squared: that is another distance, which far grains rule.": way.square().mean(),
        "Ways are squared, and the root is taken: that is another distance, which far grains rule.":
            way.square().mean().sqrt(),
        "It is the longest way: take the mean over the grains.": way.abs().max(),
        "It is the median way: take the mean over the grains.": way.abs().median(),
        "There is a way for each grain: take the mean.": way.abs(),
        "Every grain goes to every place: each goes to one, the first to the first, once both are sorted.":
            (a[:, None] - b).abs().mean(),
        "Each grain goes to the place that is nearest, so some places stay empty and others have two.":
            (a[:, None] - b).abs().min(1).values.mean(),
    }  # fmt: skip
    expect(number(given["earth_mover"](a, b)), right, wrong, what="The distance")


def check_modes(given: Given) -> None:
    """Of seven modes, which have more than they should, all, a part, a quarter, less and nothing of it."""
    counts = torch.tensor([33, 9, 8, 3, 2, 1, 0])
    centres = 4 * torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0]])
    samples = centres.repeat_interleave(counts, 0) + _draw(56, 2) / 8
    right = (counts >= 2).sum()
    wrong = {
        "Every mode counts that has a sample: it needs a quarter of its fair share.": (counts > 0).sum(),
        "A mode counts from its whole fair share on: a quarter of it is enough.": (counts >= 8).sum(),
        "A quarter of all samples is asked for: a quarter of a fair share is, N / K / 4.": (counts >= 14).sum(),
        "More than a quarter is asked for: a mode with just a quarter of its fair share is held.": (counts > 2).sum(),
        "It is the share of modes: their number is asked.": right / 7,
        "The number of modes that are lost is told: those that are held are asked.": 7 - right,
        "There is a number for each mode, how many samples it has: how many modes have enough of them is asked.":
            counts,
        "There is an answer for each mode: add them up.": counts >= 2,
        "Every mode counts: is each looking for its nearest sample? It is each sample that looks for the nearest "
        "mode, along axis 1.": torch.tensor(7),
    }  # fmt: skip
    expect(number(given["modes_held"](samples, centres)), right, wrong, what="The number of modes")


def check_mismatch(given: Given) -> None:
    """By value and by where gradients go."""
    critic = _Reader()
    real, words = _draw(5, 3), _draw(5, 2, seed=2)
    fake = _draw(5, 3, seed=1).requires_grad_()
    other = words.roll(1, 0)
    right_pair, fake_pair = softplus(-critic(real, words)).mean(), softplus(critic(fake, words)).mean()
    wrong_pair, praised = softplus(critic(real, other)).mean(), softplus(-critic(real, other)).mean()
    wrong = {
        "Words of another are missing: such a critic may look at the picture alone.": (right_pair + fake_pair) / 2,
        "The fakes are missing: the critic has to see them, too.": (right_pair + wrong_pair) / 2,
        "Real pictures with the words of another are called 1: what does not belong together is wrong.":
            (right_pair + (fake_pair + praised) / 2) / 2,
        "Fakes get the words of another: it is the real pictures that do.":
            (right_pair + (fake_pair + softplus(critic(fake, other)).mean()) / 2) / 2,
        "The third part has real pictures with their own words, called 0: give them those of another.":
            (right_pair + (fake_pair + softplus(critic(real, words)).mean()) / 2) / 2,
        "The two wrong parts count one each: they share a half, so that right and wrong weigh the same.":
            (right_pair + fake_pair + wrong_pair) / 2,
        "The three parts count a third each: what is right counts a half, and the two wrong ones a quarter each.":
            (right_pair + fake_pair + wrong_pair) / 3,
        "The three parts are added up and not weighed: a half, a quarter and a quarter.":
            right_pair + fake_pair + wrong_pair,
        "It is not halved: right and wrong count a half each.": right_pair + (fake_pair + wrong_pair) / 2,
        "The labels are the wrong way round: what is right is to be called 1.":
            (softplus(critic(real, words)).mean()
             + (softplus(-critic(fake, words)).mean() + praised) / 2) / 2,
    }  # fmt: skip
    loss = given["critic_loss"](critic, real, fake, words)
    right = (right_pair + (fake_pair + wrong_pair) / 2) / 2
    expect(loss, right.detach(), {text: value.detach() for text, value in wrong.items()}, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it: the critic could not learn.")
    loss.backward()
    if fake.grad is not None and bool(fake.grad.any()):
        raise Wrong("The value is right, but its gradient goes on into the fakes and so into the generator: give the "
                    "critic `fake.detach()`.")  # fmt: skip


class _Reader(nn.Module):
    """A critic of three numbers and two of words, with weights that are always the same."""

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
