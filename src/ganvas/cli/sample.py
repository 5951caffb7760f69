"""The command that draws with a trained model, or redraws a file from what made it."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import DoesNotFit, NotFound
from ..core.seeds import is_whole
from .options import ANY_MODEL, Places, Truncation, Variety, say, share_work, varied

if TYPE_CHECKING:
    from ..models.made import Layout, Made
    from ..models.model import Model
    from ..models.place import Place

__all__ = ["sample"]

MOST = 1_000_000  # most samples of one command
MOST_SAID = 16  # number of samples for which the words that seeds added are printed
PICTURES, ROWS = 25, 5  # default number of pictures, and of rows of a truncation strip
STRIP = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5)


def sample(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help=ANY_MODEL),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="Number of pictures, for each of several --keywords; by default 25, or 5 rows of a --truncation-strip."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first picture; the others take the seeds that follow.")] = 0,
    seeds: Annotated[
        str,
        typer.Option(help="Seeds to draw instead, or files written by `ganvas project`, such as 3,17,me.safetensors."),
    ] = "",
    place: Places = None,
    like: Annotated[
        Path | None,
        typer.Option(
            help="Redraw this PNG or SVG from what is stored in it, with the model it names unless RUN is given."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output file: a picture (default: samples.png), an .svg for vectors, or for clips a .gif (default: "
            "samples.gif), .webp or .mp4. With --separate, a folder (default: samples), of .svg files if its name "
            "ends so."
        ),
    ] = None,
    columns: Annotated[
        int | None,
        typer.Option(
            help="Pictures per row; by default the sheet is nearly square, or has a row for each of several --keywords."
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "--keywords", help="Class or keywords to draw, such as 'blue fish'; can be repeated."),
    ] = None,
    variety: Variety = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="Save each picture to a file of its own, such as seed-0007.png.")
    ] = False,
    scale: Annotated[
        int | None,
        typer.Option(
            help="Enlarge pictures, or films of clips, by this whole number. A model with a second decoder, such as "
            "icons, draws at twice the size and is scaled up smoothly from there; with all others each pixel becomes a "
            "square."
        ),
    ] = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            help="Lay out so many copies of each picture side by side and below one another: a seamless one has no "
            "edges there."
        ),
    ] = None,
    captions: Annotated[
        bool | None,
        typer.Option(
            "--captions/--no-captions",
            help="Write keywords and seed below each picture; by default for several --keywords, an .svg of "
            "--keywords, or a --truncation-strip.",
        ),
    ] = None,
    truncation: Truncation = 1.0,
    truncation_strip: Annotated[
        bool,
        typer.Option(
            "--truncation-strip",
            help="Draw each seed as a row of pictures, from typical (truncation 0.2) to strange (1.5).",
        ),
    ] = False,
) -> None:
    """Draw pictures or clips with a trained model; each seed gives one picture or clip.

    Processes started by torchrun share the drawing.
    """
    if (place or like or seeds) and (count is not None or seed):
        asked = "place" if place else "like" if like else "seeds"
        raise DoesNotFit(f"--{asked} says how many pictures and which: no --count and --seed.")
    count = (ROWS if truncation_strip else PICTURES) if count is None else count
    if not 1 <= count <= MOST:
        raise DoesNotFit(f"--count is from 1 to {MOST:,}, not {count:,}.")
    if (place or like) and (seeds or label or variety is not None or truncation != 1 or (place and like)):
        raise DoesNotFit(
            f"--{'place' if place else 'like'} says all of a picture: leave out {'--like, ' if place else ''}--seeds, "
            "--keywords, --variety and --truncation."
        )
    if truncation_strip and (place or like or separate or columns or truncation != 1):
        raise DoesNotFit(
            "--truncation-strip lays its pictures out by itself: leave out --place, --like, --separate, --columns and "
            "--truncation."
        )
    shown = {
        "columns": columns,
        "scale": scale,
        "repeat": repeat,
        "separate": separate or None,
        "captions": captions,
    }
    if like:
        return _again(run, like, out, shown)
    if run is None:
        raise NotFound("Name the model to draw with, such as `ganvas sample icons`; `ganvas models` lists some.")
    layout = _layout(shown)
    if place:
        chosen = _read(place)
        if not _drawn_by_file(run, chosen, out, layout):
            _draw(run, _load(run), chosen, out, layout)
        return None
    starts = _starts(seeds) if seeds else range(seed, seed + count)
    if not starts or seed < 0:
        raise DoesNotFit("It takes at least one seed, and seeds are whole numbers from 0.")
    several = len(label or ()) > 1
    plain = not several and all(isinstance(start, int) for start in starts)
    names = [f"seed-{start:04}" for start in starts] if plain else []
    if captions is None and label and not separate:
        layout = replace(layout, captions=several or (out is not None and out.suffix.lower() == ".svg"))
    layout = replace(layout, columns=columns or (len(starts) if several else None))
    with suppress(DoesNotFit):  # the model below gives a better message
        chosen = _places(starts, label, variety, truncation)
        if not truncation_strip and _drawn_by_file(run, chosen, out, layout, names):
            return None
    model = _load(run)
    for words in label or ():
        model.described(words)  # refuses invalid words, as the next line refuses invalid numbers
    varied(model, variety, label).truncated(truncation)
    if truncation_strip:
        layout = replace(layout, columns=len(STRIP), captions=captions is not False)
        return _draw(run, model, _strip(model, starts, label, variety), out, layout)
    return _draw(run, model, _places(starts, label, variety, truncation), out, layout, names)


def _load(run: str) -> "Model":
    from ..models.model import load

    return load(run)


def _layout(shown: dict[str, Any], before: "Layout | None" = None) -> "Layout":
    """The layout with these options; omitted ones are as in `before`."""
    from ..models.made import Layout

    asked = {name: value for name, value in shown.items() if value is not None}
    return Layout(**{**(asdict(before) if before else {}), **asked})


def _drawn_by_file(
    run: str,
    chosen: "Sequence[Place]",
    out: Path | None,
    layout: "Layout",
    names: Sequence[str] = (),
    name: str = "",
    digest: str = "",
) -> bool:
    """Draw with the model's exported file, which needs no torch; save and report; False if that is not possible.

    With a digest, the file must be of the same weights.
    """
    from ..models.exported import exported
    from ..models.made import here
    from ..models.shipped import named

    file = None if "RANK" in os.environ else exported(run)
    if file is None or digest not in {"", file.about["digest"]}:
        return False
    out = out or Path("samples" if layout.separate else "samples.png")
    name = name or (run if named(run) else here(run))
    saved = file.save(chosen, out, layout=layout, names=names, name=name)
    if saved:
        say(f"{len(chosen)} samples in {saved}")
        _say_added(chosen, file.added)
    return saved is not None


def _draw(
    run: str,
    model: "Model",
    chosen: "Sequence[Place]",
    out: Path | None,
    layout: "Layout",
    names: Sequence[str] = (),
    name: str = "",
    *,
    alone: bool = False,
) -> None:
    """Draw, save and report."""
    from ..latent.draw import added, save_places
    from ..latent.edit import directions_of
    from ..models.made import here
    from ..models.shipped import named

    speaks = share_work()
    out = out or Path("samples" if layout.separate else "samples.gif" if model.moves else "samples.png")
    found = directions_of(run, model) if any(place.moves for place in chosen) else None
    name = name or (run if named(run) else here(run))
    saved = save_places(model, chosen, out, layout=layout, found=found, names=names, name=name, alone=alone)
    if not speaks:
        return
    say(f"{len(chosen)} samples in {saved}")
    asked = dict.fromkeys(place.words for place in chosen)
    if guessed := list(dict.fromkeys(word for words in asked for word in model.unknown(words))):
        say(f"not among the words that it learned, so taken by their meaning in English: {', '.join(guessed)}")
    _say_added(chosen, lambda place: added(model, place))


def _say_added(chosen: "Sequence[Place]", added: "Callable[[Place], list[str]]") -> None:
    """Print the words that seeds added to the requested ones, so that the user can ask for exactly those."""
    asked = list(
        {(place.words, place.seed): place for place in chosen if place.words and place.seed is not None}.items()
    )
    several = len({words for (words, _), _ in asked}) > 1
    said = [
        " ".join([*([words] if several else []), str(seed), *more])
        for (words, seed), place in asked[:MOST_SAID]
        if (more := added(place))
    ]
    if said:
        rest = [] if len(asked) <= MOST_SAID else ["..."]
        say(f"seeds added words of their own (none with --variety 0): {', '.join([*said, *rest])}")


def _again(run: str | None, like: Path, out: Path | None, shown: dict[str, Any]) -> None:
    """Redraw a file from what made it: byte for byte the same, unless options change the layout."""
    from ..models.made import made_of

    made = made_of(like)
    home, layout = run or _home(made, like), _layout(shown, made.layout)
    alone = False
    if layout.separate and not shown["separate"] and out and out.suffix:  # one of separate files, to be a file again
        alone = len(made.places) == 1 and out.suffix.lower() in {".png", ".svg"}
        layout = replace(layout, separate=alone)
    where, names = (out.parent, [out.stem]) if out and alone and out.suffix.lower() == ".png" else (out, [])
    if made.exported and _drawn_by_file(home, made.places, where, layout, names, made.model, made.digest):
        return
    from ..latent.places import fingerprint

    model = _load(home)
    if fingerprint(model.network) != made.digest:
        raise DoesNotFit(
            f"{like} was made by {made.model or 'a model'} with other weights ({made.digest[:16]}): name the one that "
            f"made it, or draw what it shows with this one, beginning with --place '{made.places[0].as_json()}'."
        )
    if out is None and like.suffix.lower() == ".svg":
        out = Path("samples.svg")
    _draw(run or made.model, model, made.places, out, layout, name=made.model, alone=alone)


def _home(made: "Made", like: Path) -> str:
    """The path or name of the model that made a file."""
    from ..models.shipped import shipped

    if made.model in shipped() or (made.model and Path(made.model).exists()):
        return made.model
    raise NotFound(f"{made.model or 'The model'}, which made {like}, is not here: name it, `ganvas sample RUN --like`.")


def _starts(words: str) -> Sequence[int | str]:
    """Parse seeds and files of latents, such as 3,17,me.safetensors."""
    from ..models.place import ENDING

    found = [word.strip() for word in words.split(",")]
    if not all(is_whole(word) or word.endswith(ENDING) for word in found):
        raise DoesNotFit(f"--seeds are whole numbers from 0 and {ENDING} files, with commas between, not {words!r}.")
    return [int(word) if word.isdecimal() else word for word in found]


def _read(texts: Sequence[str]) -> "list[Place]":
    from ..models.place import Place

    return [Place.read(text) for text in texts]


def _strip(
    model: "Model", starts: Sequence[int | str], labels: Sequence[str] | None, variety: float | None
) -> "list[Place]":
    """The places of a truncation strip, a row per start and label: from near the mean to beyond the training range.

    Raises:
        DoesNotFit: the model makes no pictures, or its pictures do not depend on the input's length.
    """
    from ..core.batch import Kind
    from ..latent.draw import draw

    if model.kind is not Kind.PICTURES:
        raise DoesNotFit(f"A truncation strip is of pictures, and this model makes {model.kind}.")
    columns = [_places(starts, labels, variety, share) for share in STRIP]
    typical, strange = draw(model, [columns[0][0], columns[-1][0]])
    if typical.allclose(strange, atol=1e-3):
        raise DoesNotFit("This model brings each input to one length, so truncation changes nothing and has no strip.")
    return [place for row in zip(*columns, strict=True) for place in row]


def _places(
    starts: Sequence[int | str], labels: Sequence[str] | None, variety: float | None, truncation: float
) -> "list[Place]":
    """Every start combined with every label."""
    from ..models.place import Place

    more = {"variety": variety, "truncation": truncation}
    ways = [{"seed": start} if isinstance(start, int) else {"latent": start} for start in starts]
    return [Place.of({**way, **more, "words": words}) for words in labels or ("",) for way in ways]
