"""Projection: find the input with which a generator comes nearest to a given picture.

The weights do not change. z and the condition are optimised by gradient descent from several starts (Karras et al.
2020, arXiv:1912.04958, section 5, who use VGG features, a single start, and optimise noise too).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..core import machine, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit, GanvasError
from ..data.dataset import Watch, unwatched
from ..data.decode import Frame
from ..data.picture_files import read_pictures
from ..metrics.features.by_name import features
from ..models.model import Model, inputs
from .places import Latent, fingerprint

__all__ = ["Projection", "project", "read_picture", "save_projection"]

CANDIDATES, STARTS = 256, 4
STEPS, RATE = 120, 0.1
SCALES = 4  # number of halvings at which pixels are also compared
SEEN = 0.05  # weight of the features, which at 1 outweigh the pixels (LOG.md)
FARTHEST = 16.0  # of a pixel from mid-gray: generators go beyond 1, untrained ones far; most of 0 to 255 is beyond 16
PRIOR = 0.01  # weight of the deviation of z from the length of a normal one


@dataclass(frozen=True, eq=False)
class Projection:
    """The result for one picture.

    latent      the point in latent space
    wanted      the picture, in the model's form [C, H, W]
    made        what the model makes there [C, H, W]
    error       the mean absolute difference of the two, in 255 levels
    random      the same for random samples of the model, the median of 256
    """

    latent: Latent
    wanted: Float[Tensor, "c h w"]
    made: Float[Tensor, "c h w"]
    error: float
    random: float


def read_picture(path: str | Path, model: Model) -> Float[Tensor, "c h w"]:
    """Read a picture file, cropped and scaled to what the model makes, in [-1, 1].

    Raises:
        DoesNotFit or NotFound: the model makes no pictures, or the file is a folder or not a picture.
    """
    if model.kind is not Kind.PICTURES:
        raise DoesNotFit(f"This model makes {model.kind}, so no picture can be projected; give a model of pictures.")
    channels, height, width = model.shape
    path = Path(path)
    if path.is_dir():
        raise DoesNotFit(f"{path} is a folder. Name one picture in it.")
    (file, *_), _ = read_pictures([path], Frame(width, height, channels), adapt=True)
    return pixels.to_float(torch.from_numpy(file.picture)[None])[0]


@machine.plainly()
def project(
    model: Model,
    picture: Float[Tensor, "c h w"],
    *,
    label: str | None = None,
    starts: int = STARTS,
    steps: int = STEPS,
    with_features: bool = True,
    seed: int = 0,
    watch: Watch = unwatched,
) -> Projection:
    """Find the input for which the model's output is nearest to a picture.

    The best of 256 random inputs are optimised by Adam, and the best of all steps is kept. The distance is the squared
    difference of pixels at five scales, plus that of features if they are available.

    Args:
        model: any generator of pictures.
        picture: in [-1, 1], of the model's shape.
        label: the condition of a conditional model; by default it is optimised too.
        starts: how many of the random inputs are optimised.
        steps: of Adam.
        with_features: compare features of EfficientNet-Lite0 as well, if it is installed.
        seed: of the first random input.
        watch: called with the progress.

    Raises:
        NotFound: the model does not know the label.
        DoesNotFit: the picture has another shape or is not in [-1, 1], `starts` or `steps` are below 1, or the model
            takes no label.
    """
    if picture.shape != model.shape:
        raise DoesNotFit(f"The picture has shape {tuple(picture.shape)}, and the model makes {model.shape}.")
    if not picture.is_floating_point() or not bool(picture.abs().amax() <= FARTHEST):
        raise DoesNotFit(
            "The picture is numbers in [-1, 1]: `read_picture` makes them of a file, `pixels.to_float` of 0 to 255."
        )
    if starts < 1 or steps < 1:
        raise DoesNotFit(f"`starts=` and `steps=` are at least 1, not {starts} and {steps}.")
    wanted = picture[None].to(next(model.network.parameters()).device)
    distance = _distance(wanted, _describer() if with_features else None)
    seeds = range(seed, seed + CANDIDATES)
    z, asked = inputs(seeds, model.network.latent), model.described(label)
    conditions = None if asked is None else asked.expand(CANDIDATES, -1)
    if conditions is None and model.condition is not None:
        conditions = model.condition.draw(seeds)
    first = model.make(z, conditions).to(wanted.device)
    with torch.no_grad():
        nearness = torch.cat([distance(some) for some in first.split(32)])
    best = nearness.argsort()[:starts].cpu()
    conditions = None if conditions is None else conditions[best]
    z, condition = _descended(model, z[best], conditions, distance, fixed=label is not None, steps=steps, watch=watch)
    made = model.make(z[None], None if condition is None else condition[None])[0]
    return Projection(
        Latent(z, condition, fingerprint(model.network)),
        picture,
        made,
        _pixel_error(made[None], picture).item(),
        _pixel_error(first.cpu(), picture).median().item(),
    )


def projected_file(out: Path) -> Path:
    """The picture that `save_projection` writes: `out` itself, or projected.png in this folder."""
    return out if out.suffix else out / "projected.png"


def save_projection(found: Projection, out: str | Path) -> tuple[Path, Path]:
    """Save picture | projected at `out`, a .png or a folder, and the latent next to it: (picture, latent).

    Raises:
        Unwritable: `out` cannot be written.
    """
    file = projected_file(Path(out))
    both = pixels.grid(pixels.to_uint8(torch.stack([found.wanted, found.made])).numpy(), columns=2)
    return pixels.save_picture(both, file), found.latent.save(file.with_suffix(".latent.safetensors"))


def _descended(
    model: Model,
    z: Tensor,
    conditions: Tensor | None,
    distance: Callable[[Tensor], Tensor],
    *,
    fixed: bool,
    steps: int,
    watch: Watch,
) -> tuple[Tensor, Tensor | None]:
    """The nearest input (z [L], condition [K]) found during the descent from z [S, L]."""
    device = next(model.network.parameters()).device
    z = z.to(device).requires_grad_(True)
    conditions = None if conditions is None else conditions.to(device).requires_grad_(not fixed)
    free = [each for each in (z, conditions) if each is not None and each.requires_grad]
    optimizer = torch.optim.Adam(free, RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps + 1)
    least, best_z, best_told = torch.inf, z, conditions
    for step in range(steps + 1):
        watch("Projecting", step, steps)
        far = distance(model.network.generate(z, conditions))
        nearest = int(far.argmin())
        if far[nearest] < least:
            least, best_z = far[nearest].item(), z[nearest].detach().clone()
            best_told = None if conditions is None else conditions[nearest].detach().clone()
        optimizer.zero_grad()
        (far + PRIOR * (z.square().mean(1) - 1).square()).sum().backward(inputs=free)
        optimizer.step()
        schedule.step()
    return best_z.cpu(), None if best_told is None else best_told.cpu()


def _distance(wanted: Tensor, describe: Callable[[Tensor], Tensor] | None) -> Callable[[Tensor], Tensor]:
    """Pictures [N, C, H, W] -> the distance of each from the wanted one [1, C, H, W]."""
    goals = _scales(wanted)
    seen = None if describe is None else describe(wanted).detach()

    def distance(made: Tensor) -> Tensor:
        far = torch.stack([(a - b).square().mean((1, 2, 3)) for a, b in zip(_scales(made), goals, strict=True)]).mean(0)
        if describe is not None and seen is not None:
            far = far + SEEN * (describe(made) - seen).square().mean(1) / seen.square().mean()
        return far

    return distance


def _describer() -> Callable[[Tensor], Tensor] | None:
    """Pictures in [-1, 1] -> differentiable features; None without the package that holds the weights."""
    try:
        found = features("efficientnet_lite0")
    except GanvasError:
        return None
    return lambda x: found.run(255 * pixels.in_colour(x).permute(0, 2, 3, 1))


def _scales(x: Tensor) -> list[Tensor]:
    """Pictures at their own size and halved up to four times."""
    found = [x.clamp(-1, 1)]
    while len(found) <= SCALES and min(found[-1].shape[2:]) >= 2:
        found.append(F.avg_pool2d(found[-1], 2))
    return found


def _pixel_error(made: Tensor, picture: Tensor) -> Tensor:
    return (made.clamp(-1, 1) - picture).abs().mean((1, 2, 3)) * 127.5
