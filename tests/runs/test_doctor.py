"""What is said of a training that went wrong, and that nothing is said of one that did not."""

import re
from dataclasses import replace

import pytest

from ganvas import fit, train
from ganvas.core import catalog
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Relativistic, Wasserstein
from ganvas.recipes.recipe import change
from ganvas.runs.advice import advice
from ganvas.runs.doctor import FEWEST, diagnoses, good_news

RECIPE = replace(catalog.find("mlp_gan", "recipe")(), images=64_000)


def log(rows=100, *, right=0.8, apart=0.5, scores=(), name="kid", level=0.0, **signs):
    """A log of so many rows; the scores are spread over it, and signs are in each fourth: a number, or from and to."""
    logits = {"critic.real": level + apart / 2, "critic.fake": level - apart / 2}
    terms = {"critic.loss": 0.6, "critic.right": right} | logits
    rows = [{"images": 64 * (at + 1), "terms": terms} for at in range(rows)]
    for at, (score, variety) in enumerate(scores, 1):
        rows[at * len(rows) // len(scores) - 1]["scores"] = {name: score, "variety": variety}
    for at, row in enumerate(rows[::4] if signs else ()):
        ends = {sign: each if isinstance(each, tuple) else (each, each) for sign, each in signs.items()}
        row["signs"] = {sign: a + (b - a) * at / len(rows[::4]) for sign, (a, b) in ends.items()}
    return rows


HEALTHY = {"spread": 0.9, "near": 0.8, "bend": 0.8, "wander": 0.1, "generator.stride": 0.01, "critic.stride": 0.01}


def kinds(*rows, recipe=RECIPE, **about):
    return [each.kind for each in diagnoses([row for some in rows for row in some], recipe=recipe, **about)]


@pytest.mark.parametrize(
    ("rows", "kind", "wanted"),
    [
        (log(right=0.51), "blind", "sees no difference .* orders 51% of pairs correctly"),
        (log(50, right=0.9) + log(50, right=0.5, apart=0.01), "dead", "has died: .* 0.5 apart and are now only 0.01 "),
        (log(right=0.997), "sure", "always right: .* 99.7% of pairs correctly"),
        (log(scores=[(0.5, 0.9), (0.4, 0.6), (0.3, 0.3)]), "alike", "alike: the distance between .* 30% .* collapse"),
        (log(scores=[(0.5, 0.9), (0.2, 0.9), (0.3, 0.9)]), "behind", "kid was 0.2 after 4,224 images and is 0.3 now"),
        (log(level=20.0) + log(level=500.0), "exploding", "was 20 at first and reached 5e\\+02"),
        (log(**{**HEALTHY, "generator.stride": 0.06, "bend": 2.5}), "fast", "changes its weights by 6%"),
        (log(right=0.999, **{**HEALTHY, "spread": 0.4}), "sure", "starved of feedback"),
        (log(**{**HEALTHY, "spread": 0.3, "near": 0.2}), "alike", "between them is only 30% of"),
        (log(**{**HEALTHY, "near": 0.01}), "alike", "the distance to the nearest one is only 1% of"),
        (log(**{**HEALTHY, "near": 0.1}), "missing", "is 90% .* nearest one only 10%"),
        (log(**HEALTHY, heed=0.1), "deaf", "changes a sample only 10% as much"),
        (log(**{**HEALTHY, "wander": 0.6}), "swings", "by 60% of the distance"),
    ],
)
def test_what_is_wrong_is_named_with_its_numbers(rows, kind, wanted):
    (found,) = diagnoses(rows, recipe=RECIPE)
    assert found.kind == kind
    assert re.search(wanted, str(found)), found
    assert found.severity in {"look", "bad"}
    assert found.numbers
    assert good_news(rows) is None
    if found.setting:
        assert found.setting in found.advice
        assert change(RECIPE, found.setting) != RECIPE  # a setting that there is, and that changes something


@pytest.mark.parametrize(
    ("kind", "settings", "wanted"),
    [
        ("alike", [], "game.r1=1"),
        ("alike", ["game.r1=1"], "game.loss=relativistic"),
        ("alike", ["critic=dcgan_critic", "generator=dcgan_generator", "data.size=32"], "game.loss=relativistic"),
        ("missing", ["generator.latent=1"], "generator.latent=64"),
        ("sure", ["optimizers.generator=adam(rate=1e-5)"], "optimizers.generator=adam(rate=0.0002, beta1=0.5"),
        ("sure", ["game.r1=1"], "game.noise=linear(0.3, 0)"),
        ("blind", ["game.noise=5"], "game.noise=0"),
        ("dead", ["game.noise=linear(0, 5)"], "game.noise=0"),
        ("blind", ["game.r1=1000"], "game.r1=1"),
        ("blind", ["game.r2=10"], "game.r2=1"),
        ("blind", [], None),
        ("dead", [], "optimizer.rate=5e-05"),
        ("fast", ["optimizer.rate=0.1"], "optimizer.rate=0.0005"),
        ("exploding", ["game.loss=wasserstein"], "game.gradient_penalty=10"),
        ("exploding", ["game.loss=wasserstein", "game.clip=0.01"], "optimizer.rate=5e-05"),
        ("diverged", ["game.loss=wasserstein", "optimizer.rate=10"], "optimizer.rate=0.0005"),
        ("swings", ["game.r1=1"], "optimizer.beta1=0"),
        ("copies", [], "game.augment=augment"),
        ("copies", ["game.augment=augment(cutout=0, colour=0)"], "game.augment=augment"),
        ("copies", ["game.augment=augment(colour=0)"], None),
        ("short", [], "images=64000"),
        ("few", [], None),
        ("twins", [], None),
    ],
)
def test_advice_is_a_setting_that_goes_with_the_recipe(kind, settings, wanted):
    recipe = RECIPE
    for setting in settings:
        recipe = change(recipe, setting)
    found = advice(kind, recipe)
    assert found == wanted or (wanted and found.startswith(wanted))
    if found:
        assert change(recipe, found)


def test_a_deaf_generator_gets_a_critic_that_reads():
    recipe = catalog.find("cgan", "recipe")()
    assert advice("deaf", recipe) == "game.mismatch=1"
    assert advice("deaf", change(recipe, "game.mismatch=1")) == "critic.projection=True"
    assert advice("deaf", change(recipe, "condition=None")) is None


def test_samples_that_still_part_are_not_called_alike_nor_their_critic_sure():
    young = {**HEALTHY, "spread": (0.05, 0.5), "near": (0.02, 0.3)}
    assert kinds(log(right=1.0, **young)) == []
    assert kinds(log(right=1.0, **{**young, "spread": 0.5, "near": 0.3})) == ["sure", "alike"]


def test_signs_that_are_left_out_are_not_missed():
    """Of pictures that are all there twice none has a neighbour to measure by."""
    assert kinds(log(right=1.0, spread=0.3)) == ["sure"]
    assert kinds(log(near=0.2)) == []
    assert kinds(log(heed=0.1)) == ["deaf"]


def test_a_critic_at_chance_before_good_samples_is_not_called_dead():
    assert kinds(log(50, right=0.9, **HEALTHY), log(50, right=0.5, apart=0.01, **HEALTHY)) == []


def test_a_training_that_was_meant_to_be_short_is_not_judged_further():
    short = replace(RECIPE, images=RECIPE.batch * 40)
    assert kinds(log(40, right=1.0), recipe=short) == ["short"]
    assert kinds([], recipe=short) == []


def test_a_short_training_that_started_from_a_model_is_not_said_to_have_learned_nothing():
    short = replace(RECIPE, images=RECIPE.batch * 40)
    (scratch,) = diagnoses(log(40, right=1.0), recipe=short)
    assert ("from scratch" in scratch.text, scratch.setting) == (True, "images=64000")
    (begun,) = diagnoses(log(40, right=1.0), recipe=short, start_from="icons")
    assert (begun.kind, "from scratch" in begun.text, begun.setting) == ("short", False, None)


def test_a_logit_that_was_always_large_does_not_explode():
    assert kinds(log(level=500.0)) == []
    assert kinds(log(level=5e5)) == ["exploding"]


def test_logits_that_are_let_go_soon_and_fall_again_have_exploded():
    assert kinds(log(12, level=10.0) + log(38, level=90.0) + log(50, level=60.0)) == ["exploding"]
    assert kinds(log(12, level=10.0) + log(88, level=45.0)) == []
    assert kinds(log(12, level=40.0) + log(88, level=90.0)) == []  # as where a penalty is still to take hold


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
    assert any(each.kind == "blind" for each in diagnoses(run.rows)) is blind
    assert ("sees no difference between" in (run.path / "report.html").read_text()) is blind
