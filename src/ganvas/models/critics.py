"""The critics of a run, which its checkpoints hold in addition to the model: how real each one finds a picture."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..core import checkpoint, pixels
from ..core.errors import GanvasError, NotInstalled, Unreadable
from ..core.weights import read_header
from ..networks.fill import build, fill
from ..networks.layers import Critic
from ..runs.run import Run

__all__ = ["load_critics", "logits"]

CHUNK = 64


def load_critics(run: Run, condition: int, *, device: torch.device | str = "cpu") -> dict[str, Critic]:
    """The critics by their names in the recipe, from the newest checkpoint; may be empty.

    Args:
        run: a run with a checkpoint.
        condition: the length of the condition vector that its networks take, 0 for none.
        device: where they compute.

    Raises:
        Unreadable or NotInstalled: the critics in the checkpoint differ from the recipe's, or a package that they need
            is missing.
    """
    found = run.newest_sound(checkpoint.STATE)
    if found is None:
        return {}
    file, shape, critics = found / checkpoint.STATE, tuple(run.about["data"]["shape"]), {}
    header, tensors = read_header(file), checkpoint.read(file)
    for name, settings in run.recipe.networks.items():
        own = checkpoint.below(tensors, name)
        if name == run.recipe.product or not own:
            continue
        try:
            network = build(settings, shape, condition, header.below(name))
            fill(network, own)
        except NotInstalled:
            raise
        except GanvasError as error:
            raise Unreadable(f"{file} is damaged: its {name} is another than the recipe's ({error}).") from None
        if isinstance(network, Critic):
            critics[name] = network.eval().requires_grad_(False).to(device)
    return critics


@torch.no_grad()
def logits(
    critic: Critic, pictures: UInt8[Tensor, "n h w c"], conditions: Float[Tensor, "n k"] | None = None
) -> Float[Tensor, " n"]:
    """How real a critic finds each picture under its condition, as a logit; logits have no absolute scale or zero."""
    device, found = next(critic.parameters()).device, [torch.empty(0)]
    for first in range(0, len(pictures), CHUNK):
        some = slice(first, first + CHUNK)
        known = None if conditions is None else conditions[some].to(device)
        found.append(critic(pixels.to_float(pictures[some]).to(device), known).cpu())
    return torch.cat(found)
