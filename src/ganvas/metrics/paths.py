"""Metrics of paths: how much samples change on the way through latent space."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ..core.catalog import part
from ..core.errors import DoesNotFit
from .score import Score

__all__ = ["perceptual_path_length"]


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

    |embed(G(slerp(a, b, t))) - embed(G(slerp(a, b, t + epsilon)))|^2 / epsilon^2 on random paths, of which the lowest
    and highest hundredth are left out. Both ends of a step are generated in one batch.

    Args:
        generate: latents [N, L] -> samples.
        embed: samples -> features [N, ...] whose squared distance is the perceptual one; LPIPS in the paper.
        draw: how many -> latents [N, L], normal ones.
        paths: how many.
        batch: at a time, two samples each.
        epsilon: the length of a step; far smaller ones drown in the rounding of float32 samples.
        ends: only at the beginning of each path, t = 0, instead of anywhere on it.
        seed: of the places on the paths.

    Raises:
        GanvasError: there are fewer than 100 paths, or NaNs come out.
    """
    if paths < 100:
        raise DoesNotFit(f"Path lengths vary too much for {paths} paths; take at least 100 (papers: 50,000).")
    dice = torch.Generator().manual_seed(seed)
    lengths = []
    with torch.no_grad():
        for start in range(0, paths, batch):
            count = min(batch, paths - start)
            first, last = draw(count), draw(count)
            place = torch.rand(count, 1, generator=dice, dtype=torch.float64).to(first.device) * (not ends)
            steps = [_slerp(first, last, each) for each in (place, place + epsilon)]
            found = embed(generate(torch.cat(steps))).flatten(1).double()
            lengths.append((found[:count] - found[count:]).square().sum(1) / epsilon**2)
    along = torch.cat(lengths).cpu()
    if not along.isfinite().all():
        raise DoesNotFit("Some path lengths are NaN or infinite: look for broken weights or pictures.")
    low = along.quantile(0.01, interpolation="lower")
    high = along.quantile(0.99, interpolation="higher")
    return Score.mean(along[(low <= along) & (along <= high)], counts={"paths": paths})


def _slerp(first: Tensor, last: Tensor, place: Float[Tensor, "n 1"]) -> Tensor:
    """On the great circle from one latent to the other, in float64, so that a step of 1e-4 is not lost to rounding.

    The lengths of the two are kept and blended (White 2016, arXiv:1609.04468).
    """
    a, b = first.double(), last.double()
    cosine = (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))
    angle = cosine.clamp(-1 + 1e-12, 1 - 1e-12).acos()
    mixed = (((1 - place) * angle).sin() * a + (place * angle).sin() * b) / angle.sin()
    return mixed.to(first.dtype)
