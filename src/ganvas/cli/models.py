"""The commands of trained models: list those that come along, hand one on, in and out, mix two."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DoesNotFit, NotFound
from .options import say

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["convert", "export", "mix", "models", "publish"]


def models() -> None:
    """List the trained models that come with the toolkit."""
    from ..models.shipped import listing

    say(listing())


def publish(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder; with --to any model.")],
    out: Annotated[
        Path | None, typer.Argument(help="The folder to make: a run without what only its continuation needs.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Instead: a folder in the layout of Hugging Face, or hf:user/name itself.")
    ] = None,
    about: Annotated[
        Path | None, typer.Option(help="A text for its card: what the pictures are, whose, under which licence.")
    ] = None,
    licence: Annotated[
        str,
        typer.Option(
            "--licence",
            "--license",
            help="Of the pictures that it learned from: CC BY-SA 4.0; with --to as the hub has it, cc-by-sa-4.0.",
        ),
    ] = "",
    attribution: Annotated[str, typer.Option(help="Whose pictures they are; with --to said by --about.")] = "",
    private: Annotated[bool, typer.Option("--private", help="With hf:, a new repository is for you alone.")] = False,
) -> None:
    """Make a small folder of a trained model and its critics, to hand on and to start from; or put it on the hub."""
    from ..models.hub import is_on_hub
    from ..models.publish import hand_over
    from ..models.publish import publish as make
    from ..models.shipped import locate
    from ..runs.run import Run

    if (out is None) == (to is None):
        raise DoesNotFit("Name the folder to make, or where the model goes by --to FOLDER or --to hf:user/name.")
    if about and not about.is_file():
        raise NotFound(f"There is no file {about} for --about.")
    if (attribution and to) or (private and not (to and is_on_hub(to))):
        raise DoesNotFit("--attribution goes with a folder to make, and --private with --to hf:user/name.")
    words = about.read_text(encoding="utf-8") if about else ""
    if out:
        made = make(Run(locate(run)), out, about=words, licence=licence, attribution=attribution)
        say(f"the model is {made}")
    elif to and is_on_hub(to):
        say(f"the model is {_put(run, to, words, licence, private=private)}")
    elif to:
        say(f"the model is {hand_over(run, Path(to), about=words, licence=licence)}")


def _put(run: str, to: str, about: str, licence: str, *, private: bool) -> str:
    """Where it is on Hugging Face."""
    import tempfile

    from ..models.hub import repository, upload
    from ..models.publish import hand_over

    name, _ = repository(to)
    with tempfile.TemporaryDirectory() as folder:
        hand_over(run, Path(folder), about=about, licence=licence, name=name)
        return upload(Path(folder), to, private=private)


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
    say(f"a generator of {model.shape[2]}x{model.shape[1]} pictures in {out}")


def mix(
    low: Annotated[str, typer.Argument(metavar="A", help="A model: where things are is what it says.")],
    high: Annotated[str, typer.Argument(metavar="B", help="A model of the same recipe: how they are drawn.")],
    at: Annotated[int, typer.Option(help="The lowest resolution whose layers are B's, in pixels: 16.")],
    out: Annotated[Path, typer.Option(help="A folder as Hugging Face has it, or a .safetensors.")] = Path("mixed"),
) -> None:
    """Make one model of two: the layers of low resolution of A, and those of high resolution of B."""
    from ..models.mix import mix as make

    make(low, high, out, at=at)
    say(f"the model is {out}")


def export(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, a model file, or a name: icons, hf:user/name.")
    ],
    out: Annotated[
        Path, typer.Option(help="model.onnx; or page.html, or a folder, for a web page that draws by itself.")
    ] = Path("model.onnx"),
    float32: Annotated[
        bool, typer.Option("--float32", help="A page of twice the size, with its weights as are.")
    ] = False,
) -> None:
    """Write the generator as an ONNX file for other programs, or as a web page on which anybody draws, and check it."""
    from ..core import console
    from ..latent.places import fingerprint
    from ..models.exported import sum_of
    from ..models.model import load
    from ..models.onnx import export as write

    model = load(run)
    if out.suffix in {".html", ""}:
        _page(run, model, out, half=not float32)
        return
    if float32:
        raise DoesNotFit("--float32 is for a web page, --out page.html; an ONNX file has float32 weights anyway.")
    console.say("writing the graph, then drawing with it")
    difference = write(model, out, of=sum_of(run), digest=fingerprint(model.network))
    size = f"{out.stat().st_size / 2**20:.1f} MB"
    say(f"the generator is {out}, {size}; what it draws differs from the model's by {difference:.1g} of 2")


def _page(run: str, model: "Model", out: Path, *, half: bool) -> None:
    from ..core import console
    from ..latent.directions import Directions, beside
    from ..latent.places import fingerprint
    from ..models.made import here
    from ..models.shipped import locate, named
    from ..models.web import export_page

    console.say("writing the graph" + (", then drawing with its weights in half precision" if half else ""))
    found, attribution = Directions.read(beside(Path(run)), model), locate(run) / "ATTRIBUTION.md"
    made = export_page(
        model,
        out,
        name=run if named(run) else here(run),
        half=half,
        digest=fingerprint(model.network),
        directions=dict(zip(found.names, found.vectors, strict=True)) if found else None,
        notice=attribution.read_text(encoding="utf-8") if attribution.is_file() else "",
    )
    difference = f"; half precision changes its pictures by {made.greatest:.1g} of 2 at most" if half else ""
    say(f"the page is {made.path}, {made.size / 2**20:.1f} MB{difference}")
    if found is None:
        say(f"it has no sliders yet: `ganvas directions {run}` finds them, then export again")
