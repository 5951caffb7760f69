"""Two processes that train one model make the model that one process makes."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from ganvas import Run, checkpoint, fit, train
from ganvas.optimizers import Adam
from ganvas.recipe import to_json

TOGETHER = """
import json, sys
from dataclasses import replace
from pathlib import Path
import torch
from ganvas import checkpoint, distributed, fit, train
from ganvas.errors import GanvasError
from ganvas.recipe import from_json

torch.set_num_threads(1)
distributed.start(torch.device("cpu"))
folder, rank = Path(sys.argv[1]), distributed.rank()
recipe, still = map(from_json, json.loads((folder / "recipes.json").read_text()))
for tick in train(recipe):
    terms = tick.terms()
checkpoint.write(folder / f"rank{rank}", {"state.safetensors": (tick.state.tensors(), {})})
(folder / f"terms{rank}.json").write_text(json.dumps(terms))
try:
    next(train(replace(recipe, batch=15)))
except GanvasError as error:
    print(error)
fit(recipe, out=folder / "run", device="cpu")
fit(still, out=folder / "still", device="cpu", quiet=True)
"""


@pytest.fixture(scope="module")
def still(pictures):
    """A recipe with batch norm in which no weight moves, so that only its statistics do."""
    return replace(pictures, optimizer=Adam(rate=0.0), images=64)


@pytest.fixture(scope="module")
def together(points, still, tmp_path_factory):
    """What two processes left that found each other on this machine: (folder, [(stdout, stderr), ...])."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "recipes.json").write_text(json.dumps([to_json(points), to_json(still)]))
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


def test_two_processes_agree_with_one(together, points):
    folder, _ = together
    states = [checkpoint.read(folder / f"rank{rank}" / "state.safetensors") for rank in range(2)]
    terms = [json.loads((folder / f"terms{rank}.json").read_text()) for rank in range(2)]
    for tick in train(points):
        alone, expected = tick.state.tensors(), tick.terms()
    for name, value in alone.items():
        assert torch.equal(states[0][name], states[1][name]), f"{name} differs between the processes"
        assert torch.allclose(states[0][name], value, rtol=1e-4, atol=1e-5), name
    assert terms[0] == terms[1]
    assert terms[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_batch_that_cannot_be_shared(together):
    assert [out for out, _ in together[1]] == ["A batch of 15 cannot be shared by 2 processes.\n"] * 2


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


def test_statistics_of_batch_norm_are_those_of_all_processes(together, still, tmp_path):
    folder, _ = together
    alone = fit(still, out=tmp_path / "run", device="cpu", quiet=True)
    for file in ("state", "model"):
        saved, expected = (
            checkpoint.read(run.newest / f"{file}.safetensors") for run in (Run(folder / "still"), alone)
        )
        means = [name for name in expected if name.endswith("blocks.0.norm1.running_mean")]
        assert len(means) == (2 if file == "state" else 1)
        for name in means:
            assert torch.allclose(saved[name], expected[name], atol=1e-6), name
