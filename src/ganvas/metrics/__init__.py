"""Metrics of sample quality, as reported in papers: functions of features, logits, labels or callables.

    real, fake = Statistics.of(features), RunningStatistics()
    frechet_distance(real, fake.statistics()).value

In: numbers of samples; out: `Score`s. Features are [N, D], NumPy or torch. Each function returns a `Score`, or several
by name: the value, its standard error where an honest one is known, the counts, and notes that a reader has to see. A
Frechet or kernel distance is called FID or KID only on the features of the Inception network for which those were
defined. The files of this room import core alone; features/ imports data too.

    score.py        the result type of metrics, and checks of their features
    frechet.py      mean and covariance in one pass; the Frechet distance
    kernel.py       the kernel distance with its error; the Vendi score
    neighbours.py   precision, recall, density, coverage, nearest pictures, memorisation
    classes.py      Inception score, modes, distance within classes, accuracy, retrieval
    paths.py        perceptual path length
    auc.py          the area under the ROC curve with its interval
    features/       pictures -> the features that metrics compare
"""

from .classes import (
    classification_accuracy,
    inception_score,
    intra_class_distance,
    mixture_modes,
    mode_counts,
    retrieval_precision,
)
from .frechet import RunningStatistics, Statistics, frechet_at_infinity, frechet_distance
from .kernel import kernel_distance, kernel_distance_of_subsets, vendi_score
from .neighbours import Neighbours, density_coverage, manifold_scores, memorisation, nearest, precision_recall
from .paths import perceptual_path_length
from .score import Features, Labels, Score

__all__ = [
    "Features",
    "Labels",
    "Neighbours",
    "RunningStatistics",
    "Score",
    "Statistics",
    "classification_accuracy",
    "density_coverage",
    "frechet_at_infinity",
    "frechet_distance",
    "inception_score",
    "intra_class_distance",
    "kernel_distance",
    "kernel_distance_of_subsets",
    "manifold_scores",
    "memorisation",
    "mixture_modes",
    "mode_counts",
    "nearest",
    "perceptual_path_length",
    "precision_recall",
    "retrieval_precision",
    "vendi_score",
]
