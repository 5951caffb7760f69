"""Signs: health measures that the losses do not show, taken now and then for the doctor to judge a live training.

They describe the averaged model's samples of fixed seeds, and each player's last step. All distances are Euclidean,
between pictures reduced to at most 16 x 16: enough to see twins and lost colours, and cheap. Samples are compared with
sets of as many reals.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.dataset import Dataset
from ..models.model import Model
from .state import State

__all__ = ["PULSES", "Pulse", "small"]

PULSES = 25  # in a run, at most; a divisor of its log lines
SEEDS, SETS = 32, 8  # samples, and the number of sets of as many reals that they are compared with
SIDE = 16  # pixels
NUDGE = 0.1  # standard deviation of what is added to z, whose own is 1


class Pulse:
    """Measures the signs of one training.

    Args:
        data: what is learned.
        product: the player whose samples are examined.
    """

    def __init__(self, data: Dataset, product: str) -> None:
        self._data, self._product = data, product
        self._reals: tuple[float, float] | None = None

    @torch.no_grad()
    def take(self, state: State) -> dict[str, float]:
        """The signs by name; those that do not apply are left out.

        spread           mean distance between two samples, relative to that between two reals
        near             median distance from a sample to its nearest other one, relative to that of reals
        bend             mean distance from G(z) to G(z + 0.1 e), divided by 0.1, relative to that between two reals
        heed             distance between samples of one z under two conditions, relative to that between any two
        wander           distance between the mean samples of averaged and current weights, relative to reals as above
        PLAYER.gradient  norm of its last gradient
        PLAYER.stride    norm of its last step, relative to that of its weights
        """
        signs = self._of_samples(state) if len(self._data) > 1 else {}
        for name, optimizer in state.optimizers.items():
            gradient, stride = _last_step(optimizer)
            signs |= {f"{name}.gradient": gradient, f"{name}.stride": stride}
        return signs

    def _of_samples(self, state: State) -> dict[str, float]:
        model, now = Model(state.average, state.condition), state.networks[self._product]
        seeds, nudged = range(SEEDS), range(SEEDS // 2)
        z = torch.from_numpy(np.random.default_rng(0).standard_normal((SEEDS, model.network.latent), np.float32))
        told = model.condition.draw(seeds) if model.condition else None
        made = small(model.make(z, told))
        spread, near = _apart(made)
        real_spread, real_near = self._of_reals()
        signs = {"spread": spread / real_spread, "near": near / real_near if real_near else math.nan}
        by = NUDGE * torch.from_numpy(np.random.default_rng(1).standard_normal((len(nudged), z.shape[1]), np.float32))
        moved = small(model.make(z[: len(nudged)] + by, None if told is None else told[: len(nudged)]))
        signs["bend"] = float((moved - made[: len(nudged)]).norm(dim=1).mean() / (NUDGE * real_spread))
        learning = now.training
        current = small(Model(now.eval(), state.condition).make(z, told))  # type: ignore[arg-type]
        now.train(learning)
        signs["wander"] = float((current.mean(0) - made.mean(0)).norm()) / real_spread
        if told is not None and model.condition is not None:
            other = told.roll(1, 0)
            changed = (other != told).any(1)
            if changed.any() and spread:
                turned = small(model.make(z, other))
                signs["heed"] = float((turned - made)[changed].norm(dim=1).mean()) / spread
        return {name: value for name, value in signs.items() if math.isfinite(value)}

    def _of_reals(self) -> tuple[float, float]:
        """The result of `_apart` for reals, averaged over several sets of the same size as the samples."""
        if self._reals is None:
            count = min(len(self._data), SEEDS)
            sets = min(len(self._data) // count, SETS)
            rows = np.random.default_rng(0).permutation(len(self._data))[: sets * count].reshape(sets, count)
            found = [_apart(small(self._data.take(each))) for each in rows]
            self._reals = float(np.mean([a for a, _ in found])) or 1.0, float(np.mean([b for _, b in found]))
        return self._reals


def small(samples: Tensor) -> Tensor:
    """Samples [N, *sample] as rows [N, D]: points unchanged, pictures and frames reduced to at most 16 x 16."""
    if samples.dim() > 2:
        height, width = samples.shape[-2:]
        frames = samples.flatten(1, -3)
        samples = F.adaptive_avg_pool2d(frames, (min(height, SIDE), min(width, SIDE))).flatten(1)
    return samples.float()


def _apart(rows: Tensor) -> tuple[float, float]:
    """The mean distance between two rows [N, D], and the median distance from a row to its nearest other."""
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    others = distances.masked_fill(torch.eye(len(rows), dtype=torch.bool), math.inf)
    mean = float(distances.sum() / (len(rows) * (len(rows) - 1)))
    return mean, float(others.amin(1).median())


def _last_step(optimizer: torch.optim.Optimizer) -> tuple[float, float]:
    """The norm of the last gradient, and that of the last step relative to the norm of the weights."""
    gradients, steps, weights = [torch.zeros(())], [torch.zeros(())], [torch.zeros(())]
    for group in optimizer.param_groups:
        for weight in group["params"]:
            held = optimizer.state.get(weight, {})
            if weight.grad is None or not held:
                continue
            if "exp_avg" in held:
                beta1, beta2 = group["betas"]
                count = float(held["step"])
                moment, square = held["exp_avg"] / (1 - beta1**count), held["exp_avg_sq"] / (1 - beta2**count)
            else:
                moment, square = weight.grad, held["square_avg"]
            gradients.append(weight.grad.norm().cpu())
            steps.append((group["lr"] * moment / (square.sqrt() + group["eps"])).norm().cpu())
            weights.append(weight.norm().cpu())
    gradient, step, weight = (float(torch.stack(each).norm()) for each in (gradients, steps, weights))
    return gradient, step / weight if weight else 0.0
