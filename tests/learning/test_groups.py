"""Groups that are found in the data are classes like given ones: the same each time, and kept with the model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset
from ganvas.learning.groups import Groups
from ganvas.models.model import Model
from ganvas.recipes.recipe import change
from ganvas.recipes.settings import from_json, to_json
from ganvas.training.loop import train

COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]])
OF = np.repeat([0, 1, 2], [30, 20, 10])
NOISE = np.random.default_rng(1).integers(-9, 9, (60, 8, 8, 3))
DATA = Dataset((COLOURS[OF][:, None, None] + NOISE).astype(np.uint8))


def test_groups_are_those_that_anyone_sees():
    groups = Groups(count=3).of(DATA)
    assert groups.classes == ("group 1", "group 2", "group 3")
    assert groups.shares == pytest.approx((30 / 60, 20 / 60, 10 / 60))
    assert groups.take(DATA, np.arange(60)).argmax(1).tolist() == OF.tolist()  # the largest is the first
    assert groups.read("group 3").tolist() == [0, 0, 1]


def test_groups_are_the_same_each_time_and_are_kept():
    groups = Groups(count=3).of(DATA)
    assert groups == Groups(count=3).of(DATA) == groups.of(DATA)
    kept = from_json(to_json(groups), Groups)
    assert torch.equal(kept.take(DATA, np.arange(60)), groups.take(DATA, np.arange(60)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Groups(count=1), "at least 2, not 1"),
        (lambda: Groups(count=16).of(DATA), "60 pictures are too few for 16 groups: .* at most 15"),
        (lambda: Groups(count=3).of(Dataset(np.zeros((60, 8, 8, 3), np.uint8))), "fall into 1 groups and not 3"),
        (lambda: Groups(count=3).of(Dataset(np.zeros((60, 2), np.float32))), "found among pictures"),
        (lambda: Groups(classes=("a",), shares=(1.0,)), "a name and a centre for each"),
    ],
)
def test_groups_that_cannot_be_are_refused(make, message):
    with pytest.raises(GanvasError, match=message):
        make()


def test_a_model_draws_from_the_group_that_is_asked_for(pictures):
    recipe = change(replace(pictures, images=64), "condition=groups(count=3)")
    *_, tick = train(recipe, data=DATA)
    model = Model(tick.state.average, tick.state.condition)
    assert [picture.size for picture in model.sample(2, label="group 2")] == [(8, 8)] * 2
    seeds, told = tick.state.condition.survey()
    assert (len(seeds), told.sum(0).tolist()) == (24, [8, 8, 8])
