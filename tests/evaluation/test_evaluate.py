"""Two sets of samples and every figure that they allow, from Python and from the command line."""

import json
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import Run, fit, load, names
from ganvas.core import catalog
from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset, unwatched
from ganvas.data.sources.folder import Folder
from ganvas.evaluation import sides
from ganvas.evaluation.compare import compare
from ganvas.evaluation.halves import reals_named
from ganvas.evaluation.sides import Side
from ganvas.learning.conditions import Labels
from ganvas.metrics.features.extractor import Extractor
from ganvas.models.shipped import locate
from ganvas.runs.evaluations import as_json, latest

CALLS = []


def _means(pictures):
    """Colour means of the four quarters: twelve features that know where what colour is."""
    CALLS.append(len(pictures))
    x = pictures.permute(0, 3, 1, 2).float() / 255
    return torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)


@pytest.fixture(autouse=True)
def _quarters(monkeypatch):
    """Features that cost nothing, as `--features quarters`."""
    CALLS.clear()
    made = Extractor(_means, 12, "0" * 64, "none", "none", name="quarters", unrounded=True)
    names("feature")  # the others are loaded
    monkeypatch.setitem(catalog._parts["feature"], "quarters", lambda wanted: made)


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    recipe = replace(pictures, condition=Labels(), images=64)
    return fit(recipe, out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu").path


@pytest.fixture
def folder(tmp_path):
    """Sixty noisy pictures of 12x10."""
    dice = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for number in range(60):
        picture = dice.integers(0, 256, (10, 12, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "noise" / f"{number}.png")
    return tmp_path / "noise"


def test_a_model_against_the_data_it_learned_from(run):
    compared = compare(run, features="quarters", count=200)
    scores = dict(compared.scores())
    assert {"fd-quarters", "kd-quarters", "precision", "recall", "density", "coverage", "vendi"} <= scores.keys()
    assert {"intra_fd-quarters", "classification_accuracy", "path_length-quarters"} <= scores.keys()
    assert "memorisation" not in scores
    assert scores["fd-quarters"].value > 0.01, "64 images teach nothing"
    assert scores["fd-quarters"].counts == {"real": 200, "fake": 200}
    about = compared.about
    assert (about["features"], about["weights_sha256"], about["counts"]) == (
        "quarters", "0" * 64, {"fake": 200, "real": 200}
    )  # fmt: skip
    assert json.loads(json.dumps(as_json(about, scores)))["scores"]["vendi"]["value"] == scores["vendi"].value


def test_features_are_made_once_and_those_of_data_kept(run):
    compared = compare(run, features="quarters", count=100)
    dict(compared.scores())
    before = sum(CALLS)
    assert before >= 200
    compared.gallery()
    assert sum(CALLS) == before
    CALLS.clear()
    assert torch.equal(compare(run, features="quarters", count=100).reals, compared.reals)
    assert CALLS == [], "from the cache"
    assert not torch.equal(compare("digits", "digits", features="quarters", count=50).reals, compared.reals[:50])


def test_pictures_come_and_go_however_many_they_are(run, tmp_path, monkeypatch):
    """At most a chunk of them is there at a time, of the samples and of the data; what stays are features."""
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    monkeypatch.setattr(sides, "CHUNK", 64)
    seen, most, samples = [], [], Side.samples

    def noted(pictures):
        seen.append(weakref.ref(pictures))
        most.append(sum(len(each()) for each in seen if each() is not None))
        return pictures

    def described(pictures):
        return _means(noted(pictures))

    monkeypatch.setattr(Side, "samples", lambda side, rows: noted(samples(side, rows)))
    made = Extractor(described, 12, "0" * 64, "none", "none", name="quarters")
    monkeypatch.setitem(catalog._parts["feature"], "quarters", lambda wanted: made)
    peaks = []
    for count in (300, 1200):
        dict(compare(run, features="quarters", count=count).scores())
        peaks.append(max(most))
        most.clear()
    assert peaks[0] == peaks[1] <= 3 * 64


def test_models_are_compared_with_models(run):
    same = compare(run, run, features="quarters", count=300)
    scores = dict(same.scores())
    assert not set(same.fake.rows) & set(same.real.rows), "of one model other samples"
    assert abs(scores["kd-quarters"].value) < 4 * scores["kd-quarters"].error
    assert dict(compare("digits", run, features="quarters", count=100).scores())["kd-quarters"].value > 0


def test_a_model_whose_data_are_elsewhere_says_what_to_compare_with(run, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    recipe = Run(moved).read("recipe.json")
    recipe["data"] = {"part": "folder", "path": "/nowhere/at/all", "size": 8}
    (moved / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(GanvasError, match=r"What moved learned from is not here .*`ganvas evaluate \S*moved FOLDER`"):
        compare(moved, features="quarters")


def test_a_damaged_file_of_kept_features_is_made_anew(run, monkeypatch, tmp_path):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    wanted = compare(run, features="quarters", count=50).reals
    (kept,) = (tmp_path / "features").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(compare(run, features="quarters", count=50).reals, wanted)


def test_copies_are_looked_for_among_all_training_pictures(run, tmp_path):
    """Also if the samples are compared with other data; and a smaller count is said."""
    unseen = Dataset(np.random.default_rng(1).integers(0, 256, (40, 8, 8, 1), np.uint8))
    learned = Run(run).recipe.data.open()
    compared = compare(run, unseen, held_out=unseen, features="quarters")
    assert compared.training.count == len(learned)
    assert dict(compared.scores())["memorisation"].counts["training"] == len(learned)
    few = dict(compare(run, held_out=unseen, features="quarters", count=30).scores())
    assert any(f"among 30 of {len(learned):,} training" in note for note in few["memorisation"].notes)


def test_classes_are_known_by_their_names():
    """One side lacks a class, so that the numbers of the others differ."""
    dice, shades = np.random.default_rng(0), {"ant": 40, "bee": 120, "cow": 200}

    def herd(*names):
        labels = np.repeat(np.arange(len(names)), 30)
        level = np.array([shades[name] for name in names])[labels]
        pictures = (level[:, None, None, None] + dice.integers(-20, 20, (len(labels), 8, 8, 3))).astype(np.uint8)
        return Dataset(pictures, classes=names, labels=labels)

    scores = dict(compare(herd("ant", "bee", "cow"), herd("ant", "cow"), features="quarters").scores())
    assert scores["classification_accuracy"].value == 1
    assert any("alone has: bee" in note for note in scores["classification_accuracy"].notes)
    assert len(scores["intra_fd-quarters"].parts) == 2
    assert "classification_accuracy" not in dict(
        compare(herd("ant", "bee"), replace(herd("ant", "cow"), classes=("x", "y")), features="quarters").scores()
    )


def test_features_that_learned_the_classes_are_not_what_a_classifier_of_samples_learns_from(monkeypatch):
    """These say nothing at all of the classes, and pixels do; so the accuracy tells which of them it is of."""
    dice, labels = np.random.default_rng(0), np.arange(60) % 2
    level = 120 * labels[:, None, None, None] + dice.integers(0, 99, (60, 20, 20, 1))
    herd = Dataset(level.astype(np.uint8), classes=("x", "y"), labels=labels)
    for taught in (False, True):
        made = Extractor(lambda x: torch.ones(len(x), 3), 3, "0" * 64, "none", "none", name="said", taught=taught)
        monkeypatch.setitem(catalog._parts["feature"], "said", lambda wanted, made=made: made)
        found = dict(compare(herd, herd, features="said").scores())["classification_accuracy"]
        assert found.value == (1.0 if taught else 0.5)
        assert any("by pixels" in note for note in found.notes) is taught


def test_held_out_pictures_and_copies(tmp_path):
    dice = np.random.default_rng(1)
    learned, unseen = (Dataset(dice.integers(0, 256, (80, 8, 8, 3), np.uint8)) for _ in range(2))
    scores = dict(compare(learned, learned, held_out=unseen, features="quarters").scores())
    assert scores["memorisation"].value == 1.0
    assert any("same pictures" in note for note in scores["kd-quarters"].notes)
    fresh = Dataset(dice.integers(0, 256, (80, 8, 8, 3), np.uint8))
    scores = dict(compare(fresh, learned, held_out=unseen, features="quarters").scores())
    assert 0.35 < scores["memorisation"].value < 0.65
    assert scores["kd-quarters"].notes == ()


def test_copies_of_mirror_images_are_copies_where_those_were_learned_from(run, monkeypatch):
    learned = Run(run).recipe.data.open()
    unseen = Dataset(np.random.default_rng(1).integers(0, 256, (90, 8, 8, 1), np.uint8))
    monkeypatch.setattr(sides.Model, "generate", lambda _, seeds: learned.take(np.array(seeds) % 200).flip(-1))
    found = []
    for mirror in (False, True):
        monkeypatch.setattr(Run, "recipe", replace(Run(run).recipe, mirror=mirror))
        found.append(dict(compare(run, held_out=unseen, features="quarters").scores()))
    assert found[0]["authenticity"].value > 0.3
    assert found[1]["authenticity"].value < 0.1
    assert found[1]["memorisation"].value > found[0]["memorisation"].value


def test_points_are_their_own_features(points, tmp_path):
    path = fit(replace(points, images=64), out=tmp_path / "ring", quiet=True, device="cpu").path
    scores = dict(compare(path).scores())
    assert {"fd-coordinates", "modes", "high_quality", "reverse_kl"} <= scores.keys()
    assert scores["modes"].value <= 8
    perfect = dict(compare("ring", "ring", count=2000).scores())
    assert perfect["modes"].value == 8
    assert perfect["high_quality"].value > 0.98
    assert perfect["fd-coordinates"].value == pytest.approx(0, abs=1e-9)


def test_rows_are_spread_over_the_data():
    data = Dataset(np.arange(200, dtype=np.float32).reshape(100, 2))
    assert Side("data", data, 5).rows.tolist() == [0, 25, 50, 74, 99]
    labelled = replace(data, classes=("a", "b"), labels=np.arange(100) // 50)
    assert Side("data", labelled, 5).labels.tolist() == [0, 0, 1, 1, 1]
    assert Side("data", data, 5).labels is None


@pytest.mark.parametrize(
    "form", [{"fit": "pad", "background": "black"}, {"fit": "stretch"}, {"across": 2}], ids=lambda form: "-".join(form)
)
def test_named_pictures_are_brought_to_their_form_as_those_of_the_run_were(pictures, folder, tmp_path, form):
    """Cropped ones beside padded ones, or whole ones beside pieces, would be told apart by that alone."""
    recipe = replace(pictures, data=Folder(str(folder), size=8, **form), images=16)
    learned = fit(recipe, out=tmp_path / "run", quiet=True, device="cpu")
    compared = compare(learned.path, folder, held_out=folder, features="quarters")
    for side in (compared.real, compared.held_out):
        assert np.array_equal(side.made.samples, recipe.data.open().samples)
    other = compare(folder, learned.path, features="quarters")
    assert np.array_equal(other.fake.made.samples, recipe.data.open().samples)
    named = reals_named(load(learned.path), Run(learned.path), folder, 999, unwatched)
    assert np.array_equal(named.made.samples, recipe.data.open().samples)


def test_the_gallery_shows_the_nearest(folder):
    noise = compare(str(folder), str(folder), features="quarters")
    picture = noise.gallery(count=2, k=2)
    single = compare(str(folder), str(folder), features="quarters").gallery(count=1, k=1)
    half = single.shape[1] // 2
    assert (single[2:-2, 2:half] == single[2:-2, half + 1 : -1]).all(), "the nearest to a picture is itself"
    assert picture.shape[0] > single.shape[0]
    assert picture.shape[1] > single.shape[1]


def test_what_does_not_go_together(run, folder, points, tmp_path):
    with pytest.raises(GanvasError, match=r"Seeds are whole numbers from 0 to .*, not -1"):
        compare(run, seed=-1)
    with pytest.raises(GanvasError, match=r"leave out `features=` and `weights=`"):
        compare("ring", "ring", features="quarters")
    with pytest.raises(GanvasError, match="Say what to compare with"):
        compare("digits")
    with pytest.raises(GanvasError, match=r"icons learned from is not here .*`ganvas evaluate icons FOLDER`"):
        compare(locate("icons"))
    with pytest.raises(GanvasError, match="`count=` is at least 10, not 3"):
        compare(run, count=3)
    with pytest.raises(GanvasError, match="2 coordinates cannot be compared with 8x8 gray"):
        compare("ring", Dataset(np.zeros((20, 8, 8, 1), np.uint8)))
    with pytest.raises(GanvasError, match="no feature named 'quartes'"):
        compare(run, features="quartes")
    with pytest.raises(GanvasError, match=r"pictures go with pictures, clips with clips and points with points"):
        compare(run, "ring")
    with pytest.raises(GanvasError, match=r"noise are 12x10 and the others 32x32; say by `size=`"):
        compare("icons:clocks", str(folder), features="quarters")
    with pytest.raises(GanvasError, match="digits sees gray pictures only, and these have colours"):
        compare(str(folder), str(folder), features="digits")
    few = Dataset(np.zeros((3, 8, 8, 1), np.uint8))
    with pytest.raises(GanvasError, match=r"data holds 3 samples, which say nothing .*; give at least 10"):
        compare(run, few, features="quarters")
    Image.new("RGB", (30, 30)).save(folder / "larger.png")
    with pytest.raises(GanvasError, match="of several sizes, 12 to 30 pixels wide; say by `size=`"):
        compare(str(folder), str(folder))
    assert compare(str(folder), str(folder), size=8, features="quarters").real.shape == (3, 8, 8)


def test_colours_are_not_taken_for_gray(run, folder, tmp_path):
    with pytest.raises(GanvasError, match=r"samples are gray and .* has colours"):
        compare(run, str(folder), features="quarters")
    (tmp_path / "gray").mkdir()
    for file in folder.iterdir():
        Image.open(file).convert("L").save(tmp_path / "gray" / file.name)
    assert compare(run, str(tmp_path / "gray"), features="quarters").real.shape == (1, 8, 8)
    for these, those in ((folder, tmp_path / "gray"), (tmp_path / "gray", folder)):
        with pytest.raises(GanvasError, match="which would be most of what the figures see"):
            compare(str(these), str(those), features="quarters")
    gray = str(tmp_path / "gray")
    assert compare(gray, gray, features="quarters").real.shape == (3, 10, 12)


def test_clips_with_classes_are_described_by_a_classifier_of_their_frames():
    """As `ganvas evaluate` does by itself for runs of moving_digits."""
    dice = np.random.default_rng(0)
    labels = np.arange(60) % 2
    drawn = (255 * labels[:, None, None, None, None] * np.ones((60, 4, 8, 8, 1))).astype(np.uint8)
    clips = Dataset(drawn // 2 + dice.integers(0, 99, drawn.shape, np.uint8), classes=("dark", "light"), labels=labels)
    scores = dict(compare(clips, clips).scores())
    assert scores["fd-digits"].value < 1e-3


def test_clips_are_judged_by_frames_and_it_says_so(tmp_path):
    dice = np.random.default_rng(2)
    clips = [Dataset(dice.integers(0, 256, (30, 4, 8, 8, 1), np.uint8)) for _ in range(2)]
    scores = dict(compare(*clips, features="quarters").scores())
    assert all("nothing of how it moves" in score.notes[-1] for score in scores.values())
    assert sum(CALLS) == 60, "one frame of each"


def test_the_length_of_paths_does_not_hang_on_one_condition(run):
    """Of a model that moves fifty times as far under one class as under the others."""
    model = load(run)

    class Uneven(type(model.network)):
        def generate(self, z, condition=None):
            return 0.2 + 0.001 * z[:, :1, None, None].expand(-1, 1, 8, 8) * (1 + 50 * condition[:, 3, None, None, None])

    model.network.__class__ = Uneven
    first, second = (
        dict(compare(model, "digits", features="quarters", count=500, seed=seed).scores())["path_length-quarters"]
        for seed in (0, 10_000)
    )
    assert first.counts == {"paths": 500}
    assert abs(first.value - second.value) < 4 * (first.error + second.error)


def test_exact_features_are_kept_apart(run):
    fast = compare(run, features="quarters", count=70)
    fast.reals  # noqa: B018
    CALLS.clear()
    exact = replace(fast, describe=replace(fast.describe, exact=True))
    exact.reals  # noqa: B018
    assert sum(CALLS) == 70
    assert exact.about == fast.about


def test_what_is_found_about_a_run_is_kept_and_reported(run, ganvas, folder):
    assert latest(run) == []
    assert ganvas("evaluate", run, "--features", "quarters", "--count", 40)[0] == 0
    ganvas("evaluate", run, "--features", "quarters", "--count", 50)
    ganvas("evaluate", run / "checkpoints" / "000000064", "digits", "--features", "quarters", "--count", 50)
    ganvas("compare", run, "digits", "--features", "quarters", "--count", 50)
    (found,) = latest(run)
    assert found.about["images"] == 64
    assert found.about["counts"] == {"fake": 50, "real": 50}
    assert found.about["weights_sha256"] == "0" * 64
    assert found.scores["precision"].error is not None
    assert "Against digits, after 64 images" in (run / "report.html").read_text()
    assert len((run / "evaluations.jsonl").read_text().splitlines()) == 3, "one counts the others"


def test_from_the_command_line(run, ganvas, tmp_path, folder):
    code, out, _ = ganvas("evaluate", run, "--features", "quarters", "--count", 50, "--neighbours", "near.png")
    assert code == 0
    assert "fd-quarters" in out
    assert "precision" in out
    assert "weights_sha256" in out
    with Image.open(tmp_path / "near.png") as picture:
        assert picture.width > 100
    code, out, _ = ganvas("compare", folder, folder, "--features", "quarters", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["scores"]["fd-quarters"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["about"]["shape"] == [3, 10, 12]
    code, _, told = ganvas("evaluate", "nothing")
    assert code == 1
    assert "no folder or file 'nothing'" in told


def test_classes_are_alike_however_their_accents_are_stored():
    """And where no two are called alike, it is said that nothing is said of them."""
    shades = np.arange(1, 61, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(8, 1).repeat(8, 2).repeat(3, 3)
    labels = np.arange(60) % 2
    one, two, other = (
        Dataset(shades, classes=names, labels=labels)
        for names in (("K\u00e4se", "Brot"), ("Ka\u0308se", "Brot"), ("milk", "egg"))
    )
    found = dict(compare(one, two, features="quarters").scores())
    assert "intra_fd-quarters" in found
    assert not any("nothing is said of classes" in note for score in found.values() for note in score.notes)
    found = dict(compare(one, other, features="quarters").scores())
    assert "intra_fd-quarters" not in found
    told = "nothing is said of classes, as fewer than two are called alike: Brot, K\u00e4se against egg, milk"
    assert told in found["fd-quarters"].notes


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((("PNG", 60),), (("JPEG", 60),), True),
        ((("PNG", 60),), (("JPEG", 10), ("PNG", 50)), False),
        ((("JPEG", 60),), (("JPEG", 60),), False),
        ((("TIFF of 16 bits", 60),), (("WEBP", 60),), True),
        ((), (("JPEG", 60),), False),
    ],
)
def test_files_that_lost_details_on_one_side_are_said(ours, theirs, said):
    shades = np.arange(1, 61, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(8, 1).repeat(8, 2).repeat(3, 3)
    sides = [Dataset(shades, kinds=kinds) for kinds in (ours, theirs)]
    for score in dict(compare(*sides, features="quarters").scores()).values():
        assert any("lose details" in note for note in score.notes) == said


def test_pictures_of_several_sizes_are_compared_as_the_model_draws(run, tmp_path):
    sizes = tmp_path / "sizes"
    sizes.mkdir()
    for number in range(12):
        Image.new("L", (20 + number, 24), 20 * number).save(sizes / f"{number}.png")
    shape = tuple(Run(run).about["data"]["shape"])
    assert compare(str(sizes), str(run), count=10).fake.made.shape == shape
    assert compare(str(run), str(sizes), count=10).real.made.shape == shape


def test_an_evaluation_is_kept_whoever_reads_it(ganvas, tmp_path, run, monkeypatch):
    def gone(*_, **__):
        raise OSError("the terminal is gone")

    shutil.copytree(run, tmp_path / "run")
    monkeypatch.setattr("ganvas.cli.evaluation.tell_scores", gone)
    ganvas("evaluate", "run", "--count", 20, "--features", "quarters", "--neighbours", "near.png")
    assert (tmp_path / "near.png").exists()
    assert len(latest(tmp_path / "run")) == 1
