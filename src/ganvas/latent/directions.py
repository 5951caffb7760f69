"""Meaningful directions in latent space, found without changing the model, and how selectively each one acts.

    found = find_directions(model)
    model.make(*moved(model, z, condition, 2 * found.vector("warmth", without=["brightness"])))

They are directions of z. For a model of keywords they also include the condition, since such a model hardly uses z. Its
phrases are expressed in coordinates along their principal axes, which have standard deviation 1, as z has.

There are three methods. For each attribute of pictures: a regression of the attribute on z, whose weights are, for a
normal z, the attribute's mean gradient (Stein's lemma). Without attributes: principal components of the output of a
layer halfway through the generator, regressed back to z (GANSpace, Härkönen et al. 2020, arXiv:2004.02546); and in
closed form, the inputs that the first layer amplifies most (SeFa, Shen & Zhou 2021, arXiv:2007.06600).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional as F

from ..core import files, machine
from ..core.errors import DoesNotFit, NotFound
from ..core.guess import guess
from ..core.sums import sealed, unsealed
from ..core.tensors import write_safetensors
from ..data.dataset import Watch, unwatched
from ..models.hub_name import is_on_hub, repository
from ..models.model import Model, inputs
from ..models.shipped import shipped
from .attributes import Attribute, attributes, measured
from .places import fingerprint, moved
from .sefa import calls, factorised

__all__ = ["Directions", "beside", "effects", "find_directions", "principal", "regressed", "saved"]

SAMPLES, FRESH = 2048, 128  # seeds to find directions on, and other seeds to measure them on
COUNT = 6  # PCA directions, and as many SeFa directions
CHUNK = 64
POOLED = 4  # side of the feature maps after pooling
LEAST = 0.2  # least share of a direction's length that must be left after projecting out others
STILL = 1e-5  # attributes with a smaller deviation among samples are left out


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions found in the latent space of one model.

    names        an attribute's; pca1, pca2, ...; sefa1, sefa2, ...
    vectors      moves of z [D, L], or of z and the condition [D, L + K], by one standard deviation
    attributes   names of the measured attributes
    deviations   standard deviation of each attribute among samples [A], its unit below
    changes      change of each attribute at strength 1, the mean over fresh seeds [D, A]
    errors       the standard errors of `changes` over the seeds [D, A]
    model        the fingerprint of the model
    labels       the source that the attributes called label:... were learned from, or ""
    """

    names: tuple[str, ...]
    vectors: Float[Tensor, "d l"]
    attributes: tuple[str, ...]
    deviations: Float[Tensor, " a"]
    changes: Float[Tensor, "d a"]
    errors: Float[Tensor, "d a"]
    model: str
    labels: str = ""

    def vector(self, name: str, *, without: Sequence[str] = ()) -> Float[Tensor, " l"]:
        """The direction of this name, with others projected out (Shen et al. 2020, arXiv:1907.10786).

        "others" stands for all attributes but this one. The result is scaled to the original length.

        Raises:
            NotFound: there is no such direction.
            DoesNotFit: almost nothing of it is left.
        """
        vector = self.vectors[self.place(name)]
        held = [each for each in self.held(without, [name]) if self.place(each) != self.place(name)]
        if not held:
            return vector
        basis = torch.linalg.qr(self.vectors[[self.place(each) for each in held]].T)[0]
        left = vector - basis @ (basis.T @ vector)
        share = left.norm() / vector.norm()
        if share < LEAST:
            raise DoesNotFit(
                f"{share:.0%} are left of {name} without {', '.join(held)}, too little to be it: leave some of "
                "them out, or hold them picture by picture with `gradient=`."
            )
        return left / share

    def held(self, words: Sequence[str], moved: Sequence[str]) -> list[str]:
        """The names to hold; "others" stands for all attributes that are not moved."""
        every = [name for name in self.attributes if name not in moved]
        return list(dict.fromkeys(name for word in words for name in (every if word == "others" else [word])))

    def place(self, name: str) -> int:
        """The row of this direction.

        Raises:
            NotFound: there is no such direction; the message suggests the closest name.
        """
        if name not in self.names:
            hint = guess(name, self.names, f"There are: {', '.join(self.names)}.")
            raise NotFound(f"This model has no direction {name!r}. {hint}")
        return self.names.index(name)

    def __str__(self) -> str:
        head = ("direction", "moves", "by", "the others", "the largest of them")
        lines = [head, *(self._line(row) for row in range(len(self.names)))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)) for line in lines
        )

    def _line(self, row: int) -> tuple[str, ...]:
        changes, name = self.changes[row], self.names[row]
        order = changes.abs().argsort(descending=True).tolist()
        wanted = self.attributes.index(name) if name in self.attributes else order[0]
        order.remove(wanted)
        others = changes[order].square().mean().sqrt() if order else torch.tensor(0.0)
        most = f"{self.attributes[order[0]]} {self._change(row, order[0])}" if order else ""
        return name, self.attributes[wanted], self._change(row, wanted), f"{others:.2f}", most

    def _change(self, row: int, column: int) -> str:
        return f"{self.changes[row, column]:+.2f} ± {self.errors[row, column]:.2f}"

    def as_json(self) -> dict[str, Any]:
        """How each direction changes each attribute at strength 1, in deviations among samples, with standard error."""
        rows = zip(self.names, self.changes.tolist(), self.errors.tolist(), strict=True)
        return {
            name: {
                attribute: {"change": change, "error": error}
                for attribute, change, error in zip(self.attributes, changes, errors, strict=True)
            }
            for name, changes, errors in rows
        }

    def save(self, path: str | Path) -> Path:
        """Write everything to a .safetensors file.

        Raises:
            Unwritable: `path` cannot be written.
        """
        path = Path(path)
        about = {"names": self.names, "attributes": self.attributes, "model": self.model, "labels": self.labels}
        tensors = {key: getattr(self, key) for key in TENSORS}
        with files.writing(path), files.replacing(path) as draft:
            write_safetensors(tensors, draft, sealed(about, tensors))
        return path

    @classmethod
    def read(cls, path: str | Path, model: Model) -> "Directions | None":
        """Read a file by `save`; None if it is missing, damaged, or belongs to other weights."""
        with suppress(OSError, SafetensorError, KeyError, TypeError, ValueError):
            with safe_open(path, "pt") as opened:
                told = opened.metadata() or {}
            tensors = load(Path(path).read_bytes())
            about = unsealed(told, tensors)
            found = cls(
                names=tuple(about["names"]),
                attributes=tuple(about["attributes"]),
                model=about["model"],
                labels=about["labels"],
                **{key: tensors[key] for key in TENSORS},
            )
            return found if found.model == fingerprint(model.network) else None
        return None


TENSORS = ("vectors", "deviations", "changes", "errors")


def beside(model: str | Path) -> Path:
    """Where a model's directions are saved: in its run folder, next to its file, or if it has a name in the cache."""
    if isinstance(model, str) and is_on_hub(model):
        name, _ = repository(model)
        return files.cache_folder() / "directions" / f"{name}.safetensors"
    if isinstance(model, str) and model in shipped():
        return files.cache_folder() / "directions" / f"{model}.safetensors"
    path = Path(model)
    return path / "directions.safetensors" if path.is_dir() else path.with_suffix(".directions.safetensors")


def saved(place: str | Path, model: Model) -> Directions | None:
    """The directions of the model at this place, if it has any: those saved here before those it came with."""
    places = [beside(place)]
    if isinstance(place, str) and place in shipped():
        places.append(beside(shipped()[place]))
    return next((found for each in places if (found := Directions.read(each, model))), None)


@machine.plainly()
def find_directions(
    model: Model,
    *,
    more: Mapping[str, Attribute] | None = None,
    labels: str = "",
    count: int = COUNT,
    samples: int | None = None,
    fresh: int = FRESH,
    watch: Watch = unwatched,
) -> Directions:
    """Find directions for every attribute in which samples differ, by PCA and by factorisation, and measure them.

    Args:
        model: any generator of pictures or clips.
        more: attributes in addition to the catalogue's, such as `attributes.of_classes`.
        labels: the source that those come from, to be recorded.
        count: how many PCA and how many SeFa directions; at most the length of z, and the features of the layer.
        samples: number of seeds to find them on; by default 2,048, or twice the number of dimensions if that is more.
        fresh: number of other seeds to measure them on, at least 2.
        watch: called with the progress.

    Raises:
        DoesNotFit: the model makes points, `count` is below 0, or there are too few samples.
    """
    axes = _axes(model)
    samples = max(SAMPLES, 2 * len(axes)) if samples is None else samples
    if count < 0 or samples < 2 * len(axes):
        raise DoesNotFit(
            f"Directions are found on at least {2 * len(axes)} samples here, twice as many as there are ways to move, "
            f"and their count is at least 0; not {samples} and {count}."
        )
    by = attributes() | dict(more or {})
    z, conditions = inputs(range(samples), model.network.latent), _conditions(model, range(samples))
    values, features = _looked_at(model, z, conditions, by, axes, watch)
    deviations = values.std(0)
    moving = (deviations > STILL).nonzero().flatten()
    if not len(moving):
        raise DoesNotFit("The samples of this model are all alike, so nothing moves them: `ganvas doctor` says more.")
    by = {name: by[name] for index, name in enumerate(by) if index in moving}
    count = min(count, model.network.latent, features.shape[1])
    place, known = _coordinates(z, conditions, axes)
    found = [regressed(place, known, values[:, moving]), principal(place, features, count)]
    vectors = torch.cat([torch.cat(found) @ axes, factorised(model, axes, count)])
    names = (*by, *(f"{kind}{place}" for kind in ("pca", "sefa") for place in range(1, count + 1)))
    changes = effects(model, vectors, range(samples, samples + fresh), by, watch=watch) / deviations[moving]
    mean, error = changes.mean(1), changes.std(1) / fresh**0.5
    signs = _signs(mean, len(by))
    return Directions(
        names,
        vectors * signs,
        tuple(by),
        deviations[moving],
        mean * signs,
        error,
        fingerprint(model.network),
        labels if more else "",
    )


def effects(
    model: Model,
    vectors: Float[Tensor, "d l"],
    seeds: Sequence[int],
    by: Mapping[str, Attribute],
    *,
    watch: Watch = unwatched,
) -> Float[Tensor, "d n a"]:
    """How much each attribute changes per unit of strength along each direction, at each of these seeds.

    It is half the difference between one unit forwards and one unit backwards.
    """
    z, conditions = inputs(seeds, model.network.latent), _conditions(model, seeds)
    found = []
    for done, vector in enumerate(vectors):
        watch("Measuring directions", done, len(vectors))
        ahead, behind = (measured(model.make(*moved(model, z, conditions, side * vector)), by) for side in (1, -1))
        found.append((ahead - behind) / 2)
    watch("Measuring directions", len(vectors), len(vectors))
    return torch.stack(found)


def regressed(
    z: Float[Tensor, "n l"], condition: Float[Tensor, "n k"] | None, values: Float[Tensor, "n a"]
) -> Float[Tensor, "a l"]:
    """The unit vectors [A, L] along which values [N, A] grow, by least squares on z and the condition."""
    known = torch.cat([z, torch.ones(len(z), 1)] + ([] if condition is None else [condition]), dim=1)
    scaled = (values - values.mean(0)) / values.std(0)
    weights = torch.linalg.lstsq(known.double(), scaled.double(), driver="gelsd").solution.float()
    return F.normalize(weights[: z.shape[1]].T, dim=1)


def principal(z: Float[Tensor, "n l"], features: Float[Tensor, "n f"], count: int) -> Float[Tensor, "count l"]:
    """The unit vectors [count, L] of z along which the principal components of the features change.

    With coordinate x_i of sample i on a component, its direction is sum_i x_i z_i / sum_i x_i^2 (Härkönen et al. 2020).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        coordinates, _, _ = torch.pca_lowrank(features, q=min(2 * count + 2, *features.shape), niter=4)
    return F.normalize(coordinates[:, :count].T @ z, dim=1)


def _axes(model: Model) -> Float[Tensor, "x v"]:
    """The dimensions of z, and of the condition if it can be moved, each one standard deviation long."""
    z = torch.eye(model.network.latent)
    conditions = torch.zeros(0, 0) if model.condition is None else model.condition.axes()
    return torch.block_diag(z, conditions) if len(conditions) else z


def _coordinates(
    z: Float[Tensor, "n l"], conditions: Float[Tensor, "n k"] | None, axes: Float[Tensor, "x v"]
) -> tuple[Float[Tensor, "n x"], Float[Tensor, "n k"] | None]:
    """The centred coordinates along the axes, and what else the samples depend on: a condition that cannot be moved."""
    if conditions is None or axes.shape[1] == z.shape[1]:
        return z, conditions
    place = torch.cat([z, conditions - conditions.mean(0)], dim=1)
    return place @ (axes / axes.square().sum(1, keepdim=True)).T, None


@torch.no_grad()
def _looked_at(
    model: Model, z: Tensor, conditions: Tensor | None, by: Mapping[str, Attribute], axes: Tensor, watch: Watch
) -> tuple[Float[Tensor, "n a"], Float[Tensor, "n f"]]:
    """The attributes of the samples of these inputs, and pooled features from a layer halfway through the network."""
    still = z[:1], None if conditions is None else conditions[:1]
    both = zip(*(calls(model.network, *moved(model, *still, by * axes.sum(0)[None])) for by in (0, 1)), strict=True)
    layers = [one.module for one, other in both if (one.made != other.made).any()]
    device, found = next(model.network.parameters()).device, list[Tensor]()
    values, features = list[Tensor](), list[Tensor]()

    def remember(_module: nn.Module, _given: tuple[Any, ...], made: Tensor) -> None:
        found.append(F.adaptive_avg_pool2d(made, POOLED) if made.dim() == 4 else made.clone())

    hook = layers[len(layers) // 2].register_forward_hook(remember)
    try:
        for first in range(0, len(z), CHUNK):
            watch("Looking at samples", first, len(z))
            some = slice(first, first + CHUNK)
            made = model.network.generate(
                z[some].to(device), None if conditions is None else conditions[some].to(device)
            )
            values.append(measured(made, by).cpu())
            features.append(found.pop().reshape(len(made), -1).cpu())
    finally:
        hook.remove()
    watch("Looking at samples", len(z), len(z))
    return torch.cat(values), torch.cat(features)


def _conditions(model: Model, seeds: Sequence[int]) -> Tensor | None:
    return None if model.condition is None else model.condition.draw(seeds)


def _signs(changes: Float[Tensor, "d a"], known: int) -> Float[Tensor, "d 1"]:
    """-1 for PCA and SeFa directions that decrease what they change most, since their sign is arbitrary; else 1."""
    strongest = changes.gather(1, changes.abs().argmax(1, keepdim=True))
    signs = torch.where(strongest < 0, -1.0, 1.0)
    signs[:known] = 1
    return signs
