"""Whether the doctor is right: every illness provoked many times, and healthy trainings that it should leave alone.

    python -m benchmarks.doctor train --seeds 7 9 11 ... [--photos FOLDER] [--work FOLDER]
    python -m benchmarks.doctor mend --seeds 7 9 11 ... [--photos FOLDER] [--work FOLDER]
    python -m benchmarks.doctor judge --seeds 7 9 11 ... [--work FOLDER]
    python -m benchmarks.doctor draw --seeds 7 [--work FOLDER]
    python -m benchmarks.doctor table --seeds 7 9 11 ...

Each ill case is a short training on real data, on one core: a recipe that otherwise learns, with one thing broken that
is known to cause the illness. The healthy ones differ in recipe or length, and take turns by seed. `train` keeps the
run folders, continues where it stopped, and goes through all cases with one seed before the next; trainings whose
settings are all the same run only once. `mend` repeats each ill training that was diagnosed, with the same seed and
the one setting that the doctor names. `judge` lets the doctor examine all of them, at their end and as they were each
time their signs were measured, and writes a line for each to benchmarks/results/doctor.jsonl; a classifier, as an
independent judge, counts which digits are among 300 samples. `table` prints what is in docs/doctor.md, from odd seeds;
the thresholds were chosen on even ones.
"""

import argparse
import datetime
import json
import math
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganvas import Run, doctor, fit, load
from ganvas.core import catalog, machine
from ganvas.core.errors import GanvasError
from ganvas.core.pixels import to_uint8
from ganvas.data.sources.digits import Digits
from ganvas.metrics.features.by_name import features
from ganvas.recipes.recipe import change
from ganvas.runs.doctor import diagnoses

from .record import RESULTS

FILE = RESULTS / "doctor.jsonl"
PICTURES = Path(__file__).parent.parent / "docs" / "pictures" / "doctor"
SIDE = 16
ALL = ("bfloat16=()", "measure_images=0", "sheets=4")
MLP = ("width=128", "batch=32")
R3 = "game=adversarial(relativistic(), r1=0.2, r2=0.2)"
CALM = (R3, "optimizer=adam(rate=1e-3, beta1=0.0)")
CONVOLUTIONS = ("width=8", "game.loss=nonsaturating", "optimizer.rate=1e-3")
PHOTOS, ICONS = "photos", "icons:food"


@dataclass(frozen=True)
class Case:
    """A training.

    kind      the diagnosis that the doctor should make, empty for a healthy training
    target    a recipe
    settings  what makes it ill, or fast
    steps     its length
    data      which digits it learns from: "" for all of them, or the name of a folder made by `pictures`; or PHOTOS, or
              icons of a kind
    held_out  whether the doctor also sees digits that it does not learn from
    mends     whether a setting could mend it in a training of this length: none mends too few pictures
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
    "swinging": Case("swings", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=1e-3, beta1=0.9)"), 400),
    "some modes": Case("missing", "mlp_gan", (*MLP, *CALM, "generator.latent=1"), 400),
    "deaf": Case("deaf", "cgan", ("width=8", "optimizer.rate=2e-4"), 300),
    "starved": Case("sure", "mlp_gan", (*MLP, *CALM, "optimizers.generator=adam(rate=1e-5)"), 400),
    "blind": Case("blind", "mlp_gan", (*MLP, "game.r1=1", "optimizer.rate=1e-3", "game.noise=5"), 400),
    "dead": Case("dead", "lsgan", (*CONVOLUTIONS, "game.noise=linear(0, 20)"), 350),
    "by heart": Case("by heart", "mlp_gan", ("width=128", "batch=20", *CALM), 1200, "20", held_out=True),
    "copies": Case("copies", "mlp_gan", ("width=128", "batch=16", *CALM), 450, "8", mends=False),
    "explosion": Case("exploding", "mlp_gan", (*MLP, "game.loss=wasserstein", "optimizer.rate=1e-3"), 400),
    "no number": Case("diverged", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=1e3, beta1=0.0)"), 400),
    "rate": Case("fast", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=3e-2, beta1=0.0)"), 400),
    "few": Case("few", "lsgan", ("width=8", "batch=16"), 40, "30", mends=False),
    "twins": Case("twins", "lsgan", ("width=8", "batch=16"), 40, "twins", mends=False),
    "short": Case("short", "lsgan", ("width=8",), 12, mends=False),
    "rate on photographs": Case("fast", "mlp_gan", (*MLP, R3, "optimizer=adam(rate=3e-2, beta1=0.0)"), 400, PHOTOS),
    "starved on photographs": Case(
        "sure", "mlp_gan", (*MLP, *CALM, "optimizers.generator=adam(rate=1e-5)"), 400, PHOTOS
    ),
    "blind on icons": Case("blind", "icons", ("width=8", "game.noise=10"), 300, ICONS),
}
HEALTHY = {
    "least squares": Case("", "lsgan", ("width=8", "optimizer.rate=1e-3"), 500),
    "non-saturating": Case("", "lsgan", CONVOLUTIONS, 350),
    "residual": Case("", "digits", ("width=8",), 250),
    "R3GAN's loss": Case("", "mlp_gan", (*MLP, *CALM), 400),
    "R1 alone": Case("", "mlp_gan", (*MLP, "game.r1=1", "optimizer.rate=1e-3"), 600),
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
    "photographs": Case("", "photos", ("width=8", "optimizer.rate=1e-3"), 500, PHOTOS),
    "icons": Case("", "icons", ("width=8",), 300, ICONS),
    "long": Case("", "mlp_gan", (*MLP, *CALM), 1200),
    "autoencoder": Case("", "vae", ("autoencoder.width=8",), 300),
    "points": Case("", "ring", (), 600),
}
EACH = 3  # each healthy recipe is trained with one seed in three, so that there can be many recipes
CASES = ILL | HEALTHY
COUNTED = {"few", "twins", "short"}  # diagnosed by counting, so that finding them is no achievement


def pictures(folder: Path, name: str, seed: int) -> Path:
    """A folder of digits, one subfolder per class; for "twins" it has 250 files, 50 digits in five copies each."""
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
    """The run folder of a case, trained if it is not yet; None if its photographs are missing."""
    if case.data == PHOTOS and not photos:
        return None
    out = folder_of(work, name, seed, mended=bool(extra))
    if (out / "seconds").exists():
        return out
    words = recipe_of(case, extra, seed)
    for other in (work / "runs").glob(f"*-{seed}*/same"):
        if other.read_text() == words:
            shutil.copytree(other.parent, out)
            _done(out, json.loads((out / "seconds").read_text()) | {"set": list(extra)}, words)
            return out
    some_digits = bool(case.data) and case.data not in (PHOTOS, ICONS)
    own = ("data.channels=1",) if some_digits else ()
    data = str(pictures(work / "data", case.data, seed)) if some_digits else {PHOTOS: photos}.get(case.data, case.data)
    settings = (*ALL, *case.settings, *own, *extra)
    batch = next((int(each[6:]) for each in settings if each.startswith("batch=")), 32)
    began = time.process_time()
    try:
        fit(
            case.target,
            data=data or None,
            size=None if case.target == "ring" else SIDE,
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
    _done(out, {"cpu": round(time.process_time() - began, 1), "error": failed, "set": list(extra)}, words)
    return out


def _done(out: Path, about: Mapping[str, Any], words: str) -> None:
    (out / "same").write_text(words)
    (out / "seconds").write_text(json.dumps(about))


def due(name: str, seed: int) -> bool:
    """Whether a case is trained with this seed."""
    return name in ILL or (list(HEALTHY).index(name) + seed // 2) % EACH == 0


def recipe_of(case: Case, extra: Sequence[str], seed: int) -> str:
    """Everything that determines a training, as text; trainings with the same text run only once."""
    recipe = catalog.find(case.target, "recipe")()
    for setting in (*case.settings, *extra):
        recipe = change(recipe, setting)
    return f"{recipe} of {case.steps} steps, {case.data}, seed {seed}"


def held_out(work: Path, case: Case, seed: int) -> str | None:
    return str(work / "data" / f"{case.data}-{seed}" / "held_out") if case.held_out else None


def folder_of(work: Path, name: str, seed: int, *, mended: bool = False) -> Path:
    return work / "runs" / f"{name}-{seed}{'-mended' if mended else ''}".replace(" ", "-")


def mend(work: Path, case: Case, name: str, *, seed: int, photos: str) -> str:
    """Train an ill case again with the setting that the doctor names; returns the setting, or why nothing was done."""
    if not (folder_of(work, name, seed) / "seconds").exists() or not case.mends:
        return ""
    found = doctor(folder_of(work, name, seed), held_out=held_out(work, case, seed))
    setting = next((each.setting for each in found.diagnoses if each.kind == case.kind), None)
    if setting is None:
        return "nothing named"
    train(work, case, name, seed=seed, photos=photos, extra=(setting,))
    return setting


def judged(work: Path, case: Case, name: str, seed: int) -> dict[str, Any]:
    """What the doctor says about a case, as a line of the results file."""
    folder = folder_of(work, name, seed)
    run, found = Run(folder), doctor(folder, held_out=held_out(work, case, seed))
    rows, about = run.rows, run.about["data"]["count"]
    first: dict[str, float] = {}
    for count in [at + 1 for at, row in enumerate(rows) if "signs" in row]:
        for each in diagnoses(rows[:count], samples=about, recipe=run.recipe):
            first.setdefault(each.kind, round(rows[count - 1]["images"] / run.recipe.images, 2))
    line: dict[str, Any] = {
        "case": name,
        "kind": case.kind,
        "seed": seed,
        "found": {each.kind: each.setting for each in found.diagnoses},
        "first": first,
        "numbers": {name: round(value, 3) for name, value in found.numbers.items()},
        "classes": classes(folder),
        "cpu_seconds": json.loads((folder / "seconds").read_text())["cpu"],
    }
    after = folder_of(work, name, seed, mended=True)
    if (after / "seconds").exists():
        again = doctor(after, held_out=held_out(work, case, seed))
        line["mended"] = {
            "set": json.loads((after / "seconds").read_text())["set"],
            "found": {each.kind: each.severity for each in again.diagnoses},
            "classes": classes(after),
        }
    return line


def classes(folder: Path) -> int | None:
    """How many of the ten digits have at least a fifth of their fair share of 300 samples, by a classifier."""
    try:
        model = load(folder)
    except GanvasError:
        return None
    if model.shape[0] != 1:
        return None
    describe = features("digits")
    seen = describe.logits(describe(to_uint8(model.generate(range(5000, 5300))))).argmax(1)
    return int((torch.bincount(seen, minlength=10) >= 6).sum())


def is_mended(line: Mapping[str, Any]) -> bool:
    """The illness is gone, no diagnosis is grave, and the samples show at least as many digits as before."""
    again, before, after = line["mended"]["found"], line["classes"], line["mended"]["classes"]
    fewer = after is not None and after < (before or 0)
    return line["kind"] not in again and "bad" not in again.values() and not fewer


def table(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The tables of docs/doctor.md."""
    yield "| illness | trainings | caught | 95 % | first after | mended | digits before and after |"
    yield "|---|---|---|---|---|---|---|"
    total = [0, 0, 0, 0]
    for name, case in ILL.items():
        own = [line for line in lines if line["case"] == name]
        caught = [line for line in own if case.kind in line["found"]]
        firsts = [line["first"][case.kind] for line in caught if case.kind in line["first"]]
        again = [line for line in caught if case.mends and "mended" in line]
        mended = sum(map(is_mended, again))
        total = [a + b for a, b in zip(total, (len(own), len(caught), len(again), mended), strict=True)]
        when = f"{statistics.median(firsts):.0%}" if firsts else "its end" if caught else "-"
        told = [line for line in again if line["mended"]["classes"] is not None]
        pairs = [(line["classes"] or 0, line["mended"]["classes"]) for line in told]
        seen = " to ".join(f"{statistics.median(each):g}" for each in zip(*pairs, strict=True)) or "-"
        tried, rate = f"{mended} of {len(again)}" if again else "-", within(len(caught), len(own))
        yield f"| {name} (`{case.kind}`) | {len(own)} | {len(caught)} | {rate} | {when} | {tried} | {seen} |"
    judged = [line for line in lines if line["case"] in ILL and line["case"] not in COUNTED]
    right = sum(line["kind"] in line["found"] for line in judged)
    yield f"| judged, not counted | {len(judged)} | {right} | {within(right, len(judged))} | | | |"
    gone = f"{total[3]} of {total[2]} ({within(total[3], total[2])})"
    yield f"| all | {total[0]} | {total[1]} | {within(total[1], total[0])} | | {gone} | |"
    yield ""
    yield "| healthy | trainings | false alarms at the end | at any time | what was said |"
    yield "|---|---|---|---|---|"
    sums = [0, 0, 0]
    for name in HEALTHY:
        own = [line for line in lines if line["case"] == name]
        alarms = sum(bool(line["found"]) for line in own)
        ever = sum(bool(line["first"] or line["found"]) for line in own)
        said = sorted({kind for line in own for kind in (*line["first"], *line["found"])})
        sums = [a + b for a, b in zip(sums, (len(own), alarms, ever), strict=True)]
        yield f"| {name} | {len(own)} | {alarms} | {ever} | {', '.join(said) or 'nothing'} |"
    rates = (f"{count} ({within(count, sums[0])})" for count in sums[1:])
    yield f"| all | {sums[0]} | {' | '.join(rates)} | |"


def within(found: int, of: int) -> str:
    """The 95 % confidence interval of a share, in per cent (Wilson 1927); "-" if there are no cases."""
    if not of:
        return "-"
    z, share = 1.96, found / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return f"{100 * max(middle - half, 0):.0f} to {100 * min(middle + half, 1):.0f}"


def draw(work: Path, name: str, seed: int) -> Path | None:
    """A few samples from the end of a training, for docs/doctor.md."""
    sheet = Run(folder_of(work, name, seed)).newest_sheet
    if sheet is None:
        return None
    with Image.open(sheet) as drawn:
        rows = drawn.crop((0, 0, drawn.width, drawn.height // 4))
        made = PICTURES / f"{name.replace(' ', '-')}.png"
        made.parent.mkdir(parents=True, exist_ok=True)
        rows.resize((2 * rows.width, 2 * rows.height), Image.Resampling.NEAREST).save(made, optimize=True)
    return made


def kept() -> list[dict[str, Any]]:
    """The lines of the results file, one for each training."""
    return [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("what", choices=["train", "mend", "judge", "draw", "table"])
    options.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    options.add_argument("--photos", default="")
    options.add_argument("--work", type=Path, default=Path("runs") / "doctor")
    options.add_argument("--only", nargs="*", default=list(CASES))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    if chosen.what == "table":
        print("\n".join(table([line for line in kept() if line["seed"] in chosen.seeds])))
        return
    lines = []
    for seed in chosen.seeds:
        for name in (each for each in chosen.only if due(each, seed)):
            case = CASES[name]
            if chosen.what == "train":
                found = train(chosen.work, case, name, seed=seed, photos=chosen.photos)
                print(name, seed, (found / "seconds").read_text() if found else "no photographs", flush=True)
            elif chosen.what == "draw":
                print(draw(chosen.work, name, seed), flush=True)
            elif chosen.what == "mend" and name in ILL:
                print(name, seed, mend(chosen.work, case, name, seed=seed, photos=chosen.photos), flush=True)
            elif chosen.what == "judge" and Run(folder_of(chosen.work, name, seed)).exists:
                lines.append(judged(chosen.work, case, name, seed))
                print(lines[-1], flush=True)
    if lines:
        about = {
            "date": datetime.datetime.now().astimezone().date().isoformat(),
            "machine": machine.describe(torch.device("cpu")),
        }
        known = {(each["case"], each["seed"]): each for each in kept()}
        known |= {(line["case"], line["seed"]): line | about for line in lines}
        FILE.write_text("".join(json.dumps(line) + "\n" for line in known.values()))


if __name__ == "__main__":
    main()
