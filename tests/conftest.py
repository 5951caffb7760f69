"""What all tests share: checked shapes, one thread, a cache of their own, no network, and a few tiny recipes."""

import gc
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import pytest
from beartype import BeartypeConf, FrozenDict, beartype
from jaxtyping import install_import_hook

# An int is accepted as a float, and any object as a file, because pytest replaces sys.stderr.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True, hint_overrides=FrozenDict({TextIO: object})))


def shaped() -> list[str]:
    """The modules that annotate shapes; the others are left to mypy, as checking them takes a third of the time."""
    home = Path(importlib.util.find_spec("ganvas").origin).parent
    files = [file.relative_to(home.parent) for file in home.rglob("*.py") if "jaxtyping" in file.read_text("utf-8")]
    return [".".join(file.with_suffix("").parts) for file in files]


install_import_hook(shaped(), "conftest.checked")

# One cache for the session and all its processes, so that icons are drawn and a classifier is trained only once.
CACHE = "" if "PYTEST_XDIST_WORKER" in os.environ else tempfile.mkdtemp(prefix="ganvas-tests-")
os.environ |= {"GANVAS_CACHE": CACHE or os.environ["GANVAS_CACHE"], "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import torch  # noqa: E402
from tiny import narrowed  # noqa: E402

from ganvas import Recipe  # noqa: E402
from ganvas.cli.app import main  # noqa: E402
from ganvas.core import catalog, machine  # noqa: E402
from ganvas.data.dataset import Dataset  # noqa: E402
from ganvas.data.sources.digits import Digits  # noqa: E402
from ganvas.data.sources.toys import Ring  # noqa: E402
from ganvas.learning.adversarial import Adversarial  # noqa: E402
from ganvas.learning.ema import Average  # noqa: E402
from ganvas.learning.losses import Nonsaturating  # noqa: E402
from ganvas.learning.optimizers import Adam  # noqa: E402
from ganvas.networks.mlp import MLPCritic, MLPGenerator  # noqa: E402
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator  # noqa: E402

torch.set_num_threads(1)  # tiny networks ran up to ten times slower on two threads than on one

POINTS = Recipe(
    data=Ring(count=500),
    networks={"generator": MLPGenerator(width=16, depth=2, latent=4), "critic": MLPCritic(width=16, depth=2)},
    game=Adversarial(Nonsaturating(), r1=0.1, r2=0.1),
    optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.99),
    average=Average(halflife_images=100),
    batch=16,
    images=320,
    sheets=5,
    measure_images=0,
)
PICTURES = replace(
    POINTS,
    data=Digits(size=8),
    networks={"generator": ResnetGenerator(width=2, latent=4), "critic": ResnetCritic(width=2)},
    batch=8,
    images=160,
)


def two(*words):
    """Start two Python processes as torchrun would; they find each other on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    return [
        subprocess.Popen(
            [sys.executable, *words],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONFAULTHANDLER": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew, compare nothing")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path, reverse=True)  # long files first, so that no process ends up alone with one


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # what was collected stays to the end, so nobody need look through it


def pytest_unconfigure():
    if CACHE:
        shutil.rmtree(CACHE, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    connect = socket.socket.connect

    def local(self, address):
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test wants to reach {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local)


@pytest.fixture(scope="session")
def points():
    """A recipe for points that trains a thousand steps a second."""
    return POINTS


@pytest.fixture(scope="session")
def pictures():
    """A recipe for digits of 8x8 that trains hundreds of steps a second."""
    return PICTURES


@pytest.fixture(scope="module")
def narrow():
    """Networks of latents have few channels, for what does not hang on their number."""
    with narrowed():
        yield


@pytest.fixture
def in_float64(monkeypatch):
    """Trainings in float64, where rounding is out of the way and results agree to 1e-12."""
    take = Dataset.take
    monkeypatch.setattr(Dataset, "take", lambda self, rows, **where: take(self, rows, **where).double())
    monkeypatch.setattr(machine, "NUMBERS", torch.float64)


@pytest.fixture
def registry(monkeypatch):
    """A catalogue that forgets parts added by the test."""
    catalog.listing()  # load everything that is to stay
    monkeypatch.setattr(catalog, "_parts", {kind: dict(parts) for kind, parts in catalog._parts.items()})
    return catalog


@pytest.fixture
def ganvas(tmp_path, monkeypatch, capsys):
    """`ganvas("train", "ring")`: the command line, in this process and a temporary folder -> (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["ganvas", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def start(tmp_path):
    """`start("train", "ring")`: starts the command line as a separate process in a temporary folder."""
    started = []

    def run(*words):
        command = [sys.executable, "-W", "error", "-m", "ganvas", *map(str, words)]
        process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder: relative path -> content."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
