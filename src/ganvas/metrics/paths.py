"""Paths through latent space, and how much samples change along them."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ..core.catalog import part
from ..core.errors import DoesNotFit
from .score import Score, at_a_time

__all__ = ["on_arc", "on_line", "perceptual_path_length", "weighed"]


@part("metric")
def perceptual_path_length(
    generate: Callable[[Tensor], Tensor],
    embed: Callable[[Tensor], Tensor],
    draw: Callable[[int], Tensor],
    *,
    paths: int = 10_000,
    batch: int = 50,
    epsilon: float = 1e-4,
    ends: bool = False,
    seed: int = 0,
) -> Score:
    """How far a small step in latent space moves a sample (Karras et al. 2019, arXiv:1812.04948, section 4.1).

    The mean of |embed(G(slerp(a, b, t))) - embed(G(slerp(a, b, t + epsilon)))|^2 / epsilon^2 over random paths, without
    the lowest and highest hundredth. Both ends of a step are generated in one batch. The error is that of a trimmed
    mean (Tukey & McLaughlin 1963), in which what was left out counts as the farthest that was not.

    Args:
        generate: latents [N, L] -> samples.
        embed: samples -> features [N, ...] whose squared distance is the perceptual one; LPIPS in the paper.
        draw: N -> standard normal latents [N, L].
        paths: how many.
        batch: how many paths at a time, two samples each.
        epsilon: the length of a step; far smaller ones are lost in the rounding of float32 samples.
        ends: measure only at the beginning of each path, t = 0, instead of anywhere on it.
        seed: of the positions on the paths.

    Raises:
        DoesNotFit: there are fewer than 100 paths, `batch` is below 1, or NaNs come out.
    """
    if paths < 100:
        raise DoesNotFit(f"Path lengths vary too much for {paths} paths; take at least 100 (papers: 50,000).")
    dice, batch = torch.Generator().manual_seed(seed), at_a_time("batch", batch)
    lengths = []
    with torch.no_grad():
        for start in range(0, paths, batch):
            count = min(batch, paths - start)
            first, last = draw(count), draw(count)
            place = torch.rand(count, generator=dice, dtype=torch.float64).to(first.device) * (not ends)
            steps = [weighed(first, last, on_arc(first, last, each)) for each in (place, place + epsilon)]
            found = embed(generate(torch.cat(steps))).flatten(1).double()
            lengths.append((found[:count] - found[count:]).square().sum(1) / epsilon**2)
    along = torch.cat(lengths).cpu()
    if not along.isfinite().all():
        raise DoesNotFit("Some path lengths are NaN or infinite: look for broken weights or pictures.")
    low = along.quantile(0.01, interpolation="lower")
    high = along.quantile(0.99, interpolation="higher")
    kept = (low <= along) & (along <= high)
    spread = float(along.clamp(low, high).std()) / float(kept.double().mean())
    return Score(float(along[kept].mean()), spread / math.sqrt(paths), {"paths": paths})


def on_line(shares: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
    """The weights of both ends at these positions on the line from the first, at 0, to the last, at 1."""
    share = shares.double()[:, None]
    return torch.cat([1 - share, share], dim=1)


def on_arc(
    first: Float[Tensor, "n k"], last: Float[Tensor, "n k"], shares: Float[Tensor, " n"]
) -> Float[Tensor, "n 2"]:
    """The weights of both ends on the great circle between them (White 2016, arXiv:1609.04468).

    They are sin((1 - t) a) and sin(t a) over sin a, at share t, with a the angle between the ends. Parallel ends have
    no arc, and opposite ones no shortest arc: there the line is used. In float64, so that a step of 1e-4 is not lost to
    rounding.
    """
    a, b, line = first.double(), last.double(), on_line(shares)
    cosine = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-60)
    angle = torch.arccos(cosine.clamp(-1, 1))[:, None]
    arc = torch.sin(line * angle) / torch.sin(angle)
    return torch.where(cosine.abs()[:, None] > 1 - 1e-9, line, arc)


def weighed(
    first: Float[Tensor, "n k"], last: Float[Tensor, "n k"], weights: Float[Tensor, "n 2"]
) -> Float[Tensor, "n k"]:
    """The weighted sum of both ends, in the type of the first."""
    return (weights[:, :1] * first.double() + weights[:, 1:] * last.double()).to(first.dtype)
