"""The commands for latent space: morph, attributes, directions, edit, project."""

import shlex
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DoesNotFit
from .options import ModelArgument, Places, Scale, Truncation, Variety, say, varied

if TYPE_CHECKING:
    from ..latent.directions import Directions
    from ..models.model import Model
    from ..models.place import Place

FARTHEST = 100.0  # of a --strength, in standard deviations of the input, of which a few are far

__all__ = ["attributes", "directions", "edit", "morph", "project"]


def morph(
    model: ModelArgument,
    seeds: Annotated[
        str,
        typer.Option(
            help="Seeds (or `ganvas project` files) of the pictures to pass through, such as 0,7,12; by default "
            "0,1,2,3, or 0 with --label."
        ),
    ] = "",
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "--keywords", help="Class or keywords to pass through, such as 'blue fish'; can be repeated."
        ),
    ] = None,
    place: Places = None,
    variety: Variety = None,
    out: Annotated[
        Path, typer.Option(help="Output file: a film (.gif, .webp or .mp4) or a strip of pictures (.png).")
    ] = Path("morph.gif"),
    scale: Scale = None,
    frames: Annotated[
        int | None,
        typer.Option(
            help="Total number of pictures; by default 24 per transition in a film (12 per second with --seconds), 4 "
            "on a strip."
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Length of the film in seconds; by default it follows from --frames, at 12 per second."),
    ] = None,
    closed: Annotated[
        bool,
        typer.Option("--closed", help="Return to the first picture at the end; a film then repeats without a stop."),
    ] = False,
    linear: Annotated[
        bool, typer.Option("--linear", help="Move through latent space along straight lines instead of arcs.")
    ] = False,
    steady: Annotated[
        bool,
        typer.Option(
            "--steady", help="Move at constant speed instead of slowing down at each of the pictures passed through."
        ),
    ] = False,
    truncation: Truncation = 1.0,
) -> None:
    """Morph between pictures of a trained model: from seed to seed, from class to class, or both."""
    from ..latent.draw import stops_of
    from ..latent.morph import read_stops, save_morph
    from ..models.model import load

    _refuse_both(place, seeds, label, variety is not None, truncation != 1)
    opened = load(model)
    if place:
        chosen, found = _spelled(model, opened, place)
        opened, path = stops_of(opened, chosen, found=found)
    else:
        opened, path = varied(opened, variety, label).truncated(truncation), read_stops(seeds, label or ())
    saved = save_morph(
        opened,
        path,
        out,
        frames=frames,
        seconds=seconds,
        spherical=not linear,
        eased=not steady,
        closed=closed,
        scale=scale,
    )
    say(f"a morph through {len(path)} pictures in {saved}")


def attributes(
    model: ModelArgument,
    source: Annotated[
        str | None,
        typer.Argument(
            help="Data to compare with: a folder, a zip or a named source; by default the run's training data."
        ),
    ] = None,
    labels: Annotated[
        str,
        typer.Option(
            help="Labelled source, such as digits, whose classes or keywords to look for; by default the data's own."
        ),
    ] = "",
    count: Annotated[int, typer.Option(help="Maximum number of samples, and of pictures from the data.")] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show which attributes occur together, and how often each class or keyword occurs, in samples and in the data."""
    from ..core import console
    from ..core.batch import Kind
    from ..data.dataset import open_source
    from ..latent.survey import survey
    from ..models.model import load
    from ..models.shipped import locate
    from ..runs.run import Run

    opened = load(model)
    with console.watching() as watch:
        if source is None:
            others = f"Name others: `ganvas attributes {shlex.quote(model)} FOLDER`."
            data = Run(locate(model)).learned_from(watch, instead=others)
        else:
            size = None if opened.kind is Kind.POINTS else (opened.shape[-1], opened.shape[-2])
            data = open_source(source, size=size, watch=watch)
        known = open_source(labels, watch=watch) if labels else None
        found = survey(opened, data, labels=known, count=count, watch=watch)
    say(dumps(found.as_json(), indent=1) if json else str(found))


def directions(
    model: ModelArgument,
    out: Annotated[
        Path | None, typer.Option(help="File to save the directions in; by default next to the model.")
    ] = None,
    strips: Annotated[Path, typer.Option(help="Output file for the picture with one strip per direction.")] = Path(
        "directions.png"
    ),
    seed: Annotated[str, typer.Option(help="Picture to move: a seed, or a file written by `ganvas project`.")] = "0",
    strength: Annotated[
        float, typer.Option(help="How far to move the picture each way, in standard deviations of the input.")
    ] = 3.0,
    count: Annotated[
        int, typer.Option(help="Number of directions to find by PCA, and as many again by factorisation.")
    ] = 6,
    labels: Annotated[
        str, typer.Option(help="Labelled source, such as digits, whose classes or keywords become attributes too.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find directions in latent space, measure how selectively each one acts, and show them as strips of pictures."""
    from ..core import console, files
    from ..latent.attributes import attributes
    from ..latent.directions import beside, find_directions
    from ..latent.edit import gallery, known_attributes
    from ..latent.places import read_start
    from ..models.model import load
    from ..models.shipped import locate

    _refuse_far(strength)
    if out:
        files.refuse_own_input(out, locate(model))
    opened, start = load(model), read_start(seed)
    for each in (out or beside(model), strips):
        files.refuse_unwritable(each)
    with console.watching() as watch:
        more = {name: each for name, each in known_attributes(labels, watch=watch).items() if name not in attributes()}
        found = find_directions(opened, more=more, labels=labels, count=count, watch=watch)
    saved = found.save(out or beside(model))
    picture = gallery(opened, found, strips, start=start, strength=strength)
    if json:
        say(dumps(found.as_json(), indent=1))
        return
    say(f"{found}\n\nin deviations among samples per strength 1\nsaved in {saved}, shown in {picture}")


def edit(
    model: ModelArgument,
    direction: Annotated[
        list[str],
        typer.Option(help="Direction to move along, such as warmth (see `ganvas directions`); can be repeated."),
    ],
    strength: Annotated[
        list[float] | None,
        typer.Option(
            help="How far to move, such as -1.5: once for all directions, or once per --direction in the same order; "
            "by default 2."
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Direction to leave unchanged, or others for all other attributes; can be repeated."),
    ] = None,
    seed: Annotated[
        list[str] | None,
        typer.Option(
            help="Picture to edit: a seed, or a file written by `ganvas project`; by default 0; can be repeated."
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", "--keywords", help="Class or keywords to draw, such as 'blue fish'.")
    ] = None,
    gradient: Annotated[
        bool,
        typer.Option(
            "--gradient",
            help="Follow the attribute's own gradient at each picture; --strength is then the change to reach, in "
            "standard deviations.",
        ),
    ] = False,
    place: Places = None,
    variety: Variety = None,
    pictures: Annotated[
        int, typer.Option(help="Number of pictures on each strip; 1 shows only the edited picture.")
    ] = 7,
    out: Annotated[
        Path,
        typer.Option(
            help="Output file for the strips, .png or .svg (not with --gradient or --without); clips move in a .gif, "
            ".webp or .mp4."
        ),
    ] = Path("strip.png"),
    scale: Scale = None,
) -> None:
    """Change pictures of a trained model along directions: warmer, rounder, more blue, less detailed."""
    from ..core import console, files
    from ..latent.draw import as_latent, save_places
    from ..latent.edit import directions_of, save_strips, strips
    from ..latent.edit import edit as change
    from ..latent.places import read_start
    from ..models.made import Layout, here
    from ..models.model import load
    from ..models.place import Place
    from ..models.sheets import is_vector
    from ..models.shipped import named

    _refuse_both(place, seed, label, variety is not None)
    opened = varied(load(model), variety, label)
    starts = [] if place else [(word, read_start(word)) for word in seed or ["0"]]
    chosen = [Place.read(text) for text in place or ()]
    for word, start in starts:
        which, file = (start, None) if isinstance(start, int) else (None, word)
        chosen.append(Place(which, file, label, variety))
    moves = _paired(direction, strength or [2.0])
    said = [] if gradient or without or opened.moves else strips(chosen, moves, across=pictures)
    if is_vector(out) and not said:
        raise DoesNotFit("Vectors are of pictures, moved by 6 at most, without --gradient and --without; name a .png.")
    files.refuse_unwritable(out)
    with console.watching() as watch:
        found = directions_of(model, opened, watch=watch)
        edited = change(
            opened,
            found,
            [as_latent(opened, each, found=found) for each in chosen],
            moves,
            without=without or (),
            gradient=gradient,
            label=label,
            across=1 if said else pictures,
            large=opened.doubles and (scale or 1) > 1,
            watch=watch,
        )
    if said:
        name, layout = model if named(model) else here(model), Layout(columns=pictures, scale=scale)
        saved = save_places(opened, said, out, layout=layout, found=found, name=name)
    else:
        saved = save_strips(edited.made, out, across=pictures, scale=scale, shape=opened.shape)
    told = [
        *(name for name in moves if name in edited.changes),
        *(name for name in edited.changes if name not in moves),
    ]
    changes = ", ".join(f"{name} {edited.changes[name]:+.1f}" for name in told[: len(moves) + 4])
    say(f"{' and '.join(moves)} in {saved}\nat its end, in deviations among samples: {changes}")
    least = 0.25 if gradient else 0.1  # of what was asked for
    missed = [name for name, asked in moves.items() if abs(edited.changes.get(name, asked)) < least * abs(asked)]
    if missed:
        words = "ask for it in words, as in --keywords 'blue heart', or " if opened.condition is not None else ""
        say(f"this hardly changed {' and '.join(missed)}: {words}try another --seed")


def project(
    model: ModelArgument,
    picture: Annotated[Path, typer.Argument(help="Picture file to find in latent space.")],
    out: Annotated[
        Path,
        typer.Option(
            help="Output .png of the picture and its reconstruction, or a folder; the latent file is saved beside it."
        ),
    ] = Path("projected.png"),
    label: Annotated[
        str | None,
        typer.Option(
            "--label", "--keywords", help="Class or keywords of the picture; by default they are optimised too."
        ),
    ] = None,
    starts: Annotated[int, typer.Option(help="Number of starting points to try.")] = 4,
    steps: Annotated[int, typer.Option(help="Number of optimisation steps from each starting point.")] = 120,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Compare only pixels and no features, which is several times as fast.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed; change it to try other starting points.")] = 0,
) -> None:
    """Find the point in latent space that comes nearest to your own picture, to morph and edit it from there."""
    from ..core import console, files
    from ..latent.project import project as look_for
    from ..latent.project import projected_file, read_picture, save_projection
    from ..models.model import load

    files.refuse_own_input(projected_file(out), picture)
    opened = load(model)
    files.refuse_unwritable(projected_file(out))
    with console.watching() as watch:
        found = look_for(
            opened,
            read_picture(picture, opened),
            label=label,
            starts=starts,
            steps=steps,
            with_features=not pixels,
            seed=seed,
            watch=watch,
        )
    both, latent = save_projection(found, out)
    say(
        f"the picture and what the model makes of it in {both}: {found.error:.1f} of 255 apart on average, "
        f"a random sample {found.random:.1f}\n"
        f"its place in {latent}\n"
        f"  ganvas edit  {model} --seed {latent} --direction warmth\n"
        f"  ganvas morph {model} --seeds {latent},0 --out morph.gif"
    )


def _refuse_both(place: list[str] | None, *others: object) -> None:
    if place and any(others):
        raise DoesNotFit("A --place says all of a picture: leave out seeds, --keywords, --variety and --truncation.")


def _spelled(path: str, model: "Model", texts: list[str]) -> "tuple[list[Place], Directions | None]":
    """The places in these texts, and the model's directions if any place needs them."""
    from ..latent.edit import directions_of
    from ..models.place import Place

    chosen = [Place.read(text) for text in texts]
    return chosen, directions_of(path, model) if any(place.moves for place in chosen) else None


def _refuse_far(*strengths: float) -> None:
    if not all(abs(strength) <= FARTHEST for strength in strengths):  # not so for nan, either
        raise DoesNotFit(f"A --strength is a number such as 2 or -1.5, and at most {FARTHEST} either way.")


def _paired(names: list[str], strengths: list[float]) -> dict[str, float]:
    """Each direction with its strength; a single strength applies to all."""
    _refuse_far(*strengths)
    if len(strengths) not in {1, len(names)} or len(set(names)) < len(names):
        raise DoesNotFit(
            f"Give each --direction once and as many --strength, or one for all, not {len(names)} and {len(strengths)}."
        )
    return {name: strengths[index % len(strengths)] for index, name in enumerate(names)}
