"""The commands of `benchmarks.teach`; its docstring says what they are."""

import argparse
from dataclasses import fields
from pathlib import Path

import torch

from . import __doc__ as about
from .stages import Plan, say, teach


def main() -> None:
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = options.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare")
    prepare.add_argument("corpus", type=Path)
    prepare.add_argument("carry", type=Path)
    prepare.add_argument("--everything", action="store_true", help="also what is held out for measuring")
    run = commands.add_parser("run")
    run.add_argument("carry", type=Path)
    run.add_argument("out", type=Path)
    run.add_argument("--start", type=Path, help="the OUT of before")
    run.add_argument("--device", default="cuda")
    run.add_argument("--size", type=int, default=128, help="64 without a second decoder to be taught")
    run.add_argument("--most", type=int, default=0, help="so many icons, for a trial")
    run.add_argument("--cores", type=int)
    run.add_argument("--draw-only", action="store_true", help="draw the icons, for a run to come on this machine")
    for field in fields(Plan):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool or field.type == "bool":
            run.add_argument(flag, action="store_true")
        else:
            run.add_argument(flag, type=type(field.default), default=field.default)
    assemble = commands.add_parser("assemble")
    for name in ("corpus", "out", "folder"):
        assemble.add_argument(name, type=Path)
    assemble.add_argument("--images", type=int, required=True, help="that the one-step generator has seen")
    attribution = commands.add_parser("attribution")
    attribution.add_argument("corpus", type=Path)
    attribution.add_argument("file", type=Path)
    {"prepare": _prepare, "run": _run, "assemble": _assemble, "attribution": _attribution}[
        (chosen := options.parse_args()).command
    ](chosen)


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
        teach(corpus, chosen.out, plan, start=chosen.start)
        say("done")


def _assemble(chosen: argparse.Namespace) -> None:
    from .assemble import assemble

    assemble(chosen.corpus, chosen.out, chosen.folder, images=chosen.images)


def _attribution(chosen: argparse.Namespace) -> None:
    from .prepare import attribution, read

    chosen.file.write_text(attribution(read(chosen.corpus)), encoding="utf-8")


if __name__ == "__main__":
    main()
