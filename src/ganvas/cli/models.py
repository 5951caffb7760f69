"""The commands to and from elsewhere: inspect, convert, export. As in cli.py: words in, one call, words out."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["convert", "export", "inspect"]


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
    from ..core import console
    from ..evaluation.inspect import inspect as look
    from ..models.model import save_picture

    asked = pictures or ()
    with console.watching() as watch:
        found = look(
            run, asked, real=real, held_out=held_out, label=label, described_by=features, adapt=adapt, count=count,
            device=device, watch=watch,
        )  # fmt: skip
    if sheet:
        save_picture(found.sheet(), sheet)
    typer.echo(dumps(found.as_json(), indent=1) if json else str(found))
    console.skipped(found.skipped)


def convert(
    file: Annotated[Path, typer.Argument(help="A state dict: .safetensors, or of torch.save. No .pkl: see the docs.")],
    from_: Annotated[str, typer.Option("--from", help="Whose generator it is: stylegan2 or r3gan.")],
    out: Annotated[Path, typer.Option(help="The model file.")] = Path("model.safetensors"),
    classes: Annotated[str, typer.Option(help="Names of its classes in their order: cat,dog,fish.")] = "",
    no_clamp: Annotated[bool, typer.Option("--no-clamp", help="It was trained without conv_clamp.")] = False,
) -> None:
    """Make a model of a generator that others have published, checked name by name and shape by shape."""
    from ..models.convert import convert as translate

    names = tuple(name.strip() for name in classes.split(",")) if classes else ()
    model = translate(file, from_, out, classes=names, clamp=None if no_clamp else 256.0)
    typer.echo(f"a generator of {model.shape[2]}x{model.shape[1]} pictures in {out}")


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, a model file, or the name of a model.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("model.onnx"),
) -> None:
    """Write the generator as an ONNX file, for browsers, phones and programs without torch, and check what it draws."""
    from ..core import console
    from ..models.model import load
    from ..models.onnx import export as write

    model = load(run)
    console.say("writing the graph, then drawing with it")
    difference = write(model, out)
    size = f"{out.stat().st_size / 2**20:.1f} MB"
    typer.echo(f"the generator is {out}, {size}; what it draws differs from the model's by {difference:.1g} of 2")
