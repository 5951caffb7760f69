"""Metrics of classes: which ones samples fall into, how evenly, and how well samples match their own.

Inception score, modes found, the Frechet distance within classes, classification accuracy, retrieval precision.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..core.catalog import part
from ..core.errors import DoesNotFit
from .frechet import frechet_distance
from .neighbours import nearest
from .score import FEWEST, Features, Labels, Score, as_features, as_pair

__all__ = [
    "classification_accuracy",
    "inception_score",
    "intra_class_distance",
    "mixture_modes",
    "mode_counts",
    "retrieval_precision",
]


LEARNED = "the error holds the classifier as it is, so it is too small where that learned from few samples"
LEAST_SPREAD = 0.1  # of a feature among samples, in its deviation among reals


@part("metric")
def inception_score(logits: Features, *, splits: int = 10, seed: int | None = 2020) -> Score:
    """Exp of the mean KL(p(y|x) | p(y)), the mean over splits (Salimans et al. 2016, arXiv:1606.03498).

    1 if the prediction does not depend on the picture, K if it is certain and all K classes are equally frequent. The
    value grows with the size of a split; papers use 50,000 samples in 10 splits.

    >>> sure = 100 * torch.eye(4).repeat(100, 1)
    >>> round(inception_score(sure, splits=1).value, 6)
    4.0

    Args:
        logits: [N, K], of samples; the reference omits the bias of the last layer.
        splits: how many; `spread` is the deviation between them.
        seed: of the shuffle, which is that of torch-fidelity; None keeps the order, as StyleGAN does.

    Raises:
        DoesNotFit: there are fewer logits than splits, or NaNs in them.
    """
    if splits < 1:
        raise DoesNotFit(f"The score is the mean over at least 1 split, not {splits}.")
    found = as_features(logits, name="logit", fewest=max(splits, 2)).double()
    count, classes = found.shape
    if seed is not None:
        order = np.random.RandomState(seed).permutation(count)
        found = found[torch.from_numpy(order).to(found.device)]
    logs = found.log_softmax(1)
    parts = []
    for each in range(splits):
        log_p = logs[each * count // splits : (each + 1) * count // splits]
        p = log_p.exp()
        surprise = torch.where(p > 0, p * (log_p - p.mean(0).log()), 0)  # a class of probability 0 adds 0
        parts.append(float(surprise.sum(1).mean().exp()))
    value = math.fsum(parts) / splits
    error = math.sqrt(sum((part - value) ** 2 for part in parts) / (splits - 1) / splits) if splits > 1 else None
    few = count // splits < 10 * classes
    note = f"with {count // splits} samples a split it cannot exceed {count // splits}, and it grows with them"
    return Score(value, error, {"fake": count, "splits": splits}, (note,) if few else (), tuple(parts))


@part("metric")
def mode_counts(labels: Labels, classes: int, *, expected: Labels | None = None) -> dict[str, Score]:
    """How many classes samples fall into, and how unevenly: for instance the 1,000 of Stacked MNIST.

    modes        classes with a sample.
    reverse_kl   KL(samples | expected) over classes, in nats (Lin et al. 2018, arXiv:1712.04086).

    >>> mode_counts([0, 1, 1, 3], classes=4)["modes"].value
    3.0

    Args:
        labels: whole numbers [N] from 0, the class that a classifier assigns to each sample.
        classes: how many there are.
        expected: their shares among reals [classes]; equal by default.

    Raises:
        DoesNotFit: a label is out of range, or the expected shares are not positive.
    """
    found = _labels(labels, classes, name="fake")
    shares = torch.bincount(found, minlength=classes).double().cpu() / len(found)
    wanted = torch.full_like(shares, 1 / classes) if expected is None else torch.as_tensor(expected).double().cpu()
    if wanted.shape != shares.shape or not bool((wanted > 0).all()):
        raise DoesNotFit(f"The expected shares must be {classes} numbers above 0; leave empty classes out.")
    wanted = wanted / wanted.sum()
    return _modes(int((shares > 0).sum()), shares, wanted, len(found))


@part("metric")
def mixture_modes(
    samples: Features, centres: Features, deviation: float, *, weights: Labels | None = None
) -> dict[str, Score]:
    """Which modes of a known mixture of Gaussians are found, and how cleanly (as in PacGAN, arXiv:1712.04086).

    modes          those with a sample of high quality.
    high_quality   the share of samples within three deviations of a mode.
    reverse_kl     KL(samples | mixture) over modes, each sample assigned to its nearest.

    Args:
        samples: [N, D].
        centres: [K, D].
        deviation: of each coordinate about its centre.
        weights: of the modes [K]; equal by default.

    Raises:
        DoesNotFit: see `as_pair`; or the weights are not positive.
    """
    samples, centres = as_pair(samples, centres, fewest=1, names=("given", "centre"))
    near = nearest(samples, centres)
    labels, good = near.indices[:, 0], near.distances[:, 0] <= 3 * deviation
    found = mode_counts(labels, len(centres), expected=weights)
    modes = Score(float(len(labels[good].unique())), None, found["modes"].counts)
    quality = Score.mean(good.double(), counts=found["modes"].counts)
    return {"modes": modes, "high_quality": quality, "reverse_kl": found["reverse_kl"]}


@part("metric")
def intra_class_distance(
    real: Features, real_labels: Labels, fake: Features, fake_labels: Labels, *, classes: int
) -> Score:
    """The mean over classes of the Frechet distance within each (Miyato & Koyama 2018, arXiv:1802.05637).

    `parts` are the classes in order. A generator that ignores its condition can do well on FID, but not here.

    Raises:
        DoesNotFit: a class has fewer than 10 samples on either side; or see `frechet_distance`.
    """
    real, fake = as_pair(real, fake)
    labels = [
        _labels(each, classes, name=name, count=len(of)).to(of.device)
        for each, name, of in ((real_labels, "real", real), (fake_labels, "fake", fake))
    ]
    scores = []
    for each in range(classes):
        sides = real[labels[0] == each], fake[labels[1] == each]
        if min(map(len, sides)) < FEWEST:
            raise DoesNotFit(
                f"Class {each} has {len(sides[0])} real and {len(sides[1])} fake samples; give at least {FEWEST} of "
                "each, or leave the class out."
            )
        scores.append(frechet_distance(*sides))
    biased = sum(bool(score.notes) for score in scores)
    notes = (f"biased upwards: {biased} of {classes} classes have few samples for {real.shape[1]} dimensions",)
    parts = tuple(score.value for score in scores)
    return Score(
        math.fsum(parts) / classes, None, {"real": len(real), "fake": len(fake)}, notes if biased else (), parts
    )


@part("metric")
def classification_accuracy(
    fake: Features, fake_labels: Labels, real: Features, real_labels: Labels, *, classes: int, decay: float = 1e-3
) -> Score:
    """The accuracy on reals of a classifier trained on samples: CAS (Ravuri & Vinyals 2019, arXiv:1905.10887).

    The paper trains a ResNet; here it is a logistic regression on features, the same at every call, so compare only
    with figures from this function. A feature that hardly varies among samples is scaled by a tenth of its
    deviation among reals. With reals of another split in place of `fake` it gives what is attainable. The features
    must not have been learned from the labels of `real`: those tell the classes apart whatever `fake` shows.

    Args:
        fake: features [N, D] to learn from.
        fake_labels: their conditions [N], whole numbers from 0.
        real: features [M, D] to test on.
        real_labels: their classes [M].
        classes: how many there are.
        decay: weight of half the squared weights, on standardised features.

    Raises:
        DoesNotFit: a class has no fake sample; a label is out of range; or see `as_pair`.
    """
    fake, real = as_pair(fake, real, names=("fake", "real"))
    known = _labels(fake_labels, classes, name="fake", count=len(fake)).to(fake.device)
    asked = _labels(real_labels, classes, name="real", count=len(real)).to(real.device)
    missing = (torch.bincount(known, minlength=classes) == 0).nonzero()[:, 0].tolist()
    if missing:
        raise DoesNotFit(f"There is no fake sample of the classes {missing}; sample every class.")
    fake, real = fake.double(), real.double()
    mean, spread = fake.mean(0), fake.std(0)
    least = torch.maximum(real.std(0) * LEAST_SPREAD, spread.max() * 1e-6)
    learned, tested = ((each - mean) / torch.maximum(spread, least + 1e-12) for each in (fake, real))
    weight = fake.new_zeros(fake.shape[1], classes, requires_grad=True)
    bias = fake.new_zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(learned @ weight + bias, known) + decay / 2 * weight.square().sum()
        value.backward()
        return float(value.detach())

    with torch.enable_grad():
        optimizer.step(loss)
    right = ((tested @ weight.detach() + bias.detach()).argmax(1) == asked).double()
    return Score.mean(right, counts={"fake": len(fake), "real": len(real)}, notes=(LEARNED,))


@part("metric")
def retrieval_precision(
    fake: Features,
    real: Features,
    descriptions: Float[Tensor, "n k"],
    *,
    candidates: int = 100,
    own: Labels | None = None,
    seed: int = 0,
) -> Score:
    """How often a sample's features are nearest to the real picture whose description it was made from.

    It is compared with `candidates` pictures, the others of other descriptions: R-precision, as Xu et al. 2018
    (AttnGAN, arXiv:1711.10485) measure it between pictures and texts. By chance it is 1 / candidates.

    Args:
        fake: features [N, D], sample i made from the description of real picture i.
        real: features [N, D].
        descriptions: the conditions that the samples were made from [N, K].
        candidates: how many a sample chooses from; at most as many as there are.
        own: for samples that are themselves among the reals, their rows [N], so that none is offered itself.
        seed: of the choice of candidates.

    Raises:
        DoesNotFit: there are not as many of each, or fewer than 2 candidates, or see `as_pair`.
    """
    fake, real = as_pair(fake, real, names=("fake", "real"))
    descriptions = torch.as_tensor(descriptions)
    if not len(fake) == len(real) == len(descriptions):
        raise DoesNotFit(
            f"One sample per real picture and description, not {len(fake)}, {len(real)}, {len(descriptions)}."
        )
    mean = real.mean(0)
    near = torch.nn.functional.normalize(fake - mean) @ torch.nn.functional.normalize(real - mean).T
    same = descriptions.unique(dim=0, return_inverse=True)[1].to(near.device)
    offered = same[:, None] != same
    if own is not None:
        offered[torch.arange(len(fake)), torch.as_tensor(own)] = False
    if candidates < 2:
        raise DoesNotFit(f"There is nothing to choose from with `candidates={candidates}`: give at least 2.")
    others = min(candidates - 1, int(offered.sum(1).min()))
    if others < 1:
        raise DoesNotFit("All of these pictures have the same description, so there is nothing to choose from.")
    lots = torch.rand(offered.shape, generator=torch.Generator().manual_seed(seed)).to(near.device)
    drawn = lots.masked_fill(~offered, -1.0).topk(others, dim=1).indices
    right = (near.diagonal()[:, None] > near.gather(1, drawn)).all(1).double()
    counts = {"asked": len(fake), "candidates": others + 1}
    return Score.mean(right, counts=counts, notes=(f"by chance it is {1 / (others + 1):.3g}",))


def _labels(values: Labels, classes: int, *, name: str, count: int | None = None) -> Int64[Tensor, " n"]:
    """Labels as whole numbers in [0, classes), one for each sample."""
    found = torch.as_tensor(values)
    if found.dim() != 1 or not len(found) or (count is not None and len(found) != count):
        wanted = count or "[N]"
        raise DoesNotFit(f"The {name} labels have shape {list(found.shape)}; one per sample is needed, {wanted}.")
    if found.is_floating_point() or found.is_complex() or int(found.min()) < 0 or int(found.max()) >= classes:
        raise DoesNotFit(f"The {name} labels must be whole numbers from 0 to {classes - 1}.")
    return found.long()


def _modes(found: int, shares: Float[Tensor, " k"], wanted: Float[Tensor, " k"], count: int) -> dict[str, Score]:
    divergence = float(torch.special.xlogy(shares, shares / wanted).sum())
    by_chance = (len(shares) - 1) / (2 * count)  # Miller 1955: the bias of a plug-in entropy, to first order
    note = f"a perfect sampler would have about {by_chance:.2g} with so many samples"
    counts = {"fake": count, "classes": len(shares)}
    return {
        "modes": Score(float(found), None, counts),
        "reverse_kl": Score(max(divergence, 0.0), None, counts, (note,)),
    }
