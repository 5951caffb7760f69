"""Metrics: closed forms, naive twins, conventions, refusals, and figures that the packages of reference made.

tests/golden/metrics_references.json was made by `python -m benchmarks.cross_check_metrics`.
"""

import importlib.util
import itertools
import json
import math
import re
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from ganvas import GanvasError, metrics
from ganvas.data.sources.toys import Grid25, Ring
from ganvas.metrics import frechet, kernel, neighbours
from ganvas.metrics.score import as_features, better

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "metrics_references.json").read_text())


def script():
    """The script that made the figures of reference; not by its name, so that it is found from wherever pytest runs."""
    spec = importlib.util.spec_from_file_location("made_references", ROOT / "benchmarks" / "cross_check_metrics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PEERS = script()


def normal(count, dimensions, seed=0, *, scale=1.0, shift=0.0):
    return np.random.default_rng([seed, 7]).standard_normal((count, dimensions)) * scale + shift


def clusters(count, centres, seed=0, scale=0.3):
    """Samples about each of some centres in 8 dimensions, and which they belong to."""
    dice = np.random.default_rng([seed, 8])
    labels = np.repeat(np.arange(centres), count)
    places = 4 * np.eye(8)[:centres]
    return places[labels] + scale * dice.standard_normal((len(labels), 8)), labels


@pytest.mark.parametrize("name", PEERS.SETS)
def test_frechet_distance_equals_the_references(name):
    real, fake = PEERS.draw(name)
    value = metrics.frechet_distance(real, fake).value
    for package in ("torch-fidelity", "pytorch-fid", "clean-fid"):
        expected = GOLDEN[name][f"frechet {package}"]
        if len(fake) > fake.shape[1]:
            assert value == pytest.approx(expected, abs=1e-9), package
        else:  # theirs carries the rounding of a singular matrix
            assert value == pytest.approx(expected, rel=2e-6), package


@pytest.mark.parametrize("name", PEERS.SETS)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_kernel_distance_of_subsets_equals_torch_fidelity(name, kind):
    real, fake = (each.astype(kind) for each in PEERS.draw(name))
    score = metrics.kernel_distance_of_subsets(real, fake, subsets=30, size=min(len(real), len(fake)) // 2)
    expected = GOLDEN[name][f"kernel torch-fidelity {kind}"]
    # Where kernels of 100 are summed in float32, theirs is off from their own float64 by 6e-8.
    assert [score.value, score.spread] == pytest.approx(expected, abs=1e-6 if kind == "float32" else 1e-12)


def test_subsets_one_by_one_and_at_once_agree(monkeypatch):
    monkeypatch.setattr(kernel, "TILE", 64)
    real, fake = normal(200, 3), normal(150, 3, 1)
    few, many = (metrics.kernel_distance_of_subsets(real, fake, subsets=times, size=60) for times in (2, 40))
    assert few.parts == pytest.approx(many.parts[:2], abs=1e-12)


def test_kernel_distance_equals_clean_fid():
    real, fake = (each.astype(float) for each in PEERS.draw("wide"))
    assert metrics.kernel_distance(real, fake).value == pytest.approx(GOLDEN["wide"]["kernel clean-fid"], abs=1e-12)


@pytest.mark.parametrize("name", PEERS.SETS)
def test_neighbours_equal_the_references(name):
    real, fake = PEERS.draw(name)
    ours = {key: score.value for key, score in metrics.manifold_scores(real, fake).items()}
    expected = GOLDEN[name]["neighbours torch-fidelity"]
    assert {key: ours[key] for key in expected} == pytest.approx(expected, abs=1e-7)  # theirs is a float32
    at_five = {key: score.value for key, score in metrics.manifold_scores(real, fake, k=5, density_k=5).items()}
    assert at_five == pytest.approx(GOLDEN[name]["neighbours prdc"], abs=1e-12)
    assert {**metrics.precision_recall(real, fake), **metrics.density_coverage(real, fake)}.keys() == ours.keys()


@pytest.mark.parametrize(("seed", "name"), [(2020, "inception shuffled True"), (None, "inception shuffled False")])
def test_inception_score_equals_torch_fidelity(seed, name):
    score = metrics.inception_score(PEERS.draw_logits(), seed=seed)
    assert [score.value, score.spread] == pytest.approx(GOLDEN[name], abs=1e-12)


def test_frechet_distance_of_known_gaussians():
    """For commuting covariances it is |mu1 - mu2|^2 + the squared differences of the deviations."""
    turn, _ = np.linalg.qr(normal(6, 6))
    deviations = np.array([[1, 2, 0.5, 3, 0, 1e-3], [2, 2, 1.5, 0.25, 0, 1]])
    shift = np.arange(6) / 10
    pair = [
        metrics.Statistics(torch.from_numpy(mean), torch.from_numpy(turn * deviation**2 @ turn.T), 50_000)
        for mean, deviation in zip((0 * shift, shift), deviations, strict=True)
    ]
    expected = (shift**2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert metrics.frechet_distance(*pair).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("count", "dimensions"), [(300, 12), (40, 120)])
def test_forms_of_the_frechet_distance_agree(count, dimensions):
    """From features, from statistics, and from one of each, with fewer samples than dimensions or more."""
    real, fake = normal(count, dimensions), normal(count + 5, dimensions, 1, scale=1.3, shift=0.2)
    forms = itertools.product(*((each, metrics.Statistics.of(each)) for each in (real, fake)))
    values = [metrics.frechet_distance(*form).value for form in forms]
    assert values == pytest.approx([values[0]] * 4, rel=1e-9)
    assert metrics.frechet_distance(fake, real).value == pytest.approx(values[0], rel=1e-9)
    shifted = metrics.frechet_distance(real, real + 0.5)
    assert shifted.value == pytest.approx(0.25 * dimensions, rel=1e-8)


def test_a_fast_sum_of_roots_knows_when_it_is_not_good_enough(monkeypatch):
    dice = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(60, 60, generator=dice, dtype=torch.float64)).Q for _ in range(2))
    for low in (-3, -13):
        roots = torch.logspace(0, low, 60, dtype=torch.float64)
        found = frechet._sum_of_roots(left * roots @ right.T)
        assert float(found) == pytest.approx(float(roots.sum()), rel=1e-12)
    monkeypatch.setattr(torch.linalg, "svdvals", None)
    frechet._sum_of_roots(left * torch.logspace(0, -3, 60, dtype=torch.float64) @ right.T)
    with pytest.raises(TypeError):
        frechet._sum_of_roots(left * torch.logspace(0, -13, 60, dtype=torch.float64) @ right.T)


def test_kernel_distance_is_its_formula():
    real, fake = normal(13, 3), normal(11, 3, 1, scale=1.4)

    def kernel(x, y):
        return (float(x @ y) / 3 + 1) ** 3

    def mmd(xs, ys):
        inside = [kernel(x, other) for i, x in enumerate(xs) for j, other in enumerate(xs) if i != j]
        outside = [kernel(y, other) for i, y in enumerate(ys) for j, other in enumerate(ys) if i != j]
        return np.mean(inside) + np.mean(outside) - 2 * np.mean([kernel(x, y) for x in xs for y in ys])

    score = metrics.kernel_distance(real, fake, rows=4)
    assert score.value == pytest.approx(mmd(real, fake), abs=1e-12)
    without = [
        [mmd(np.delete(real, i, 0), fake) for i in range(13)],
        [mmd(real, np.delete(fake, i, 0)) for i in range(11)],
    ]
    jackknife = math.sqrt(sum(np.var(each) * (len(each) - 1) for each in without))
    assert score.error == pytest.approx(jackknife, rel=1e-9)


def test_inception_scores_at_both_ends():
    assert metrics.inception_score(np.zeros((100, 7))).value == pytest.approx(1, abs=1e-12)
    sure = 1e4 * np.eye(5, 9)[np.arange(100) % 5]  # 4 of 9 classes never come up
    assert metrics.inception_score(sure, seed=None).value == pytest.approx(5, abs=1e-9)


def test_vendi_scores_at_both_ends():
    assert metrics.vendi_score(np.ones((9, 4))).value == pytest.approx(1, abs=1e-9)
    assert metrics.vendi_score(3 * np.eye(9, 20)).value == pytest.approx(9, abs=1e-9)
    assert metrics.vendi_score(np.repeat(np.eye(4), [5, 5, 5, 5], axis=0)).value == pytest.approx(4, abs=1e-9)
    tall = normal(50, 6)
    wide = np.pad(tall, ((0, 0), (0, 100)))  # the other way round of the product
    assert metrics.vendi_score(tall).value == pytest.approx(metrics.vendi_score(wide).value, abs=1e-9)


@pytest.mark.parametrize("dimensions", [2, 200])
def test_neighbours_against_all_distances(dimensions):
    queries, references = normal(40, dimensions).astype(np.float32), normal(70, dimensions, 1).astype(np.float32)
    every = np.sqrt(np.square(queries[:, None].astype(float) - references).sum(2))
    found = metrics.nearest(queries, references, 4, rows=16)
    assert found.indices.tolist() == every.argsort(axis=1)[:, :4].tolist()
    assert found.distances.numpy() == pytest.approx(np.sort(every, axis=1)[:, :4], rel=1e-12)
    own = metrics.nearest(queries, queries, 2, rows=16)
    assert own.indices[:, 0].tolist() == list(range(40))
    assert own.distances[:, 0].tolist() == [0] * 40


def test_balls_are_closed_for_precision_and_open_for_density():
    """The last of 20 points on a line reaches 3 to its third neighbour and 5 to its fifth."""
    line = np.arange(20.0)[:, None]

    def at(place):
        found = metrics.manifold_scores(line, np.full((10, 1), place))
        return found["precision"].value, found["density"].value

    assert at(22.0) == (1, 0.2)  # on the ball of 18 and within that of 19, of five neighbours
    assert at(21.999)[1] == 0.4
    assert at(22.001)[0] == 0
    assert at(24.0) == (0, 0)
    assert at(23.999)[1] == 0.2
    swapped = metrics.manifold_scores(np.full((10, 1), 22.0), line)
    assert (swapped["recall"].value, swapped["coverage"].value) == (1, 0)
    assert metrics.manifold_scores(np.full((10, 1), 22.001), line)["recall"].value == 0


def test_neighbours_nearer_than_float32_can_tell():
    """Far from the origin and from each other's centre, with differences below the rounding of float32 products."""
    dice = np.random.default_rng(0)
    far = np.where(np.arange(300)[:, None] % 2, 1000.0, -1000.0)
    points = far + dice.standard_normal((300, 160)) * 1e-3
    every = np.sqrt(np.square(points[:, None] - points).sum(2))
    found = metrics.nearest(points, points, 5, rows=64)
    assert found.indices.tolist() == every.argsort(axis=1)[:, :5].tolist()
    scores = metrics.manifold_scores(points, points[::-1].copy() + 1e-5, k=3, rows=64)
    apart = np.sqrt(np.square(points[:, None] - (points[::-1] + 1e-5)).sum(2))
    reach = np.sort(every, axis=1)
    assert scores["precision"].value == (apart <= reach[:, 3, None]).any(0).mean()
    assert scores["density"].value == pytest.approx((apart < reach[:, 5, None]).sum(0).mean() / 5)


@pytest.mark.parametrize("noise", [0, 1e-6])
def test_a_collapse_is_measured_as_fast_as_anything(noise, monkeypatch):
    """Where float32 products cannot tell samples apart, float64 ones do; single pairs stay the exception."""
    real, fake = 100 + normal(300, 160), np.full((300, 160), 100.0) + normal(300, 160, 1, scale=noise)
    pairs = []
    exact = neighbours._Screen.exact
    monkeypatch.setattr(neighbours._Screen, "exact", lambda self, i, j: pairs.append(len(i)) or exact(self, i, j))
    found = metrics.manifold_scores(fake, np.concatenate([fake[:150] + 0.1 * noise, real[:150]]))
    assert found["precision"].value == 0.5
    assert not noise or sum(pairs) < 30 * 300
    pairs.clear()
    assert metrics.nearest(fake, fake, 4).distances.numpy() == pytest.approx(
        np.sort(np.sqrt(np.square(fake[:, None] - fake).sum(2)), axis=1)[:, :4], rel=1e-9
    )
    assert sum(pairs) < 15 * 300


@pytest.mark.parametrize("dimensions", [2, 64])
def test_numbers_of_float32_give_what_they_give_as_float64(dimensions):
    """Copies and equal distances, where the last bit decides."""
    real = np.round(normal(300, dimensions), 1).astype(np.float32) + np.float32(7)
    fake = np.concatenate([real[:150], np.round(normal(150, dimensions, 1), 1).astype(np.float32) + np.float32(7)])
    single, double = (metrics.manifold_scores(fake.astype(kind), real.astype(kind)) for kind in ("f4", "f8"))
    assert {name: score.value for name, score in single.items()} == {k: score.value for k, score in double.items()}
    plain = normal(300, dimensions).astype(np.float32)
    assert metrics.manifold_scores(plain, plain.copy())["density"].value == 1
    near = metrics.nearest(fake, real, 5)
    assert torch.equal(near.indices, metrics.nearest(fake.astype("f8"), real.astype("f8"), 5).indices)


@pytest.mark.parametrize("dimensions", [100, 1500])
def test_a_screen_is_never_off_by_more_than_it_says(dimensions):
    points = torch.from_numpy(np.abs(normal(200, dimensions)).astype(np.float32))
    screen = neighbours._Screen(points[:50], points, 4096)
    lower, upper = screen.tile(slice(0, 50), slice(0, 200)).bounds
    every = (points[:50, None].double() - points).square().sum(2)
    assert bool((lower < every).all())
    assert bool((every < upper).all())
    assert float((upper - lower).max()) < 1e-3 * float(every.mean())


def test_path_length_of_a_linear_generator():
    """For G(z) = s z and the identity, slerp moves by |z| * angle, so a step's squared length is s^2 (|z| angle)^2."""
    dice = torch.Generator().manual_seed(0)
    drawn = []

    def draw(count):
        z = torch.randn(count, 16, generator=dice, dtype=torch.float64)
        drawn.append(z / z.norm(dim=1, keepdim=True))
        return drawn[-1]

    score = metrics.perceptual_path_length(lambda z: 3 * z, lambda x: x, draw, paths=1000, batch=300)
    first, last = torch.cat(drawn[::2]), torch.cat(drawn[1::2])
    expected = (3 * (first * last).sum(1).acos()).square().numpy()
    low = np.percentile(expected, 1, method="lower")
    high = np.percentile(expected, 99, method="higher")
    kept = expected[(low <= expected) & (expected <= high)]
    assert 970 <= len(kept) <= 990
    assert score.value == pytest.approx(kept.mean(), rel=1e-6)
    winsorised = expected.clip(low, high).std(ddof=1) / (len(kept) / 1000)
    assert score.error == pytest.approx(winsorised / math.sqrt(1000), rel=1e-6)
    smooth = metrics.perceptual_path_length(lambda z: z * 0 + 1, lambda x: x, draw, paths=100, ends=True)
    assert smooth.value == 0


def test_the_error_of_path_lengths_counts_the_longest_that_their_mean_leaves_out():
    def measure(seed):
        dice = torch.Generator().manual_seed(seed)

        def draw(count):
            z = torch.randn(count, 9, generator=dice, dtype=torch.float64)
            return z[:, 1:] * z[:, :1].exp()  # some far longer than others

        return metrics.perceptual_path_length(lambda z: z, lambda x: x, draw, paths=400, batch=400, seed=seed)

    _, seen, told = spread(measure, 200)
    assert told == pytest.approx(seen, rel=0.15)


def test_modes_by_label():
    found = metrics.mode_counts([0, 0, 1, 1], 4)
    assert (found["modes"].value, found["reverse_kl"].value) == pytest.approx((2, math.log(2)))
    expected = metrics.mode_counts(torch.tensor([0, 0, 0, 1]), 2, expected=[3, 1])
    assert expected["reverse_kl"].value == pytest.approx(0, abs=1e-12)
    skewed = metrics.mode_counts([0, 0, 0, 1], 2, expected=[0.25, 0.75])
    assert skewed["reverse_kl"].value == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1 / 3))


def test_a_perfect_sampler_has_the_divergence_that_the_note_says():
    dice = np.random.default_rng(0)
    found = [metrics.mode_counts(dice.integers(100, size=2600), 100)["reverse_kl"] for _ in range(50)]
    expected = float(re.search(r"about ([\d.]+)", found[0].notes[0])[1])
    assert np.mean([score.value for score in found]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("toy", [Ring(count=2500), Grid25(count=2500)])
def test_modes_of_the_toys(toy):
    data = toy.open().samples
    found = metrics.mixture_modes(data, toy.modes, toy.deviation)
    assert found["modes"].value == len(toy.modes)
    assert found["high_quality"].value == pytest.approx(1 - math.exp(-4.5), abs=0.006)  # of a Gaussian in the plane
    assert found["reverse_kl"].value < 0.02
    one = metrics.mixture_modes(np.repeat(toy.modes[:1], 20, axis=0), toy.modes, toy.deviation)
    assert one["modes"].value == 1
    assert one["reverse_kl"].value == pytest.approx(math.log(len(toy.modes)))
    astray = metrics.mixture_modes(np.full((20, 2), 0.5), toy.modes, toy.deviation)
    assert (astray["modes"].value, astray["high_quality"].value) == (0, 0)


def test_classification_accuracy_is_that_of_logistic_regression():
    real, labels = clusters(100, 5, scale=1.8)
    fake, fake_labels = clusters(80, 5, 1, scale=2.0)
    score = metrics.classification_accuracy(fake, fake_labels, real, labels, classes=5)
    mean, deviation = fake.mean(0), fake.std(0, ddof=1)
    peer = LogisticRegression(C=1 / (1e-3 * len(fake)), tol=1e-8, max_iter=1000)
    peer.fit((fake - mean) / deviation, fake_labels)
    assert score.value == pytest.approx(peer.score((real - mean) / deviation, labels), abs=1e-12)
    assert 0.5 < score.value < 0.99
    swapped = metrics.classification_accuracy(fake, (fake_labels + 1) % 5, real, labels, classes=5)
    assert swapped.value < 0.2
    more = normal(len(real), 1, 2)  # of which the samples show next to nothing
    for constant in (np.full((len(fake), 1), 0.1), np.eye(len(fake), 1) * 1e-3):
        told = (
            np.concatenate([fake, constant], 1),
            fake_labels,
            np.concatenate([real, constant[:1] + more], 1),
            labels,
        )
        for kind in (np.float32, np.float64):
            known = metrics.classification_accuracy(
                told[0].astype(kind), told[1], told[2].astype(kind), labels, classes=5
            )
            assert known.value == pytest.approx(score.value, abs=0.03)


def test_identical_sets():
    real = normal(400, 10)
    assert metrics.frechet_distance(real, real.copy()).value == pytest.approx(0, abs=1e-10)
    score = metrics.kernel_distance(real, normal(400, 10, 1))
    assert abs(score.value) < 4 * score.error
    found = metrics.manifold_scores(real, real.copy())
    assert (found["precision"].value, found["recall"].value, found["coverage"].value) == (1, 1, 1)
    few = normal(30, 200)
    assert metrics.frechet_distance(few, few.copy()).value == pytest.approx(0, abs=1e-10)


def test_a_tight_cluster_is_precise_and_recalls_little():
    real = normal(500, 4)
    tight = normal(500, 4, 1, scale=0.05)
    found = metrics.manifold_scores(real, tight)
    assert found["precision"].value > 0.95
    assert found["recall"].value < 0.05
    assert found["coverage"].value < 0.2
    swapped = metrics.manifold_scores(tight, real)
    assert swapped["precision"].value < 0.05
    assert swapped["recall"].value > 0.95


def test_a_dropped_class_is_missed_by_recall_and_coverage():
    real, _ = clusters(100, 5)
    fake, labels = clusters(100, 5, 1)
    whole, less = (metrics.manifold_scores(real, each) for each in (fake, fake[labels != 0]))
    for name in ("recall", "coverage"):
        assert less[name].value < whole[name].value - 0.15, name
    assert less["precision"].value > whole["precision"].value - 0.05


@pytest.mark.parametrize("change", ["noise", "smoothing", "another cluster", "shift"])
def test_distances_grow_as_samples_get_worse(change):
    dice = np.random.default_rng(5)
    real, fake = (np.cumsum(normal(600, 12, seed), axis=1) for seed in (0, 1))
    other = 3 + dice.standard_normal(fake.shape)
    noise = dice.standard_normal(fake.shape)
    worse = {
        "noise": lambda much: fake + much * noise,
        "smoothing": lambda much: fake - much * (fake - fake.mean(1, keepdims=True)),
        "another cluster": lambda much: np.concatenate([fake[: round(600 * (1 - much))], other[: round(600 * much)]]),
        "shift": lambda much: fake + much,
    }[change]
    for distance in (metrics.frechet_distance, metrics.kernel_distance):
        values = [distance(real, worse(much)).value for much in (0, 0.25, 0.5, 0.75, 1)]
        assert values == sorted(values), distance.__name__
        assert values[-1] > values[0] + 0.1


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_the_device_changes_nothing(device):
    if not getattr(torch, device).is_available():
        pytest.skip(f"This machine has no {device}.")
    sets = [torch.from_numpy(normal(130, 20, seed)).float() for seed in (1, 2)]
    here, there = sets, [each.to(device) for each in sets]

    def figures(real, fake):
        scores = metrics.manifold_scores(real, fake) | metrics.memorisation(real, fake[:50], fake[50:])
        scores |= {each.__name__: each(real, fake) for each in (metrics.frechet_distance, metrics.kernel_distance)}
        scores |= {each.__name__: each(fake) for each in (metrics.vendi_score, metrics.inception_score)}
        return {name: score.value for name, score in scores.items()}

    assert figures(*there) == pytest.approx(figures(*here), rel=1e-5)


def test_order_and_chunks_change_nothing():
    real, fake = normal(157, 6).astype(np.float32), normal(130, 6, 1, scale=0.8).astype(np.float32)
    order = np.random.default_rng(0).permutation(130)
    once = metrics.manifold_scores(real, fake)
    for name, score in metrics.manifold_scores(real, fake[order], rows=17).items():
        assert (score.value, score.error) == pytest.approx((once[name].value, once[name].error), rel=1e-12), name
    kernel = metrics.kernel_distance(real, fake)
    other = metrics.kernel_distance(real, fake[order], rows=17)
    assert (other.value, other.error) == pytest.approx((kernel.value, kernel.error), abs=1e-7)
    distance = metrics.frechet_distance(real, fake[order]).value
    assert distance == pytest.approx(metrics.frechet_distance(real, fake).value, abs=1e-10)
    assert metrics.frechet_distance(torch.from_numpy(real), torch.from_numpy(fake)) == metrics.frechet_distance(
        real, fake
    )


@pytest.mark.parametrize("size", [1, 7, 100])
def test_statistics_in_batches_and_parts(size):
    features = (1e4 + normal(100, 150)).astype(np.float32)  # where a sum of squares would lose all digits in float32
    running, rest = metrics.RunningStatistics(), metrics.RunningStatistics()
    for batch in np.split(features[:60], range(size, 60, size)):
        running.add(batch)
    rest.add(torch.from_numpy(features[60:]))
    running.merge(rest)
    running.merge(metrics.RunningStatistics())
    running.add(features[:0])
    found = running.statistics()
    assert found.count == 100
    assert torch.equal(found.covariance, found.covariance.T)
    assert found.mean.numpy() == pytest.approx(features.astype(float).mean(0), rel=1e-14)
    assert found.covariance.numpy() == pytest.approx(np.cov(features.astype(float), rowvar=False), abs=1e-10)
    empty = metrics.RunningStatistics()
    empty.merge(rest)
    assert torch.equal(empty.statistics().covariance, rest.statistics().covariance)


@pytest.mark.parametrize("scale", [1e4, float("nan")])
def test_path_lengths_may_be_large_and_not_nan(scale):
    with nullcontext() if scale == 1e4 else pytest.raises(GanvasError, match="path lengths are NaN"):
        found = metrics.perceptual_path_length(
            lambda z: scale * z, lambda x: x, lambda count: torch.randn(count, 4), paths=100
        )
        assert found.value > 1e6


def test_statistics_in_files(tmp_path):
    found = metrics.Statistics.of(normal(50, 6))
    found.save(tmp_path / "ours.npz")
    again = metrics.Statistics.load(tmp_path / "ours.npz")
    found.save(tmp_path / "a folder" / "stats")
    assert metrics.Statistics.load(tmp_path / "a folder" / "stats").count == 50
    assert torch.equal(again.mean, found.mean)
    assert torch.equal(again.covariance, found.covariance)
    assert again.count == 50
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as file:
        np.savez_compressed(tmp_path / "theirs.npz", mu=file["mu"], sigma=file["sigma"])  # as pytorch-fid does
    theirs = metrics.Statistics.load(tmp_path / "theirs.npz")
    score = metrics.frechet_distance(theirs, found)
    assert score.value == pytest.approx(0, abs=1e-12)
    assert score.counts == {"fake": 50}
    assert "not known of how many real" in score.notes[0]


def spread(measure, times=60):
    scores = [measure(seed) for seed in range(times)]
    values = np.array([score.value for score in scores])
    return values.mean(), values.std(ddof=1), np.mean([score.error for score in scores])


def test_the_error_of_the_frechet_distance():
    real_turn, fake_turn = np.random.default_rng(2).standard_normal((2, 5, 5))

    def measure(seed):
        return metrics.frechet_distance(normal(500, 5, seed) @ real_turn, normal(700, 5, seed + 1000) @ fake_turn + 0.3)

    _, seen, told = spread(measure)
    assert told == pytest.approx(seen, rel=0.25)


def test_the_error_of_the_kernel_distance():
    def apart(seed):
        return metrics.kernel_distance(normal(80, 5, seed), normal(60, 5, seed + 1000, scale=1.2, shift=0.3))

    def alike(seed):
        return metrics.kernel_distance(normal(80, 5, seed), normal(60, 5, seed + 1000))

    _, seen, told = spread(apart)
    assert told == pytest.approx(seen, rel=0.25)
    mean, seen, told = spread(alike)
    assert abs(mean) < 3 * seen / math.sqrt(60)  # unbiased
    assert 0.9 * seen < told < 2 * seen


def test_few_samples_state_their_bias():
    score = metrics.frechet_distance(normal(20, 30), normal(40, 30, 1))
    assert score.error is None
    assert len(score.notes) == 1
    assert "biased upwards: 20 real samples for 30 dimensions" in score.notes[0]
    assert score.value > metrics.frechet_distance(normal(200, 30), normal(400, 30, 1)).value


def test_a_bias_above_the_error_is_said_however_many_samples_there_are():
    """Of samples of one distribution the distance is all bias."""
    scores = [
        metrics.frechet_distance(normal(1300, 64, seed), normal(1300, 64, seed + 100)) for seed in range(4)
    ]  # 20 for each dimension
    for score in scores:
        assert score.value > 10 * score.error
        (said,) = (float(re.search(r"biased upwards by some (\S+) or more", note)[1]) for note in score.notes)
        assert said == pytest.approx(score.value, rel=0.15)
    falling = np.geomspace(1, 0.01, 64)
    score = metrics.frechet_distance(normal(1300, 64) * falling, normal(1300, 64, 1) * falling)
    said = float(re.search(r"some (\S+) or more", score.notes[0])[1])
    assert score.value / 3 < said < score.value


def test_endless_samples_take_the_bias_away():
    plain, endless = (
        [measure(normal(400, 8, seed), normal(400, 8, seed + 1000)).value for seed in range(12)]
        for measure in (metrics.frechet_distance, metrics.frechet_at_infinity)
    )
    assert np.mean(plain) > 0.04
    assert abs(np.mean(endless)) < 0.25 * np.mean(plain)


def test_memorisation_is_seen():
    training, held_out = normal(300, 6), normal(200, 6, 1)
    fresh = metrics.memorisation(training, held_out, normal(250, 6, 2))
    assert abs(fresh["memorisation"].value - 0.5) < 3 * fresh["memorisation"].error
    assert abs(fresh["copying"].value) < 3
    copies = training[:250] + normal(250, 6, 3, scale=0.02)
    copied = metrics.memorisation(training, held_out, copies)
    assert copied["memorisation"].value > 0.95
    assert copied["copying"].value < -10
    assert copied["authenticity"].value < 0.05 < 0.3 < fresh["authenticity"].value
    usual = float(fresh["authenticity"].notes[0].split()[-1])
    assert abs(fresh["authenticity"].value - usual) < 0.15
    half = metrics.memorisation(training, held_out, np.concatenate([copies[:125], normal(125, 6, 4)]))
    assert half["memorisation"].value == pytest.approx(0.75, abs=0.06)
    far = metrics.memorisation(training, held_out, normal(250, 6, 5, scale=5))
    assert far["memorisation"].value < 0.1
    leaked = metrics.memorisation(training, training[:20], copies)
    assert "20 of the held-out pictures are in the training set" in leaked["memorisation"].notes[0]


def test_the_error_of_memorisation():
    def measure(seed):
        training, held_out, fake = (normal(60, 3, 10 * seed + part) for part in range(3))
        return metrics.memorisation(training, held_out, fake)["memorisation"]

    _, seen, told = spread(measure, 80)
    assert told == pytest.approx(seen, rel=0.3)


def test_the_error_of_copying_is_one_only_without_any():
    def measure(seed, copied):
        dice = np.random.default_rng(seed)
        training, held_out, fake = (normal(150, 8, 10 * seed + part) for part in range(3))
        fake = training[dice.permutation(150)] + normal(150, 8, 10 * seed + 3, scale=0.3) if copied else fake
        return metrics.memorisation(training, held_out, fake)["copying"]

    for copied, low, high in ((False, 0.85, 1.2), (True, 0.1, 0.75)):
        _, seen, told = spread(partial(measure, copied=copied), 60)
        assert low < told < high
        assert told == pytest.approx(seen, rel=0.35)


def test_no_density_is_not_known_for_sure():
    far = metrics.density_coverage(normal(50, 4), normal(50, 4, 1) + 100)["density"]
    assert far.value == 0
    assert far.error > 0


def test_the_error_of_the_vendi_score_and_what_it_hangs_on():
    def measure(seed):
        return metrics.vendi_score(np.maximum(normal(400, 16, seed) + 0.5, 0.01))

    _, seen, told = spread(measure)
    assert told == pytest.approx(seen, rel=0.25)
    assert metrics.vendi_score(normal(10, 16)).error is None
    score = metrics.vendi_score(normal(400, 256, shift=0.5), normal(100, 256, 1, shift=0.5))
    alone, reals = metrics.vendi_score(normal(400, 256, shift=0.5)), metrics.vendi_score(normal(100, 256, 1, shift=0.5))
    assert score.value == alone.value > 1.5 * reals.value, "of one distribution"
    told, ours = map(
        float, re.search(r"of 100 reals it is (\S+), and of as many samples (\S+)", score.notes[1]).groups()
    )
    assert told == pytest.approx(reals.value, rel=1e-3)
    assert ours == pytest.approx(told, rel=0.1)
    assert len(metrics.vendi_score(normal(40, 4), np.zeros((40, 4))).notes) == 1


def test_figures_that_noise_has_the_highest_of_are_not_better_the_higher():
    training, held_out = normal(100, 4), normal(100, 4, 1)
    noise = metrics.memorisation(training, held_out, normal(100, 4, 2, scale=50))
    assert noise["authenticity"].value > 0.95
    assert "higher" not in {better("authenticity"), better("vendi")}


def test_the_error_of_density_counts_the_choice_of_both_sets():
    def measure(seed):
        return metrics.density_coverage(normal(200, 8, seed), normal(200, 8, seed + 1000))["density"]

    _, seen, told = spread(measure)
    assert told == pytest.approx(seen, rel=0.2)


def test_a_set_against_itself_is_as_against_its_copy():
    """More samples than one tile of distances holds."""
    found, wanted = (metrics.manifold_scores(LARGE, other, rows=64) for other in (LARGE, LARGE.copy()))
    assert {name: score.value for name, score in found.items()} == {name: score.value for name, score in wanted.items()}
    for distance in (metrics.kernel_distance, partial(metrics.kernel_distance_of_subsets, subsets=3, size=40)):
        assert distance(LARGE, LARGE) == distance(LARGE, LARGE.copy())


def test_what_hangs_on_the_number_of_samples_is_said():
    def notes(score):
        return " ".join(score.notes)

    few, many = metrics.frechet_distance(normal(200, 12), normal(200, 12, 1)), 21 * 12
    assert "200 samples for 12 dimensions" in notes(few)
    assert notes(metrics.frechet_distance(normal(many, 12), normal(many, 12, 1, shift=5))) == ""
    assert "cannot exceed 20" in notes(metrics.inception_score(normal(200, 5)))
    assert notes(metrics.inception_score(normal(600, 5))) == ""
    assert "on both sides" in notes(metrics.kernel_distance(LARGE, LARGE[:150]))
    assert notes(metrics.kernel_distance(LARGE, normal(150, 12, 1))) == ""
    found = metrics.manifold_scores(LARGE, LARGE[:50])
    assert "balls as they are" in notes(found["density"])
    for name, own, other in (
        ("precision", "fakes", "reals"),
        ("recall", "reals", "fakes"),
        ("coverage", "reals", "fakes"),
    ):
        assert f"the choice of the {own} alone" in notes(found[name])
        assert f"by more where the {other} are fewer" in notes(found[name])


def test_errors_of_shares_are_too_small_as_their_notes_say():
    """Not only where samples are few: what they leave out is the choice of the other set."""

    def measure(seed, *, name, real, fake):
        return metrics.manifold_scores(normal(real, 16, seed), normal(fake, 16, seed + 1000, scale=0.8))[name]

    for name, real, fake in (("recall", 400, 50), ("precision", 50, 400)):
        _, seen, told = spread(partial(measure, name=name, real=real, fake=fake), 40)
        assert 1.4 < seen / told < 4
    _, seen, told = spread(partial(measure, name="recall", real=400, fake=400), 40)
    assert 1 < seen / told < 1.6


def test_the_accuracy_of_a_classifier_of_few_samples_is_less_certain_than_its_error():
    def measure(seed):
        (fake, labels), (real, known) = clusters(8, 5, seed, scale=1.8), clusters(300, 5, seed + 1000, scale=1.8)
        return metrics.classification_accuracy(fake, labels, real, known, classes=5)

    _, seen, told = spread(measure, 20)
    assert seen > 1.4 * told
    assert "holds the classifier as it is" in measure(0).notes[0]


def test_copies_have_an_error_too():
    copied = metrics.memorisation(LARGE, normal(80, 12, 1), LARGE[:50])["memorisation"]
    assert copied.value == 1
    assert 0 < copied.error < 0.05


def test_ties_count_half():
    training = np.arange(20.0)[:, None]
    same = training + 0.25
    assert metrics.memorisation(training, same, same)["memorisation"].value == 0.5


def test_a_score_says_what_it_is():
    score = metrics.Score(1.23456, 0.0123)
    assert str(score) == "1.235 ± 0.01"
    assert str(metrics.Score(1.5)) == "1.5"
    assert score.spread is None
    assert metrics.Score(2.0, parts=(1.0, 3.0)).spread == 1.0


def test_a_condition_that_is_ignored_shows_within_classes():
    real, labels = clusters(50, 4)
    fake, fake_labels = clusters(60, 4, 1)
    heeded = metrics.intra_class_distance(real, labels, fake, fake_labels, classes=4)
    ignored = metrics.intra_class_distance(
        real, labels, fake, np.random.default_rng(0).permutation(fake_labels), classes=4
    )
    assert heeded.value == pytest.approx(np.mean(heeded.parts))
    assert len(heeded.parts) == 4
    one = metrics.frechet_distance(real[labels == 2], fake[fake_labels == 2]).value
    assert heeded.parts[2] == pytest.approx(one)
    assert ignored.value > heeded.value + 5


GOOD, LARGE = normal(20, 4), normal(300, 12)
BAD = np.where(np.arange(80).reshape(20, 4) == 9, np.nan, GOOD)
LABELS = np.arange(20) % 2

PAIRS = [
    metrics.frechet_distance,
    metrics.frechet_at_infinity,
    metrics.kernel_distance,
    metrics.kernel_distance_of_subsets,
    metrics.manifold_scores,
    metrics.precision_recall,
    metrics.density_coverage,
    lambda real, fake: metrics.memorisation(real, GOOD, fake),
    lambda real, fake: metrics.memorisation(GOOD, real, fake),
    lambda real, fake: metrics.intra_class_distance(real, LABELS, fake, LABELS, classes=2),
    lambda real, fake: metrics.classification_accuracy(fake, LABELS, real, LABELS, classes=2),
]


@pytest.mark.parametrize("measure", PAIRS)
def test_what_is_refused_of_every_pair(measure):
    forty = np.tile(GOOD, (2, 1))
    for real, fake in ((forty, np.tile(BAD, (2, 1))), (np.tile(BAD, (2, 1)), forty)):
        with pytest.raises(GanvasError, match=r"2 of the 40 rows of .* hold NaN, infinity .*: compute them in float32"):
            measure(real, fake)
    with pytest.raises(GanvasError, match=r"dimensions.*same network and layer"):
        measure(forty, forty[:, :3])
    with pytest.raises(GanvasError, match=r"row per picture"):
        measure(forty, forty[0])
    with pytest.raises(GanvasError, match=r"give at least|lower size"):
        measure(forty, forty[:3])
    infinite = forty.astype(np.float32)
    infinite[0, 0] = np.inf
    infinite[1, 0] = -np.inf
    with pytest.raises(GanvasError, match="2 of the 40 rows"):
        measure(forty, infinite)


def test_features_so_large_that_figures_overflow_are_refused_and_others_are_not():
    large = 9e5 * torch.from_numpy(GOOD / np.abs(GOOD).max()).float()
    for found in (metrics.kernel_distance(large, -large), metrics.frechet_distance(large, -large)):
        assert math.isfinite(found.value)
        assert found.error is None or math.isfinite(found.error)
    with pytest.raises(GanvasError, match=r"20 of the 20 rows .* above"):
        as_features(torch.full((20, 4), 3e38), name="given")
    with pytest.raises(GanvasError, match="complex numbers"):
        as_features(torch.ones(20, 4, dtype=torch.complex64), name="given")


@pytest.mark.parametrize(
    ("words", "measure"),
    [
        ("must be from 1 to 19", lambda: metrics.precision_recall(GOOD, GOOD, k=20)),
        ("must be from 1 to 19", lambda: metrics.density_coverage(GOOD, GOOD, k=0)),
        ("21 nearest of 20", lambda: metrics.nearest(GOOD, GOOD, 21)),
        ("give a lower size", lambda: metrics.kernel_distance_of_subsets(GOOD, GOOD, size=21)),
        ("at least 10", lambda: metrics.inception_score(GOOD[:5])),
        ("at least 1 split", lambda: metrics.inception_score(GOOD, splits=0)),
        ("at least 1 subset", lambda: metrics.kernel_distance_of_subsets(GOOD, GOOD, subsets=0)),
        ("NaN", lambda: metrics.inception_score(BAD)),
        ("all zeros", lambda: metrics.vendi_score(0 * GOOD)),
        ("at least 100", lambda: metrics.perceptual_path_length(abs, abs, abs, paths=10)),
        ("4 points", lambda: metrics.frechet_at_infinity(GOOD, GOOD, points=3)),
        ("whole numbers from 0 to 1", lambda: metrics.mode_counts([0, 2], 2)),
        ("whole numbers", lambda: metrics.mode_counts([0.5, 1], 2)),
        ("one per sample", lambda: metrics.mode_counts(np.zeros((1, 2), int), 2)),
        ("leave empty classes out", lambda: metrics.mode_counts([0, 1], 2, expected=[1, 0])),
        (
            "no fake sample of the classes \\[2\\]",
            lambda: metrics.classification_accuracy(GOOD, LABELS, GOOD, LABELS, classes=3),
        ),
        (
            "Class 0 has 20 real and 1 fake",
            lambda: metrics.intra_class_distance(GOOD, 0 * LABELS, GOOD, np.arange(20).clip(0, 1), classes=2),
        ),
        ("at least 2", lambda: metrics.Statistics.of(GOOD[:1])),
        ("two samples", lambda: metrics.RunningStatistics().statistics()),
        ("of 5 samples", lambda: metrics.frechet_distance(metrics.Statistics.of(GOOD[:5]), GOOD)),
    ],
)
def test_what_is_refused(words, measure):
    with pytest.raises(GanvasError, match=words):
        measure()


def test_statistics_of_other_dimensions_are_refused():
    running = metrics.RunningStatistics()
    running.add(GOOD)
    with pytest.raises(GanvasError, match="Features of 3 dimensions do not go with those of 4"):
        running.add(GOOD[:, :3])
    with pytest.raises(GanvasError, match="same network and layer"):
        metrics.frechet_distance(running.statistics(), metrics.Statistics.of(GOOD[:, :3]))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"mu": np.zeros(3)}, "does not hold statistics"),
        ({"mu": np.zeros(3), "sigma": np.array([{}])}, "does not hold statistics"),
        ({"mu": np.zeros(3), "sigma": np.eye(4)}, "does not go with"),
        ({"mu": np.zeros(3), "sigma": np.eye(3) * np.nan}, "NaN or infinity"),
        ({"mu": np.zeros(2), "sigma": -np.eye(2)}, "no covariance"),
        ({"mu": np.zeros(2), "sigma": np.array([[1, 0.5], [0, 1]])}, "no covariance"),
        (None, "does not hold statistics"),
    ],
)
def test_files_that_hold_no_statistics(tmp_path, arrays, words):
    file = tmp_path / "given.npz"
    if arrays is None:
        file.write_bytes(b"PK\x03\x04 cut short")
    else:
        np.savez(file, **arrays)
    with pytest.raises(GanvasError, match=words):
        metrics.Statistics.load(file)
    with pytest.raises(GanvasError, match="no file"):
        metrics.Statistics.load(tmp_path / "none.npz")


def test_retrieval_precision():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(300, 40, generator=generator)
    told = torch.eye(300)
    found = metrics.retrieval_precision(real + 0.3 * torch.randn(300, 40, generator=generator), real, told)
    assert found.value > 0.99
    assert found.counts == {"asked": 300, "candidates": 100}
    assert found.notes == ("by chance it is 0.01",)
    chance = metrics.retrieval_precision(torch.randn(300, 40, generator=generator), real, told)
    assert abs(chance.value - 0.01) < 4 * 0.006
    turned = metrics.retrieval_precision(real.roll(1, 0), real, told, candidates=300)
    assert turned.value == 0, "each sample shows what another was asked for"
    kept = metrics.retrieval_precision(real.roll(1, 0), real, told, candidates=300, own=torch.arange(300).roll(1))
    assert kept.counts["candidates"] == 299, "a picture is not offered itself"
    twins = metrics.retrieval_precision(real[:20], real[:20], torch.eye(10).repeat(2, 1))
    assert twins.counts["candidates"] == 19, "pictures of the same description are no rivals"
    with pytest.raises(GanvasError, match="candidates=1"):
        metrics.retrieval_precision(real, real, told, candidates=1)
    with pytest.raises(GanvasError, match="the same description"):
        metrics.retrieval_precision(real, real, torch.ones(300, 2))
    with pytest.raises(GanvasError, match="One sample per real picture"):
        metrics.retrieval_precision(real[:200], real, told)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_of_none_or_all_is_not_certain(value):
    score = metrics.Score.mean(torch.full((98,), value), counts={})
    assert score.value == value
    assert score.error == pytest.approx((0.01 * 0.99 / 98) ** 0.5)
    assert metrics.Score.mean(torch.full((98,), 0.5), counts={}).error == 0


@pytest.mark.parametrize("rows", [0, -1])
@pytest.mark.parametrize(
    "measure", [metrics.kernel_distance, metrics.precision_recall, metrics.density_coverage, metrics.nearest]
)
def test_no_samples_at_a_time_are_refused_as_nothing_would_be_compared(measure, rows):
    """With -1, which elsewhere means all, every figure was 0 without a word."""
    with pytest.raises(GanvasError, match=f"`rows=` .* at least 1, not {rows}"):
        measure(normal(40, 3), normal(40, 3, 1), rows=rows)
