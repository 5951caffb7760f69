"""Combine two models of one recipe: the low-resolution layers of the first, the high-resolution layers of the second.

    mix("runs/faces", "runs/cartoons", Path("mixed"), at=32)

The first decides where things are, the second how they are drawn. This is layer swapping (Pinkney & Adler 2020,
arXiv:2010.05334). It needs two networks that recently had the same weights: one was trained from the other, by --from.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from ..core import files
from ..core.errors import DoesNotFit
from ..core.tensors import write_safetensors
from ..core.weights import read_header
from ..learning.conditions import Condition, Labels
from ..networks.layers import NetworkSettings
from ..recipes.settings import differences, to_json
from .model import Model, described, inputs, load, metadata, model_file
from .publish import hand_over
from .shipped import locate

__all__ = ["mix", "sides"]


@dataclass(frozen=True)
class _Side:
    """A model to be mixed, with its name, its place and its network's settings."""

    name: str
    place: Path
    model: Model
    settings: NetworkSettings


def mix(low: str | Path, high: str | Path, out: Path, *, at: int) -> Model:
    """Write a model with the layers of one below a resolution, and the layers of another from there on.

    Layers that make no feature maps, such as the network that maps inputs to styles, come from the first.

    Args:
        low: any model.
        high: a model with the same network, shape and condition.
        out: the model file, .safetensors; or a folder in the Hugging Face layout, whose card names both.
        at: the lowest resolution taken from the second, in pixels of the shorter side.

    Raises:
        Unwritable: `out` is one of the two.
        DoesNotFit: they are not of one recipe, their network has no layers by resolution, or none at this one.
    """
    first, second = _opened(low), _opened(high)
    for place in (first.place, second.place):
        files.refuse_own_input(out, place, model_file(place))
    _refuse_unlike(first, second)
    found = sides(first.model)
    known = sorted({side for side in found.values() if any(other < side for other in found.values())})
    if not known:
        raise DoesNotFit(f"The network of {first.name} has no layers of several resolutions, so it cannot be mixed.")
    if at not in known:
        raise DoesNotFit(f"The layers of {first.name} can be mixed at {', '.join(map(str, known))}, and not `at={at}`.")
    ours, theirs = (each.model.network.state_dict() for each in (first, second))
    tensors = {name: (theirs if found[name] >= at else ours)[name] for name in ours}
    first.model.network.load_state_dict(tensors)
    written = metadata(first.settings, first.model, tensors)
    if out.suffix == ".safetensors":
        with files.writing(out), files.replacing(out) as draft:
            write_safetensors(tensors, draft, written)
        return first.model
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mixed.safetensors"
        write_safetensors(tensors, file, written)
        hand_over(file, out, about=f"Layers below {at} pixels of {first.name}, and from there on of {second.name}.")
    return first.model


def sides(model: Model) -> dict[str, int]:
    """The resolution of each weight by name: the shorter side of the feature maps that its layer makes.

    A layer that makes no feature maps, such as one from a style to scales, counts as the layer that contains it, or as
    0 if none does.
    """
    network, found = model.network, dict[str, int]()

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def noted(_module: nn.Module, _given: Any, made: Any) -> None:
            planes = made[0] if isinstance(made, tuple) else made
            if isinstance(planes, Tensor) and planes.dim() in (4, 5):
                found[name] = min(planes.shape[-2:])

        return noted

    layers = [(name, each) for name, each in network.named_modules() if name]
    watched = [
        each.register_forward_hook(note(name)) for name, each in layers if not isinstance(each, ParametrizationList)
    ]
    try:
        model.preview(inputs([0], network.latent), model.condition.draw([0]) if model.condition else None)
    finally:
        for each in watched:
            each.remove()
    return {name: _side(name, found) for name in network.state_dict()}


def _side(weight: str, found: dict[str, int]) -> int:
    """The resolution of the innermost layer around a weight that has one, or 0."""
    layer = weight.rpartition(".")[0]
    while layer and layer not in found:
        layer = layer.rpartition(".")[0]
    return found.get(layer, 0)


def _opened(place: str | Path) -> _Side:
    at = locate(place)
    file = model_file(at)
    settings, _, _ = described(file, read_header(file).metadata)
    return _Side(str(place), at, load(place), settings)


def _refuse_unlike(first: _Side, second: _Side) -> None:
    """Refuse two models that differ in more than their weights."""
    both = f"{first.name} and {second.name} cannot be mixed: "
    if unlike := differences(to_json(second.settings), to_json(first.settings)):
        raise DoesNotFit(f"{both}their networks differ ({sorted(unlike)[0]}). Train one by `start_from=` the other.")
    if first.model.shape != second.model.shape:
        raise DoesNotFit(f"{both}the one makes {list(first.model.shape)} and the other {list(second.model.shape)}.")
    if not _told_alike(first.model.condition, second.model.condition):
        raise DoesNotFit(f"{both}they are told other things, such as other classes.")


def _told_alike(first: Condition | None, second: Condition | None) -> bool:
    """Whether a condition means the same to both: the same classes in one order, or words in one space of vectors."""
    if first is None or second is None:
        return first is second
    alike = type(first) is type(second) and first.length == second.length
    return alike and (first.classes == second.classes if isinstance(first, Labels) else True)  # type: ignore[attr-defined]
