"""What keeps a critic gentle: functions of its gradient with respect to its input, per sample."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["squared_gradient"]


def squared_gradient(logits: Float[Tensor, " n"], samples: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """|dD(x)/dx|^2 for each sample, itself differentiable: R1 at reals and R2 at fakes, up to their weight of gamma/2.

    `samples` must have required gradients before `logits` was computed from them, and logits must not mix samples.
    (Mescheder, Geiger & Nowozin 2018, arXiv:1801.04406, eq. 9 and 10.)
    """
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)
