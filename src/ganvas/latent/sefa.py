"""SeFa: the directions that a generator's first layers amplify most (Shen & Zhou 2021, arXiv:2007.06600)."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..models.model import Model
from ..networks.layers import Generator

__all__ = ["calls", "factorised"]


class Call(NamedTuple):
    """A call of a layer with weights, with its output."""

    module: nn.Module
    made: Tensor


def factorised(model: Model, axes: Float[Tensor, "x v"], count: int) -> Float[Tensor, "count v"]:
    """The eigenvectors with the largest eigenvalues of A^T A, each of norm 1 in coordinates along the axes.

    A maps z, and the condition if it can be moved, to the outputs, without bias, of all layers with weights that these
    reach without passing another one. It includes any scaling before the layers.

    Args:
        model: the model.
        axes: the dimensions of z, and after them those of the condition, if it can be moved.
        count: how many eigenvectors.
    """
    latent, steps = model.network.latent, torch.cat([torch.zeros_like(axes[:1]), axes.sum(0)[None], axes])
    conditions = None if model.condition is None else model.condition.draw([0]).expand(len(steps), -1)
    if conditions is not None and axes.shape[1] > latent:
        conditions = conditions + steps[:, latent:]
    told = [None] * len(steps) if conditions is None else conditions.split(1)
    first, everywhere, *each = zip(steps[:, :latent].split(1), told, strict=True)
    still = calls(model.network, *first)
    pairs = enumerate(zip(calls(model.network, *everywhere, instead=still), still, strict=True))
    reached = [place for place, (now, then) in pairs if (now.made != then.made).any()]
    rows = []
    for given in each:
        now = calls(model.network, *given, instead=still, only=reached)
        rows.append(torch.cat([(now[place].made - still[place].made).flatten() for place in reached]).cpu())
    responses = torch.stack(rows)
    return torch.linalg.eigh((responses @ responses.T).double())[1].T.flip(0)[:count].float() @ axes


@torch.no_grad()
def calls(
    network: Generator,
    z: Float[Tensor, "1 latent"],
    condition: Float[Tensor, "1 k"] | None,
    *,
    instead: Sequence[Call] = (),
    only: Collection[int] | None = None,
) -> list[Call]:
    """The calls of layers with weights while one sample is made, in order.

    Args:
        network: the generator.
        z: the input of the sample.
        condition: its condition.
        instead: the calls for another sample, whose outputs layers then hand on in place of their own. So whatever
            still differs from these has passed no other layer.
        only: the numbers of the calls that are computed; the others are taken from `instead`, too.
    """
    seen: list[Call] = []

    def watched(module: nn.Module, *, within: bool) -> Any:
        compute = module.forward

        def forward(*given: Any, **named: Any) -> Tensor:
            number = len(seen)
            fixed = instead[number].made if instead else None
            seen.append(Call(module, torch.empty(0)))  # its place, before those of layers within it
            skipped = fixed is not None and only is not None and number not in only and not within
            made: Tensor = fixed if skipped else compute(*given, **named)  # type: ignore[assignment]
            seen[number] = Call(module, made.clone())  # later layers may work in place
            return made if fixed is None else fixed.clone()

        return forward

    weights = ((module, getattr(module, "weight", None)) for module in network.modules())
    weighted = [module for module, weight in weights if isinstance(weight, Tensor) and weight.dim() > 1]
    try:
        for module in weighted:
            module.forward = watched(
                module, within=any(each in weighted for each in module.modules() if each is not module)
            )
        device = next(network.parameters()).device
        network.generate(z.to(device), None if condition is None else condition.to(device))
    finally:
        for module in weighted:
            vars(module).pop("forward", None)
    return seen
