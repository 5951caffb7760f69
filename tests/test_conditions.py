"""Classes in, classes out: what networks are told of each sample, and how a model is asked for one."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import Run, fit, load, train
from ganvas.conditions import Labels
from ganvas.dataset import Dataset
from ganvas.errors import GanvasError
from ganvas.optimizers import Adam, Rmsprop

PLAIN = Dataset(np.zeros((6, 2), np.float32))
PETS = replace(PLAIN, classes=("bird", "cat", "dog"), labels=np.array([0, 2, 2, 1, 2, 2]))


def test_labels_are_one_hot():
    labels = Labels().of(PETS)
    assert labels == Labels(classes=("bird", "cat", "dog"), shares=(1 / 6, 1 / 6, 4 / 6))
    assert labels.length == 3
    assert labels.take(PETS, np.array([0, 1, 3])).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert labels.read("dog").tolist() == [0, 0, 1]
    with pytest.raises(GanvasError, match=r"no class 'dig'\. Did you mean 'dog'\? There are: bird, cat, dog\."):
        labels.read("dig")


def test_what_is_not_asked_for_is_drawn_as_often_as_in_the_data():
    labels = Labels().of(PETS)
    drawn = labels.draw(range(3000))
    assert drawn.mean(0).tolist() == pytest.approx(labels.shares, abs=0.03)
    assert torch.equal(labels.draw([7, 5]), drawn[[7, 5]])


@pytest.mark.parametrize("classes", [2, 3, 12, 40])
def test_a_survey_has_a_class_in_each_row(classes):
    labels = Labels(tuple(map(str, range(classes))), (1 / classes,) * classes)
    seeds, told = labels.survey()
    rows = min(classes, 12)
    assert seeds == list(range(8)) * rows
    assert told.shape == (8 * rows, classes)
    shown = told.argmax(1).reshape(rows, 8)
    assert (shown == shown[:, :1]).all()
    assert shown[0, 0] == 0
    assert shown[-1, 0] == classes - 1
    assert len(set(shown[:, 0].tolist())) == rows


@pytest.mark.parametrize("data", [PLAIN, replace(PLAIN, classes=("all",), labels=np.zeros(6, np.int64))])
def test_data_without_classes(data):
    with pytest.raises(GanvasError, match=r"no classes to tell apart\. Put the pictures of each class into a folder"):
        Labels().of(data)


@pytest.fixture(scope="module")
def conditional(pictures):
    return replace(pictures, condition=Labels(), images=64)


@pytest.fixture(scope="module")
def run(conditional, tmp_path_factory):
    return fit(conditional, out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


def test_networks_are_told_the_class_of_each_sample(conditional):
    told = []
    ticks = train(conditional)
    state = next(ticks).state
    state.networks["critic"].register_forward_pre_hook(lambda _, args: told.append((args[0].detach(), args[1])))
    state.networks["generator"].register_forward_pre_hook(lambda _, args: told.append((args[0].detach(), args[1])))
    next(ticks)
    data = conditional.data.open()
    by_sample = {data.take(np.array([row])).numpy().tobytes(): data.labels[row] for row in range(len(data))}
    pictures = next(x for x, _ in told if x.numpy()[0][None].tobytes() in by_sample)
    expected = [by_sample[each.numpy()[None].tobytes()] for each in pictures]
    assert len(told) == 4, "the generator once, the critic three times"
    for _, condition in told:
        assert condition.argmax(1).tolist() == expected


def test_a_conditional_run_goes_on_bit_for_bit(conditional):
    whole = [tick.terms() for tick in train(conditional)]
    part = list(islice(train(conditional), 3))[-1].state.tensors()
    part = {name: value.clone() for name, value in part.items()}
    assert [tick.terms() for tick in train(conditional, restore=part)] == whole[3:]


def test_the_label_decides(run):
    model = load(run.path)
    assert model.condition == Labels(tuple("0123456789"), model.condition.shares)
    one, two = (np.stack(list(map(np.asarray, model.sample(3, label=label)))) for label in ("1", "2"))
    assert (one != two).any()
    assert (one == np.stack(list(map(np.asarray, model.sample(3, label="1"))))).all()
    drawn = model.condition.draw(range(5)).argmax(1).tolist()
    for seed, label in enumerate(drawn):
        assert model.pictures([seed])[0].tobytes() == model.pictures([seed], label=str(label))[0].tobytes()


def test_the_sheet_has_a_row_for_each_class(run):
    model = load(run.path)
    seeds, _ = model.condition.survey()
    assert len(seeds) == 80
    with Image.open(Run(run.path).newest_sheet) as sheet:
        assert sheet.width < sheet.height


def test_labels_on_the_command_line(run, ganvas, tmp_path):
    code, out, _ = ganvas("sample", run.path, "--label", "7", "--count", 4, "--out", tmp_path / "seven.png")
    assert (code, "4 samples" in out) == (0, True)
    with Image.open(tmp_path / "seven.png") as sheet:
        seven = np.asarray(sheet)
    ganvas("sample", run.path, "--label", "3", "--count", 4, "--out", tmp_path / "three.png")
    with Image.open(tmp_path / "three.png") as sheet:
        assert (np.asarray(sheet) != seven).any()
    ganvas("sample", run.path, "--label", "7", "--count", 2, "--separate", "--out", tmp_path / "sevens")
    assert len(list((tmp_path / "sevens").iterdir())) == 2
    assert ganvas("sample", run.path, "--label", "seven")[0] == 1
    assert "There is no class 'seven'" in ganvas("sample", run.path, "--label", "seven")[2]


def test_a_model_without_classes_takes_no_label(pictures, ganvas, tmp_path):
    run = fit(replace(pictures, images=16), out=tmp_path / "run", quiet=True, device="cpu")
    code, _, told = ganvas("sample", run.path, "--label", "7")
    assert code == 1
    assert "trained without classes, so it takes no label" in told


def test_players_may_have_optimizers_of_their_own(points):
    recipe = replace(points, optimizers={"critic": Rmsprop(rate=0.0)})
    first = {name: value.clone() for name, value in next(train(recipe)).state.tensors().items()}
    *_, last = train(recipe)
    last = last.state.tensors()
    still = [torch.equal(first[name], last[name]) for name in first if name.startswith("critic/")]
    moved = [not torch.equal(first[name], last[name]) for name in first if name.startswith("generator/")]
    assert all(still)
    assert all(moved)
    assert any("square_avg" in name for name in last if name.startswith("optimizer.critic"))
    with pytest.raises(GanvasError, match="has no network 'judge'"):
        replace(points, optimizers={"judge": Adam()})
