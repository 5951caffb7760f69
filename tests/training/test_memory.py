"""Where memory runs out, batches are played in pieces, with the same result."""

import json
from dataclasses import replace

import pytest
import torch

from ganvas import Run, fit
from ganvas.core import checkpoint, machine
from ganvas.core.errors import DoesNotFit
from ganvas.learning.adversarial import Adversarial
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.layers import Network
from ganvas.networks.resnet import ResnetGenerator
from ganvas.training.dealer import Pieces, cuts
from ganvas.training.loop import train
from ganvas.training.recorder import Recorder

ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 68719476736 bytes."),
]


class Room:
    """A memory that holds no more than so many samples in a network at once."""

    def __init__(self, patch, most=10**9, error=ERRORS[1]):
        self.most, self.error, self.refused, self.sizes = most, error, 0, []
        ask = Network.__call__

        def asked(network, x, *rest, **named):
            if network.training and torch.is_grad_enabled():
                if len(x) > self.most:
                    self.refused += 1
                    raise self.error
                self.sizes.append(len(x))
            return ask(network, x, *rest, **named)

        patch.setattr(Network, "__call__", asked)


@pytest.fixture
def room(monkeypatch):
    return Room(monkeypatch)


def run_of(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", **{"quiet": True} | options)


def state_of(run):
    return checkpoint.read(run.newest / checkpoint.STATE)


@pytest.mark.parametrize("error", ERRORS, ids=["machine", "cuda", "linux", "windows"])
def test_pieces_are_halved_until_they_fit(error, room, points, tmp_path, capsys):
    whole = state_of(run_of(points, tmp_path / "whole"))
    room.most, room.error, room.sizes = 9, error, []
    run = run_of(points, tmp_path / "run", quiet=False)
    assert run.finished
    assert run.about["pieces"] == [[0, 0, 8], [0, 0, 4]], "a critic sees reals and fakes together"
    assert room.refused == 2
    assert max(room.sizes) == 8
    assert (
        "from here on, 4 samples are processed at a time, with the same result except for rounding"
        in capsys.readouterr().err
    )
    held = state_of(run)
    assert whole.keys() == held.keys()
    for name, value in whole.items():
        assert torch.allclose(held[name].double(), value.double(), rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("most", [20, 9, 5])
@pytest.mark.usefixtures("in_float64")
def test_in_float64_the_result_is_the_same_to_the_last_digits(most, room, points):
    whole = [tick.state.tensors() for tick in train(replace(points, images=80))][-1]
    room.most = most
    split = [tick.state.tensors() for tick in train(replace(points, images=80))][-1]
    assert room.refused
    for name, value in whole.items():
        assert torch.allclose(split[name].double(), value.double(), rtol=1e-12, atol=1e-12), name


@pytest.mark.parametrize("stop", [2, 7, 8, 9, 15])
def test_a_resumed_run_splits_the_same_batches(stop, room, points, tmp_path, monkeypatch):
    """Memory runs out in the generator's turn of the 8th step; a run that begins with less is the same again."""
    recipe, generator = replace(points, sheets=1), Adversarial._generator
    monkeypatch.setattr(Adversarial, "_generator", lambda *at: generator(*at) if fits(*at) else out())

    def fits(_game, _nets, batch):
        return batch.dice._entropy[1] < 8 or len(batch) <= 8

    def out():
        raise MemoryError

    whole = run_of(recipe, tmp_path / "whole")
    assert whole.about["pieces"] == [[7, 1, 8]]
    log = Recorder.log

    class Killed(BaseException):
        pass

    def killed(self, images, *rest):
        log(self, images, *rest)
        if images == 16 * stop:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "log", killed)
        patch.setattr("ganvas.training.session.CHECKPOINT_SECONDS", 0.0)
        with pytest.raises(Killed):
            run_of(recipe, tmp_path / "run")
    run = run_of(recipe, tmp_path / "run")
    assert json.loads((run.newest / "manifest.json").read_text()) == json.loads(
        (whole.newest / "manifest.json").read_text()
    )
    assert run.about["pieces"] == whole.about["pieces"]


def test_a_run_begins_with_what_was_found(room, points, tmp_path):
    room.most = 9
    run_of(replace(points, images=160), tmp_path / "run")
    room.refused, room.sizes = 0, []
    run_of(points, tmp_path / "run", images=320)
    assert (room.refused, max(room.sizes)) == (0, 8)


def test_batch_norm_is_said_to_see_less(room, pictures, tmp_path, capsys):
    networks = {"generator": DCGANGenerator(width=2, latent=4), "critic": DCGANCritic(width=2)}
    recipe = replace(pictures, networks=networks, game=Adversarial(), images=16)
    room.most = 5
    run_of(recipe, tmp_path / "run", quiet=False)
    said = capsys.readouterr().err
    assert "as the batch norm of the generator sees only these, the result differs a little" in said


def test_what_a_refused_turn_did_to_buffers_is_undone(room, pictures, monkeypatch):
    """The generator has made its fakes, and moved its statistics, before the critic finds no room."""
    networks = pictures.networks | {"generator": ResnetGenerator(width=2, latent=4)}
    recipe = replace(pictures, networks=networks, images=8)
    room.most = 8
    split = next(iter(train(recipe))).state.tensors()
    assert room.refused == 1
    room.most = 10**9
    same = next(iter(train(recipe, micro_batch=4))).state.tensors()
    assert all(torch.equal(value, split[name]) for name, value in same.items())


def test_a_single_sample_that_does_not_fit(room, points, tmp_path):
    room.most = 1
    with pytest.raises(DoesNotFit, match=r"Memory runs out with a single sample: lower .*width"):
        run_of(points, tmp_path / "run")
    assert Run(tmp_path / "run").status["state"] == "failed"


def test_other_errors_are_not_taken_for_it(room, points, tmp_path):
    room.most, room.error = 9, RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        run_of(points, tmp_path / "run")
    assert room.refused == 1


def test_a_real_allocation_that_fails_is_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert machine.ran_out(caught.value), str(caught.value)


def test_cuts():
    pieces = Pieces(10, [(3, 1, 4)])
    assert [pieces.at(*place) for place in ((0, 0), (3, 0), (3, 1), (3, 2), (4, 0))] == [10, 10, 4, 4, 4]
    pieces.halve(2, 0)
    assert [pieces.at(*place) for place in ((1, 9), (2, 0), (3, 0), (3, 1))] == [10, 5, 5, 4]
    pieces.halve(5, 0)
    pieces.halve(5, 0)
    assert pieces.at(5, 0) == 1
    odd = [[1, 2, 3], [1, 2], [1, 2, 0], "x", None, [1, 2, "3"], [0, 0, True]]
    assert cuts({"pieces": odd}) == [(1, 2, 3)]
    assert cuts({"pieces": "x"}) == cuts({}) == []
