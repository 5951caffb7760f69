"""Change a picture by moving its input: along directions, or by the gradient of attributes at that picture.

A direction is the same for all pictures. A gradient is computed for each picture: it takes seconds, goes as far as
requested, and can hold other attributes constant.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..core import machine, pixels
from ..core.batch import Kind, kind_of
from ..core.errors import DoesNotFit, GanvasError, NotFound
from ..data.dataset import Watch, open_source, unwatched
from ..learning.conditions import Keywords
from ..metrics.features.classifier import classifier
from ..models.model import Model
from ..models.place import Place
from ..models.sheets import SHOWN, at_scale, refuse_huge
from .attributes import Attribute, attributes, measured, of_classes
from .directions import Directions, beside, find_directions, saved
from .places import Start, moved, places

__all__ = ["Edited", "climb", "directions_of", "edit", "gallery", "known_attributes", "save_strips", "shares", "strips"]

STEPS, STEP = 40, 0.1  # of gradient descent
ACROSS = 7  # pictures per strip


def known_attributes(labels: str = "", *, watch: Watch = unwatched) -> dict[str, Attribute]:
    """The attributes of the catalogue, and those of a labelled source's classes, such as label:7 of "digits".

    Raises:
        NotFound or DoesNotFit: there is no such source, or it has no labels.
    """
    return attributes() | (of_classes(classifier(open_source(labels, watch=watch), watch=watch)) if labels else {})


def directions_of(path: str | Path, model: Model, *, watch: Watch = unwatched) -> Directions:
    """The directions of the model at this path: from the file next to it, or found now and saved there if possible."""
    known = saved(path, model)
    if known is not None:
        return known
    found = find_directions(model, watch=watch)
    with suppress(GanvasError):
        found.save(beside(path))
    return found


def shares(count: int) -> Float[Tensor, " count"]:
    """Where the pictures of a strip are, from -1 to 1 times the strength; a single one is at 1.

    Raises:
        DoesNotFit: the count is below 1.
    """
    if count < 1:
        raise DoesNotFit(f"`across=` is at least 1, not {count}.")
    return torch.linspace(-1, 1, count) if count > 1 else torch.ones(1)


def strips(chosen: Sequence[Place], moves: Mapping[str, float], *, across: int = ACROSS) -> list[Place]:
    """The places on strips from minus to plus these moves; none if a place cannot say moves so long or so many.

    Raises:
        DoesNotFit: `across` is below 1.
    """
    at = shares(across).tolist()
    with suppress(DoesNotFit):
        return [place.moved(moves, share) for place in chosen for share in at]
    return []


@dataclass(frozen=True, eq=False)
class Edited:
    """Edited pictures.

    made       the strips [rows * across, *shape], one after the other
    across     pictures per strip
    changes    attribute -> how much more of it the last pictures of the strips have than the original ones, on
               average, in deviations among samples; the largest change first
    """

    made: Tensor
    across: int
    changes: dict[str, float]


@machine.plainly()
def edit(
    model: Model,
    found: Directions,
    starts: Sequence[Start],
    moves: Mapping[str, float],
    *,
    without: Sequence[str] = (),
    gradient: bool = False,
    label: str | None = None,
    across: int = ACROSS,
    large: bool = False,
    watch: Watch = unwatched,
) -> Edited:
    """Make strips of pictures from minus to plus the strength of all moves together; a single picture is at plus.

    Args:
        model: any generator of pictures or clips.
        found: its directions.
        starts: seeds or latents, one for each strip.
        moves: direction -> strength: a distance along it, or with `gradient` a target in deviations of the attribute.
        without: what to hold: directions that are projected out, or with `gradient` attributes that are held constant.
        gradient: follow the gradient of the attributes at each picture, including that of keywords.
        label: the condition of a conditional model, instead of the one that belongs to the seeds.
        across: pictures per strip.
        large: draw them twice as large, with a model that `doubles`.
        watch: called with the progress of gradient steps.

    Raises:
        NotFound or DoesNotFit: there is no such direction or attribute, there are too many pictures, or see
            `Directions.vector`.
    """
    at = shares(across)
    refuse_huge(across * len(starts), model.shape, zoom=2 if large else 1)
    z, first = places(model, [(start, label) for start in starts])
    conditions = None if first is None else first.repeat_interleave(across, dim=0)
    by = {name: each for name, each in known_attributes(found.labels, watch=watch).items() if name in found.attributes}
    deviations = dict(zip(found.attributes, found.deviations.tolist(), strict=True))
    still = z.repeat_interleave(across, dim=0)
    if gradient:
        held = found.held(without, list(moves))
        _refuse_unknown([*moves, *held], list(by))
        goals = {name: strength * at.repeat(len(z)) for name, strength in moves.items()}
        given = climb(model, still, conditions, goals, by=by, deviations=deviations, held=held, watch=watch)
    else:
        move = torch.stack([s * found.vector(name, without=without) for name, s in moves.items()]).sum(0)
        given = moved(model, still, conditions, at.repeat(len(z))[:, None] * move)
    made, ends = model.make(*given), slice(across - 1, None, across)
    change = measured(made[ends], by) - measured(model.make(z, first), by)
    changes = {name: float(value) / deviations[name] for name, value in zip(by, change.mean(0), strict=True)}
    made = model.make(*given, large=True) if large else made
    return Edited(made, across, dict(sorted(changes.items(), key=lambda each: -abs(each[1]))))


def _refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise NotFound(
                f"A gradient is that of an attribute, and {name!r} is none here. There are: {', '.join(known)}."
            )


def climb(
    model: Model,
    z: Float[Tensor, "n l"],
    condition: Float[Tensor, "n k"] | None,
    goals: Mapping[str, Float[Tensor, " n"]],
    *,
    by: Mapping[str, Attribute],
    deviations: Mapping[str, float],
    held: Sequence[str] = (),
    steps: int = STEPS,
    watch: Watch = unwatched,
) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n k"] | None]:
    """Find inputs near z whose samples have the wanted attributes and keep the held ones.

    Gradient descent on sum_a (change of a - goal of a)^2 + mean_b (change of b)^2, over the attributes a with
    a goal and the held attributes b, all in deviations. The weights do not change. Each input keeps its length, since
    the length of a normal z hardly varies. Keywords are a direction of fixed length too, and are moved as well, since a
    model of keywords may hardly use z.

    Args:
        model: any generator of pictures or clips.
        z: the starting points.
        condition: the conditions at the start; classes are not changed.
        goals: attribute -> how far to change it, in deviations, at each z.
        by: the attributes.
        deviations: of each attribute among samples.
        held: attributes to hold constant.
        steps: number of steps.
        watch: called with the progress.
    """
    device = next(model.network.parameters()).device
    used = {name: by[name] for name in (*goals, *held)}
    unit = torch.tensor([deviations[name] for name in used], device=device)
    wanted = torch.stack([*goals.values(), *[torch.zeros(len(z))] * len(held)], dim=1).to(device)
    weights = torch.tensor([1.0] * len(goals) + [1.0 / max(1, len(held))] * len(held), device=device)
    given = [z.to(device)] if condition is None else [z.to(device), condition.to(device)]
    free = len(given) if isinstance(model.condition, Keywords) else 1
    with torch.no_grad():
        lengths, start = [each.norm(dim=1, keepdim=True) for each in given], measured(_made(model, given), used)
    for step in range(steps):
        watch("Following the gradient", step, steps)
        moving = [each.detach().requires_grad_(True) for each in given[:free]]
        changes = (measured(_made(model, moving + given[free:]), used) - start) / unit
        gradients = torch.autograd.grad((weights * (changes - wanted).square()).sum(), moving)
        for place, (each, gradient) in enumerate(zip(moving, gradients, strict=True)):
            given[place] = F.normalize(each.detach() - STEP * gradient, dim=1) * lengths[place]
    watch("Following the gradient", steps, steps)
    return given[0].cpu(), given[1].cpu() if len(given) > 1 else None


def _made(model: Model, given: Sequence[Tensor]) -> Tensor:
    """The samples of z, and of the condition if there is one."""
    return model.network.generate(given[0], given[1] if len(given) > 1 else None)


def save_strips(
    made: Tensor,
    out: str | Path,
    *,
    across: int,
    names: Sequence[str] = (),
    scale: int | None = None,
    shape: Sequence[int] = (),
) -> Path:
    """Save samples [rows * across, *shape] as rows of pictures, each with its name in front if names are given.

    Clips play if `out` ends as a film does, and otherwise show their middle frame. `scale` enlarges pictures by a whole
    number; by default small ones are enlarged to about 64 pixels. `shape` is that of a sample as the model makes it,
    needed where they were drawn twice as large.

    Raises:
        Unwritable or DoesNotFit: `out` cannot be written, or the scale is below 1.
    """
    if scale is not None and scale < 1:
        raise DoesNotFit(f"`scale=` is at least 1, not {scale}.")
    out, moves = Path(out), kind_of(made.shape[1:]) is Kind.CLIPS
    if moves and out.suffix.lower() in pixels.FILMS:
        return pixels.save_clips(made, out, columns=across)
    still = made[:, :, made.shape[2] // 2] if moves else made
    channels, *_, height, width = shape or made.shape[1:]
    zoom = scale or max(1, SHOWN // max(height, width))
    drawn = pixels.grid(at_scale(still, (channels, height, width), zoom), columns=across, zoom=1)
    return pixels.save_picture(pixels.captioned(drawn, names) if names else drawn, out)


def gallery(
    model: Model, found: Directions, out: str | Path, *, start: Start = 0, strength: float = 3.0, across: int = ACROSS
) -> Path:
    """Save a strip for every direction, from -strength to strength at one starting point.

    Raises:
        DoesNotFit or Unwritable: see `places.places` and `save_strips`.
    """
    by = strength * (found.vectors[:, None] * shares(across)[:, None]).flatten(0, 1)
    z, conditions = places(model, [(start, None)])
    z, conditions = z.expand(len(by), -1), None if conditions is None else conditions.expand(len(by), -1)
    return save_strips(model.make(*moved(model, z, conditions, by)), out, across=across, names=found.names)
