"""Fake or real: areas under curves, the detector, and what `ganvas inspect` says and refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from test_contracts import NETWORKS, shapes
from tiny import tiny

from ganvas import find, fit, load, names
from ganvas.core import catalog
from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset
from ganvas.evaluation.detector import fit_detector, fit_logistic
from ganvas.evaluation.inspect import MEANING, inspect
from ganvas.learning.conditions import Labels
from ganvas.metrics.auc import auc
from ganvas.metrics.features.extractor import Extractor
from ganvas.models.critics import load_critics
from ganvas.models.model import Model
from ganvas.networks.layers import Generator
from ganvas.runs.run import Run


def quarters(pictures):
    """Means and deviations of the four quarters."""
    x = pictures.permute(0, 3, 1, 2).float() / 255
    mean = torch.nn.functional.adaptive_avg_pool2d(x, 2)
    spread = torch.nn.functional.adaptive_avg_pool2d(x.square(), 2) - mean.square()
    return torch.cat([mean.flatten(1), spread.flatten(1)], dim=1)


@pytest.fixture(autouse=True)
def _features(monkeypatch):
    """Features that cost nothing, as "quarters", for pictures of 3 channels."""
    made = Extractor(quarters, 24, "0" * 64, "none", "none", name="quarters")
    names("feature")  # the others are loaded
    monkeypatch.setitem(catalog._parts["feature"], "quarters", lambda wanted: made)


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=64), out=tmp_path_factory.mktemp("run") / "d", quiet=True, device="cpu").path


@pytest.fixture(scope="module")
def conditional(pictures, tmp_path_factory):
    recipe = replace(pictures, condition=Labels(), images=16)
    return fit(recipe, out=tmp_path_factory.mktemp("run") / "c", quiet=True, device="cpu").path


class _Drawn(Generator):
    """A generator of 8x8 pictures that are a function of z."""

    def __init__(self, draw, shape=(3, 8, 8)):
        super().__init__(shape, 0, int(np.prod(shape)))
        self.draw, self.weight = draw, torch.nn.Parameter(torch.zeros(()))

    def forward(self, z, condition):
        return self.draw(z).unflatten(1, self.shape)


NOISE = Model(_Drawn(lambda z: (0.4 * z).clamp(-1, 1)).eval())


def noise(count, seed, deviation=0.4):
    """Real pictures of the very distribution of NOISE, or of another deviation."""
    drawn = np.random.default_rng(seed).standard_normal((count, 8, 8, 3)) * deviation
    return Dataset(np.rint((drawn.clip(-1, 1) + 1) * 127.5).astype(np.uint8))


def test_the_area_is_that_of_sklearn_with_ties():
    dice = np.random.default_rng(0)
    for _ in range(20):
        real, fake = dice.integers(0, 12, 40) + dice.integers(0, 3), dice.integers(0, 12, 70)
        label = np.repeat([1, 0], [40, 70])
        found = auc(torch.from_numpy(real).double(), torch.from_numpy(fake).double())
        assert found.value == pytest.approx(roc_auc_score(label, np.concatenate([real, fake])), abs=1e-12)
        assert found.low < found.value < found.high
        mirrored = auc(torch.from_numpy(fake).double(), torch.from_numpy(real).double())
        assert (mirrored.value, mirrored.low) == pytest.approx((1 - found.value, 1 - found.high), abs=1e-12)


def test_the_error_is_that_of_delong():
    """By hand: the reals 3, 1 lie above 2/2 and 1/4 of the fakes 0, 1 (a tie is half) and so on."""
    found = auc(torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0]))
    above, below = np.array([1.0, 0.75]), np.array([1.0, 0.75])
    assert found.value == above.mean()
    assert found.error == pytest.approx(np.sqrt(above.var(ddof=1) / 2 + below.var(ddof=1) / 2))


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_covers_what_it_says(shift):
    """Of 2,000 intervals at 95 % the binomial error is half a percent; the asymptotics cost up to one and a half."""
    dice, truth = torch.Generator().manual_seed(0), float(torch.special.ndtr(torch.tensor(shift / np.sqrt(2))))
    hits = 0
    for _ in range(2000):
        found = auc(torch.randn(60, generator=dice) + shift, torch.randn(40, generator=dice))
        hits += found.low <= truth <= found.high
    assert 0.93 < hits / 2000 < 0.975


def test_sets_that_do_not_overlap_are_not_certain():
    found = auc(torch.arange(20.0) + 100, torch.arange(30.0))
    assert (found.value, found.error, found.high) == (1, 0, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 20))
    assert auc(torch.arange(30.0), torch.arange(20.0) + 100).high == pytest.approx(1 - found.low)
    tied = auc(torch.zeros(5), torch.zeros(5))
    assert (tied.value, tied.error) == (0.5, 0)
    assert tied.low < 0.2 < 0.8 < tied.high
    with pytest.raises(GanvasError, match="two finite scores of each set"):
        auc(torch.zeros(1), torch.zeros(5))
    with pytest.raises(GanvasError, match="two finite scores of each set"):
        auc(torch.tensor([1.0, torch.nan]), torch.zeros(5))


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_regression_is_that_of_sklearn(strength):
    dice = np.random.default_rng(0)
    x, y = dice.standard_normal((90, 7)), np.repeat([True, False], [60, 30])
    x[y] += 0.5
    ours = fit_logistic(torch.from_numpy(x), torch.from_numpy(y), strength=strength)
    theirs = LogisticRegression(C=1 / (90 * strength), class_weight="balanced", tol=1e-10, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(ours.weight, theirs.coef_[0], atol=1e-5)
    assert ours.bias == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_the_penalty_follows_the_data():
    """Noise is regularised more than what can be told apart."""
    describe = find("quarters", "feature")(None)
    alike = fit_detector(noise(60, 1).samples, noise(60, 2).samples, describe)
    apart = fit_detector(noise(60, 1).samples, noise(60, 2, 0.3).samples, describe)
    assert alike.about["penalty"] > apart.about["penalty"]


def test_the_same_distribution_cannot_be_told_apart():
    """Of ten intervals at 95 % two or more miss in a tenth of all cases, and three in one of a hundred."""
    found = [inspect(NOISE, real=noise(240, seed), features="quarters") for seed in range(10)]
    areas = [each.areas["detector"] for each in found]
    assert sum(area.low < 0.5 < area.high for area in areas) >= 8
    assert max(area.high - area.low for area in areas) < 0.25
    assert "the detector does no better than chance here, so its scores say nothing." in found[0].warnings


@pytest.mark.parametrize("draw", [lambda z: 0.2 * z, lambda z: 0 * z, lambda z: 0.4 * z.roll(1, 0).abs()])
def test_a_bad_generator_is_caught(draw):
    area = inspect(Model(_Drawn(draw).eval()), real=noise(300, 0), features="quarters").areas["detector"]
    assert area.value > 0.95
    assert area.low > 0.9


def test_a_network_does_where_there_are_no_features(monkeypatch):
    """It learns from the pixels."""
    monkeypatch.setattr("ganvas.metrics.features.classifier.LEAST_SEEN", 3000)
    monkeypatch.setattr("ganvas.metrics.features.classifier.EPOCHS", 1)
    monkeypatch.setattr(
        "ganvas.evaluation.halves.suggested", lambda data: (_ for _ in ()).throw(GanvasError("nothing"))
    )
    gray = Dataset(noise(60, 0).samples[..., :1])
    model = Model(_Drawn(lambda z: 0.1 * z, (1, 8, 8)).eval())
    found = inspect(model, real=gray, count=100)
    assert found.about["detector"] == "network"
    assert found.areas["detector"].value > 0.95


def save(folder, pictures, name="{}.png"):
    folder.mkdir(exist_ok=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.squeeze()).save(folder / name.format(number))
    return folder


def test_the_critics_are_those_of_the_checkpoint(run):
    critics = load_critics(Run(run), 0)
    tensors = Run(run).restore()
    assert list(critics) == ["critic"]
    for name, value in critics["critic"].state_dict().items():
        assert torch.equal(value, tensors[f"critic/{name}"])


def test_pictures_are_ordered_by_their_scores_alone(run, tmp_path):
    fakes = load(run).sample(4, seed=0)
    files = []
    for number, picture in enumerate(fakes):
        picture.save(tmp_path / f"{number}.png")
        files.append(tmp_path / f"{number}.png")
    found, again = (inspect(run, some, features="quarters", count=120) for some in (files, files[::-1]))
    assert [each.name for each in found.pictures] == [each.name for each in again.pictures]
    for one, other in zip(found.pictures, again.pictures, strict=True):
        assert one.detector == pytest.approx(other.detector, abs=1e-4)
        assert one.critics["critic"] == pytest.approx(other.critics["critic"], abs=1e-4)
    scores = [each.detector for each in found.pictures]
    assert scores == sorted(scores, reverse=True)
    drawn = {each.name: picture for each, picture in zip(found.pictures, found.drawn, strict=True)}
    assert (drawn[str(files[2])][..., 0] == np.asarray(fakes[2])).all()
    alone = inspect(run, files[:1], features="quarters", count=120).pictures[0]
    assert alone.detector == pytest.approx(next(x.detector for x in found.pictures if x.name == alone.name), abs=1e-4)


def test_a_saved_sample_is_the_sample(run, tmp_path):
    """What is written as PNG comes back bit for bit and scores as one of the generated pictures."""
    load(run).sample(1, seed=1_000_000)[0].save(tmp_path / "a.png")
    judged = inspect(run, [tmp_path / "a.png"], features="quarters", count=120).pictures[0]
    assert judged.notes == ()
    assert 0 <= judged.above_generated <= 1


def test_equal_pictures_stay_together():
    """Forty different pictures, each ten times: a detector that has seen the copies would know them."""
    few = noise(40, 0).samples.repeat(10, axis=0)
    found = inspect(NOISE, real=Dataset(few), features="quarters", count=400)
    assert found.about["learned"][0] % 10 == found.about["tested"][0] % 10 == 0
    with pytest.raises(GanvasError, match=r"There are .* real pictures to learn from"):
        inspect(NOISE, real=Dataset(few[:10]), features="quarters")


def test_held_out_pictures_are_tested_on():
    real, fresh = noise(100, 0), noise(80, 1)
    both = Dataset(np.concatenate([real.samples[:30], fresh.samples]))
    found = inspect(NOISE, real=real, held_out=both, features="quarters")
    assert (found.about["learned"], found.about["tested"]) == ([100, 100], [80, 80]), "what is known is left out"


def test_what_the_detector_learned_from_is_said(tmp_path):
    real = noise(40, 0)
    folder = save(tmp_path / "real", real.samples)
    found = inspect(NOISE, [folder], real=real, features="quarters")
    told = [each for each in found.pictures if "the detector learned from it" in each.notes]
    assert len(told) == found.about["learned"][0]


def test_pictures_of_another_form(tmp_path):
    real = noise(60, 0)
    folder = save(tmp_path / "some", real.samples[:2])
    Image.fromarray(real.samples[0]).save(tmp_path / "some" / "a.jpg")
    (tmp_path / "some" / "notes.txt").write_text("nothing")
    found = inspect(NOISE, [folder], real=real, features="quarters")
    assert {each.name.rpartition("/")[2]: each.notes for each in found.pictures}["a.jpg"] == ("lossy file",)
    assert found.skipped == ((f"{folder / 'notes.txt'}", "not an image"),)
    gray, large, clear = tmp_path / "gray.png", tmp_path / "large.png", tmp_path / "clear.png"
    Image.new("L", (8, 8)).save(gray)
    Image.new("RGB", (16, 8)).save(large)
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(clear)
    for file, told in ((gray, "8x8 gray"), (large, "16x8 RGB"), (clear, "8x8 RGBA")):
        with pytest.raises(GanvasError, match=rf"is {told} and this model makes 8x8 RGB.*`adapt=True`"):
            inspect(NOISE, [file], real=real, features="quarters")
        changed = inspect(NOISE, [file], real=real, features="quarters", adapt=True)
        assert changed.pictures[0].notes == (f"was {told}",)
    with pytest.raises(GanvasError, match=r"There is no picture in .*: .* is not an image"):
        inspect(NOISE, [folder / "notes.txt"], real=real, features="quarters")
    with pytest.raises(GanvasError, match="the difference in form alone would tell them apart"):
        inspect(NOISE, real=Dataset(real.samples[..., :1]), features="quarters")


def test_classes(conditional, tmp_path):
    picture = load(conditional).sample(1, label="3")[0]
    picture.save(tmp_path / "three.png")
    found = inspect(conditional, [tmp_path / "three.png"], features="quarters", count=120)
    assert found.pictures[0].critics == {}
    assert found.areas["critic"].counts[0] > 10
    assert any("`label=`" in each for each in found.warnings)
    as_three, as_four = (
        inspect(conditional, [tmp_path / "three.png"], label=x, features="quarters", count=120) for x in "34"
    )
    assert as_three.pictures[0].critics != as_four.pictures[0].critics
    with pytest.raises(GanvasError, match="There is no class 'x'"):
        inspect(conditional, [tmp_path / "three.png"], label="x")


def test_words(tmp_path):
    picture = load("icons").sample(1, label="red heart")[0]
    picture.save(tmp_path / "heart.png")
    real = Dataset(np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), dtype=np.uint8))
    asked = [None, "red heart", "green tree"]
    unasked, heart, tree = (
        inspect("icons", [tmp_path / "heart.png"], real=real, label=words, features="quarters", count=24)
        for words in asked
    )
    assert any("words; give them by `label=`" in each for each in unasked.warnings)
    assert not any("`label=`" in each for each in heart.warnings)
    assert heart.pictures[0].critics != tree.pictures[0].critics


def test_a_model_by_itself_has_no_critic(run, tmp_path):
    file = Run(run).newest / "model.safetensors"
    with pytest.raises(GanvasError, match="name real pictures by `real=`"):
        inspect(file)
    found = inspect(file, real="digits", features="quarters", count=120)
    assert list(found.areas) == ["detector"]
    assert any(each.startswith("there is no critic") for each in found.warnings)


def test_points_are_refused(points, tmp_path):
    path = fit(replace(points, images=32), out=tmp_path / "ring", quiet=True, device="cpu").path
    with pytest.raises(GanvasError, match="makes points, and only pictures"):
        inspect(path)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "generator" in name or "autoencoder" in name])
def test_every_generator_can_be_inspected(name, tmp_path):
    """Pictures, clips by their frames, and points not at all."""
    shape = shapes(name)[0]
    model = Model(tiny(name.partition(" ")[0], shape, **NETWORKS[name]).eval())
    if len(shape) == 1:
        with pytest.raises(GanvasError, match="only pictures and frames of clips"):
            inspect(model, real="ring")
        return
    dice, (channels, *sides) = np.random.default_rng(0), shape
    real = Dataset(dice.integers(0, 256, (40, *sides, channels), np.uint8))
    file = tmp_path / "a.png"
    Image.fromarray(real.samples[0].reshape(-1, *sides[-2:], channels)[0].squeeze()).save(file)
    found = inspect(model, [file], real=real, features="quarters")
    assert len(found.pictures) == 1
    assert np.isfinite(found.pictures[0].detector)
    assert any("one of its frames" in each for each in found.warnings) == (len(shape) == 4)


def test_from_the_command_line(run, ganvas, tmp_path):
    assert ganvas("sample", run, "--count", 3, "--separate", "--out", "some")[0] == 0
    code, out, err = ganvas("inspect", run, "some", "--features", "quarters", "--count", 120, "--sheet", "sheet.png")
    assert code == 0, err
    assert all(meaning in out for meaning in MEANING)
    assert "some/seed-0001.png" in out
    assert "told apart (AUC)" in out
    assert "DeLong" in out
    assert "--held-out" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 66 + 2, 2 * 66 + 2)
    code, out, _ = ganvas("inspect", run, "some", "--features", "quarters", "--count", 120, "--json")
    found = json.loads(out)
    assert code == 0
    assert {"about", "auc", "pictures", "skipped", "warnings", "meaning"} == set(found)
    assert len(found["pictures"]) == 3
    code, _, err = ganvas("inspect", run, "nowhere")
    assert code == 1
    assert "There is no folder or file nowhere" in err
