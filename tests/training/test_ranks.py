"""Two processes that train one model make the model that one process makes."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from ganvas import Run, fit, train
from ganvas.core import checkpoint
from ganvas.data.sources.digits import Digits
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.autoencoding import Autoencoding, Variational
from ganvas.learning.losses import Nonsaturating
from ganvas.networks.autoencoder import MLPAutoencoder
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.resnet import ResnetCritic
from ganvas.networks.stylegan2 import Stylegan2Generator
from ganvas.recipes.settings import to_json

TOGETHER = """
import atexit, json, sys
from dataclasses import replace
from pathlib import Path
import torch
from ganvas import Recipe, fit, train
from ganvas.core import checkpoint, distributed
from ganvas.core.errors import GanvasError
from ganvas.recipes.settings import from_json

torch.set_num_threads(1)
atexit.register(lambda: print("still met" if torch.distributed.is_initialized() else "left"))  # the first is last
distributed.start(torch.device("cpu"))
folder, rank = Path(sys.argv[1]), distributed.rank()
recipes = json.loads((folder / "recipes.json").read_text())
recipes = {name: from_json(recipe, Recipe) for name, recipe in recipes.items()}
for name, recipe in recipes.items():
    for tick in train(recipe):
        terms = tick.terms()
    checkpoint.write(folder / f"{name}{rank}", {"state.safetensors": (tick.state.tensors(), {})})
    (folder / f"{name}{rank}.json").write_text(json.dumps(terms))
try:
    next(train(replace(recipes["points"], batch=15)))
except GanvasError as error:
    print(error)
fit(recipes["points"], out=folder / "run", device="cpu")
"""


@pytest.fixture(scope="module")
def recipes(points, pictures):
    """One of each kind of network that gathers something over a batch."""
    brief = replace(pictures, data=Digits(size=16), game=Adversarial(Nonsaturating()), images=40)
    normed = {"generator": DCGANGenerator(width=2, latent=4), "critic": DCGANCritic(width=2)}
    styled = {"generator": Stylegan2Generator(width=4, depth=2, latent=4), "critic": ResnetCritic(width=2)}
    network = MLPAutoencoder(width=16, latent=2)
    coded = replace(points, product="autoencoder", networks={"autoencoder": network}, game=Variational())
    return {
        "points": points,
        "batch norm": replace(brief, networks=normed),
        "mean style": replace(pictures, networks=styled),
        "deviation": coded,
        "gaussian": replace(coded, networks={"autoencoder": replace(network, gaussian=True)}, game=Autoencoding()),
    }


@pytest.fixture(scope="module")
def together(recipes, tmp_path_factory):
    """What two processes left that found each other on this machine: (folder, [(stdout, stderr), ...])."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "recipes.json").write_text(json.dumps({name: to_json(recipe) for name, recipe in recipes.items()}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    command = [sys.executable, "-c", TOGETHER, str(folder)]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], outputs
    return folder, outputs


NAMES = ["points", "batch norm", "mean style", "deviation", "gaussian"]


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_agree_with_one(together, recipes, name):
    folder, _ = together
    states = [checkpoint.read(folder / f"{name}{rank}" / "state.safetensors") for rank in range(2)]
    terms = [json.loads((folder / f"{name}{rank}.json").read_text()) for rank in range(2)]
    for tick in train(recipes[name]):
        alone, expected = tick.state.tensors(), tick.terms()
    for key, value in alone.items():
        assert torch.equal(states[0][key], states[1][key]), f"{key} differs between the processes"
        assert torch.allclose(states[0][key], value, rtol=1e-4, atol=1e-5), key
    assert terms[0] == terms[1]
    assert terms[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_batch_that_cannot_be_shared(together):
    assert [out.splitlines()[0] for out, _ in together[1]] == ["A batch of 15 cannot be shared by 2 processes."] * 2


def test_processes_leave_each_other_before_python_goes(together):
    """Threads of gloo that still run then abort a process after its work is done, now and then."""
    assert [out.splitlines()[-1] for out, _ in together[1]] == ["left"] * 2


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
