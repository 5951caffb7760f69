"""Convert published generators to model files of this project: names are mapped, and every shape is checked.

    convert(Path("ffhq.safetensors"), "stylegan2", Path("ffhq.model.safetensors"))

The input is a state dict (names -> tensors) in a .safetensors file, or in a torch.save file that contains nothing else.
The pickles in which NVIDIA's code publishes networks are programs, and are refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..core import files
from ..core.errors import DoesNotFit, GanvasError, NotFound, Unreadable
from ..core.tensors import write_safetensors
from ..core.weights import Header, read_weights
from ..learning.conditions import Labels
from ..networks.fill import build, fill
from ..networks.layers import NetworkSettings
from ..networks.r3gan import R3Generator
from ..networks.stylegan2 import Stylegan2Generator
from .model import Model, metadata

__all__ = ["KINDS", "convert", "translate"]

KINDS = {
    "stylegan2": "StyleGAN2-ADA in PyTorch (NVlabs/stylegan2-ada-pytorch)",
    "r3gan": "R3GAN (brownvc/R3GAN)",
}
"""Kind of generator that can be converted -> the project that it comes from."""

ANCHORS = {"stylegan2": "synthesis.b4.const", "r3gan": "MainLayers.0.Layers.0.Basis"}  # in every network of its kind
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8  # the low-pass filter that both use for resampling

Rules = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
"""Regular expressions for names and their replacements, applied one after the other."""


@dataclass(frozen=True)
class Found:
    """A state dict's content: the network's settings, shape and number of classes, and the weights under our names."""

    settings: NetworkSettings
    shape: tuple[int, ...]
    classes: int
    tensors: Mapping[str, Tensor]


def convert(file: Path, kind: str, out: Path, *, classes: tuple[str, ...] = (), clamp: float | None = 256.0) -> Model:
    """Write a published generator's state dict as a model file, usable wherever a model is accepted.

    Args:
        file: the state dict, a .safetensors or torch.save file.
        kind: the kind of generator, see `KINDS`.
        out: the model file, .safetensors.
        classes: the names of its classes in order; by default they are numbered.
        clamp: for StyleGAN2: the `conv_clamp` it was trained with, which a state dict does not contain.

    Raises:
        NotFound: there is no such kind.
        Unreadable or DoesNotFit: the file is a pickle, is damaged or holds another network, or `out` or `classes` do
            not fit; the message says what is wrong where.
    """
    if kind not in KINDS:
        raise NotFound(f"There is no conversion from {kind!r}; there are: {', '.join(KINDS)}.")
    if file.suffix == ".pkl":
        raise Unreadable(
            f"{file} is a pickle: opening it runs whatever program is in it, so ganvas does not. If you trust it, in "
            f"the environment of {KINDS[kind]}, write its weights alone: docs/pretrained.md shows the five lines."
        )
    if out.suffix != ".safetensors":
        raise DoesNotFit(f"A model file ends in .safetensors, not {out.name!r}.")
    files.refuse_own_input(out, file)
    found = translate(read_weights(file), kind, clamp=clamp)
    shapes = {name: tuple(tensor.shape) for name, tensor in found.tensors.items()}
    real = frozenset(name for name, tensor in found.tensors.items() if tensor.is_floating_point())
    try:
        network = build(found.settings, found.shape, found.classes, Header({}, shapes, real))
        fill(network, found.tensors)
    except GanvasError as error:
        reason = str(error).rstrip(".")
        raise Unreadable(
            f"This is no generator of {KINDS[kind]} as it is known here: {reason} (by the names of ganvas)."
        ) from None
    names = classes or tuple(map(str, range(found.classes)))
    if len(names) != found.classes:
        raise DoesNotFit(f"This generator knows {found.classes} classes, and `classes=` names {len(names)}.")
    condition = Labels(names, tuple(1 / len(names) for _ in names)) if names else None
    model = Model(network.eval().requires_grad_(False), condition)  # type: ignore[arg-type]
    with files.writing(out), files.replacing(out) as draft:
        tensors = network.state_dict()
        write_safetensors(tensors, draft, metadata(found.settings, model, tensors))
    return model


def translate(tensors: Mapping[str, Tensor], kind: str, *, clamp: float | None = 256.0) -> Found:
    """The network that a state dict belongs to, and its weights under our names.

    Raises:
        Unreadable: it is not of this kind, or is a variant that is not supported here.
    """
    anchor = ANCHORS[kind]
    prefixes = [name.removesuffix(anchor) for name in tensors if name.endswith(anchor)]
    if not prefixes:
        raise Unreadable(f"This is no generator of {KINDS[kind]}: it holds no {anchor}.")
    prefix = sorted(prefixes, key=lambda each: "ema" not in each)[0]  # prefer the averaged weights if both are there
    own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    own = {name: value for name, value in own.items() if not _filter(name, value)}
    try:
        return _stylegan2(own, clamp) if kind == "stylegan2" else _r3gan(own)
    except KeyError as error:
        raise Unreadable(f"This is no generator of {KINDS[kind]} as it is known here: {error} is missing.") from None
    except (LookupError, TypeError, ValueError):  # a weight with too few dimensions, or an infinite number
        raise Unreadable(f"This is no generator of {KINDS[kind]} as it is known here: shapes differ.") from None


def _filter(name: str, value: Tensor) -> bool:
    """Whether this is the low-pass filter, which is not a weight; any filter but the usual one is refused."""
    if not name.endswith(("resample_filter", "Resampler.Kernel")):
        return False
    if value.shape != (4, 4) or not torch.allclose(value.float(), torch.outer(TAPS, TAPS), atol=1e-6):
        raise Unreadable(f"{name} is not the filter [1, 3, 3, 1], and no other is known here.")
    return True


def _renamed(tensors: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in tensors.items():
        ours = name
        for pattern, place in rules:
            ours = re.sub(pattern, place, ours)
        renamed[ours] = tensor
    return renamed


def _numbers(pattern: str, names: Iterable[str]) -> list[tuple[int, ...]]:
    """The numbers captured by the groups of a pattern, without duplicates and sorted."""
    matches = (re.match(pattern, name) for name in names)
    return sorted({tuple(map(int, found.groups())) for found in matches if found})


def _stylegan2(tensors: Mapping[str, Tensor], clamp: float | None) -> Found:
    sides = [side for (side,) in _numbers(r"synthesis\.b(\d+)\.", tensors)]
    widths = [len(tensors[f"synthesis.b{side}.conv1.bias"]) for side in sides]
    depth = len(_numbers(r"mapping\.fc(\d+)\.", tensors))
    narrower = [side * width for side, width in zip(sides, widths, strict=True) if width < max(widths)]
    base = max(narrower, default=max(widths) * sides[-1])
    settings = Stylegan2Generator(max(widths), base, depth, len(tensors["mapping.w_avg"]), clamp)
    embed = tensors.get("mapping.embed.weight")
    shape = (len(tensors[f"synthesis.b{sides[-1]}.torgb.bias"]), sides[-1], sides[-1])
    rules: Rules = (
        (r"^mapping\.fc(\d+)\.", r"mapping.\1."),
        (r"^mapping\.embed\.", "embed."),
        (r"^mapping\.w_avg$", "average"),
        (r"^synthesis\.b4\.const$", "constant"),
        (r"^synthesis\.b(\d+)\.", lambda found: f"stages.{int(found[1]).bit_length() - 3}."),
        (r"\.conv0\.", ".grow."),
        (r"\.conv1\.", ".refine."),
        (r"\.torgb\.", ".picture."),
        (r"\.noise_const$", ".noise"),
        (r"\.noise_strength$", ".strength"),
    )
    return Found(settings, shape, 0 if embed is None else embed.shape[1], _renamed(tensors, rules))


def _r3gan(tensors: Mapping[str, Tensor]) -> Found:
    stage, block = _numbers(r"MainLayers\.(\d+)\.Layers\.(\d+)\.", tensors)[-1]  # a stage's first layer is not a block
    widths = [len(tensors[f"MainLayers.{each}.Layers.1.LinearLayer3.Layer.weight"]) for each in range(stage + 1)]
    cardinality = tensors["MainLayers.0.Layers.1.LinearLayer2.Layer.weight"].shape[1]
    embed = tensors.get("EmbeddingLayer.weight")
    latent = tensors["MainLayers.0.Layers.0.LinearLayer.weight"].shape[1] - (0 if embed is None else len(embed))
    settings = R3Generator(widths[0], block, cardinality, latent, max(3, widths.count(widths[0]) - 1))
    shape = (len(tensors["AggregationLayer.Layer.weight"]), 4 << stage, 4 << stage)
    rules: Rules = (
        (r"^MainLayers\.0\.Layers\.0\.Basis$", "basis"),
        (r"^MainLayers\.0\.Layers\.0\.LinearLayer\.", "scale."),
        (r"^AggregationLayer\.Layer\.", "picture."),
        (r"^EmbeddingLayer\.", "embed."),
        (r"^MainLayers\.(\d+)\.Layers\.(\d+)", lambda at: f"stages.{int(at[1]) * (block + 1) + int(at[2]) - 1}"),
        (r"\.LinearLayer\.Layer\.", ".convert."),
        (r"\.LinearLayer1\.Layer\.", ".widen."),
        (r"\.LinearLayer2\.Layer\.", ".mix."),
        (r"\.LinearLayer3\.Layer\.", ".narrow."),
        (r"\.NonLinearity1\.Bias$", ".widen.bias"),
        (r"\.NonLinearity2\.Bias$", ".mix.bias"),
    )
    return Found(settings, shape, 0 if embed is None else embed.shape[1], _renamed(tensors, rules))
