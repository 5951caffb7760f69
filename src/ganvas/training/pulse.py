"""Signs of a training that its losses do not tell, taken now and then: what the doctor judges it by, live.

They are of the averaged model's samples of always the same seeds, and of the last step of each player. All lengths are
Euclidean, of pictures that were made no larger than 16 x 16: twins and a lost colour are seen there as well, and what
is seen costs little. The reals beside them are as many at a time.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.dataset import Dataset
from ..models.model import Model
from .loop import State

__all__ = ["PULSES", "Pulse", "small"]

PULSES = 25  # in a run, at most; a divisor of its log lines
SEEDS, SETS = 32, 8  # samples, and how many sets of as many reals they are compared with
SIDE = 16  # pixels
NUDGE = 0.1  # the deviation of what is added to an input of deviation 1


class Pulse:
    """Takes the signs of one training.

    Args:
        data: what is learned.
        product: the player whose samples are looked at.
    """

    def __init__(self, data: Dataset, product: str) -> None:
        self._data, self._product = data, product
        self._reals: tuple[float, float] | None = None

    @torch.no_grad()
    def take(self, state: State) -> dict[str, float]:
        """The signs by name; those that do not make sense here are left out.

        spread           mean distance of two samples, as a share of that of two reals
        near             median distance of a sample from the nearest other one, as a share of that of reals
        bend             length of G(z + e) - G(z) over that of e, in deviations of reals per deviation of z
        heed             distance of two samples of one z under two descriptions, as a share of that of any two samples
        wander           distance of the mean sample from that of the weights as they are now, not averaged, in the same
        PLAYER.gradient  length of its last gradient
        PLAYER.stride    length of its last step, as a share of that of its weights
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
        """What `_apart` finds among as many reals, on average over a few sets of them."""
        if self._reals is None:
            count = min(len(self._data), SEEDS)
            sets = min(len(self._data) // count, SETS)
            rows = np.random.default_rng(0).permutation(len(self._data))[: sets * count].reshape(sets, count)
            found = [_apart(small(self._data.take(each))) for each in rows]
            self._reals = float(np.mean([a for a, _ in found])) or 1.0, float(np.mean([b for _, b in found]))
        return self._reals


def small(samples: Tensor) -> Tensor:
    """Samples [N, *sample] as rows [N, D]: points as they are, pictures and frames no larger than 16 x 16."""
    if samples.dim() > 2:
        height, width = samples.shape[-2:]
        frames = samples.flatten(1, -3)
        samples = F.adaptive_avg_pool2d(frames, (min(height, SIDE), min(width, SIDE))).flatten(1)
    return samples.float()


def _apart(rows: Tensor) -> tuple[float, float]:
    """The mean distance of two of these rows [N, D], and the median one from a row to the nearest other."""
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    others = distances.masked_fill(torch.eye(len(rows), dtype=torch.bool), math.inf)
    mean = float(distances.sum() / (len(rows) * (len(rows) - 1)))
    return mean, float(others.amin(1).median())


def _last_step(optimizer: torch.optim.Optimizer) -> tuple[float, float]:
    """The length of the last gradient, and that of the last step as a share of the length of the weights."""
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
