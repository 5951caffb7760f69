"""Regularisation of critics: penalties on the gradient with respect to the input, per sample, and weight clipping."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["clip_weights", "interpolate", "slope", "squared_gradient", "squared_gradients"]


def squared_gradient(logits: Float[Tensor, " n"], samples: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """|dD(x)/dx|^2 for each sample, itself differentiable: R1 at reals and R2 at fakes, up to their weight of gamma/2.

    `samples` must require gradients before `logits` is computed from them, and each logit must depend on its own sample
    only. (Mescheder, Geiger & Nowozin 2018, arXiv:1801.04406, eq. 9 and 10.)
    """
    return squared_gradients([(logits, samples)])[0]


def squared_gradients(
    pairs: Sequence[tuple[Float[Tensor, " n"], Float[Tensor, "n ..."]]],
) -> list[Float[Tensor, " n"]]:
    """`squared_gradient` for several pairs of (logits, samples), in one backward pass."""
    if not pairs:
        return []
    logits, samples = zip(*pairs, strict=True)
    gradients = torch.autograd.grad([each.sum() for each in logits], samples, create_graph=True)
    return [gradient.flatten(1).square().sum(1) for gradient in gradients]


def slope(logits: Float[Tensor, " n"], samples: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """|dD(x)/dx| for each sample, itself differentiable, also where it is zero; requirements as in `squared_gradient`.

    A 1-Lipschitz critic has a slope of at most 1 everywhere, and the optimal one has slope 1 almost everywhere between
    reals and fakes. Hence the penalty of WGAN-GP: (slope - 1)^2 at `interpolate`d points (Gulrajani et al. 2017,
    arXiv:1704.00028, eq. 3).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1)


def interpolate(
    real: Float[Tensor, "n ..."], fake: Float[Tensor, "n ..."], share: Float[Tensor, " n"]
) -> Float[Tensor, "n ..."]:
    """Points on the lines between pairs of reals and fakes: share * real + (1 - share) * fake, share in [0, 1]."""
    share = share.reshape(-1, *[1] * (real.dim() - 1))
    return share * real + (1 - share) * fake


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Clip all weights to [-limit, limit], which bounds the critic's slope (Arjovsky et al. 2017, arXiv:1701.07875)."""
    torch._foreach_clamp_min_(list(network.parameters()), -limit)
    torch._foreach_clamp_max_(list(network.parameters()), limit)
