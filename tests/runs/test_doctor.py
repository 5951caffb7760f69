"""What is said of a training that went wrong, and that nothing is said of one that did not."""

import re
from dataclasses import replace

import pytest

from ganvas import fit, train
from ganvas.core import catalog
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Relativistic, Wasserstein
from ganvas.recipes.recipe import change
from ganvas.runs.doctor import FEWEST, diagnoses, good_news


def log(rows=100, *, right=0.8, apart=0.5, scores=(), name="kid"):
    """A log of so many rows; the scores are spread over it."""
    logits = {"critic.real": apart / 2, "critic.fake": -apart / 2}
    terms = {"critic.loss": 0.6, "critic.right": right} | logits
    rows = [{"images": 64 * (at + 1), "terms": terms} for at in range(rows)]
    for at, (score, variety) in enumerate(scores, 1):
        rows[at * len(rows) // len(scores) - 1]["scores"] = {name: score, "variety": variety}
    return rows


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (log(right=0.51), "critic has never seen a difference .* orders 51% rightly.*game.r1"),
        (log(50, right=0.6) + log(50, right=0.5, apart=0.01), "critic has died: .* 0.5 apart and are 0.01 .* rate"),
        (log(50, right=0.5) + log(50, right=0.5, apart=0.01), "critic has died"),
        (log(right=0.997), "critic is always right: .* 99.7% rightly.*adaptive_augment"),
        (log(scores=[(0.5, 0.9), (0.4, 0.6), (0.3, 0.3)]), "samples are alike: they lie 30% as far .* collapse"),
        (log(scores=[(0.5, 0.9), (0.2, 0.9), (0.3, 0.9)]), "best .* kid was 0.2 after 4,224 images and is 0.3 now"),
    ],
)
def test_what_is_wrong_is_named_with_what_mends_it(rows, wanted):
    (found,) = diagnoses(rows)
    assert re.search(wanted, str(found)), found
    assert found.kind
    assert found.severity in {"look", "bad"}
    assert found.numbers
    assert good_news(rows) is None
    if found.setting:
        assert change(catalog.find("icons", "recipe")(), found.setting)  # a setting that there is


@pytest.mark.parametrize(
    "rows",
    [
        [],
        log(FEWEST - 1, right=0.5),
        log(right=0.8, scores=[(0.5, 0.5), (0.2, 0.8), (0.21, 0.9)]),
        log(right=None),
        log(scores=[(0.1, 0.9), (-0.001, 0.9), (0.002, 0.9)]),
        [{"images": at, "terms": {"model.loss": 1.0}} for at in range(50)],
        [{"images": at} for at in range(50)],
    ],
)
def test_nothing_is_said_where_nothing_is_wrong_or_known(rows):
    assert diagnoses(rows) == []
    assert (good_news(rows) is None) is (len(rows) < FEWEST)


def test_good_news_are_told_with_their_numbers():
    told = good_news(log(right=0.8, scores=[(0.5, 0.5), (0.2, 0.8), (0.21, 0.9)]))
    assert "in 80 of 100 pairs" in told
    assert "90% as far apart" in told


def test_a_critic_that_came_to_see_a_difference_or_has_none_to_see_any_more_is_healthy():
    assert diagnoses(log(75, right=0.5) + log(25, right=0.8)) == []
    assert diagnoses(log(75, right=0.8) + log(25, right=0.5)) == []
    assert len(diagnoses(log(75, right=0.8) + log(25, right=1.0))) == 1


def test_few_samples_are_named_before_anything_is_logged():
    (found,) = diagnoses([], samples=3)
    assert "3 samples to learn from" in str(found)
    assert diagnoses([], samples=100) == []


def test_a_wasserstein_critic_is_meant_to_be_right(points):
    for loss, asked in ((Relativistic(), True), (Wasserstein(), False)):
        terms = next(train(replace(points, game=Adversarial(loss)))).terms()
        assert ("critic.right" in terms) is asked


@pytest.mark.parametrize(("noise", "blind"), [(0.0, False), (100.0, True)])
def test_a_critic_that_is_blinded_is_found_out(points, tmp_path, noise, blind):
    recipe = replace(points, images=6_400, game=Adversarial(Relativistic(), noise=noise), measure_images=0)
    run = fit(recipe, out=tmp_path / "run", quiet=True, device="cpu")
    assert any("never seen a difference" in str(each) for each in diagnoses(run.rows)) is blind
    assert ("never seen a difference" in (run.path / "report.html").read_text()) is blind
