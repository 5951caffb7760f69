"""The commands that evaluate: evaluate, compare, inspect, quiz, doctor."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from .options import ANY_MODEL, PIXELS, Device, as_options, parse_size, refuse_own_picture, say, share_work, tell_scores

__all__ = ["compare", "doctor", "evaluate", "inspect", "quiz"]

Judged = Annotated[
    str,
    typer.Argument(
        metavar="A",
        help="A run folder, a model file, hf:user/name, a folder or zip of pictures, or a named source such as icons.",
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        help="Samples per side, at least 10; by default all data (up to 10,000), and as many from a model (at least "
        "1,000)."
    ),
]
DescribedBy = Annotated[
    str,
    typer.Option(
        "--features",
        help="Feature extractor: inception, efficientnet_lite0, digits, ... (see `ganvas list features`); by default "
        "the best available.",
    ),
]
RealPictures = Annotated[
    str | None, typer.Option(help="Real pictures for the detector to learn from; by default the run's training data.")
]
Weights = Annotated[
    Path | None, typer.Option(help="File with the weights of the extractor named by --features (.safetensors or .pth).")
]


def evaluate(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help=ANY_MODEL),
    ],
    source: Annotated[
        str | None,
        typer.Argument(
            help="Data to compare with: a folder, a zip or a named source; by default the run's training data."
        ),
    ] = None,
    count: Count = None,
    features: DescribedBy = "",
    weights: Weights = None,
    held_out: Annotated[
        str | None,
        typer.Option(help="Data that the model has not seen, to test whether it memorised its training pictures."),
    ] = None,
    neighbours: Annotated[
        Path | None,
        typer.Option(
            help="Save an image of samples, each next to the real pictures nearest to it, such as nearest.png."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first sample.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "cpu",
) -> None:
    """Measure how good a model's samples are: FID, KID, precision, recall and more, with error estimates.

    Results for a run are stored in its folder and shown in its report. Processes started by torchrun share the
    computation of features.
    """
    from ..core import console, machine, pixels
    from ..evaluation.compare import compare
    from ..models.shipped import locate, named
    from ..runs import evaluations, report
    from ..runs.run import Run

    if neighbours:
        pixels.refuse_ending(neighbours)
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
    try:
        tell_scores(compared.about, scores, json=json)
    finally:  # also if whoever reads them, such as `head`, has enough
        if neighbours and gallery is not None:
            pixels.save_picture(gallery, neighbours)
        if not named(run) and Run(Path(run)).exists:
            evaluations.keep(Path(run), compared.about, scores)
            report.write(Path(run))


def compare(
    a: Judged,
    b: Annotated[str, typer.Argument(metavar="B", help="What to compare A with: any of the same kinds of input.")],
    count: Count = None,
    features: DescribedBy = "",
    weights: Weights = None,
    size: Annotated[
        str | None,
        typer.Option(help=f"{PIXELS}; by default that of the model, or the common one of all pictures."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "cpu",
) -> None:
    """Compare any two sets of pictures by all metrics that apply."""
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
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run folder, or a built-in model such as icons; a model file has no critic and needs --real.",
        ),
    ],
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PICTURES...",
            help="Pictures to score: files, folders or zips. If omitted, only the AUC is reported.",
        ),
    ] = None,
    real: RealPictures = None,
    held_out: Annotated[
        str | None, typer.Option(help="Real pictures that the model has not seen, to test the detector on.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", "--keywords", help="Class or keywords that the critics should take the pictures for."),
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            "--features",
            help="Features for the detector (see `ganvas list features`), or network to learn from pixels; by default "
            "the best available.",
        ),
    ] = "",
    adapt: Annotated[
        bool,
        typer.Option(
            "--adapt", help="Convert pictures of other sizes or colours to the model's, instead of refusing them."
        ),
    ] = False,
    count: Annotated[
        int, typer.Option(help="Maximum number of real pictures to take from each source; as many are generated.")
    ] = 1000,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Save the pictures on one sheet, sorted from most real to most fake, such as sorted.png."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "cpu",
) -> None:
    """Real or fake: score pictures by the run's critic and by a detector, and report how far to trust the scores."""
    from ..core import console, machine, pixels
    from ..evaluation.inspect import inspect as look

    asked = pictures or ()
    if sheet:
        for each in asked:
            refuse_own_picture(sheet, Path(each))
    with console.watching() as watch:
        found = look(
            run, asked, real=real, held_out=held_out, label=label, features=features, adapt=adapt, count=count,
            device=machine.device(device), watch=watch,
        )  # fmt: skip
    if sheet:
        pixels.save_picture(found.sheet(), sheet)
    say(dumps(found.as_json(), indent=1) if json else as_options(str(found)))
    console.skipped(found.skipped)


def quiz(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run folder, or a built-in model such as icons; a model file needs --real."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Output file for the quiz page (.html).")] = Path("quiz.html"),
    pairs: Annotated[int, typer.Option(help="Maximum number of pairs, each of a real and a generated picture.")] = 20,
    real: RealPictures = None,
    held_out: Annotated[
        str | None, typer.Option(help="Real pictures that the model has not seen, to use in the pairs.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed that picks and orders the pairs.")] = 0,
    features: DescribedBy = "",
    count: Annotated[
        int,
        typer.Option(
            help="Maximum number of real pictures to take from each source for the detector; as many are generated."
        ),
    ] = 400,
    device: Device = "cpu",
) -> None:
    """Make a quiz page that asks which of two pictures is real and compares the visitor with a detector."""
    from ..core import console, files, machine
    from ..evaluation.quiz import quiz as ask
    from ..evaluation.quiz import refuse_no_page

    refuse_no_page(out)
    files.refuse_unwritable(out)
    with console.watching() as watch:
        found = ask(
            run, real=real, held_out=held_out, pairs=pairs, seed=seed, features=features, count=count,
            device=machine.device(device), watch=watch,
        )  # fmt: skip
        found.save(out)
    say(f"{len(found)} pairs in {out}; the detector has {sum(found.detector)} of them right")


def doctor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, finished or still training.")],
    held_out: Annotated[
        str | None,
        typer.Option(
            help="Data that the run has not trained on, to test whether its critic has memorised the training pictures."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = "cpu",
) -> None:
    """Diagnose a training run: what is wrong, and what is most likely to fix it."""
    from ..core import console, machine
    from ..evaluation.checkup import doctor as examine

    with console.watching() as watch:
        found = examine(run, held_out=held_out, device=machine.device(device), watch=watch)
    say(dumps(found.as_json(), indent=1) if json else as_options(str(found)))
