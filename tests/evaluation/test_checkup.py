"""The doctor's look at a run: at its log, its samples, its critics and its data."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import ganvas
from ganvas import fit
from ganvas.core.errors import DoesNotFit, NotFound
from ganvas.data.dataset import Dataset
from ganvas.evaluation import checkup
from ganvas.evaluation.checkup import doctor
from ganvas.learning.conditions import Labels
from ganvas.models.model import Model
from ganvas.recipes.recipe import change


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=8 * 120), out=tmp_path_factory.mktemp("run") / "d", quiet=True, device="cpu")


def test_a_healthy_run_is_told_what_is_well(run, monkeypatch):
    monkeypatch.setattr(checkup, "diagnoses", lambda *_, **__: [])
    found = ganvas.doctor(run.path)
    assert found.diagnoses == ()
    assert found.numbers["twins"] < 0.05
    assert found.numbers["copies"] < 0.3
    assert str(found).startswith("good") or "too little" in str(found)


def test_copies_of_mirror_images_are_found_out_where_those_were_learned_from(run, monkeypatch):
    data = run.recipe.data.open()
    monkeypatch.setattr(Model, "generate", lambda _model, seeds: data.take(np.arange(len(seeds))).flip(-1))
    assert doctor(run).numbers["copies"] < 0.3  # this run has seen no mirror images
    flipped = change(run.recipe, "mirror=true")
    monkeypatch.setattr(ganvas.Run, "recipe", flipped)
    found = doctor(
        run, held_out=Dataset(data.take(np.arange(300, 600)).flip(-1).add(1).mul(127.5).byte().movedim(1, -1).numpy())
    )
    assert found.numbers["copies"] == 1
    assert found.numbers["copies_expected"] == 1, "as they are of the training pictures"


@pytest.mark.parametrize("copied", [True, False])
def test_copies_are_found_out(run, monkeypatch, copied):
    data = run.recipe.data.open()
    rows = np.arange(300)

    def made(_model, seeds):
        return data.take(rows[: len(seeds)]) if copied else torch.rand(len(seeds), *data.shape) * 2 - 1

    monkeypatch.setattr(Model, "generate", made)
    found = doctor(run)
    assert any(each.kind == "copies" for each in found.diagnoses) is copied
    assert (found.numbers["copies"] == 1) is copied


def test_what_is_near_to_many_pictures_is_no_copy_of_one():
    reals = torch.randn(50, 64, generator=torch.Generator().manual_seed(0))
    reach = float(2 * reals.norm(dim=1).max())
    assert checkup._near(reals.mean(0, keepdim=True), reals, reach) == 0
    assert checkup._near(reals[:5] + 0.1, reals, reach) == 1
    assert checkup._near(reals[:5] + 0.1, reals.repeat(2, 1), reach) == 1  # each is there twice
    assert checkup._near(reals[:5] + 0.1, reals, 0.1) == 0


def test_pictures_that_are_there_twice_are_found_out(pictures, tmp_path):
    from PIL import Image

    digits = pictures.data.open()
    for place in range(40):
        Image.fromarray(digits.samples[place // 2][..., 0]).save(tmp_path / f"{place}.png")
    settings = [f"data=folder({str(tmp_path)!r}, size=8, channels=1)", "images=800"]
    recipe = pictures
    for setting in settings:
        recipe = change(recipe, setting)
    found = doctor(fit(recipe, out=tmp_path / "run", quiet=True, device="cpu"))
    assert {"few", "twins"} <= {each.kind for each in found.diagnoses}
    assert found.numbers["twins"] == 1


def test_a_critic_that_knows_pictures_by_heart_is_found_out_by_others(run, monkeypatch):
    data = run.recipe.data.open()
    unseen = Dataset(255 - data.samples[:200])
    found = doctor(run, held_out=unseen)
    assert 0 <= found.numbers["critic.by_heart"] <= 1
    monkeypatch.setattr(
        checkup, "logits", lambda _critic, pictures, _told: pictures.float().mean((1, 2, 3)) * -1
    )  # digits are dark, and these are not
    (each,) = [each for each in doctor(run, held_out=unseen).diagnoses if each.kind == "by heart"]
    assert each.numbers["by_heart"] > 0.95
    assert each.setting == "game.augment=augment"


def test_a_training_whose_numbers_are_none_any_more_is_told_from_its_status(points, tmp_path):
    wild = replace(points, images=3_200, optimizer=replace(points.optimizer, rate=1e30))
    with pytest.raises(ganvas.Diverged):
        fit(wild, out=tmp_path / "run", quiet=True, device="cpu")
    found = doctor(tmp_path / "run")
    assert found.diagnoses[0].kind == "diverged"
    assert found.diagnoses[0].setting == "optimizer.rate=0.0005"
    assert found.good_news is None


def test_what_cannot_be_looked_at_is_said(run, tmp_path, monkeypatch):
    with pytest.raises(NotFound, match="not a run folder"):
        doctor(tmp_path)
    (tmp_path / "stages" / "1-first").mkdir(parents=True)
    (tmp_path / "stages" / "1-first" / "run.json").write_text("{}")
    with pytest.raises(NotFound, match=r"Its stage so far is .*1-first: ask about that"):
        doctor(tmp_path)
    with pytest.raises(DoesNotFit, match="same shape"):
        doctor(run, held_out=Dataset(np.zeros((30, 4, 4, 1), np.uint8)))
    monkeypatch.setattr(type(run), "changed", lambda *_: "there were 3 samples, and now there are 4")
    assert any("has changed" in note for note in doctor(run).notes)


def test_the_command_answers_in_words_and_in_json(run, ganvas):
    code, told, _ = ganvas("doctor", run.path)
    found = doctor(run)
    assert code == 0
    for each in found.diagnoses:
        assert each.text in told
        assert not each.setting or f"--set {each.setting}" in told.replace("'", "")
    answer = json.loads(ganvas("doctor", run.path, "--json")[1])
    assert [each["kind"] for each in answer["diagnoses"]] == [each.kind for each in found.diagnoses]
    assert answer["images"] == run.images


def test_what_held_out_data_were_not_used_for_is_said(points, pictures, tmp_path):
    dots = fit(replace(points, images=160), out=tmp_path / "dots", quiet=True, device="cpu")
    assert any("was not used" in note for note in doctor(dots, held_out="nowhere").notes)
    assert not any("was not used" in note for note in doctor(dots).notes)
    told = fit(replace(pictures, condition=Labels(), images=64), out=tmp_path / "told", quiet=True, device="cpu")
    samples = 255 - told.recipe.data.open().samples[:50]
    unseen = Dataset(samples, classes=("cat",), labels=np.zeros(50, np.int64))
    assert any("other classes" in note for note in doctor(told, held_out=unseen).notes)
