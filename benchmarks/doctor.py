"""Whether the doctor is right: every illness provoked, many times, and healthy trainings that it is to leave alone.

    python -m benchmarks.doctor train [--seeds 10] [--photos FOLDER] [--work FOLDER]
    python -m benchmarks.doctor judge [--work FOLDER]
    python -m benchmarks.doctor table

Each case is a short training on real data, of one core, whose settings are known to cause the illness, and each healthy
one is of another recipe or length. `train` keeps the run folders, goes on where it was left, and goes through all cases
with one seed before it takes the next; when a case is diagnosed, it is trained once more with the setting that the
doctor names. `judge` lets the doctor look at each of them, at its end and at each of its log lines, and writes one line
for each training to benchmarks/results/doctor.jsonl; `table` prints what is in docs/doctor.md. Thresholds were chosen
by even seeds; the table is of odd ones.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganvas import fit
from ganvas.core.errors import GanvasError
from ganvas.data.sources.digits import Digits

from .record import RESULTS

FILE = RESULTS / "doctor.jsonl"
SIDE = 16
ALL = ("bfloat16=()", "measure_images=0", "sheets=4")
MLP = ("width=128", "batch=32")
R3 = "game=adversarial(relativistic(), r1=0.2, r2=0.2)"


@dataclass(frozen=True)
class Case:
    """A training.

    kind      what the doctor is to find, nothing in a healthy one
    target    a recipe
    settings  what makes it ill, or quick
    steps     how long it is
    data      which digits it learns from: "" for all of them, or the name of a folder made by `pictures`; or "photos"
    held_out  whether the digits that it does not learn from are shown to the doctor
    mends     the training has a setting that could mend it: nothing mends too few pictures
    """

    kind: str
    target: str
    settings: tuple[str, ...]
    steps: int
    data: str = ""
    held_out: bool = False
    mends: bool = True


ILL = {
    "collapse": Case("alike", "mlp_gan", (*MLP, "optimizer.rate=5e-4"), 400),
    "swinging": Case("swings", "mlp_gan", (*MLP, "game.loss=hinge", "optimizer=adam(rate=1e-3, beta1=0.9)"), 400),
    "some modes": Case(
        "missing",
        "lsgan",
        (
            "width=8",
            "game.loss=nonsaturating",
            "optimizers.generator=adam(rate=5e-3, beta1=0.9)",
            "optimizers.critic=adam(rate=2e-4)",
        ),
        400,
    ),
    "deaf": Case("deaf", "cgan", ("width=8", "optimizer.rate=3e-4"), 350),
    "starved": Case(
        "sure", "lsgan", ("width=8", "game.loss=nonsaturating", "optimizers.generator=adam(rate=1e-5)"), 300
    ),
    "blind": Case("blind", "lsgan", ("width=8", "game.loss=nonsaturating", "game.noise=5"), 250),
    "dead": Case("dead", "lsgan", ("width=8", "game.loss=nonsaturating", "game.noise=linear(0, 20)"), 300),
    "by heart": Case(
        "by heart", "lsgan", ("width=8", "critic.width=16", "batch=25", "game.loss=nonsaturating"), 500, "50", True
    ),
    "copies": Case(
        "copies",
        "mlp_gan",
        ("width=128", "batch=20", R3, "optimizer=adam(rate=1e-3, beta1=0.0)"),
        700,
        "20",
        mends=False,
    ),
    "explosion": Case("exploding", "mlp_gan", (*MLP, "game.loss=wasserstein", "optimizer.rate=1e-3"), 300),
    "no number": Case("diverged", "mlp_gan", (*MLP, "game.loss=wasserstein", "optimizer.rate=1e3"), 200),
    "rate": Case("fast", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=3e-2, beta1=0.0)"), 350),
    "few": Case("few", "lsgan", ("width=8", "batch=16"), 40, "30", mends=False),
    "twins": Case("twins", "lsgan", ("width=8", "batch=16"), 40, "twins", mends=False),
    "short": Case("short", "lsgan", ("width=8",), 12),
}
HEALTHY = {
    "least squares": Case("", "lsgan", ("width=8",), 700),
    "non-saturating": Case("", "lsgan", ("width=8", "game.loss=nonsaturating", "optimizer.rate=1e-3"), 450),
    "residual": Case("", "digits", ("width=8",), 350),
    "R3GAN's loss": Case("", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=1e-3, beta1=0.0)"), 700),
    "R1 alone": Case("", "mlp_gan", (*MLP, "game.r1=1", "optimizer.rate=1e-3"), 900),
    "projection": Case("", "projection_gan", ("width=8", "optimizer.rate=1e-3"), 450),
    "gradient penalty": Case(
        "",
        "mlp_gan",
        (
            *MLP,
            "game=adversarial(wasserstein(), gradient_penalty=10, critic_plays=3)",
            "optimizer=adam(rate=1e-3, beta1=0.0, beta2=0.9)",
        ),
        450,
    ),
    "photographs": Case("", "photos", ("width=8", "optimizer.rate=1e-3"), 500, "photos"),
}
CASES = ILL | HEALTHY


def pictures(folder: Path, name: str, seed: int) -> Path:
    """A folder of digits, in a folder for each class; of "twins" there are 250, 50 of each in five files."""
    made = folder / f"{name}-{seed}"
    if (made / "done").exists():
        return made / "learned"
    digits = Digits(size=SIDE).open()
    order = np.random.default_rng([seed, 7]).permutation(len(digits))
    count = 50 if name == "twins" else int(name)
    sets = {"learned": list(order[:count]) * (5 if name == "twins" else 1), "held_out": list(order[-300:])}
    for part, rows in sets.items():
        for place, row in enumerate(rows):
            into = made / part / digits.classes[digits.labels[row]]  # type: ignore[index]
            into.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digits.samples[row][..., 0].astype(np.uint8)).save(into / f"{place}.png")
    (made / "done").touch()
    return made / "learned"


def train(work: Path, case: Case, name: str, *, seed: int, photos: str, extra: Sequence[str] = ()) -> Path | None:
    """The run folder of a case, trained if it is not yet; None if its photographs are not here."""
    if case.data == "photos" and not photos:
        return None
    out = work / "runs" / f"{name}-{seed}{'-mended' if extra else ''}".replace(" ", "-")
    if (out / "seconds").exists():
        return out
    own = ("data.channels=1",) if case.data and case.data != "photos" else ()
    data = photos if case.data == "photos" else str(pictures(work / "data", case.data, seed)) if case.data else None
    settings = (*ALL, *case.settings, *own, *extra)
    batch = next((int(each[6:]) for each in settings if each.startswith("batch=")), 32)
    began = time.process_time()
    try:
        fit(
            case.target,
            data=data,
            size=SIDE,
            images=case.steps * batch,
            settings=settings,
            seed=seed,
            out=out,
            device="cpu",
            quiet=True,
        )
        failed = ""
    except GanvasError as error:
        failed = str(error)
    out.mkdir(parents=True, exist_ok=True)
    (out / "seconds").write_text(
        json.dumps({"cpu": round(time.process_time() - began, 1), "error": failed, "set": list(extra)})
    )
    return out


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("what", choices=["train", "judge", "table"])
    options.add_argument("--seeds", type=int, default=10)
    options.add_argument("--photos", default="")
    options.add_argument("--work", type=Path, default=Path("runs") / "doctor")
    options.add_argument("--only", nargs="*", default=list(CASES))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    if chosen.what == "train":
        for seed in range(chosen.seeds):
            for name in chosen.only:
                found = train(chosen.work, CASES[name], name, seed=seed, photos=chosen.photos)
                print(name, seed, (found / "seconds").read_text() if found else "no photographs", flush=True)


if __name__ == "__main__":
    main()
