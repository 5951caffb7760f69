"""Directions in latent space that mean something, found without touching the model, and how purely each one acts.

    found = find_directions(model)
    model.make(*moved(model, z, condition, 2 * found.vector("warmth", without=["brightness"])))

They are directions of z, and of what a model of keywords is told, too, since such a one hardly looks at z. Its phrases
are seen as coordinates along their principal axes, in which they have the deviation 1 as z has.

Three ways lead to them. For each attribute of pictures: the regression of the attribute on z, whose weights are, for a
normal z, the attribute's mean gradient (Stein's lemma). Without any attribute: principal components of what a layer
halfway through the generator makes, regressed back to z (GANSpace, Härkönen et al. 2020, arXiv:2004.02546); and in
closed form the inputs that the first layer amplifies most (SeFa, Shen & Zhou 2021, arXiv:2007.06600).
"""

import difflib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional as F

from ..core import files
from ..core.errors import DoesNotFit, NotFound
from ..core.sums import sealed, unsealed
from ..core.tensors import write_safetensors
from ..data.dataset import Watch, unwatched
from ..models.hub import is_on_hub, repository
from ..models.model import Model, inputs
from ..models.shipped import shipped
from ..networks.layers import Generator
from .attributes import Attribute, attributes, measured
from .places import fingerprint, moved

__all__ = ["Directions", "beside", "effects", "factorised", "find_directions", "principal", "regressed"]

SAMPLES, FRESH = 2048, 128  # seeds that directions are found on, and others that they are measured on
COUNT = 6  # directions of each kind that knows no attribute
CHUNK = 64
POOLED = 4  # a side of the feature maps that are compared
LEAST = 0.2  # what must be left of a direction without others
STILL = 1e-5  # an attribute that deviates less among samples is none of this model


@dataclass(frozen=True, eq=False)
class Directions:
    """What was found in the latent space of one model.

    names        an attribute's; pca1, pca2, ...; sefa1, sefa2, ...
    vectors      what moves z [D, L], or z and what the model is told [D, L + K], by one standard deviation
    attributes   what was measured
    deviations   of each attribute among samples [A], its unit in what follows
    changes      of each attribute per strength 1, the mean over fresh seeds [D, A]
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
        """The direction of this name, less what it has of others (Shen et al. 2020, arXiv:1907.10786).

        "others" stands for all attributes but this one. What is left is brought to the same length again.

        Raises:
            DoesNotFit: there is no such direction, or nothing is left of it.
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
        """What these words ask to hold: "others" stands for all attributes that are not moved."""
        every = [name for name in self.attributes if name not in moved]
        return list(dict.fromkeys(name for word in words for name in (every if word == "others" else [word])))

    def place(self, name: str) -> int:
        """The row of this direction.

        Raises:
            NotFound: there is no such direction; the message names the nearest.
        """
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self.names)}."
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
        """What each direction changes per strength 1, in deviations among samples, with its standard error."""
        rows = zip(self.names, self.changes.tolist(), self.errors.tolist(), strict=True)
        return {
            name: {
                attribute: {"change": change, "error": error}
                for attribute, change, error in zip(self.attributes, changes, errors, strict=True)
            }
            for name, changes, errors in rows
        }

    def save(self, path: Path) -> Path:
        """Write all of it to a .safetensors file.

        Raises:
            Unwritable: `path` cannot be written.
        """
        about = {"names": self.names, "attributes": self.attributes, "model": self.model, "labels": self.labels}
        tensors = {key: getattr(self, key) for key in TENSORS}
        with files.writing(path), files.replacing(path) as draft:
            write_safetensors(tensors, draft, sealed(about, tensors))
        return path

    @classmethod
    def read(cls, path: Path, model: Model) -> "Directions | None":
        """What `save` wrote for this very model, or None: then they are to be found anew."""
        with suppress(OSError, SafetensorError, KeyError, TypeError, ValueError):
            with safe_open(path, "pt") as opened:
                told = opened.metadata() or {}
            tensors = load(path.read_bytes())
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


def beside(model: Path) -> Path:
    """The file of a model's directions: in its run folder or beside its file.

    Those of a model that comes along do so, too, or are kept in the cache, as are those of a model on Hugging Face.
    """
    if is_on_hub(model):
        name, _ = repository(model)
        return files.cache_folder() / "directions" / f"{name}.safetensors"
    if str(model) in shipped():
        along = shipped()[str(model)] / "directions.safetensors"
        return along if along.exists() else files.cache_folder() / "directions" / f"{model}.safetensors"
    return model / "directions.safetensors" if model.is_dir() else model.with_suffix(".directions.safetensors")


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
    """Directions for every attribute in which the model's samples differ, by PCA and by factorisation, all measured.

    Args:
        model: any generator of pictures or clips.
        more: attributes beside those of the catalogue, such as `attributes.of_classes`.
        labels: the source that those come from, to be remembered.
        count: how many directions of each kind that knows no attribute; at most the length of z.
        samples: how many seeds are looked at; by default 2,048, or twice as many as there are ways to move.
        fresh: how many others, at least 2, what was found is measured on.
        watch: told of the samples made.

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
    by = {name: by[name] for index, name in enumerate(by) if index in moving}
    count = min(count, model.network.latent)
    place, known = _coordinates(z, conditions, axes)
    found = [regressed(place, known, values[:, moving]), principal(place, features, count)]
    vectors = torch.cat([torch.cat(found) @ axes, factorised(model, count)])
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

    Half the difference between one unit forwards and one unit backwards.
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
    """The unit vectors [A, L] along which values [N, A] grow, by least squares on z and what the network is told."""
    known = torch.cat([z, torch.ones(len(z), 1)] + ([] if condition is None else [condition]), dim=1)
    scaled = (values - values.mean(0)) / values.std(0)
    weights = torch.linalg.lstsq(known.double(), scaled.double(), driver="gelsd").solution.float()
    return F.normalize(weights[: z.shape[1]].T, dim=1)


def principal(z: Float[Tensor, "n l"], features: Float[Tensor, "n f"], count: int) -> Float[Tensor, "count l"]:
    """The unit vectors [count, L] of z along which the principal components of the features change.

    Each component's coordinate x_i is a number per sample, and its direction sum_i x_i z_i / sum_i x_i^2 (Härkönen et
    al. 2020).
    """
    count = min(count, *features.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        coordinates, _, _ = torch.pca_lowrank(features, q=min(2 * count + 2, *features.shape), niter=4)
    return F.normalize(coordinates[:, :count].T @ z, dim=1)


def factorised(model: Model, count: int) -> Float[Tensor, "count v"]:
    """The directions that the first layers amplify most: eigenvectors of A^T A (Shen & Zhou 2021).

    A is what they make of z, and of what the model is told where that can be moved, without their bias: of all layers
    that see z itself, and with whatever scales z before.
    """
    axes, latent, conditions = _axes(model), model.network.latent, _conditions(model, [0])
    steps = torch.cat([torch.zeros_like(axes[:1]), axes])
    if conditions is not None:
        conditions = conditions + steps[:, latent:] if axes.shape[1] > latent else conditions.expand(len(steps), -1)
    seen = _layers(model.network, steps[:, :latent], conditions)
    made = torch.cat([layer.made.reshape(len(steps), -1) for layer in seen if layer.given is seen[0].given], dim=1)
    return torch.linalg.svd(made[1:] - made[0], full_matrices=False)[0].T[:count] @ axes


def _axes(model: Model) -> Float[Tensor, "x v"]:
    """The ways to move z, and what the model is told if that can be moved, each a standard deviation long."""
    z = torch.eye(model.network.latent)
    conditions = torch.zeros(0, 0) if model.condition is None else model.condition.axes()
    return torch.block_diag(z, conditions) if len(conditions) else z


def _coordinates(
    z: Float[Tensor, "n l"], conditions: Float[Tensor, "n k"] | None, axes: Float[Tensor, "x v"]
) -> tuple[Float[Tensor, "n x"], Float[Tensor, "n k"] | None]:
    """Where these are along the axes, from the mean, and what else the samples hang on: what is told but not moved."""
    if conditions is None or axes.shape[1] == z.shape[1]:
        return z, conditions
    place = torch.cat([z, conditions - conditions.mean(0)], dim=1)
    return place @ (axes / axes.square().sum(1, keepdim=True)).T, None


class _Layer(NamedTuple):
    """A layer with weights that was met by z, and what it was given and made."""

    module: nn.Module
    given: Tensor
    made: Tensor


@torch.no_grad()
def _layers(network: Generator, z: Tensor, condition: Tensor | None) -> list[_Layer]:
    """The layers with weights whose answer depends on z, in the order in which they are asked."""
    seen: list[_Layer] = []

    def remember(module: nn.Module, given: tuple[Any, ...], made: Tensor) -> None:
        rows = made.reshape(len(z), -1)
        if (rows != rows[0]).any():
            seen.append(_Layer(module, given[0], made.clone()))  # what follows may work in place

    weights = ((module, getattr(module, "weight", None)) for module in network.modules())
    weighted = [module for module, weight in weights if isinstance(weight, Tensor) and weight.dim() > 1]
    hooks = [module.register_forward_hook(remember) for module in weighted]
    try:
        device = next(network.parameters()).device
        network.generate(z.to(device), None if condition is None else condition.to(device))
    finally:
        for hook in hooks:
            hook.remove()
    return [_Layer(module, given, made.cpu()) for module, given, made in seen]


@torch.no_grad()
def _looked_at(
    model: Model, z: Tensor, conditions: Tensor | None, by: Mapping[str, Attribute], axes: Tensor, watch: Watch
) -> tuple[Float[Tensor, "n a"], Float[Tensor, "n f"]]:
    """The attributes of the samples of these inputs, and what a layer halfway to them makes, coarsely."""
    still = z[:1].expand(2, -1), None if conditions is None else conditions[:1].expand(2, -1)
    layers = _layers(model.network, *moved(model, *still, torch.stack([0 * axes[0], axes.sum(0)])))
    device, found = next(model.network.parameters()).device, list[Tensor]()
    values, features = list[Tensor](), list[Tensor]()

    def remember(_module: nn.Module, _given: tuple[Any, ...], made: Tensor) -> None:
        found.append(F.adaptive_avg_pool2d(made, POOLED) if made.dim() == 4 else made.clone())

    hook = layers[len(layers) // 2].module.register_forward_hook(remember)
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
    """-1 for directions without an attribute that lessen what they change most: which end is which is not given."""
    strongest = changes.gather(1, changes.abs().argmax(1, keepdim=True))
    signs = torch.where(strongest < 0, -1.0, 1.0)
    signs[:known] = 1
    return signs
