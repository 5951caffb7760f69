"""A caller's own ways with torch change nothing of what Ganvas computes, and are left as they were."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from ganvas import compare, doctor, fit, load, train
from ganvas.latent.project import project


@contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


WAYS = {
    "float64": float64,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "another device": lambda: torch.device("meta"),
}


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=32), out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


@pytest.mark.parametrize("way", WAYS)
def test_trainings_and_models_are_the_same_in_every_way(way, points, pictures, run, tmp_path):
    known, picture = next(train(pictures)).terms(), load(run.path).generate([3])
    with WAYS[way]():
        before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_default_device()
        ticks = train(pictures)
        tick = next(ticks)
        assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_default_device()) == before
        drawn = load(run.path).generate([3])
        went = fit(replace(points, images=16), out=tmp_path / "ring", quiet=True, device="cpu")
        near = project(load(run.path), drawn[0], steps=2, with_features=False)
        scores = dict(compare(went.path, count=20).scores())
    assert tick.terms() == known
    assert torch.equal(drawn, picture)
    assert went.finished
    assert near.latent.z.dtype == torch.float32
    assert scores == dict(compare(went.path, count=20).scores())


@pytest.mark.parametrize("use", [load, doctor, lambda path: compare(path, features="efficientnet_lite0")])
def test_the_random_numbers_of_the_caller_are_left_as_they_were(use, run):
    """A network takes its first weights from them, which those of the file replace."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    use(run.path)
    assert torch.equal(torch.get_rng_state(), before)
