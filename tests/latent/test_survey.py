"""What goes together among samples and in the data, and how often each class or word is there."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas import fit
from ganvas.core.errors import DoesNotFit
from ganvas.data.dataset import Dataset
from ganvas.latent.attributes import measured, of_classes
from ganvas.latent.survey import Survey, survey
from ganvas.metrics.features import classifier as classifiers
from ganvas.models.model import Model
from ganvas.networks.layers import Generator


class Painted(Generator):
    """Squares on white: red ones where z[0] > 0, which then are large; blue ones elsewhere."""

    def __init__(self):
        super().__init__((3, 16, 16), 0, 2)
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, z, condition):
        return torch.stack([painted(bool(row[0] > 0), bool(row[0] > 0)) for row in z])


def painted(red, large):
    x = torch.ones(3, 16, 16)
    side = 5 if large else 2
    x[:, 8 - side : 8 + side, 8 - side : 8 + side] = -1
    x[0 if red else 2, 8 - side : 8 + side, 8 - side : 8 + side] = 1
    return x


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANVAS_CACHE", str(tmp_path_factory.mktemp("cache")))
        for name in ("LEAST_SEEN", "MOST_SEEN"):
            patch.setattr(classifiers, name, 5_120)
        yield


@pytest.fixture(scope="module")
def data():
    """Red and large vary by themselves: one in four is red, one in three large."""
    kinds = [(number % 4 == 0, number % 3 == 0) for number in range(240)]
    pictures = torch.stack([painted(*kind) for kind in kinds])
    words = tuple(("red",) * red + ("large",) * large + ("square",) for red, large in kinds)
    samples = ((pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return Dataset(samples, keywords=words)


def test_words_that_hold_together_are_learned_one_by_one(data):
    judge = classifiers.classifier(data)
    assert judge.words
    assert judge.classes == ("large", "red"), "square is on all of them and tells none from others"
    assert judge.accuracy == 1
    again = classifiers.classifier(data)
    assert (again.words, again.classes) == (True, judge.classes), "from the cache, too"
    classed = Dataset(data.samples, classes=("a", "b"), labels=np.arange(len(data.samples)) % 2)
    with pytest.raises(DoesNotFit, match="both classes, or both words"):
        classifiers.classifier(data, held_out=classed)
    by = of_classes(judge)
    seen = measured(torch.stack([painted(red, large) for red in (True, False) for large in (True, False)]), by) > 0
    assert seen.tolist() == [[True, True], [False, True], [True, False], [False, False]]


def test_what_goes_together_and_what_is_missing(data):
    found = survey(Model(Painted().eval()), data, count=240)
    assert found.counts == (240, 240)
    pairs = {frozenset(pair[:2]): pair[2:] for pair in found.together()}
    here, there = pairs[frozenset({"label:red", "label:large"})]
    assert here > 0.95
    assert abs(there) < 0.3
    assert found.shares["red"][0] == found.shares["large"][0]
    assert 0.4 < found.shares["red"][0] < 0.6
    assert found.shares["red"][1] == 0.25
    assert found.shares["large"][1] == pytest.approx(1 / 3)
    assert "label:large and label:red" in str(found) or "label:red and label:large" in str(found)
    json.dumps(found.as_json(), allow_nan=False)


def test_of_hundreds_of_pairs_the_strongest_and_the_oddest_are_told():
    names = tuple(f"label:{place:02}" for place in range(12))
    samples, data = torch.full((12, 12), 0.6), torch.full((12, 12), 0.6)
    data[10, 11] = -0.9
    told = str(Survey(names, samples, data, {}, float("nan"), (9, 9))).splitlines()
    assert len(told) == 3 + 20 + 2 + 20
    assert told[24] == "and those least like the data, 20 of 46 more (--json has every correlation)"
    assert told[25].split() == ["label:10", "and", "label:11", "+0.60", "-0.90"]


def test_data_that_have_neither_classes_nor_words(data):
    found = survey(Model(Painted().eval()), Dataset(data.samples), count=50)
    assert found.shares == {}
    assert "area" in found.names
    json.dumps(found.as_json(), allow_nan=False)
    with pytest.raises(DoesNotFit, match="two classes, or words"):
        survey(Model(Painted().eval()), data, labels=Dataset(data.samples), count=50)
    with pytest.raises(DoesNotFit, match="at least, not 1 and 240"):
        survey(Model(Painted().eval()), data, count=1)


def test_the_command(ganvas, pictures, tmp_path):
    run = fit(replace(pictures, images=16), out=tmp_path / "run", quiet=True, device="cpu")
    code, out, err = ganvas("attributes", run.path, "--count", "40", "--json")
    assert code == 0, err
    said = json.loads(out)
    assert set(said["shares"]) == set("0123456789")
    assert sum(each["samples"] for each in said["shares"].values()) == pytest.approx(1)
    assert said["counts"] == {"samples": 40, "data": 40}
    assert np.isfinite(said["accuracy"])
