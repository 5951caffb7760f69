"""The commands of `benchmarks.teach`; the package's docstring describes them."""

import argparse
import datetime
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganvas.core import machine
from ganvas.core.machine import has_bfloat16
from ganvas.learning.phrases import Phrases
from ganvas.learning.told import noise
from ganvas.recipes.settings import from_json, to_json

from . import __doc__ as about
from .finishing import SHAPE, Finish, finish
from .output import say
from .stages import Plan, teach


def main(words: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = options.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare")
    prepare.add_argument("corpus", type=Path)
    prepare.add_argument("carry", type=Path)
    prepare.add_argument("--everything", action="store_true", help="also what is held out for measuring")
    run = commands.add_parser("run")
    run.add_argument("carry", type=Path)
    run.add_argument("out", type=Path)
    run.add_argument("--start", type=Path, help="the OUT of before, to go on from")
    run.add_argument("--device", default="cuda")
    run.add_argument("--size", type=int, default=128, help="64 without a second decoder to be taught")
    run.add_argument("--most", type=int, default=0, help="so many icons, for a trial")
    run.add_argument("--cores", type=int)
    run.add_argument("--draw-only", action="store_true", help="draw the icons, for a run to come on this machine")
    _settings(run, Plan)
    finish = commands.add_parser("finish")
    finish.add_argument("carry", type=Path)
    finish.add_argument("out", type=Path)
    finish.add_argument("--model", default="icons", help="a published model, to go on from")
    finish.add_argument("--device", default="cpu")
    finish.add_argument("--cores", type=int)
    _settings(finish, Finish)
    assemble = commands.add_parser("assemble")
    for name in ("out", "folder"):
        assemble.add_argument(name, type=Path)
    assemble.add_argument("--mean", type=Path, help="the OUT of another `finish`: the weights are the mean of both")
    kinds = commands.add_parser("kinds")
    for name in ("carry", "out"):
        kinds.add_argument(name, type=Path)
    kinds.add_argument("--mean", type=Path, help="as for assemble")
    attribution = commands.add_parser("attribution")
    attribution.add_argument("corpus", type=Path)
    attribution.add_argument("file", type=Path)
    attribution.add_argument("--everything", action="store_true", help="if it was prepared so")
    held_out = commands.add_parser("held-out")
    held_out.add_argument("corpus", type=Path)
    held_out.add_argument("folder", type=Path)
    held_out.add_argument("--drawings", action="store_true", help="emoji of nouns that were learned")
    chosen = options.parse_args(words)
    {
        "prepare": _prepare,
        "run": _run,
        "finish": _finish,
        "assemble": _assemble,
        "kinds": _kinds,
        "attribution": _attribution,
        "held-out": _held_out,
    }[chosen.command](chosen)


def _settings(options: argparse.ArgumentParser, plan: Any) -> None:
    """Add an option for each setting of a plan."""
    for field in fields(plan):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool or field.type == "bool":
            options.add_argument(flag, action="store_true")
        else:
            options.add_argument(flag, type=type(field.default), default=field.default)


def _prepare(chosen: argparse.Namespace) -> None:
    from .prepare import prepare

    prepare(chosen.corpus, chosen.carry, everything=chosen.everything)


def _run(chosen: argparse.Namespace) -> None:
    from .corpus import Corpus, draw

    chosen.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(chosen.device)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    drawn = draw(chosen.carry, chosen.size, most=chosen.most, cores=chosen.cores)
    say(f"drew {sum(len(each.rows) for each in drawn):,} icons")
    if not chosen.draw_only:
        corpus = Corpus(chosen.carry, drawn, device)
        plan = Plan(**{field.name: getattr(chosen, field.name) for field in fields(Plan)})
        _say_what(chosen, plan)
        teach(corpus, chosen.out, plan, start=chosen.start)
        say("done")


def _finish(chosen: argparse.Namespace) -> None:
    from .corpus import Corpus, draw

    chosen.out.mkdir(parents=True, exist_ok=True)
    plan = Finish(**{field.name: getattr(chosen, field.name) for field in fields(Finish)})
    torch.manual_seed(plan.seed)
    machine.keep_memory()
    corpus = Corpus(chosen.carry, draw(chosen.carry, SHAPE[-1], cores=chosen.cores), torch.device(chosen.device))
    _say_what(chosen, plan, model=chosen.model)
    finish(corpus, chosen.model, chosen.out, plan)


def _say_what(chosen: argparse.Namespace, plan: Any, **more: str) -> None:
    """Write to OUT what a model of the run must know: how it is asked, its data, the machine and the plan."""
    began = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    shutil.copy(chosen.carry / "condition.json", chosen.out)
    about = json.loads((chosen.carry / "about.json").read_text(encoding="utf-8"))
    about |= {"started": began, "machine": machine.describe(torch.device(chosen.device)), "plan": asdict(plan)} | more
    (chosen.out / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _assemble(chosen: argparse.Namespace) -> None:
    from .assemble import assemble, assemble_finished

    if any(chosen.out.glob("finished_0.safetensors")):
        assemble_finished(chosen.out, chosen.folder, mean=chosen.mean)
    else:
        assemble(chosen.out, chosen.folder)


def _kinds(chosen: argparse.Namespace) -> None:
    from .assemble import finished
    from .kinds import drawn_kinds
    from .namer import kept_namer

    words = [str(word) for word in np.load(chosen.carry / "meta.npz")["words"]]
    asked = from_json(json.loads((chosen.carry / "condition.json").read_text(encoding="utf-8")), Phrases)
    network = finished(chosen.out, chosen.mean).network
    if has_bfloat16(torch.device("cpu")):
        network.precision = torch.bfloat16

    def draw(texts: Sequence[str], seed: int) -> torch.Tensor:
        told = torch.stack([asked.read(text) for text in texts])
        return network.generate(torch.from_numpy(noise([seed], network.latent)).expand(len(texts), -1), told)

    namer = kept_namer(chosen.out / "namer.safetensors", len(words))
    places = {word: place + 1 for place, word in enumerate(words)}
    asked = replace(asked, kinds=drawn_kinds(asked, draw, namer, places))
    (chosen.out / "condition.json").write_text(json.dumps(to_json(asked)), encoding="utf-8")
    print(f"{sum(len(kinds.split()) - 1 for kinds in asked.kinds):,} kinds of {len(asked.kinds):,} things")


def _attribution(chosen: argparse.Namespace) -> None:
    from .prepare import attribution, read

    chosen.file.write_text(attribution(read(chosen.corpus), everything=chosen.everything), encoding="utf-8")


def _held_out(chosen: argparse.Namespace) -> None:
    from .held_out import write_held_out
    from .prepare import read

    count = write_held_out(read(chosen.corpus), chosen.folder, drawings=chosen.drawings)
    print(f"{count} icons in {chosen.folder}")


if __name__ == "__main__":
    main()
