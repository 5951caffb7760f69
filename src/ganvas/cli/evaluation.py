"""The commands that judge: evaluate, compare, inspect, quiz, doctor."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from .options import Size, as_options, parse_size, say, share_work, tell_scores

__all__ = ["compare", "doctor", "evaluate", "inspect", "quiz"]

Judged = Annotated[str, typer.Argument(metavar="A", help="A run, a model file, a folder, a zip or a source.")]
Count = Annotated[int | None, typer.Option(help="Samples on each side; by default up to 10,000.")]
DescribedBy = Annotated[
    str, typer.Option("--features", help="inception, efficientnet_lite0, digits; by default the best there are.")
]
Weights = Annotated[Path | None, typer.Option(help="A file with the weights of the features.")]


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

    What is found about a run is kept in its folder, and its report shows it. Processes that torchrun starts share what
    is to be described.
    """
    from ..core import console, machine, pixels
    from ..evaluation.compare import compare
    from ..models.shipped import locate
    from ..runs import evaluations, report
    from ..runs.run import Run

    speaks = share_work()
    with console.watching(quiet=not speaks) as watch:
        compared = compare(
            locate(run),
            source,
            count=count,
            features=features,
            weights=weights,
            held_out=held_out,
            seed=seed,
            device=machine.device(device),
            watch=watch,
        )
        scores = dict(compared.scores())
        gallery = compared.gallery() if neighbours else None
    if not speaks:
        return
    if neighbours and gallery is not None:
        pixels.save_picture(gallery, neighbours)
    tell_scores(compared.about, scores, json=json)
    if Run(Path(run)).exists:
        evaluations.keep(Path(run), compared.about, scores)
        report.write(Path(run))


def compare(
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
    from ..evaluation.compare import compare as opened

    with console.watching() as watch:
        compared = opened(
            a,
            b,
            count=count,
            features=features,
            weights=weights,
            size=parse_size(size),
            device=machine.device(device),
            watch=watch,
        )
        scores = dict(compared.scores())
    tell_scores(compared.about, scores, json=json)


def inspect(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder; or a model file, which has no critic.")],
    pictures: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURES...", help="Files, folders and zips; none for the AUC alone.")
    ] = None,
    real: Annotated[str | None, typer.Option(help="Real pictures; by default what the run learned from.")] = None,
    held_out: Annotated[str | None, typer.Option(help="Real pictures that the model has not seen, to test on.")] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", "--keywords", help="The class, or words, the critics are to take the pictures for."),
    ] = None,
    features: Annotated[
        str, typer.Option("--features", help="What the detector sees: see `ganvas list features`, or network.")
    ] = "",
    adapt: Annotated[
        bool, typer.Option("--adapt", help="Bring pictures of other sizes or colours into the model's form.")
    ] = False,
    count: Annotated[int, typer.Option(help="Real and generated pictures, each at most.")] = 1000,
    sheet: Annotated[Path | None, typer.Option(help="Save the pictures in the order of their scores.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Fake or real: score pictures by the run's critic and by a detector, and say how far that can be trusted."""
    from ..core import console, pixels
    from ..evaluation.inspect import inspect as look

    asked = pictures or ()
    with console.watching() as watch:
        found = look(
            run, asked, real=real, held_out=held_out, label=label, features=features, adapt=adapt, count=count,
            device=device, watch=watch,
        )  # fmt: skip
    if sheet:
        pixels.save_picture(found.sheet(), sheet)
    say(dumps(found.as_json(), indent=1) if json else as_options(str(found)))
    console.skipped(found.skipped)


def quiz(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder; or a model file, with --real.")],
    out: Annotated[Path, typer.Option(help="Where to put the page: one .html file.")] = Path("quiz.html"),
    pairs: Annotated[int, typer.Option(help="Pairs of a real picture and a made one, at most.")] = 20,
    real: Annotated[str | None, typer.Option(help="Real pictures; by default what the run learned from.")] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Real pictures that the model has not seen, to ask about.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which pairs, in which order.")] = 0,
    features: DescribedBy = "",
    count: Annotated[int, typer.Option(help="Pictures of either kind for the detector, at most.")] = 400,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Make a page that asks which of two pictures is real, and compares whoever answers with the detector."""
    from ..core import console
    from ..evaluation.quiz import quiz as ask

    with console.watching() as watch:
        found = ask(
            run, real=real, held_out=held_out, pairs=pairs, seed=seed, features=features, count=count, device=device,
            watch=watch,
        )  # fmt: skip
        found.save(out)
    say(f"{len(found)} pairs in {out}; the detector has {sum(found.detector)} of them right")


def doctor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, finished or under way.")],
    held_out: Annotated[
        str | None, typer.Option(help="Data that it has not learned from: does its critic know the pictures by heart?")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Say what is wrong with a training, and what is most likely to mend it."""
    from ..core import console, machine
    from ..evaluation.checkup import doctor as examine

    with console.watching() as watch:
        found = examine(run, held_out=held_out, device=machine.device(device), watch=watch)
    say(dumps(found.as_json(), indent=1) if json else as_options(str(found)))
