"""Checks for exercises that are formulas: a mistake is recognised by the value that it leads to."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from .answer import Wrong, expect, near, number

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
    """Check `kl`; some of the logarithms are below 0, so that taking them for variances changes the result."""
    mean, log = _draw(6, 4), _draw(6, 4, seed=1)
    log[:3] = log[:3].abs()  # so that their logarithm, taken by mistake, is not NaN everywhere
    right = (mean**2 + log.exp() - 1 - log).sum(1) / 2
    wrong = {
        "The sign is wrong: a divergence is never negative, and yours is never positive.": -right,
        "The result is twice as large as it should be: the factor 1/2 is missing.": 2 * right,
        "This is the mean over the D numbers: their divergences have to be added up.": right / 4,
        "This is one number for the whole batch: each sample needs its own, [N]. Sum along axis 1 only.": right.sum(),
        "This is one number, the mean over the batch: each sample needs its own, [N].": right.mean(),
        "This is one number, the mean over samples and the D numbers alike: sum along axis 1 only.": right.mean() / 4,
        "The sum is along the wrong axis: axis 0 holds the samples, axis 1 the D numbers of each.":
            (mean**2 + log.exp() - 1 - log).sum(0) / 2,
        "The terms are not added up: there are D numbers for each sample, but there should be one, [N].":
            (mean**2 + log.exp() - 1 - log) / 2,
        "The logarithm of the variance is taken for the variance itself: undo the logarithm with `exp`.":
            (mean**2 + log - 1 - log.log()).sum(1) / 2,
        "The exponential of `log_variance` is the variance already, not the deviation, but it is squared again.":
            (mean**2 + (2 * log).exp() - 1 - log).sum(1) / 2,
        "The factor 1/2 covers only mean^2: it belongs to the whole bracket.":
            (mean**2 / 2 + log.exp() - 1 - log).sum(1),
        "The logarithm of the variance is added, but it has to be subtracted.":
            (mean**2 + log.exp() - 1 + log).sum(1) / 2,
        "The mean is not squared: the formula has mean^2.": (mean + log.exp() - 1 - log).sum(1) / 2,
        "The term mean^2 is missing, so the means make no difference.": (log.exp() - 1 - log).sum(1) / 2,
        "The -1 is missing: for N(0, 1) itself the divergence has to be 0.":
            (mean**2 + log.exp() - log).sum(1) / 2,
    }  # fmt: skip
    expect(given["kl"](mean, log), right, wrong, what="The divergence")


def check_entropy(given: Given) -> None:
    """Check `entropy` and `cross_entropy`, first without and then with a probability of 0."""
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    _check_cross("The entropy", given["entropy"](p), p, p)
    _check_cross("The cross entropy", given["cross_entropy"](p, q), p, q)
    never = torch.tensor([0.0, 0.25, 0.75])
    right = -(never[1:] * never[1:].log2()).sum()
    nan = {
        "Where a probability is 0 the result is NaN, which comes from 0 times the logarithm of 0. Make such a term "
        "count as 0, for example with `torch.where` or `torch.special.xlogy`.": torch.tensor(torch.nan),
    }  # fmt: skip
    kept = never.clone()
    expect(number(given["entropy"](never)), right, nan, what="The entropy of a p with a 0")
    if not near(never, kept):
        raise Wrong("The entropy is right, but the p that was given is changed, too: work on a copy, `p.clone()`.")
    right = -(never[1:] * torch.tensor([0.2, 0.6]).log2()).sum()
    expect(number(given["cross_entropy"](never, q)), right, nan, what="The cross entropy of a p with a 0")


def _check_cross(what: str, given: Any, p: Tensor, q: Tensor) -> None:
    right = -(p * q.log2()).sum()
    wrong = {
        f"{what} has the wrong sign: logarithms of probabilities are negative, numbers of bits are positive.": -right,
        f"{what} is in nats: for bits, use the logarithm to base 2, `torch.log2`.": -(p * q.log()).sum(),
        f"{what} is in decimal digits: for bits, use the logarithm to base 2, `torch.log2`.": -(p * q.log10()).sum(),
        f"{what} is divided by the number of terms, K: they are weighted by p already, so just add them up.": right / 3,
        f"{what} leaves the weights out: each -log2 has to be weighted by how often it is needed, p.": -q.log2().sum(),
        f"{what} leaves the weights out: a plain mean of -log2 takes all as equally frequent.": -q.log2().mean(),
        f"{what} is not added up: it should be one number.": -(p * q.log2()),
    }
    if q is not p:
        wrong |= {
            "The cross entropy has p and q the wrong way round: things come with p, and the code is made for q.":
                -(q * p.log2()).sum(),
            "This is the divergence of p from q, which is only what the wrong code costs on top: the cross entropy "
            "also contains the entropy of p.": (p * (p / q).log2()).sum(),
            "This is the entropy of p: q makes no difference to it.": -(p * p.log2()).sum(),
        }  # fmt: skip
    expect(number(given), right, wrong, what=what)


def check_critic_loss(given: Given) -> None:
    """Check the value of `critic_loss`, where its gradient goes, and where it must not go."""
    critic, real, fake = _critic(), _draw(5, 3), _draw(5, 3, seed=1).requires_grad_()
    on_real, on_fake = softplus(-critic(real)).mean().detach(), softplus(critic(fake)).mean().detach()
    twice = softplus(-critic(real).sigmoid()).mean() + softplus(critic(fake).sigmoid()).mean()
    turned = (softplus(critic(real)).mean() + softplus(-critic(fake)).mean()) / 2
    each = (softplus(-critic(real)) + softplus(critic(fake))) / 2
    wrong = {
        "The labels are the wrong way round: reals should be called 1, fakes 0.": turned,
        "Reals and fakes are both called 1: the critic should call fakes "
        "0.": (on_real + softplus(-critic(fake)).mean()) / 2,
        "The two means are added up but not halved: each of them should count one half.": on_real + on_fake,
        "Only the reals count: the loss needs the fakes, too.": on_real,
        "Only the half for the reals is there: the half for the fakes is missing.": on_real / 2,
        "Only the fakes count: the loss needs the reals, too.": on_fake,
        "Only the half for the fakes is there: the half for the reals is missing.": on_fake / 2,
        "The sign is wrong: the loss should fall as the critic gets better.": -(on_real + on_fake) / 2,
        "The sigmoid is taken twice: `binary_cross_entropy_with_logits` contains one already.": twice / 2,
        "The mean is missing: there is one number for each picture, but there should be one for the batch.": each,
        "The loss is added up over the batch: use the mean, which does not depend on the batch size.": each.sum(),
    }  # fmt: skip
    loss = given["critic_loss"](critic, real, fake)
    expect(loss, (on_real + on_fake) / 2, {text: value.detach() for text, value in wrong.items()}, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it, so the critic could not learn. Is it "
                    "computed under `no_grad`, or is the critic's answer detached?")  # fmt: skip
    loss.backward()
    if fake.grad is not None and bool(fake.grad.any()):
        raise Wrong("The value is right, but its gradient goes on into the fakes, and through them into the "
                    "generator, which must not learn in the critic's turn. Cut the fakes off from the generator "
                    "before the critic sees them: look up `Tensor.detach`.")  # fmt: skip
    right = (softplus(-critic(real)).mean() + softplus(critic(fake.detach())).mean()) / 2
    weights = list(critic.parameters())
    for weight, grad in zip(weights, torch.autograd.grad(right, weights), strict=True):
        if weight.grad is not None and near(weight.grad, grad):
            continue
        raise Wrong("The value is right, but the critic does not learn from all of it: an answer of it is detached, or "
                    "computed under `no_grad`. Detach the fakes before the critic sees them, and never what it "
                    "answers.")  # fmt: skip


def check_generator_loss(given: Given) -> None:
    """Check the value of `generator_loss`, and that its gradient reaches the fakes."""
    critic, fake = _critic(), _draw(5, 3).requires_grad_()
    logits = critic(fake).detach()
    right = -logsigmoid(logits).mean()
    wrong = {
        "The sign is wrong: making log D(fake) smaller lowers the critic's belief in the fakes.": -right,
        "This is the minimax form, log(1 - D). It fits the game, but has almost no slope where the critic is sure: "
        "use -log D(fake) instead.": logsigmoid(-logits).mean(),
        "The fakes are called 0 here, as in the critic's turn: the generator wants them to be called 1.":
            -logsigmoid(-logits).mean(),
        "The sigmoid is taken twice: `binary_cross_entropy_with_logits` contains one already.":
            -logsigmoid(logits.sigmoid()).mean(),
        "The logarithm is missing: this is -D(fake), not -log D(fake).": -logits.sigmoid().mean(),
        "The sigmoid and the logarithm are missing: this is the loss of a Wasserstein GAN.": -logits.mean(),
        "The mean is missing: there is one number for each picture, but there should be one for the batch.":
            -logsigmoid(logits),
        "The loss is added up over the batch: use the mean, which does not depend on the batch size.": 5 * right,
        "The loss is halved: unlike the critic's loss, it has only one part.": right / 2,
    }  # fmt: skip
    loss = given["generator_loss"](critic, fake)
    expect(loss, right, wrong, what="The loss")
    if not loss.requires_grad:
        raise Wrong("The value is right, but no gradient can be taken of it, so the generator could not learn. Is it "
                    "computed under `no_grad`, or detached?")  # fmt: skip
    loss.backward()
    if fake.grad is None or not fake.grad.any():
        raise Wrong("The value is right, but the gradient does not reach the fakes, so the generator could not learn. "
                    "Fakes are detached in the critic's turn only, not in the generator's.")  # fmt: skip


def check_wasserstein(given: Given) -> None:
    """Check both losses on scores whose means differ in size; the critic's also with reals and fakes swapped."""
    real, fake = _draw(6) - 0.5, _draw(6, seed=1) + 2  # a critic that scores the wrong way round: its loss is positive
    right = fake.mean() - real.mean()
    wrong = {
        "The critic's sign is wrong: a critic with this loss would learn to score fakes higher. The difference of "
        "reals minus fakes should grow, so the loss is its negative.": -right,
        "The critic's loss contains a sigmoid and a logarithm: scores are no logits, so use them as they are.":
            softplus(-real).mean() + softplus(fake).mean(),
        "The critic's loss contains the sigmoid of the scores: use the scores as they are.":
            fake.sigmoid().mean() - real.sigmoid().mean(),
        "The critic's loss is added up over the batch: use means.": fake.sum() - real.sum(),
        "The critic's loss has a number for each sample: it should be one number for the batch.": fake - real,
        "The critic's loss is halved: the whole difference is the distance.": right / 2,
        "The critic's loss is the sum of both means: it should be a difference.": fake.mean() + real.mean(),
        "The critic's loss is the negative sum of both means: it should be a difference.": -fake.mean() - real.mean(),
    }  # fmt: skip
    expect(given["critic_loss"](real, fake), right, wrong, what="The critic's loss")
    wrong = {
        "The critic's loss uses only the size of the difference. Keep the sign, or a critic that scores the wrong "
        "way round would have the same loss as a good one.": right,
    }  # fmt: skip
    expect(given["critic_loss"](fake, real), -right, wrong, what="The critic's loss")
    right = -fake.mean()
    wrong = {
        "The generator's sign is wrong: the generator wants its fakes to get higher scores.": fake.mean(),
        "The generator's loss contains a sigmoid and a logarithm: use the scores as they are.": softplus(-fake).mean(),
        "The generator's loss is added up over the batch: use the mean.": -fake.sum(),
        "The generator's loss has a number for each sample: it should be one number for the batch.": -fake,
    }
    expect(given["generator_loss"](fake), right, wrong, what="The generator's loss")
    for name, pulled in (("critic", (-1, 1)), ("generator", (0, -1))):
        leaves = real.clone().requires_grad_(), fake.clone().requires_grad_()
        loss = given[f"{name}_loss"](*(leaves if name == "critic" else leaves[1:]))
        if loss.requires_grad:
            loss.backward()
        if tuple(0 if each.grad is None else round(float(each.grad.sum())) for each in leaves) != pulled:
            raise Wrong(f"The value of the {name}'s loss is right, but its gradient is not: are scores detached? They "
                        "are answers of the critic, through which both players learn.")  # fmt: skip


def check_frechet(given: Given) -> None:
    """Check `frechet_distance` on two Gaussians whose covariances do not commute."""
    first, second = _draw(40, 4, seed=1).double(), (_draw(40, 4, seed=2) @ _draw(4, 4, seed=3) + 1).double()
    (mean_a, a), (mean_b, b) = ((each.mean(0), each.T.cov()) for each in (first, second))
    apart = (mean_a - mean_b).square().sum()
    root = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    spread = a.trace() + b.trace()
    right = apart + spread - 2 * root
    wrong = {
        "The factor 2 before the root is missing.": apart + spread - root,
        "The distance of the means is not squared: the formula has its square.": apart.sqrt() + spread - 2 * root,
        "The first term is missing: the squared distance of the means.": spread - 2 * root,
        "The squared distance of the means is divided by D: it is the sum of the D squares, not their mean.":
            apart / 4 + spread - 2 * root,
        "The second term is missing: the trace with the covariances.": apart,
        "The root of each entry of A B is taken: the formula has the matrix root, which needs eigenvalues.":
            apart + spread - 2 * (a @ b).abs().sqrt().trace(),
        "The root of each entry of A B is taken, and for some it is NaN: the formula has the matrix root, which "
        "needs eigenvalues.":
            apart + spread - 2 * (a @ b).sqrt().trace(),
        "A and B are multiplied entry by entry: A B is the matrix product, `@`.":
            apart + spread - 2 * torch.linalg.eigvals(a * b).real.clamp(min=0).sqrt().sum(),
        "A and B are multiplied entry by entry: only their diagonals count then, but A B is the matrix product.":
            apart + spread - 2 * (a.diagonal() * b.diagonal()).sqrt().sum(),
        "`eigvalsh` is for symmetric matrices, and A B is not symmetric: use `eigvals`.":
            apart + spread - 2 * torch.linalg.eigvalsh(a @ b).clamp(min=0).sqrt().sum(),
        "This has the root of the trace of A B: it should be the sum of the roots of the eigenvalues.":
            apart + spread - 2 * (a @ b).trace().sqrt(),
        "The root of A B is missing: this is the trace of A B itself.": apart + spread - 2 * (a @ b).trace(),
        "The root of the whole result is taken: the figure is the squared distance.": right.sqrt(),
        "The sign before the root is wrong: it should be a minus.": apart + spread + 2 * root,
    }  # fmt: skip
    found = number(given["frechet_distance"](mean_a, a, mean_b, b))
    expect(found, right, wrong, what="The distance")


def check_inception(given: Given) -> None:
    """Check `inception_score` on rows that are sure or unsure of their class, and then on rows with zeros."""
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.6, 0.3, 0.1]])
    all_of_them = p.mean(0)
    right = (p * (p / all_of_them).log()).sum(1).mean().exp()
    wrong = {
        "This is the mean divergence: the score is its exponential.": right.log(),
        "The sign of the divergence is wrong: it is never negative, so the score is never below 1.": 1 / right,
        "This is the mean over the K classes: a divergence is the sum over them, and the mean is over samples.":
            (p * (p / all_of_them).log()).mean().exp(),
        "The divergences of the N samples are added up: they have to be averaged.":
            (p * (p / all_of_them).log()).sum().exp(),
        "The exponential is taken of each sample's divergence: first the mean, then the exponential.":
            (p * (p / all_of_them).log()).sum(1).exp().mean(),
        "There is a score for each sample: average the divergences before you take the exponential.":
            (p * (p / all_of_them).log()).sum(1).exp(),
        "The divergence is in bits: use the natural logarithm, `log`.":
            (p * (p / all_of_them).log2()).sum(1).mean().exp(),
        "p(y) is the mean of each row here: it should be the mean of all rows, along axis 0.":
            (p * (p / p.mean(1, keepdim=True)).log()).sum(1).mean().exp(),
        "KL has its two sides the wrong way round: the weights should be the row's, p(y | x), not p(y).":
            (all_of_them * (all_of_them / p).log()).sum(1).mean().exp(),
        "This uses the entropy of p(y) alone: the divergence also depends on how unsure each row is.":
            (-(all_of_them * all_of_them.log()).sum()).exp(),
        "This uses the entropy of the rows alone: they have to be compared with p(y).":
            (-(p * p.log()).sum(1).mean()).exp(),
    }  # fmt: skip
    expect(number(given["inception_score"](p)), right, wrong, what="The score")
    sure = torch.eye(3).repeat(4, 1)
    nan = {
        "Where a class is ruled out, the score is NaN: 0 times the logarithm of 0. Make such a term count as 0.":
            torch.tensor(torch.nan),
    }  # fmt: skip
    expect(number(given["inception_score"](sure)), torch.tensor(3.0), nan, what="The score of rows that are certain")


def check_auc(given: Given) -> None:
    """Check `auc` with different numbers of real and made pictures, some with equal scores."""
    real, made = torch.tensor([2.0, 1.0, 0.5, 3.0]), torch.tensor([0.0, 1.0, 2.5, 0.5, -1.0])
    gap = real[:, None] - made[None, :]
    right = ((gap > 0).double() + (gap == 0).double() / 2).mean()
    wrong = {
        "The order is the wrong way round: count the pairs in which the real one has the higher score.": 1 - right,
        "Pairs with equal scores count nothing: they should count one half.": (gap > 0).double().mean(),
        "Pairs with equal scores count as right: they should count one half.": (gap >= 0).double().mean(),
        "This is the number of pairs: return their share.": right * gap.numel(),
        "This is how far the scores are apart: scores have no scale, so only count which one is higher.": gap.mean(),
        "This is the share of pictures that a threshold of 0 gets right: the AUC has no threshold, look at pairs.":
            torch.cat([real > 0, made <= 0]).double().mean(),
        "The scores are compared picture by picture: compare each real one with every made one.":
            ((real > made[:4]).double() + (real == made[:4]).double() / 2).mean(),
        "There is one number for each real picture: average over the real pictures, too.":
            ((gap > 0).double() + (gap == 0).double() / 2).mean(1),
        "There is one number for each pair: average over all pairs.": (gap > 0).double() + (gap == 0).double() / 2,
    }  # fmt: skip
    expect(number(given["auc"](real, made)), right, wrong, what="The area")


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _critic() -> nn.Module:
    """A linear critic of three numbers, with fixed weights."""
    critic = nn.Linear(3, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[0.9, -0.4, 0.7]]))
        critic.bias.fill_(0.3)
    return critic
