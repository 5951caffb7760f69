"""Two processes that work on one thing do what one process does: train any kind of recipe, sample, evaluate."""

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import files as files_of
from conftest import two
from PIL import Image

from ganvas import Run, fit, train
from ganvas.core import checkpoint
from ganvas.data.sources.clips import MovingDigits
from ganvas.data.sources.digits import Digits
from ganvas.data.sources.folder import Folder
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.augment import Augment
from ganvas.learning.autoencoding import Autoencoding, Variational
from ganvas.learning.conditions import Keywords, Labels
from ganvas.learning.losses import Nonsaturating, Relativistic, Wasserstein
from ganvas.metrics import kernel_distance
from ganvas.models.model import Model
from ganvas.networks.autoencoder import Autoencoder, MLPAutoencoder
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.networks.stylegan2 import Stylegan2Generator
from ganvas.networks.video import TGANCritic, TGANFrameCritic, TGANGenerator
from ganvas.recipes.settings import to_json
from ganvas.training.state import start

TOGETHER = """
import atexit, json, sys
from dataclasses import replace
from pathlib import Path
import torch
from ganvas import Recipe, fit, train
from ganvas.cli.app import main
from ganvas.core import checkpoint, distributed
from ganvas.core.errors import GanvasError
from ganvas.metrics.features import classifier
from ganvas.recipes.settings import from_json

classifier.LEAST_SEEN = classifier.MOST_SEEN = 1_280  # it has to be the same in both, not good
torch.set_num_threads(1)
atexit.register(lambda: print("still met" if torch.distributed.is_initialized() else "left"))  # the first is last
distributed.start(torch.device("cpu"))
folder, rank = Path(sys.argv[1]), distributed.rank()
recipes = json.loads((folder / "recipes.json").read_text())
recipes = {name: from_json(recipe, Recipe) for name, recipe in recipes.items()}
for name, recipe in recipes.items():
    for tick in train(recipe):
        terms = tick.terms()
        if tick.step == 1:
            checkpoint.write(folder / f"first {name}{rank}", {"state.safetensors": (tick.state.tensors(), {})})
    checkpoint.write(folder / f"{name}{rank}", {"state.safetensors": (tick.state.tensors(), {})})
    (folder / f"{name}{rank}.json").write_text(json.dumps(terms))
try:
    next(train(replace(recipes["points"], batch=15)))
except GanvasError as error:
    print(error)
fit(recipes["points"], out=folder / "run", device="cpu")
fit(recipes["points"], out=folder / "begun by one", device="cpu", quiet=True, images=320)
fit(recipes["points"], out=folder / "begun by two", device="cpu", quiet=True, images=160)
try:
    fit(recipes["points"], out=folder / "auto", device="cpu", quiet=True, auto=True)
except GanvasError as error:
    print(error)
run = str(folder / "digits")
for words in (
    ["sample", run, "--count", "40", "--out", str(folder / "two.png")],
    ["sample", run, "--count", "40", "--separate", "--out", str(folder / "two")],
    ["evaluate", run, "--features", "digits", "--count", "600", "--json"],
):
    sys.argv = ["ganvas", *words]
    try:
        main()
    except SystemExit as end:
        print("ended with", end.code)
"""


@pytest.fixture(scope="module")
def recipes(points, pictures, tmp_path_factory):
    """One of each kind of training, and of network that gathers something over a batch.

    Adam divides each gradient by its own size, so where there is none it takes the noise of rounding for one, and a
    step is as long by it; the first kinds are trained with an epsilon above that noise.
    """
    calm = replace(pictures, optimizer=replace(pictures.optimizer, epsilon=1e-3), images=40)
    brief = replace(pictures, data=Digits(size=16), game=Adversarial(Nonsaturating()), images=40)
    normed = {"generator": DCGANGenerator(width=2, latent=4), "critic": DCGANCritic(width=2)}
    styled = {"generator": Stylegan2Generator(width=4, depth=2, latent=4), "critic": ResnetCritic(width=2)}
    network = MLPAutoencoder(width=16, latent=2)
    coded = replace(points, product="autoencoder", networks={"autoencoder": network}, game=Variational())
    classes = {"generator": ResnetGenerator(width=2, latent=4), "critic": ResnetCritic(width=2, projection=True)}
    keywords = {"generator": ResnetGenerator(width=2, latent=4, modulated=True), "critic": classes["critic"]}
    critics = ("critic", "frames")
    moving = {
        "generator": TGANGenerator(width=2, latent=4, motion=4),
        "critic": TGANCritic(width=2),
        "frames": TGANFrameCritic(width=2),
    }
    return {
        "points": points,
        "wgan-gp": replace(points, game=Adversarial(Wasserstein(), gradient_penalty=10.0, critic_plays=3)),
        "classes": replace(calm, networks=classes, condition=Labels()),
        "keywords": replace(
            calm,
            data=Folder(str(described(tmp_path_factory.mktemp("pictures"))), size=8, channels=1),
            networks=keywords,
            condition=Keywords(),
            game=Adversarial(Relativistic(), r1=0.5, r2=0.5, lazy=2, mismatch=0.5, augment=Augment(strength=0.5)),
        ),
        "autoencoder": replace(
            calm,
            product="autoencoder",
            networks={"autoencoder": Autoencoder(width=2, latent=4)},
            game=Variational(),
        ),
        "clips": replace(
            calm,
            data=MovingDigits(size=16, frames=8, count=24),
            networks=moving,
            game=Adversarial(Relativistic(), r1=0.3, r2=0.3, lazy=4, critics=critics),
            batch=4,
            images=20,
        ),
        "batch norm": replace(brief, networks=normed),
        "mean style": replace(pictures, networks=styled),
        "deviation": coded,
        "gaussian": replace(coded, networks={"autoencoder": replace(network, gaussian=True)}, game=Autoencoding()),
    }


def described(folder):
    """A folder of pictures with words beside them."""
    pictures, told = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8), ("red", "fish", "a house", "sun")
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(f"{told[number % 4]}, {told[number % 3]}")
    return folder


@pytest.fixture(scope="module")
def together(recipes, tmp_path_factory):
    """What two processes left that found each other on this machine: (folder, [(stdout, stderr), ...])."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "recipes.json").write_text(json.dumps({name: to_json(recipe) for name, recipe in recipes.items()}))
    fit(recipes["points"], out=folder / "begun by one", device="cpu", quiet=True, images=160)
    fit(recipes["classes"], out=folder / "digits", device="cpu", quiet=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANVAS_CACHE", str(folder / "cache"))
        processes = two("-c", TOGETHER, str(folder))
    try:
        outputs = [process.communicate(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], outputs
    return folder, outputs


KINDS = ["points", "wgan-gp", "classes", "keywords", "autoencoder", "clips"]
NAMES = [*KINDS, "batch norm", "mean style", "deviation", "gaussian"]


def state_of(folder):
    return checkpoint.read(folder / "state.safetensors")


@pytest.mark.parametrize("name", NAMES)
def test_after_the_first_step_weights_are_those_of_one_process(together, recipes, name):
    folder, _ = together
    states = [state_of(folder / f"first {name}{rank}") for rank in range(2)]
    alone = next(iter(train(recipes[name]))).state.tensors()
    for key, value in alone.items():
        assert torch.equal(states[0][key], states[1][key]), f"{key} differs between the processes"
        if not key.startswith(("optimizer", "levels")):
            assert torch.allclose(states[0][key], value, rtol=0, atol=1e-6), key


def test_the_figure_at_the_end_is_that_of_one_process(together, points):
    """The kernel distance of 500 points: from one process to two far less than from one seed to another."""
    data = points.data.open()
    reals = data.take(np.arange(500))

    def figure(tensors, seed):
        state = start(points, data, seed=seed)
        state.load(tensors)
        return kernel_distance(reals, Model(state.average, None).generate(range(500))).value

    alone = []
    for seed in range(3):
        for tick in train(points, seed=seed):
            state = tick.state.tensors()
        alone.append(figure(state, seed))
    found = figure(state_of(together[0] / "points0"), 0)
    assert abs(found - alone[0]) < 0.05 * (max(alone) - min(alone))


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_agree_with_one(together, recipes, name):
    folder, _ = together
    states = [checkpoint.read(folder / f"{name}{rank}" / "state.safetensors") for rank in range(2)]
    terms = [json.loads((folder / f"{name}{rank}.json").read_text()) for rank in range(2)]
    for tick in train(recipes[name]):
        alone, expected = tick.state.tensors(), tick.terms()
    for key, value in alone.items():
        assert torch.equal(states[0][key], states[1][key]), f"{key} differs between the processes"
        assert torch.allclose(states[0][key], value, rtol=1e-4, atol=2e-5), key
    assert terms[0] == terms[1]
    assert terms[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_batch_that_cannot_be_shared(together):
    assert [out.splitlines()[0] for out, _ in together[1]] == ["A batch of 15 cannot be shared by 2 processes."] * 2


def test_processes_leave_each_other_before_python_goes(together):
    """Threads of gloo that still run then abort a process after its work is done, now and then."""
    assert [out.splitlines()[-1] for out, _ in together[1]] == ["left"] * 2
    assert all(out.count("ended with 0") == 3 for out, _ in together[1])


def test_advice_is_for_one_process(together):
    assert all("`auto=True` is for one process" in out for out, _ in together[1])


@pytest.mark.parametrize("begun", ["one", "two"])
def test_a_run_goes_on_with_another_number_of_processes(together, points, tmp_path, begun):
    """Begun by one and ended by two, and the other way round, as if one process had made all of it."""
    run = Run(together[0] / f"begun by {begun}")
    if begun == "two":
        assert run.images == 160
        run = fit(points, out=run.path, device="cpu", quiet=True, images=320)
    fit(points, out=tmp_path / "run", device="cpu", quiet=True, images=160)
    alone = fit(points, out=tmp_path / "run", device="cpu", quiet=True, images=320)
    assert (run.finished, run.images) == (True, 320)
    assert [row["images"] for row in run.rows] == [row["images"] for row in alone.rows]
    model, expected = (checkpoint.read(each.newest / "model.safetensors") for each in (run, alone))
    for name, value in expected.items():
        assert torch.allclose(model[name], value, rtol=1e-4, atol=1e-5), name


def test_two_processes_draw_the_same_bytes(together, ganvas):
    folder, outputs = together
    run = folder / "digits"
    assert ganvas("sample", run, "--count", 40, "--out", folder / "one.png")[0] == 0
    assert ganvas("sample", run, "--count", 40, "--separate", "--out", folder / "one")[0] == 0
    assert (folder / "two.png").read_bytes() == (folder / "one.png").read_bytes()
    assert len(files_of(folder / "one")) == 40
    assert files_of(folder / "two") == files_of(folder / "one")
    assert outputs[0][0].count("40 samples in") == 2
    assert "samples in" not in outputs[1][0], "only the first process speaks"


def test_two_processes_find_the_same_figures(together, ganvas, monkeypatch):
    folder, outputs = together
    monkeypatch.setenv("GANVAS_CACHE", str(folder / "cache"))  # where their classifier is
    code, out, err = ganvas("evaluate", folder / "digits", "--features", "digits", "--count", 600, "--json")
    assert code == 0, err
    first, second = (re.search(r"^{$.*^}$", each, re.DOTALL | re.MULTILINE) for each, _ in outputs)
    assert json.loads(first[0]) == json.loads(out)
    assert second is None


@pytest.mark.parametrize("killed", [0, 1])
def test_where_one_process_is_killed_the_other_ends_with_a_sentence(points, tmp_path, killed):
    settings = ["--images", "10000000", "--out", str(tmp_path / "run"), "--device", "cpu"]
    processes = two("-m", "ganvas", "train", "ring", *settings)
    try:
        deadline = time.monotonic() + 120
        while not Run(tmp_path / "run").status.get("images"):
            assert time.monotonic() < deadline, "it did not begin"
            assert processes[0].poll() is processes[1].poll() is None, processes[0].communicate()
            time.sleep(0.1)
        processes[killed].kill()
        began = time.monotonic()
        _, err = processes[1 - killed].communicate(timeout=30)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert time.monotonic() - began < 30
    assert processes[1 - killed].returncode == 1, err
    assert "Another one of the 2 processes that work together here is gone" in err
    assert "Traceback" not in err
    if killed == 1:
        assert Run(tmp_path / "run").status["state"] == "failed"


def test_two_processes_leave_one_run(together, points, tmp_path):
    folder, outputs = together
    run, alone = Run(folder / "run"), fit(points, out=tmp_path / "run", device="cpu", quiet=True)
    assert run.finished
    assert [row["images"] for row in run.rows] == [row["images"] for row in alone.rows]
    assert run.recipe == alone.recipe
    model, expected = (checkpoint.read(each.newest / "model.safetensors") for each in (run, alone))
    for name, value in expected.items():
        assert torch.allclose(model[name], value, rtol=1e-4, atol=1e-5), name
    assert "320 of 320 images" in outputs[0][1]
    assert "images" not in outputs[1][1], "only the first process speaks"
