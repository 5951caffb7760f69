"""Speed of a trained generator: pictures per second from the model and its ONNX file, and the time to the first one.

    python -m benchmarks.drawing [--model icons] [--rounds 5] [--threads 1]

Pictures per second: the two sides draw in turns, in separate processes, one picture at a time and 16 at once; the
figure is the geometric mean of the ratios of neighbouring turns, in CPU time. The first picture: the time that a new
process takes to start, read its model, draw one picture and exit, in CPU time and in wall-clock time.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from .turns import answer, take_turns, times_as_fast

SIDES = ("exported", "eager")
BATCHES = (1, 16)
DRAW = """
import sys
import numpy as np
{read}
print(draw(np.zeros((1, latent), np.float32), np.zeros((1, told), np.float32)).shape)
"""
EAGER = """
import torch
from ganvas import load
torch.set_num_threads(int(sys.argv[2]))
network = load(sys.argv[1]).network
latent, told = network.latent, network.condition
def draw(z, condition):
    with torch.no_grad():
        return network.generate(torch.from_numpy(z), torch.from_numpy(condition) if told else None).numpy()
"""
EXPORTED = """
import json, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options)
about = json.loads(session.get_modelmeta().custom_metadata_map["ganvas"])
latent, told = about["latent"], about["condition"]
def draw(z, condition):
    return session.run(None, {"z": z} | ({"condition": condition} if told else {}))[0]
"""
READ = {"exported": EXPORTED, "eager": EAGER}


def drawer(side: str, model: str, threads: int) -> tuple[Callable[..., np.ndarray], int, int]:
    """(draw function, lengths of z and the condition) of one side, from the same program that a new process runs."""
    names: dict[str, Any] = {"sys": SimpleNamespace(argv=["", model, str(threads)])}
    exec(READ[side], names)
    return names["draw"], names["latent"], names["told"]


def pictures_a_second(models: dict[str, str], batch: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turns, drawing so many pictures at once."""
    words = {"batch": batch, "pictures": chosen.pictures, "threads": chosen.threads}
    start = [sys.executable, "-m", "benchmarks.drawing", *(f"--{name}={value}" for name, value in words.items())]
    commands = {side: [*start, f"--side={side}", f"--model={models[side]}"] for side in SIDES}
    turns = take_turns(commands, rounds=chosen.rounds, variables={"OMP_NUM_THREADS": str(chosen.threads)})
    drawn = chosen.pictures // batch * batch * chosen.rounds
    speeds = {side: drawn / sum(turn["cpu_seconds"] for turn in turns[side]) for side in SIDES}
    ratio = times_as_fast(turns["exported"], turns["eager"])
    print(f"{batch} at once, pictures a CPU second: {speeds}; times as fast: {ratio}")
    return {"pictures_a_second": speeds, "times_as_fast": ratio, "turns": turns}


def first_picture(side: str, model: str, threads: int) -> dict[str, float]:
    """The seconds that a new process takes to draw one picture."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    program = DRAW.format(read=READ[side])
    subprocess.run([sys.executable, "-c", program, model, str(threads)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": cpu, "clock_seconds": time.perf_counter() - clock}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="icons", help="a run, a model file or a name")
    for name, default in (("rounds", 5), ("pictures", 320), ("threads", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        draw, latent, told = drawer(chosen.side, chosen.model, chosen.threads)
        rng = np.random.default_rng(0)
        z, condition = (rng.standard_normal((chosen.batch, each), np.float32) for each in (latent, told))
        draw(z, condition)
        answer(lambda: [draw(z, condition).shape for _ in range(chosen.pictures // chosen.batch)][-1])
        return

    from ganvas import load
    from ganvas.models.onnx import export

    from .record import record

    found: dict[str, Any] = {name: vars(chosen)[name] for name in ("model", "pictures", "threads")}
    with TemporaryDirectory() as folder:
        models = {"exported": str(Path(folder) / "model.onnx"), "eager": chosen.model}
        found["difference"] = export(load(chosen.model), Path(models["exported"]))
        for batch in BATCHES:
            found[f"{batch} at once"] = pictures_a_second(models, batch, chosen)
        firsts = {
            side: [first_picture(side, models[side], chosen.threads) for _ in range(chosen.rounds)] for side in SIDES
        }
    found["first picture"] = firsts
    for side, turns in firsts.items():
        print(f"first picture, {side}: {sorted(round(turn['cpu_seconds'], 2) for turn in turns)} CPU seconds")
    print(f"in {record('drawing', found)}")


if __name__ == "__main__":
    main()
