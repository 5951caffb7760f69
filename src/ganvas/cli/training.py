"""The command that trains."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import console
from .options import PIXELS, as_options, parse_size, say, share_work

if TYPE_CHECKING:
    from ..runs.run import Run

__all__ = ["train"]


def train(
    target: Annotated[
        str,
        typer.Argument(
            help="A recipe, a folder or zip of pictures, a source such as icons:flags, or a run folder to continue.",
            show_default="what --data is, or icons",
        ),
    ] = "",
    data: Annotated[
        str | None,
        typer.Option(
            help="Data to use instead of the recipe's own: a folder, a zip or a source; for a run to continue, where "
            "its data are now."
        ),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Total training time in minutes, such as 3; not together with --images.")
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(help="Total number of images to train on, counting repeats; by default as in the recipe."),
    ] = None,
    size: Annotated[str | None, typer.Option(help=f"{PIXELS}; by default as in the recipe.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed for the whole training, a whole number from 0.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change one setting of the recipe, such as generator.width=96; can be repeated.",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Run or model, such as icons-base or hf:user/name, to start from instead of training from scratch.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; by default runs/NAME, named after what is trained.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device to train on: cpu, cuda, cuda:1 or mps; by default the fastest available.")
    ] = None,
    data_changed: Annotated[
        bool,
        typer.Option(
            "--data-changed", help="Continue a run even if its data have changed; its classes must be the same."
        ),
    ] = False,
    no_rescue: Annotated[
        bool,
        typer.Option(
            "--no-rescue",
            help="Stop if the training blows up, instead of going back to a sound state and taking smaller steps.",
        ),
    ] = False,
    auto: Annotated[
        bool,
        typer.Option(
            "--auto",
            help="Apply the doctor's advice once if something is seriously wrong; not together with --no-rescue.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the recipe that would be trained, without training it.")
    ] = False,
) -> None:
    """Train a GAN; the same command again continues where it stopped."""
    from ..training.fit import fit
    from ..training.mender import refuse_contradictions
    from ..training.task import asked, refuse_numbers

    if not (target or data):
        console.say("Nothing is named to train on, so this is the recipe icons. For yours: `ganvas train FOLDER`.")
    target = target or data or "icons"
    sides, settings = parse_size(size), set_ or ()
    if dry_run:
        refuse_numbers(images, minutes, seed, settings)
        if auto:
            refuse_contradictions(rescue=not no_rescue)
        task = asked(target, data, sides, seed, settings=settings, start_from=start_from, out=out)
        for line in task.note.split("\n"):
            console.say(line)
        widen = task.recipe.widen if minutes is not None else ()
        say(str(replace(task.recipe, images=images or task.recipe.images, widen=widen)))
        if minutes is not None:
            say(f"With --minutes {minutes:g}, its images and widths depend on how fast this machine trains it.")
        return
    run = fit(
        target,
        data=data,
        size=sides,
        images=images,
        minutes=minutes,
        seed=seed,
        settings=settings,
        start_from=start_from,
        out=out,
        device=device,
        data_changed=data_changed,
        rescue=not no_rescue,
        auto=auto,
    )
    if share_work():
        say(_ending(run))


def _ending(run: "Run") -> str:
    """Summarise the run's state, what can be done next, and what seems wrong."""
    from ..runs.doctor import diagnoses
    from ..runs.mends import mend_of
    from ..runs.rescues import rescues

    about = run.about
    state = "finished" if run.finished else "interrupted: the same command goes on from here"
    stage = f"Stage {about['stage']}: " if about.get("stage") else ""
    more = "--count 9 --seed 7 --out clips.gif" if run.moves else "--count 25 --seed 7 --out grid.png"
    path, mend, samples = shlex.quote(str(run.path)), mend_of(about), about["data"]["count"]
    found = diagnoses(run.rows, samples=samples, recipe=run.recipe, start_from=about.get("from"))
    said = [*map(str, rescues(about)), *([str(mend)] if mend else []), *(as_options(each.advice) for each in found)]
    wrong = "".join(f"\n  look out  {each}" for each in said)
    return (
        f"{stage}{run.images:,} images in {run.seconds:,.0f} s, {state}.\n"
        f"  pictures  {run.newest_sheet}\n"
        f"  report    {run.path / 'report.html'}\n"
        f"  more      ganvas sample {path} {more}\n"
        f"  film      ganvas film {path}"
        f"{wrong}"
    )
