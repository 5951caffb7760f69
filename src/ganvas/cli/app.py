"""The command line: words in, one call, words out. Everything heavy is imported by the command that needs it."""

import shlex
import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ..core.errors import GanvasError
from . import latent as control
from . import models as outside

if TYPE_CHECKING:
    from ..metrics.score import Score
    from ..runs.run import Run

__all__ = ["app", "main"]

app = typer.Typer(
    name="ganvas",
    help="Train a GAN on pictures, see whether it is healthy, and use it.\n\n"
    "Start with: ganvas train icons:portraits --minutes 3",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/icons.")]
Truncation = Annotated[
    float, typer.Option(help="How far inputs go from their mean: below 1 more typical pictures, and more alike.")
]
Size = Annotated[str | None, typer.Option(help="Pixels of the pictures: 64, or WIDTHxHEIGHT such as 64x96.")]


@app.command()
def train(
    target: Annotated[
        str,
        typer.Argument(
            help="A recipe, a folder or zip of pictures, a source such as icons:flags, or a run to go on with.",
            show_default="what --data is, or icons",
        ),
    ] = "",
    data: Annotated[str | None, typer.Option(help="A source that takes the place of the recipe's own.")] = None,
    minutes: Annotated[float | None, typer.Option(help="How long to train, as time.")] = None,
    images: Annotated[int | None, typer.Option(help="How long to train, as images seen.")] = None,
    size: Size = None,
    seed: Annotated[int, typer.Option(help="What all randomness follows from.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change one setting; may be repeated.")
    ] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", help="A model or a run to start from instead of from nothing: icons.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; by default under runs/.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the fastest there is.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the recipe that would be trained.")] = False,
) -> None:
    """Train a GAN. The same command again goes on where it was left."""
    from ..models.publish import adapted
    from ..recipes.plan import plan
    from ..training.fit import fit

    target = target or data or "icons"
    sides, settings = parse_size(size), set_ or ()
    if dry_run:
        like = adapted(start_from) if start_from else None
        say(str(plan(target, data=data, size=sides, images=images, settings=settings, like=like)))
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
    )
    say(ending(run))


@app.command()
def sample(
    run: RunArgument,
    count: Annotated[int, typer.Option(help="How many pictures.")] = 25,
    seed: Annotated[int, typer.Option(help="The first picture's seed; the others follow it.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The picture of all, or for clips the .gif, .webp or .mp4; with --separate the folder."),
    ] = None,
    columns: Annotated[int | None, typer.Option(help="Pictures per row.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "--keywords", help="What to draw: a class, or words such as 'blue fish'."),
    ] = None,
    variety: control.Variety = None,
    separate: Annotated[bool, typer.Option("--separate", help="One file per seed: seed-0007.png.")] = False,
    truncation: Truncation = 1.0,
) -> None:
    """Draw pictures or clips with a trained model. One seed is one picture, or one clip."""
    from ..latent.morph import truncated
    from ..models.model import load, save_separate, save_sheet

    if len(label or ()) > 1:
        raise GanvasError("One --keywords or --label at a time is drawn; `ganvas morph` goes through several.")
    model = truncated(control.varied(load(run), variety, label), truncation)
    seeds, asked = range(seed, seed + count), label[0] if label else None
    saved = save_separate(model, seeds, out or Path("samples"), label=asked) if separate else None
    default = Path("samples.gif" if model.moves else "samples.png")
    saved = saved or save_sheet(model, seeds, out or default, columns=columns, label=asked)
    guessed = model.unknown(asked)
    say(f"{count} samples in {saved}")
    if guessed:
        say(f"not among the words that it learned, so taken by their meaning: {', '.join(guessed)}")


@app.command()
def morph(
    run: RunArgument,
    seeds: Annotated[str, typer.Option(help="The pictures to go through, by seed: 0,7,12.")] = "",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "--keywords", help="A class, or words, to go through; may be repeated."),
    ] = None,
    variety: control.Variety = None,
    out: Annotated[Path, typer.Option(help="A film (.gif, .webp, .mp4), or a strip of pictures (.png).")] = Path(
        "morph.gif"
    ),
    frames: Annotated[
        int | None, typer.Option(help="Pictures in all; by default 24 from stop to stop, 4 on strips.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long the film takes.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="End where it began.")] = False,
    linear: Annotated[bool, typer.Option("--linear", help="Move on lines, not on arcs.")] = False,
    steady: Annotated[bool, typer.Option("--steady", help="Do not slow down at each stop.")] = False,
    truncation: Truncation = 1.0,
) -> None:
    """Turn pictures of a trained model into one another: between seeds, between classes, or both."""
    from ..latent.morph import read_stops, save_morph, truncated
    from ..models.model import load

    model, path = control.varied(load(run), variety, label), read_stops(seeds, label or ())
    saved = save_morph(
        truncated(model, truncation),
        path,
        out,
        frames=frames,
        seconds=seconds,
        spherical=not linear,
        eased=not steady,
        closed=closed,
    )
    say(f"a morph through {len(path)} pictures in {saved}")


@app.command()
def models() -> None:
    """List the trained models that come with the toolkit."""
    from ..models.publish import listing

    say(listing())


@app.command()
def publish(
    run: RunArgument,
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    about: Annotated[
        Path | None, typer.Option(help="A text for its card: what the pictures are, whose, under which licence.")
    ] = None,
) -> None:
    """Make a small folder of a trained model and its critics, to hand on and to start from."""
    from ..models.publish import publish as make
    from ..runs.run import Run

    if about and not about.is_file():
        raise GanvasError(f"There is no file {about} for --about.")
    words = about.read_text(encoding="utf-8") if about else ""
    say(f"the model is {make(Run(run), out, about=words)}")


for command in (control.directions, control.edit, control.project, outside.inspect, outside.convert, outside.export):
    app.command()(command)


@app.command()
def film(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="A .gif, .webp or .mp4; by default film.gif in the run folder.")
    ] = None,
) -> None:
    """Make a film of a training from its sheets of samples."""
    from ..runs.film import film as make

    say(f"the film is {make(run, out)}")


@app.command()
def report(run: RunArgument) -> None:
    """Write a run's report.html anew."""
    from ..runs.report import write

    say(f"the report is {write(run)}")


@app.command()
def data(
    source: Annotated[str, typer.Argument(help="A folder or zip of pictures, or a source by name.")],
    size: Size = None,
    out: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("contact.png"),
) -> None:
    """Show what is in a source: count, sizes, classes, keywords, what was skipped, and a contact sheet."""
    import numpy as np

    from ..core import console, pixels
    from ..models.model import save_picture
    from ..recipes.plan import open_source

    with console.watching() as watch:
        dataset = open_source(source, size=parse_size(size), watch=watch)
    most = {1: 2000, 3: 100, 4: 12}[len(dataset.shape)]
    chosen = np.linspace(0, len(dataset) - 1, min(len(dataset), most)).astype(np.int64)
    save_picture(pixels.sheet(dataset.take(chosen)), out)
    say(str(dataset.summary()))
    console.skipped(dataset.skipped)
    say(f"contact sheet: {out}")


Judged = Annotated[str, typer.Argument(metavar="A", help="A run, a model file, a folder, a zip or a source.")]
Count = Annotated[int | None, typer.Option(help="Samples on each side; by default up to 10,000.")]
DescribedBy = Annotated[
    str, typer.Option("--features", help="inception, efficientnet_lite0, digits; by default the best there are.")
]
Weights = Annotated[Path | None, typer.Option(help="A file with the weights of the features.")]


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder or a model file.")],
    source: Annotated[str | None, typer.Argument(help="Data; by default what the run learned from.")] = None,
    count: Count = None,
    features: DescribedBy = "",
    weights: Weights = None,
    held_out: Annotated[
        str | None, typer.Option(help="Data that the model has not seen: did it learn pictures by heart?")
    ] = None,
    neighbours: Annotated[
        Path | None, typer.Option(help="Save samples beside the pictures that are nearest to them.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The first sample's seed.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Say how good a model's samples are: FID, KID, precision, recall and more, each with its error.

    What is found about a run is kept in its folder, and its report shows it.
    """
    from ..core import console, machine
    from ..evaluation.sides import compare
    from ..models.model import save_picture
    from ..models.shipped import locate
    from ..runs import evaluations, report
    from ..runs.run import Run

    with console.watching() as watch:
        compared = compare(
            locate(run),
            source,
            count=count,
            described_by=features,
            weights=weights,
            held_out=held_out,
            seed=seed,
            device=machine.device(device),
            watch=watch,
        )
        scores = dict(compared.scores())
    if neighbours:
        save_picture(compared.gallery(), neighbours)
    tell_scores(compared.about, scores, json=json)
    if Run(Path(run)).exists:
        evaluations.keep(Path(run), compared.about, scores)
        report.write(Path(run))


@app.command(name="compare")
def compare_(
    a: Judged,
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with: the same kinds of things.")],
    count: Count = None,
    features: DescribedBy = "",
    weights: Weights = None,
    size: Size = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Compare any two sets of pictures by every figure."""
    from ..core import console, machine
    from ..evaluation.sides import compare

    with console.watching() as watch:
        compared = compare(
            a,
            b,
            count=count,
            described_by=features,
            weights=weights,
            size=parse_size(size),
            device=machine.device(device),
            watch=watch,
        )
        scores = dict(compared.scores())
    tell_scores(compared.about, scores, json=json)


@app.command(name="list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="networks, losses, data, recipes, ...; all if left out.")] = None,
) -> None:
    """List the parts there are."""
    from ..core.catalog import listing

    say(listing(kind))


@app.command()
def show(name: Annotated[str, typer.Argument(help="A recipe or any other part.")]) -> None:
    """Show a recipe, or what a part is and what its settings are."""
    from ..core.catalog import describe

    say(describe(name))


def ending(run: "Run") -> str:
    """What there is now, what can be done with it, and what seems wrong with it."""
    from ..runs.doctor import complaints

    seconds = run.rows[-1]["seconds"] if run.rows else 0.0
    state = "finished" if run.finished else "interrupted: the same command goes on from here"
    more = "--count 9 --seed 7 --out clips.gif" if run.moves else "--count 25 --seed 7 --out grid.png"
    path, found = shlex.quote(str(run.path)), complaints(run.rows, samples=run.about["data"]["count"])
    wrong = "".join(f"\n  look out  {complaint}" for complaint in found)
    return (
        f"{run.images:,} images in {seconds:,.0f} s, {state}.\n"
        f"  pictures  {run.newest_sheet}\n"
        f"  report    {run.path / 'report.html'}\n"
        f"  more      ganvas sample {path} {more}\n"
        f"  film      ganvas film {path}"
        f"{wrong}"
    )


def tell_scores(about: "dict[str, Any]", scores: "dict[str, Score]", *, json: bool) -> None:
    """Print what a comparison found, as a table or as JSON."""
    from ..core import console
    from ..runs.evaluations import as_json

    if json:
        say(dumps(as_json(about, scores), indent=1))
    else:
        console.scores(scores, about)


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """64 -> 64, and 64x96 -> (64, 96)."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdigit() and int(side) for side in sides):
        raise GanvasError(f"--size is a number of pixels such as 64, or WIDTHxHEIGHT such as 64x96, not {text!r}.")
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def say(text: str) -> None:
    """Print to the terminal, wrapped and without interpreting brackets."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; an error that is the user's to mend is one line."""
    try:
        app()
    except GanvasError as error:
        Console(stderr=True).print(f"ganvas: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
