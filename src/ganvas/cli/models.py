"""The commands for trained models: list the built-in ones, publish, convert, mix and export."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DoesNotFit, NotFound, Unreadable
from .options import ANY_MODEL, say

if TYPE_CHECKING:
    from ..models.model import Model

__all__ = ["convert", "export", "mix", "models", "publish"]


def models() -> None:
    """List the trained models that come with the toolkit."""
    from ..models.shipped import listing

    say(listing())


def publish(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or with --to any model.")],
    out: Annotated[
        Path | None,
        typer.Argument(help="Folder to create: a copy of the run without what is only needed to resume it."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Write a folder in Hugging Face layout instead, or upload to hf:user/name.")
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(
            help="Text file for the model card: what the pictures are, whose they are, and under which licence."
        ),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(
            "--licence",
            "--license",
            help="Licence of the training pictures, such as 'CC BY-SA 4.0'; with --to the hub's identifier, such as "
            "cc-by-sa-4.0.",
        ),
    ] = "",
    attribution: Annotated[
        str,
        typer.Option(help="Who made or owns the training pictures; with --to, name them in the --about file instead."),
    ] = "",
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private; only with --to hf:user/name.")
    ] = False,
) -> None:
    """Package a trained model and its critics as a small folder to share and start from; or upload to Hugging Face."""
    from ..models.hub_name import is_on_hub
    from ..models.publish import hand_over
    from ..models.publish import publish as make
    from ..models.shipped import locate
    from ..runs.run import Run

    if (out is None) == (to is None):
        raise DoesNotFit("Name the folder to make, or where the model goes by --to FOLDER or --to hf:user/name.")
    if to is not None and not to.strip():
        raise DoesNotFit("--to is empty. Name a folder, or hf:user/name.")
    if about and not about.is_file():
        raise NotFound(f"There is no file {about} for --about.")
    if (attribution and to) or (private and not (to and is_on_hub(to))):
        raise DoesNotFit("--attribution goes with a folder to make, and --private with --to hf:user/name.")
    words = _text(about) if about else ""
    if out:
        made = make(Run(locate(run)), out, about=words, licence=licence, attribution=attribution)
        say(f"the model is {made}")
    elif to and is_on_hub(to):
        say(f"the model is {_put(run, to, words, licence, private=private)}")
    elif to:
        say(f"the model is {hand_over(run, Path(to), about=words, licence=licence)}")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{file} is no UTF-8 text. Save it as UTF-8.") from None


def _put(run: str, to: str, about: str, licence: str, *, private: bool) -> str:
    """Upload the model to Hugging Face, and return its URL."""
    import tempfile

    from ..models.hub import upload
    from ..models.hub_name import repository
    from ..models.publish import hand_over

    name, _ = repository(to)
    with tempfile.TemporaryDirectory() as folder:
        hand_over(run, Path(folder), about=about, licence=licence, name=name)
        return upload(Path(folder), to, private=private)


def convert(
    file: Annotated[
        Path,
        typer.Argument(
            help="State dict: a .safetensors file, or one written by torch.save; not a .pkl (see docs/pretrained.md)."
        ),
    ],
    from_: Annotated[str, typer.Option("--from", help="Kind of generator: stylegan2 or r3gan.")],
    out: Annotated[Path, typer.Option(help="Output model file (.safetensors).")] = Path("model.safetensors"),
    classes: Annotated[
        str, typer.Option(help="Class names in order, such as cat,dog,fish; by default classes are numbered.")
    ] = "",
    no_clamp: Annotated[
        bool, typer.Option("--no-clamp", help="For a StyleGAN2 trained without conv_clamp; otherwise 256 is assumed.")
    ] = False,
) -> None:
    """Convert a published StyleGAN2-ADA or R3GAN generator to a model file, checking each weight's name and shape."""
    from ..models.convert import convert as translate

    names = tuple(name.strip() for name in classes.split(",")) if classes else ()
    model = translate(file, from_, out, classes=names, clamp=None if no_clamp else 256.0)
    say(f"a generator of {model.shape[2]}x{model.shape[1]} pictures in {out}")


def mix(
    low: Annotated[
        str,
        typer.Argument(metavar="A", help="Model that provides the low-resolution layers: where things are."),
    ],
    high: Annotated[
        str,
        typer.Argument(
            metavar="B",
            help="Model of the same recipe that provides the high-resolution layers: how things are drawn.",
        ),
    ],
    at: Annotated[int, typer.Option(help="Lowest resolution whose layers are taken from B, in pixels, such as 16.")],
    out: Annotated[Path, typer.Option(help="Output: a folder in Hugging Face layout, or a .safetensors file.")] = Path(
        "mixed"
    ),
) -> None:
    """Combine two models into one: the low-resolution layers of A and the high-resolution layers of B."""
    from ..models.mix import mix as make

    make(low, high, out, at=at)
    say(f"the model is {out}")


def export(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help=ANY_MODEL),
    ],
    out: Annotated[
        Path, typer.Option(help="Output: an .onnx file; or, for a self-contained web page, an .html file or a folder.")
    ] = Path("model.onnx"),
    float32: Annotated[
        bool,
        typer.Option(
            "--float32", help="Keep a web page's weights in float32 instead of half precision, which doubles its size."
        ),
    ] = False,
) -> None:
    """Export the generator as an ONNX file for other programs or a web page for anyone to draw on, and check it."""
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
    from ..latent.directions import saved
    from ..latent.places import fingerprint
    from ..models.made import here
    from ..models.shipped import locate, named
    from ..models.web import export_page

    console.say("writing the graph" + (", then drawing with its weights in half precision" if half else ""))
    found, attribution = saved(run, model), locate(run) / "ATTRIBUTION.md"
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
        say(f"it has no sliders yet: `ganvas directions {shlex.quote(run)}` finds them, then export again")
