"""Two processes that train one model go back together where its numbers blow up."""

import json
import os
import subprocess
import sys
import time

import torch
from conftest import two

from ganvas import Run
from ganvas.core import checkpoint, distributed
from ganvas.recipes.settings import to_json


def in_two(program, recipes, folder):
    """What two processes say that find each other on this machine: [(stdout, stderr), ...]."""
    (folder / "recipes.json").write_text(json.dumps({name: to_json(recipe) for name, recipe in recipes.items()}))
    processes = two("-c", program, str(folder))
    try:
        outputs = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], outputs
    return outputs


BLOWN = """
import json, math, sys
from pathlib import Path
import torch
from ganvas import Diverged, Recipe, fit
from ganvas.core import distributed
from ganvas.learning.adversarial import Adversarial
from ganvas.recipes.settings import from_json
from ganvas.training import loop, recorder

torch.set_num_threads(1)
distributed.start(torch.device("cpu"))
recorder.RETURN_STEPS, folder, rates = 4, Path(sys.argv[1]), {}
recipe = from_json(json.loads((folder / "recipes.json").read_text())["points"], Recipe)
critic, gradients = Adversarial._critic, loop._gradients

def noting(turn, state, *args, **options):
    rates[turn.player] = state.optimizers[turn.player].param_groups[0]["lr"]
    return gradients(turn, state, *args, **options)

def spoilt(*at, player):
    terms = critic(*at, player=player)
    if at[2].dice._entropy[1] == 14 and distributed.rank() == distributed.world() - 1 and rates["critic"] > above:
        terms["loss"] = terms["loss"] * wrong
    return terms

loop._gradients, Adversarial._critic = noting, spoilt
for name, wrong, above in (("nan", math.nan, 6e-4), ("leap", 1e5, 6e-4), ("ended", math.nan, 0.0)):
    try:
        fit(recipe, out=folder / name, device="cpu", quiet=True)
        print(name, "finished")
    except Diverged as error:
        print(name, error)
"""


def test_two_processes_go_back_together(points, tmp_path):
    """Where one of them alone sees that the numbers blow up, as a training of one process does."""
    two, one = tmp_path / "two", tmp_path / "one"
    for folder in (two, one):
        folder.mkdir()
    outputs = in_two(BLOWN, {"points": points}, two)
    said = [[line for line in out.splitlines() if line.startswith(("nan", "leap", "ended"))] for out, _ in outputs]
    assert said[0] == said[1]
    (one / "recipes.json").write_bytes((two / "recipes.json").read_bytes())
    subprocess.run([sys.executable, "-c", BLOWN, str(one)], check=True, capture_output=True)
    for name, players in (("nan", ["critic"]), ("leap", ["generator", "critic"])):
        assert f"{name} finished" in said[0]
        run, alone = Run(two / name), Run(one / name)
        for each in (run, alone):
            told = [(rescue["player"], rescue["back"], rescue["at"]) for rescue in each.about["rescues"]]
            assert told == [(player, 192, 224) for player in players]
        states = [checkpoint.read(each.newest / "state.safetensors") for each in (run, alone)]
        for key, value in states[1].items():
            assert torch.allclose(states[0][key], value, rtol=1e-4, atol=1e-5), key
        assert run.damage == ""
        assert [row["images"] for row in run.rows] == list(range(16, 321, 16))
    assert "It went back three times" in said[0][2]
    run = Run(two / "ended")
    assert [each["player"] for each in run.about["rescues"]] == ["critic", "generator", "critic"]
    assert (run.images, run.status["state"]) == (192, "failed")
    assert all(value.isfinite().all() for value in checkpoint.read(run.newest / "state.safetensors").values())


def test_a_process_that_was_told_of_no_others():
    """RANK set by hand, without torchrun."""
    program = (
        "from ganvas.core import distributed, errors\n"
        "try:\n    distributed.start()\nexcept errors.Unreachable as error:\n    print(error)"
    )
    known = {name: value for name, value in os.environ.items() if not name.startswith(("MASTER_", "WORLD_"))}
    done = subprocess.run([sys.executable, "-c", program], env=known | {"RANK": "1"}, capture_output=True, text=True)
    assert done.stdout.startswith("Another one of the several processes that work together here is gone ("), done.stderr


def test_a_process_says_for_whom_it_waits(monkeypatch, capsys):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda _: time.sleep(0.5))
    distributed.start()
    assert capsys.readouterr().err == (
        "Waiting at 127.0.0.1:29500 until all 2 processes are there; torchrun starts them.\n"
    )
