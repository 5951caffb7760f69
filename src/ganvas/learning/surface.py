"""The logits of a critic of points in the plane, on a grid, and their gradients."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..core.errors import DoesNotFit
from ..networks.layers import Critic

__all__ = ["slopes", "surface"]


@torch.no_grad()
def surface(critic: Critic, *, extent: float, side: int = 69) -> Float[Tensor, "side side"]:
    """The logits on a grid over +-`extent` in both coordinates, rows from top to bottom as in pictures.

    Raises:
        DoesNotFit: the critic's samples are not points in the plane, or it takes a condition.
    """
    _refuse_others(critic)
    device = next(critic.parameters()).device
    line = torch.linspace(-extent, extent, side, device=device)
    y, x = torch.meshgrid(-line, line, indexing="ij")
    logits: Tensor = critic(torch.stack([x.flatten(), y.flatten()], dim=1))
    return logits.reshape(side, side).cpu()


def slopes(critic: Critic, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """The gradients of the logits at these points: the directions in which a generator's samples are pushed.

    Raises:
        DoesNotFit: as in `surface`.
    """
    _refuse_others(critic)
    at = points.detach().to(next(critic.parameters()).device).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(at).sum(), at)
    return gradient.cpu()


def _refuse_others(critic: Critic) -> None:
    if critic.shape != (2,) or critic.condition:
        raise DoesNotFit("Only the critic of points in the plane, told of nothing else, can be drawn as a surface.")
