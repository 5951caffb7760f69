"""The commands of trained models: draw with one, list those that come along, hand one on, in and out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DoesNotFit, NotFound
from .options import RunArgument, Scale, Truncation, Variety, say, varied

if TYPE_CHECKING:
    from ..latent.draw import Place

__all__ = ["convert", "export", "models", "publish", "sample"]

MOST = 1_000_000  # samples of one command


def sample(
    run: RunArgument,
    count: Annotated[int, typer.Option(help="How many pictures, of each of several --keywords.")] = 25,
    seed: Annotated[int, typer.Option(help="The first picture's seed; the others follow it.")] = 0,
    seeds: Annotated[
        str, typer.Option(help="These pictures instead: seeds, and files of `project`, as in 3,17,me.safetensors.")
    ] = "",
    place: Annotated[
        list[str] | None,
        typer.Option(help="""One picture as JSON: '{"seed": 9, "words": "3d fruit"}'; may be repeated."""),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The picture of all, or for clips the .gif, .webp or .mp4; with --separate the folder."),
    ] = None,
    columns: Annotated[int | None, typer.Option(help="Pictures per row.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "--keywords", help="What to draw: a class, or words such as 'blue fish'; may be repeated."
        ),
    ] = None,
    variety: Variety = None,
    separate: Annotated[bool, typer.Option("--separate", help="One file per seed: seed-0007.png.")] = False,
    scale: Scale = None,
    truncation: Truncation = 1.0,
) -> None:
    """Draw pictures or clips with a trained model. One seed is one picture, or one clip."""
    from ..latent.draw import save_places
    from ..latent.edit import directions_of
    from ..models.model import load, save_separate, save_sheet

    if count > MOST:
        raise DoesNotFit(f"--count is at most {MOST:,}, not {count:,}.")
    model = load(run)
    starts: Sequence[int | str] = _starts(seeds) if seeds else range(seed, seed + count)
    out = out or (Path("samples") if separate else Path("samples.gif" if model.moves else "samples.png"))
    if place and (seeds or label or variety is not None or truncation != 1):
        raise DoesNotFit("A --place says all of a picture: leave out --seeds, --keywords, --variety and --truncation.")
    tuned = varied(model, variety, label).truncated(truncation)
    several = len(label or ()) > 1
    if place or scale or several or not all(isinstance(start, int) for start in starts):
        plain = not place and not several and all(isinstance(start, int) for start in starts)
        names = [f"seed-{start:04}" for start in starts] if plain else []
        chosen = _places(place, starts, label, variety, truncation)
        found = directions_of(run, model) if any(each.moves for each in chosen) else None
        columns = columns or (len(starts) if several else None)
        more = {"columns": columns, "separate": separate, "names": names, "scale": scale}
        saved = save_places(model, chosen, out, found=found, **more)  # type: ignore[arg-type]
        drawn, asked = len(chosen), [each.words or "" for each in chosen]
    else:
        words, drawn, asked = label[0] if label else None, len(starts), label or []
        numbers = [start for start in starts if isinstance(start, int)]
        if separate:
            saved = save_separate(tuned, numbers, out, label=words)
        else:
            saved = save_sheet(tuned, numbers, out, columns=columns, label=words)
    say(f"{drawn} samples in {saved}")
    if guessed := list(dict.fromkeys(word for words in asked for word in model.unknown(words))):
        say(f"not among the words that it learned, so taken by their meaning: {', '.join(guessed)}")


def _starts(words: str) -> Sequence[int | str]:
    """Seeds, and the files of latents, from 3,17,me.safetensors."""
    from ..latent.places import ENDING

    found = [word.strip() for word in words.split(",")]
    if not all(word.isdecimal() or word.endswith(ENDING) for word in found):
        raise DoesNotFit(f"--seeds are whole numbers from 0 and {ENDING} files, with commas between, not {words!r}.")
    return [int(word) if word.isdecimal() else word for word in found]


def _places(
    texts: list[str] | None,
    starts: Sequence[int | str],
    labels: list[str] | None,
    variety: float | None,
    truncation: float,
) -> "list[Place]":
    """The places that are spelled out, or else every start under each of the labels."""
    from ..latent.draw import Place

    if texts:
        return [Place.read(text) for text in texts]
    more = {"variety": variety, "truncation": truncation}
    ways = [{"seed": start} if isinstance(start, int) else {"latent": start} for start in starts]
    return [Place.of({**way, **more, "words": words}) for words in labels or ("",) for way in ways]


def models() -> None:
    """List the trained models that come with the toolkit."""
    from ..models.shipped import listing

    say(listing())


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
        raise NotFound(f"There is no file {about} for --about.")
    words = about.read_text(encoding="utf-8") if about else ""
    say(f"the model is {make(Run(run), out, about=words)}")


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
    say(f"the generator is {out}, {size}; what it draws differs from the model's by {difference:.1g} of 2")
