"""What a program gives that is no such thing is refused in a sentence that names what to give."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import ganvas
from ganvas import GanvasError, compare, fit, load, plan, train

PICTURES = np.zeros((20, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def run(points, tmp_path_factory):
    return fit(replace(points, images=32), out=tmp_path_factory.mktemp("run") / "ring", quiet=True, device="cpu")


@pytest.mark.parametrize(
    ("words", "ask"),
    [
        (r"this is a ndarray.*ganvas\.train\(recipe, ganvas\.Dataset", lambda: fit(PICTURES, images=8)),
        (r"this is a Dataset.*ganvas\.train\(recipe", lambda: plan("icons", data=ganvas.Dataset(PICTURES))),
        (r"this is a Digits", lambda: plan("digits", data=ganvas.source("digits"))),
        (r"such as \['batch=8'\]", lambda: plan("digits", settings="batch=8")),
        (r"a positive number, not '3'", lambda: fit("digits", minutes="3")),
        (r"takes a recipe, as `plan` makes it", lambda: next(train("digits"))),
        (r"takes a recipe.*and a `Dataset`", lambda: next(train(plan("digits"), PICTURES))),
        (r"no device 'cuda", lambda: load("icons", device="cuda:99")),
        (r"no device 'gpu'", lambda: load("icons", device="gpu")),
        (r"no device 'cuda", lambda: next(train(plan("ring"), device=torch.device("cuda:99")))),
        (r"no device 'gpu'", lambda: ganvas.metrics.features.by_name.features("efficientnet_lite0", device="gpu")),
    ],
)
def test_what_is_no_such_thing_is_refused_in_words(words, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GanvasError, match=words):
        ask()
    assert not list(tmp_path.iterdir())


def test_what_fit_returns_is_taken_wherever_its_path_is(run):
    known = dict(compare(run.path, count=20).scores())
    assert dict(compare(run, count=20).scores()) == known
    assert torch.equal(load(run).generate([1]), load(Path(run.path)).generate([1]))
    assert next(train(run.recipe, device=None)).step == 1
