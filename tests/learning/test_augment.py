"""What the critic sees through augmentation, and how the adaptive one finds its strength."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from ganvas import train
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.augment import AdaptiveAugment, Augment, _gathered, _Moved
from ganvas.learning.losses import Hinge, LeastSquares, Nonsaturating, Relativistic, Wasserstein

ONLY = {"translate": 0.0, "cutout": 0.0, "colour": 0.0}


def batch_of(samples, draw=1, **named):
    dice = Dice(0, draw, rows=slice(len(samples)), total=len(samples), device=torch.device("cpu"))
    return Batch(samples, None, dice, progress=0.5, **named)


def augmented(samples, draw=1, **settings):
    return Augment(**settings)(samples, batch_of(samples, draw))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 28, 20), (4, 8, 8), (3, 5, 8, 8)])
def test_strength_is_the_share_of_pictures_that_change(shape):
    samples = torch.rand(400, *shape) + 0.1
    assert torch.equal(augmented(samples, strength=0.0), samples)
    for strength in (0.3, 1.0):
        for change in ({"translate": 0.5}, {"cutout": 0.5}, {"colour": 1.0}):
            changed = (augmented(samples, strength=strength, **ONLY | change) != samples).flatten(1).any(1)
            still = 0 if "translate" not in change else 1 / math.prod(side + 1 for side in shape[-2:])
            expected = strength * (1 - still)
            assert abs(changed.float().mean() - expected) < 4 * math.sqrt(0.25 / 400)


def test_translation_moves_by_whole_pixels_and_fills_with_gray():
    picture = torch.zeros(64, 1, 8, 8)
    picture[:, 0, 4, 4] = 1.0
    moved = augmented(picture, **ONLY | {"translate": 0.25})
    places = [tuple(place[-2:]) for place in moved.nonzero().tolist()]
    assert len(places) == 64
    assert {y for y, _ in places} == {x for _, x in places} == {2, 3, 4, 5, 6}
    white = augmented(torch.ones(64, 1, 8, 8), **ONLY | {"translate": 0.25})
    assert set(white.unique().tolist()) == {0.0, 1.0}
    assert white.flatten(1).sum(1).min() == 36


@pytest.mark.parametrize("shape", [(3, 16, 12), (3, 4, 8, 8)])
def test_copies_of_slices_are_what_is_gathered(shape):
    samples = torch.rand(200, *shape) + 0.1
    most = torch.tensor(shape[-2:])
    moves = (torch.rand(200, 2) * (2 * most + 1)).floor().long() - most
    moved = _Moved.apply(samples, moves.tolist())
    assert (moved == 0).any()
    assert torch.equal(moved, _gathered(samples, moves))


def test_it_rises_over_passes_and_stays():
    samples = torch.rand(4000, 3, 8, 8) + 0.1
    for passes, share in ((0.0, 0.0), (10.0, 0.25), (40.0, 1.0), (400.0, 1.0)):
        batch = batch_of(samples, passes=passes)
        augment = Augment(strength=0.8, passes=40, **ONLY | {"colour": 1.0})
        assert augment.probability(batch) == pytest.approx(0.8 * share)
        assert abs((augment(samples, batch) != samples).flatten(1).any(1).float().mean() - 0.8 * share) < 0.04


def test_every_shift_is_as_likely():
    count, far = 9000, 2
    picture = torch.zeros(count, 1, 16, 16)
    picture[:, 0, 8, 8] = 1.0
    moved = augmented(picture, **ONLY | {"translate": 0.125}).nonzero()[:, 2:] - 8
    for shifts in moved.T:
        shares = torch.bincount(shifts + far, minlength=2 * far + 1) / count
        assert shares.tolist() == pytest.approx([1 / 5] * 5, abs=4 * math.sqrt(0.2 * 0.8 / count))


def test_cutout_is_a_square_that_may_reach_over_the_edge():
    cut = (augmented(torch.ones(300, 3, 16, 16), **ONLY | {"cutout": 0.5}) == 0).flatten(1).sum(1)
    assert cut.max() == 3 * 64
    assert 3 * 16 <= cut.min() < 3 * 64


def test_colour_keeps_alpha_and_gray_pictures_gray():
    changed = augmented(torch.rand(50, 4, 8, 8), **ONLY | {"colour": 1.0})
    samples = torch.rand(50, 4, 8, 8)
    assert torch.equal(augmented(samples, **ONLY | {"colour": 1.0})[:, 3], samples[:, 3])
    gray = torch.rand(50, 1, 8, 8).expand(-1, 3, -1, -1)
    changed = augmented(gray, **ONLY | {"colour": 1.0})
    assert torch.allclose(changed, changed.mean(1, keepdim=True).expand_as(changed), atol=1e-6)


def test_brightness_stays_within_half():
    mean = augmented(torch.zeros(2000, 3, 4, 4), **ONLY | {"colour": 1.0}).mean((1, 2, 3))
    assert -0.5 <= mean.min() < -0.45
    assert 0.45 < mean.max() <= 0.5


def test_all_frames_of_a_clip_change_alike():
    clip = torch.rand(5, 3, 1, 8, 8).expand(-1, -1, 6, -1, -1)
    changed = augmented(clip)
    assert torch.equal(changed, changed[:, :, :1].expand_as(changed))
    assert not torch.equal(changed, clip)


def test_generator_and_penalty_learn_through_it():
    samples = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(augmented, samples)
    assert gradgradcheck(lambda x: augmented(x).square(), samples)


def test_what_it_is_not_for():
    with pytest.raises(GanvasError, match=r"for pictures; points are trained with `settings=\['game\.augment=None'\]`"):
        augmented(torch.zeros(3, 2))
    with pytest.raises(GanvasError, match="cutout takes a number from 0 to 1, not 2"):
        Augment(cutout=2.0)
    with pytest.raises(GanvasError, match="passes takes a number from 0 on, not -1"):
        Augment(passes=-1.0)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(Nonsaturating(), [1, -1]), (Hinge(), [1, -1]), (LeastSquares(), [-1, -1]), (Wasserstein(), [-1, 1]),
     (Relativistic(), [-1, 1])],
)  # fmt: skip
def test_sure_is_the_sign_of_the_verdict_on_reals(loss, expected):
    assert loss.sure(torch.tensor([0.4, -0.4]), torch.tensor([0.6, -0.6])).tolist() == expected


def test_the_strength_follows_the_critic():
    augment, memory = AdaptiveAugment(target=0.5, over_images=1000), {"augment": torch.tensor(0.0)}
    for sure, expected in [(0.9, 0.1), (0.9, 0.2), (0.5, 0.2), (0.1, 0.1), (-1.0, 0.0), (-1.0, 0.0)]:
        augment.remember(memory, torch.tensor(sure), images=100)
        assert float(memory["augment"]) == pytest.approx(expected, abs=1e-6)
    assert augment.probability(batch_of(torch.zeros(2, 1, 4, 4), memory=memory)) == memory["augment"]


def test_a_critic_that_overfits_is_shown_ever_more(pictures):
    game = Adversarial(augment=AdaptiveAugment(target=-1.0, over_images=160), critics=("judge",))  # surer than that
    networks = {"generator": pictures.networks["generator"], "judge": pictures.networks["critic"]}
    strengths = [tick.terms()["judge.augment"] for tick in train(replace(pictures, networks=networks, game=game))]
    assert strengths == pytest.approx([step / 20 for step in range(20)], abs=1e-5)


def test_passes_are_those_over_the_data(pictures):
    recipe = replace(pictures, game=Adversarial(Relativistic(), augment=Augment(strength=0.7, passes=2)))
    found = [tick.terms()["critic.augment"] for tick in islice(train(recipe), 8)]
    seen = [step * recipe.batch / len(recipe.data.open()) for step in range(8)]
    assert found == pytest.approx([0.7 * min(1, passes / 2) for passes in seen], abs=1e-6)
    assert found[-1] > 0


@pytest.mark.parametrize(
    "augment", [Augment(strength=0.7), Augment(passes=0.5), AdaptiveAugment(target=0.0, over_images=60)]
)
def test_it_is_resumed_and_shared(augment, pictures):
    """Restored after 4 of 9 steps it goes on bit for bit; in micro-batches the strength and the scores are the same."""
    networks = {"generator": pictures.networks["generator"], "critic": pictures.networks["critic"]}
    game = Adversarial(Relativistic(), r1=0.5, augment=augment)
    recipe = replace(pictures, networks=networks, game=game)
    whole = list(islice(((tick.terms(), tick.state) for tick in train(recipe)), 9))
    part = list(islice(train(recipe), 4))[-1].state.tensors()
    part = {name: value.clone() for name, value in part.items()}
    rest = [tick.terms() for tick in islice(train(recipe, restore=part), 5)]
    assert [terms for terms, _ in whole][4:] == rest
    assert ("memory/augment" in part) == isinstance(augment, AdaptiveAugment)
