"""By its exported file a model draws what it draws itself, without torch; what the file cannot do the model does."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import fit
from ganvas.data.dataset import Dataset
from ganvas.latent.places import fingerprint, places
from ganvas.learning.conditions import Labels
from ganvas.learning.phrases import Phrases
from ganvas.models.exported import FILE, Exported, _Beyond, exported, sum_of
from ganvas.models.made import made_of
from ganvas.models.model import Model, load
from ganvas.models.onnx import export
from ganvas.models.place import Place
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.recipes.settings import to_json

PICTURE = ["--count", "6", "--seed", "3"]
WITHOUT = """
import sys
from ganvas.cli.app import main
sys.argv = ["ganvas", "sample", "run", "--label", "3", "--count", "2", "--out", "quick.png"]
main()
assert "torch" not in sys.modules
"""
NAMED = Dataset(
    np.zeros((6, 8, 8, 3), np.uint8),
    keywords=(("fish", "red"), ("fish", "blue", "outline"), ("heart", "red", "solid"), ("cat",), (), ("t-shirt",)),
)


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    """A run of eight images that draws one of ten classes, with its exported file."""
    networks = {"generator": ResnetGenerator(width=2, latent=4), "critic": ResnetCritic(width=2, projection=True)}
    recipe = replace(pictures, networks=networks, condition=Labels(), images=8)
    made = fit(recipe, out=tmp_path_factory.mktemp("runs") / "run", device="cpu", quiet=True)
    model = load(made.path)
    export(model, made.path / FILE, of=sum_of(str(made.path)), digest=fingerprint(model.network))
    return made


@pytest.fixture
def here(run, tmp_path, ganvas):
    """A folder with the run, and the picture `model.png` that its model drew before the exported file was there."""
    shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns(FILE))
    assert ganvas("sample", "run", *PICTURE, "--out", "model.png")[0] == 0
    shutil.copy(run.path / FILE, tmp_path / "run")
    return tmp_path


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_the_file_draws_what_the_model_draws_and_says_so(here, ganvas):
    assert ganvas("sample", "run", *PICTURE, "--out", "file.png")[:2] == (0, "6 samples in file.png\n")
    assert made_of(here / "file.png") == replace(made_of(here / "model.png"), exported=True)
    assert np.abs(pixels(here / "file.png") - pixels(here / "model.png")).max() <= 1
    assert ganvas("sample", "--like", "file.png", "--out", "again.png")[0] == 0
    assert (here / "again.png").read_bytes() == (here / "file.png").read_bytes()
    assert ganvas("sample", "--like", "model.png", "--out", "again.png")[0] == 0
    assert (here / "again.png").read_bytes() == (here / "model.png").read_bytes()
    assert ganvas("sample", "run", *PICTURE, "--separate", "--out", "some")[0] == 0
    assert made_of(here / "some" / "seed-0003.png").exported
    assert ganvas("sample", "--like", "some/seed-0003.png", "--out", "one.png")[0] == 0
    assert (here / "one.png").read_bytes() == (here / "some" / "seed-0003.png").read_bytes()
    assert ganvas("sample", "run", "--count", 1, "--seed", 3, "--scale", 1, "--label", "3", "--out", "one.png")[0] == 0
    assert pixels(here / "one.png").shape == pixels(here / "some" / "seed-0003.png").shape, "without a border"
    subprocess.run([sys.executable, "-c", WITHOUT], cwd=here, check=True)


def test_what_the_file_cannot_do_the_model_does(here, ganvas):
    assert ganvas("sample", "run", "--count", 1, "--truncation", ".5", "--out", "mean.png")[0] == 0
    assert ganvas("sample", "run", "--count", 1, "--repeat", 2, "--scale", 1, "--out", "copies.png")[0] == 0
    assert ganvas("sample", "run", "--count", 1, "--scale", 1, "--truncation", ".999", "--out", "one.png")[0] == 0
    assert pixels(here / "copies.png").shape == tuple(2 * side for side in pixels(here / "one.png").shape[:2])
    assert not made_of(here / "mean.png").exported
    assert "There is no class 'x'" in ganvas("sample", "run", "--label", "x")[2]
    assert "is for models of keywords" in ganvas("sample", "run", "--label", "3", "--variety", "1")[2]


def test_a_file_of_other_weights_is_passed_over(here, monkeypatch):
    monkeypatch.chdir(here)
    assert exported("run")
    shutil.move("run/model.onnx", "model.onnx")
    assert exported("run"), "in the folder that one is in it is found too"
    manifest = next((here / "run" / "checkpoints").iterdir()) / "manifest.json"
    known = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(known) | {"model.safetensors": "0" * 64}))
    assert exported("run") is None
    manifest.write_text(known)
    (here / "model.onnx").write_bytes((here / "model.onnx").read_bytes()[:1000])
    assert exported("run") is None
    (here / "model.onnx").unlink()
    assert exported("run") is None


@pytest.mark.parametrize(
    "place",
    [
        *(Place(seed) for seed in range(4)),
        *(Place(seed, words="red Fish") for seed in range(4)),
        *(Place(seed, words="t-shirt cat", variety=0.4) for seed in range(4)),
        *(Place(seed, words="cat", variety=0.4) for seed in range(4)),
        Place(3, words="cat", variety=0.0),
    ],
    ids=str,
)
def test_words_are_told_as_the_model_tells_them(place):
    condition = replace(Phrases(places=4).of(NAMED), kinds=("cat outline fish", "fish outline"))
    model = Model(ResnetGenerator(width=2, latent=4).build((3, 8, 8), condition.length), condition)
    file = Exported(None, {"told": to_json(condition)})
    _, expected = places(model.varied(place.variety), [(place.seed, place.words)])
    assert torch.equal(torch.from_numpy(file._told(place)), expected[0])
    assert file.added(place) == model.varied(place.variety).added(place.words, place.seed)


@pytest.mark.parametrize(
    "place", [Place(0, words="cat", moves={"a": 1.0}), Place(latent="a.safetensors"), Place(0, variety=0.1)], ids=str
)
def test_places_that_need_the_model(place):
    with pytest.raises(_Beyond):
        Exported(None, {"told": to_json(Phrases(places=4).of(NAMED))})._told(place)
    with pytest.raises(KeyError):
        Exported(None, {"told": to_json(Phrases(places=4).of(NAMED))})._told(Place(0, words="sausage"))
