"""Checks of exercises that are formulas: an answer is told by the formula that would give it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from .answer import Wrong, expect, number

__all__ = [
    "check_auc",
    "check_critic_loss",
    "check_entropy",
    "check_frechet",
    "check_generator_loss",
    "check_inception",
    "check_kl",
    "check_wasserstein",
]

Given = Mapping[str, Any]


def check_kl(given: Given) -> None:
    """Of means and logarithms of variances; some below 0, so that a variance is not taken for its logarithm."""
    mean, log = _draw(6, 4), _draw(6, 4, seed=1)
    log[:3] = log[:3].abs()  # of which a logarithm can be taken by mistake and yet be a number
    right = (mean**2 + log.exp() - 1 - log).sum(1) / 2
    wrong = {
        "The sign is turned round: a divergence is never below 0, and yours is never above it.": -right,
        "It is twice what it should be: the 1/2 is missing.": 2 * right,
        "It is the mean over the D numbers; a sample pays for each of them, so they are added up.": right / 4,
        "It is one number for the whole batch; give each sample its own, [N], by adding up along axis 1.": right.sum(),
        "It is one number, the mean over the batch; give each sample its own, [N].": right.mean(),
        "It is one number, the mean over samples and numbers alike; add up along axis 1 alone.": right.mean() / 4,
        "It is added up along the wrong axis: axis 0 are the samples, axis 1 the D numbers of each.":
            (mean**2 + log.exp() - 1 - log).sum(0) / 2,
        "It is not added up: there is a number for each of the D, and one for each sample is asked.":
            (mean**2 + log.exp() - 1 - log) / 2,
        "The logarithm of the variance is taken for the variance: `log_variance.exp()` is the variance.":
            (mean**2 + log - 1 - log.log()).sum(1) / 2,
        "`log_variance.exp()` is the variance already; yours is squared again.":
            (mean**2 + (2 * log).exp() - 1 - log).sum(1) / 2,
        "The mean is not squared.": (mean + log.exp() - 1 - log).sum(1) / 2,
        "The mean has no part in it: mean^2 is missing.": (log.exp() - 1 - log).sum(1) / 2,
        "The 1 that is taken away is missing: of N(0, 1) itself the divergence has to be 0.":
            (mean**2 + log.exp() - log).sum(1) / 2,
    }  # fmt: skip
    expect(given["kl"](mean, log), right, wrong, what="The divergence")


def check_entropy(given: Given) -> None:
    """Of three probabilities and, after them, of some of which one is 0."""
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    _check_cross("The entropy", given["entropy"](p), p, p)
    _check_cross("The cross entropy", given["cross_entropy"](p, q), p, q)
    never = torch.tensor([0.0, 0.25, 0.75])
    right = -(never[1:] * never[1:].log2()).sum()
    nan = {
        "Where a probability is 0 it is not a number: 0 times the logarithm of 0. Let such a term count 0, for "
        "instance by `torch.where` or `torch.special.xlogy`.": torch.tensor(torch.nan),
    }  # fmt: skip
    expect(number(given["entropy"](never)), right, nan, what="The entropy with a probability of 0")
    right = -(never[1:] * torch.tensor([0.2, 0.6]).log2()).sum()
    expect(number(given["cross_entropy"](never, q)), right, nan, what="The cross entropy where p has a 0")


def _check_cross(what: str, given: Any, p: Tensor, q: Tensor) -> None:
    right = -(p * q.log2()).sum()
    wrong = {
        f"{what} has its sign turned round: logarithms of probabilities are below 0, bits are above it.": -right,
        f"{what} is in nats: the logarithm to the base 2 is `torch.log2`.": -(p * q.log()).sum(),
        f"{what} is in decimal digits: the logarithm to the base 2 is `torch.log2`.": -(p * q.log10()).sum(),
        f"{what} is divided by the number of things: the terms are weighted by p already, so add them up.": right / 3,
        f"{what} leaves the weights out: each -log2 counts as often as p says its thing comes.": -q.log2().sum(),
        f"{what} leaves the weights out: a mean of -log2 takes all things for equally frequent.": -q.log2().mean(),
        f"{what} is not added up: one number is asked.": -(p * q.log2()),
    }
    if q is not p:
        wrong |= {
            "The cross entropy has p and q the wrong way round: things come as p says, the code is for q.":
                -(q * p.log2()).sum(),
            "That is the divergence of p from q, what the wrong code costs more; the cross entropy has the entropy "
            "of p in it, too.": (p * (p / q).log2()).sum(),
            "That is the entropy of p: q has no part in it.": -(p * p.log2()).sum(),
        }  # fmt: skip
    expect(number(given), right, wrong, what=what)


def check_critic_loss(given: Given) -> None:
    """By value, by where gradients go and by where they do not."""
    critic, real, fake = _critic(), _draw(5, 3), _draw(5, 3, seed=1).requires_grad_()
    on_real, on_fake = softplus(-critic(real)).mean().detach(), softplus(critic(fake)).mean().detach()
    twice = softplus(-critic(real).sigmoid()).mean() + softplus(critic(fake).sigmoid()).mean()
    turned = (softplus(critic(real)).mean() + softplus(-critic(fake)).mean()) / 2
    each = (softplus(-critic(real)) + softplus(critic(fake))) / 2
    wrong = {
        "The labels are the wrong way round: reals are to be called 1, fakes 0.": turned,
        "Reals and fakes are both called 1: the critic is to call fakes "
        "0.": (on_real + softplus(-critic(fake)).mean()) / 2,
        "It is added up but not halved: half of the mean over reals and half of that over fakes.": on_real + on_fake,
        "Only the reals count: the critic has to see fakes, too.": on_real,
        "Only half of the loss on the reals is there: the fakes are missing.": on_real / 2,
        "Only the fakes count: the critic has to see reals, too.": on_fake,
        "Only half of the loss on the fakes is there: the reals are missing.": on_fake / 2,
        "The sign is turned round: the loss is to fall as the critic gets better.": -(on_real + on_fake) / 2,
        "The sigmoid is taken twice: `binary_cross_entropy_with_logits` takes it itself.": twice / 2,
        "The mean is missing: there is a number for each picture, and one for the batch is asked.": each,
        "It is added up over the batch: take the mean, so that it does not depend on how many there are.": each.sum(),
    }  # fmt: skip
    loss = given["critic_loss"](critic, real, fake)
    expect(loss, (on_real + on_fake) / 2, {text: value.detach() for text, value in wrong.items()}, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it: the critic could not learn. Is it "
                    "computed under `no_grad`, or is the critic's answer detached?")  # fmt: skip
    loss.backward()
    if fake.grad is not None and bool(fake.grad.any()):
        raise Wrong("The value is right, but its gradient goes on into the fakes and so into the generator, which is "
                    "not to learn in the critic's turn: give the critic `fake.detach()`.")  # fmt: skip
    if any(weight.grad is None for weight in critic.parameters()):
        raise Wrong("The value is right, but no gradient reaches the critic's weights.")


def check_generator_loss(given: Given) -> None:
    """By value and by where the gradient goes."""
    critic, fake = _critic(), _draw(5, 3).requires_grad_()
    logits = critic(fake).detach()
    right = -logsigmoid(logits).mean()
    wrong = {
        "The sign is turned round: you make log D(fake) smaller, and with it the critic's belief in the fakes.": -right,
        "That is the minimax form, log(1 - D): right by the game, and nearly without slope where the critic is "
        "sure. Make -log D(fake) smaller.": logsigmoid(-logits).mean(),
        "The fakes are called 0 here, as in the critic's turn: the generator wants them called 1.":
            -logsigmoid(-logits).mean(),
        "The sigmoid is taken twice: `binary_cross_entropy_with_logits` takes it itself.":
            -logsigmoid(logits.sigmoid()).mean(),
        "The logarithm is missing: that is the critic's belief itself, with its sign turned.": -logits.sigmoid().mean(),
        "The sigmoid and its logarithm are missing: that is the loss of a Wasserstein GAN.": -logits.mean(),
        "The mean is missing: there is a number for each picture, and one for the batch is asked.": -logsigmoid(logits),
        "It is added up over the batch: take the mean, so that it does not depend on how many there are.": 5 * right,
        "It is halved: there are no two parts here, as there were in the critic's loss.": right / 2,
    }  # fmt: skip
    loss = given["generator_loss"](critic, fake)
    expect(loss, right, wrong, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it: the generator could not learn. Is it "
                    "computed under `no_grad`, or detached?")  # fmt: skip
    loss.backward()
    if fake.grad is None or not fake.grad.any():
        raise Wrong("The value is right, but the gradient does not reach the fakes: the generator could not learn. "
                    "They are detached in the critic's turn, and not in the generator's.")  # fmt: skip


def check_wasserstein(given: Given) -> None:
    """Scores whose means differ in size, so that no mistake hides behind another; then the other way round."""
    real, fake = _draw(6) - 0.5, _draw(6, seed=1) + 2  # a critic that is wrong, which it is to be told
    right = fake.mean() - real.mean()
    wrong = {
        "The critic's sign is turned round: it would score fakes higher. Reals minus fakes is what grows, so its "
        "negative is made smaller.": -right,
        "The critic's loss has a sigmoid in it: scores are no logits, and are taken as they are.":
            softplus(-real).mean() + softplus(fake).mean(),
        "The critic's loss has the sigmoid of the scores: they are taken as they are.":
            fake.sigmoid().mean() - real.sigmoid().mean(),
        "The critic's loss is added up over the batch: take means.": fake.sum() - real.sum(),
        "The critic's loss has a number for each sample: one for the batch is asked.": fake - real,
        "The critic's loss is halved: the difference is the distance, so leave it whole.": right / 2,
        "The critic's loss is the sum of both means: it is their difference.": fake.mean() + real.mean(),
        "The critic's loss is the sum of both means, negative: it is their difference.": -fake.mean() - real.mean(),
    }  # fmt: skip
    expect(given["critic_loss"](real, fake), right, wrong, what="The critic's loss")
    wrong = {
        "The critic's loss has the size of the difference: the sign has to stay, or a critic that has it wrong "
        "would be as content as one that has it right.": right,
    }  # fmt: skip
    expect(given["critic_loss"](fake, real), -right, wrong, what="The critic's loss")
    right = -fake.mean()
    wrong = {
        "The generator's sign is turned round: it wants its fakes to be scored higher.": fake.mean(),
        "The generator's loss has a sigmoid in it: scores are taken as they are.": softplus(-fake).mean(),
        "The generator's loss is added up over the batch: take the mean.": -fake.sum(),
        "The generator's loss has a number for each sample: one for the batch is asked.": -fake,
    }
    expect(given["generator_loss"](fake), right, wrong, what="The generator's loss")


def check_frechet(given: Given) -> None:
    """Of two Gaussians whose covariances do not commute."""
    first, second = _draw(40, 4, seed=1).double(), (_draw(40, 4, seed=2) @ _draw(4, 4, seed=3) + 1).double()
    (mean_a, a), (mean_b, b) = ((each.mean(0), each.T.cov()) for each in (first, second))
    apart = (mean_a - mean_b).square().sum()
    root = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    spread = a.trace() + b.trace()
    right = apart + spread - 2 * root
    wrong = {
        "The 2 before the root is missing.": apart + spread - root,
        "The distance of the means is not squared.": apart.sqrt() + spread - 2 * root,
        "The distance of the means is not in it.": spread - 2 * root,
        "The distance of the means is divided by how many there are: it is the sum of squares.":
            apart / 4 + spread - 2 * root,
        "The covariances are not in it.": apart,
        "The root of each entry of A B is taken: it is the matrix root, by eigenvalues.":
            apart + spread - 2 * (a @ b).abs().sqrt().trace(),
        "The root of each entry of A B is taken, and of some it is not a number: it is the matrix root, by "
        "eigenvalues.":
            apart + spread - 2 * (a @ b).sqrt().trace(),
        "A and B are multiplied entry by entry: A B is the product of matrices, `a @ b`.":
            apart + spread - 2 * torch.linalg.eigvals(a * b).real.clamp(min=0).sqrt().sum(),
        "A and B are multiplied entry by entry: the root of their diagonals is not that of the product of matrices.":
            apart + spread - 2 * (a.diagonal() * b.diagonal()).sqrt().sum(),
        "The root of A B is missing.": apart + spread - 2 * (a @ b).trace(),
        "The root of it all is taken: the figure is the squared distance.": right.sqrt(),
        "The sign of the root is turned round.": apart + spread + 2 * root,
    }  # fmt: skip
    found = number(given["frechet_distance"](mean_a, a, mean_b, b))
    expect(found, right, wrong, what="The distance")


def check_inception(given: Given) -> None:
    """Of rows that are sure of one class, of another or of none, and after them of some with zeros."""
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1]])
    all_of_them = p.mean(0)
    right = (p * (p / all_of_them).log()).sum(1).mean().exp()
    wrong = {
        "It is the mean divergence: its exponential is the score.": right.log(),
        "Its sign is turned round: a divergence is never below 0, so the score is never below 1.": 1 / right,
        "It is the mean over the K classes: a divergence adds up over them, and the mean is over the samples.":
            (p * (p / all_of_them).log()).mean().exp(),
        "It is added up over the samples too: the divergences of the N samples are averaged.":
            (p * (p / all_of_them).log()).sum().exp(),
        "The exponential is taken of each sample's divergence: first the mean, then the exponential.":
            (p * (p / all_of_them).log()).sum(1).exp().mean(),
        "There is a score for each sample: the divergences are averaged before the exponential.":
            (p * (p / all_of_them).log()).sum(1).exp(),
        "It is in bits: `log` is the natural logarithm.": (p * (p / all_of_them).log2()).sum(1).mean().exp(),
        "p(y) is taken for the mean of each row: it is the mean over the samples, along axis 0.":
            (p * (p / p.mean(1, keepdim=True)).log()).sum(1).mean().exp(),
        "KL is turned round: it is the row that is weighed with, not p(y).":
            (all_of_them * (all_of_them / p).log()).sum(1).mean().exp(),
        "That is the entropy of p(y) alone: what each row is unsure of is taken away from it.":
            (-(all_of_them * all_of_them.log()).sum()).exp(),
        "That is what each row is unsure of alone: it is compared with p(y).": (-(p * p.log()).sum(1).mean()).exp(),
    }  # fmt: skip
    expect(number(given["inception_score"](p)), right, wrong, what="The score")
    sure = torch.eye(3).repeat(4, 1)
    nan = {
        "Where a class is ruled out it is not a number: 0 times the logarithm of 0. Such a term counts 0.":
            torch.tensor(torch.nan),
    }  # fmt: skip
    expect(number(given["inception_score"](sure)), torch.tensor(3.0), nan, what="The score of sure and even rows")


def check_auc(given: Given) -> None:
    """Of other numbers of real and of made pictures, some with equal scores."""
    real, made = torch.tensor([2.0, 1.0, 0.5, 3.0]), torch.tensor([0.0, 1.0, 2.5, 0.5, -1.0])
    gap = real[:, None] - made[None, :]
    right = ((gap > 0).double() + (gap == 0).double() / 2).mean()
    wrong = {
        "It is turned round: it is the share of pairs in which the real one has the higher score.": 1 - right,
        "Equal scores count nothing: a pair that cannot be told apart counts one half.": (gap > 0).double().mean(),
        "Equal scores count as right: a pair that cannot be told apart counts one half.": (gap >= 0).double().mean(),
        "It is the number of pairs, and not their share.": right * gap.numel(),
        "It is how far the scores are apart: only which is higher counts, as scores have no scale.": gap.mean(),
        "It is the share of pictures that a threshold of 0 puts right: no threshold is in it, look at pairs.":
            torch.cat([real > 0, made <= 0]).double().mean(),
        "Picture by picture is compared: of each real one and every made one there is a pair.":
            ((real > made[:4]).double() + (real == made[:4]).double() / 2).mean(),
        "There is one number for each real picture: average over those, too.":
            ((gap > 0).double() + (gap == 0).double() / 2).mean(1),
        "There is one number for each pair: average over them.": (gap > 0).double() + (gap == 0).double() / 2,
    }  # fmt: skip
    expect(number(given["auc"](real, made)), right, wrong, what="The area")


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _critic() -> nn.Module:
    """A critic of three numbers, with weights that are always the same."""
    critic = nn.Linear(3, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[0.9, -0.4, 0.7]]))
        critic.bias.fill_(0.3)
    return critic
