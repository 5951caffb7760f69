"""Model: seeds -> pictures or clips, from one self-describing file.

The same seed always gives the same sample, bit for bit, however many are drawn at once.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core import checkpoint, files, machine, pixels
from ..core.batch import Kind, kind_of
from ..core.catalog import name_of
from ..core.errors import DoesNotFit, GanvasError, NotFound, Unreadable
from ..core.guess import guess
from ..core.seeds import refuse_seeds, whole
from ..core.sums import sealed, unsealed
from ..core.version import __version__
from ..core.weights import read_header
from ..data.dataset import in_words
from ..learning.conditions import Condition, Keywords
from ..learning.told import noise
from ..networks.fill import build, fill
from ..networks.layers import Generator, NetworkSettings
from ..recipes.settings import from_json, to_json
from ..runs.run import Run, near
from .layout import is_folder, read_folder
from .shipped import known, locate

__all__ = ["CHUNK", "Model", "described", "inputs", "load", "metadata", "model_file"]

EXPORTS = (".onnx", ".html")
CHUNK = 16  # largest batch
PIXELS = 8 * 64 * 64  # largest batch on a CPU, in pixels: larger is no faster, and several batches run in parallel


@dataclass(frozen=True)
class Model:
    """A trained generator, ready to use, with its condition if it is conditional."""

    network: Generator
    condition: Condition | None = None

    def __repr__(self) -> str:
        told = f", told {name_of(self.condition)}" if self.condition else ""
        return f"<Model: {in_words(self.shape)}, by {type(self.network).__name__.lstrip('_')}{told}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (C, H, W), (C, T, H, W) or (F,)."""
        return self.network.shape

    @property
    def moves(self) -> bool:
        """Whether its samples are clips."""
        return self.kind is Kind.CLIPS

    @property
    def kind(self) -> Kind:
        """What its samples are: points, pictures or clips."""
        return kind_of(self.shape)

    @property
    def doubles(self) -> bool:
        """Whether it can draw its pictures twice as large, see `make`."""
        return self.network.doubles

    @machine.plainly()
    def sample(
        self, count: int = 1, seed: int = 0, *, seeds: Sequence[int] | None = None, label: str | None = None
    ) -> list[Any]:
        """Draw pictures as Pillow images; for a model of clips, each sample is the list of its frames.

        Args:
            count: how many.
            seed: of the first; the others have the seeds that follow it.
            seeds: these instead.
            label: the class of all samples, or for a model of keywords the words to show: "blue fish".

        Raises:
            DoesNotFit: the model makes vectors (use `generate`), the count or a seed is below 0, or the model takes no
                label.
            NotFound: the model does not know this label.
        """
        _refuse_points(self)
        if (count := whole("count", count)) < 0:
            raise DoesNotFit(f"`count=` is how many pictures, at least 0, not {count}.")
        seed = whole("seed", seed)
        chosen = refuse_seeds(range(seed, seed + count) if seeds is None else seeds)
        made = pixels.to_uint8(self.generate(chosen, self.condition_for(label, chosen))).numpy()
        if self.moves:
            return [[pixels.to_image(frame) for frame in clip] for clip in made]
        return [pixels.to_image(picture) for picture in made]

    def condition_for(self, label: str | None, seeds: Sequence[int]) -> Tensor | None:
        """The conditions [N, K] for samples of this class or these keywords; None leaves them to the seeds.

        Raises:
            DoesNotFit: the model takes no label.
            NotFound: the model does not know this label.
        """
        described = self.described(label)
        return None if described is None or self.condition is None else self.condition.vary(described, seeds)

    def described(self, label: str | None) -> Tensor | None:
        """The condition [K] of exactly this class or these keywords.

        Raises:
            DoesNotFit: the model takes no label.
            NotFound: the model does not know this label.
        """
        if label is None:
            return None
        if not isinstance(label, str):
            raise DoesNotFit(f"`label=` takes one text for all samples, such as {str(label)!r}, not {label!r}.")
        if self.condition is None:
            raise DoesNotFit(
                "This model was trained without classes and keywords, so it takes none. Train one with "
                "`settings=['condition=labels']` on a folder with a folder for each class, or with the recipe "
                "keyword_icons."
            )
        return self.condition.read(label)

    def varied(self, variety: float | None) -> "Model":
        """This model with another variety among samples of the same keywords; None changes nothing.

        At 0 samples keep to the words. From there on each seed draws a phrase of similar meaning: at 1 it counts as
        much as the words, and beyond that it is less similar and counts more. A model of phrases adds words instead,
        see `added`.

        Raises:
            DoesNotFit: the model knows no keywords, or `variety` is below 0.
        """
        if variety is None:
            return self
        if not isinstance(self.condition, Keywords):
            raise DoesNotFit("`variety=` is for models of keywords; pictures of this one differ by their seeds alone.")
        return replace(self, condition=self.condition.varied(variety))

    def truncated(self, share: float) -> "Model":
        """This model with inputs at `share` of their distance to the mean: 1 changes nothing, 0 gives one mean picture.

        Smaller shares give more typical and less varied pictures (Karras et al. 2019, arXiv:1812.04948, appendix B,
        applied to the input itself). The result can be used wherever a model can.

        Raises:
            DoesNotFit: the share is below 0 or not finite.
        """
        if not 0 <= share < math.inf:
            raise DoesNotFit(f"`share=` takes a number from 0, the mean picture, to 1, all variety, not {share}.")
        return self if share == 1 else replace(self, network=_Truncated(self.network, share))

    def unknown(self, label: str | None) -> list[str]:
        """The words of a label that a model of keywords has not learned and interprets by their meaning."""
        return self.condition.unknown(label) if label and isinstance(self.condition, Keywords) else []

    def added(self, label: str | None, seed: int) -> list[str]:
        """The words that a seed adds to keywords, such as a style if none is asked for; see `varied`."""
        return self.condition.added(label, seed) if label and isinstance(self.condition, Keywords) else []

    @machine.plainly()
    def generate(self, seeds: Sequence[int], condition: Tensor | None = None) -> Tensor:
        """One sample per seed, float32 [N, *shape] on the CPU; pictures and clips are in about [-1, 1].

        `condition` [N, K] is for a conditional network; by default each seed draws one from the data's.

        Raises:
            DoesNotFit: a seed is below 0, or there is not one condition of length K for each.
        """
        seeds = refuse_seeds(seeds)
        z = inputs(seeds, self.network.latent)
        if condition is None and self.condition is not None and len(seeds):
            condition = self.condition.draw(seeds)
        return self.make(z, condition)

    @machine.plainly()
    def make(self, z: Tensor, condition: Tensor | None = None, *, large: bool = False) -> Tensor:
        """The samples of inputs z [N, latent] and conditions [N, K], in the form of `generate`.

        They are drawn in batches of one fixed size, because the last bits of a convolution depend on the batch size. On
        a CPU each batch has its own thread, and as many run at once as torch has threads.

        `large` draws pictures twice as large, [N, C, 2 H, 2 W], with a model that `doubles`.

        Raises:
            DoesNotFit: z is of another length, there is not one condition of length K for each of its rows, or the
                network needs conditions and there are none.
        """
        z, condition = self._fitting(z, condition)
        device = next(self.network.parameters()).device
        draw = self.network.larger if large else self.network.generate
        size = self._at_once(device)

        def drawn(first: int) -> Tensor:
            rows = None if condition is None else _filled(condition[first : first + size], size).to(device)
            with torch.no_grad():
                return draw(_filled(z[first : first + size], size).to(device), rows)[: len(z) - first].cpu()

        made = _side_by_side(drawn, range(0, len(z), size), device)
        return torch.cat(made) if made else torch.empty(0, *self.shape)

    def _fitting(self, z: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Inputs of any type of number as float32, with one row of the network's length for each sample.

        Batches are filled up with zeros, so a row that is missing would be drawn without a word.
        """
        found, count = list[Tensor](), len(z)
        told = self.condition.length if self.condition else self.network.condition  # a network may listen to none
        wanted = {"z": (z, self.network.latent), "condition": (condition, told)}
        for name, (rows, width) in wanted.items():
            if rows is None:
                continue
            found.append(torch.as_tensor(rows).float())
            if not width:
                raise DoesNotFit("This network takes no condition; leave out `condition=`.")
            if found[-1].shape != (count, width):
                raise DoesNotFit(f"`{name}=` takes {count} rows of {width} numbers, not {list(found[-1].shape)}.")
        return found[0], found[1] if found[1:] else None

    def _at_once(self, device: torch.device) -> int:
        """The batch size on a device."""
        return CHUNK if device.type != "cpu" else max(1, min(CHUNK, PIXELS // math.prod(self.shape[1:])))

    @torch.no_grad()
    def preview(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Draw the samples of z [N, latent] and condition [N, K] quickly in one batch, for previews.

        Several times faster than `make` for one sample, as it does not fill the batch; the last bits differ. Refinement
        steps of the network are skipped.
        """
        z, condition = self._fitting(z, condition)
        device = next(self.network.parameters()).device
        with machine.threads(1):  # a few milliseconds of work end before several threads have synchronised
            return self.network.glimpse(z.to(device), None if condition is None else condition.to(device)).cpu()


class _Truncated(Generator):
    """A generator whose inputs are moved towards their mean, which is zero."""

    def __init__(self, network: Generator, share: float) -> None:
        super().__init__(network.shape, network.condition, network.latent)
        self.network, self.share = network, share
        self.train(network.training)

    @property
    def doubles(self) -> bool:
        return self.network.doubles

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        return self.network.truncated(z, condition, self.share)

    def glimpse(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        if type(self.network).truncated is not Generator.truncated:  # such as in the space of styles
            return self(z, condition)
        return self.network.glimpse(z * self.share, condition)

    def larger(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.network.larger(z * self.share, condition)


def _filled(rows: Tensor, size: int) -> Tensor:
    """The rows [n, K] padded with zeros to a batch [size, K]."""
    return torch.cat([rows, rows.new_zeros(size - len(rows), rows.shape[1])])


def _side_by_side(drawn: Callable[[int], Tensor], firsts: Sequence[int], device: torch.device) -> list[Tensor]:
    """Draw the batches that start at these rows; on a CPU each in one thread, so that the thread count changes no bits.

    Threads that share a batch wait for each other at each layer, which costs more than it gains with small pictures.
    """
    if device.type != "cpu":
        return [drawn(first) for first in firsts]
    side_by_side = min(torch.get_num_threads(), len(firsts))
    with machine.threads(1):
        if side_by_side < 2:
            return [drawn(first) for first in firsts]
        with ThreadPoolExecutor(side_by_side, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(drawn, firsts))


def _refuse_points(model: Model) -> None:
    if model.kind is Kind.POINTS:
        raise DoesNotFit(f"This model makes vectors of {model.shape[0]} numbers, not pictures; use generate().")


def inputs(seeds: Sequence[int], latent: int) -> Tensor:
    """The standard normal input of each seed, [N, latent].

    Raises:
        DoesNotFit: a seed is below 0 or too large.
    """
    return torch.from_numpy(noise(seeds, latent))


def metadata(settings: NetworkSettings, model: Model, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The metadata of a model file with these tensors."""
    about = {"version": __version__, "network": to_json(settings), "shape": model.shape}
    if model.condition:
        about["condition"] = to_json(model.condition)
    return sealed(about, tensors)


@machine.plainly()
def load(path: str | Path | Run, *, device: torch.device | str = "cpu") -> Model:
    """Load the model in a run folder, a checkpoint, a model file or a folder in the Hugging Face layout, or by name.

    A name is that of a built-in model, or hf:user/name for one on Hugging Face (hub.py).

    Raises:
        NotFound or Unreadable: there is no model or no such device, it is damaged, or it is no model of ganvas.
    """
    file, where = model_file(locate(path.path if isinstance(path, Run) else path)), machine.known(device)
    try:
        header = read_header(file)
    except Unreadable as error:
        raise Unreadable(f"{file} is not a model that ganvas wrote, or is damaged: {error}") from None
    settings, shape, condition = described(file, header.metadata)
    try:
        network = build(settings, shape, condition.length if condition else 0, header)
        tensors = checkpoint.read(file)
        fill(network, tensors)
        unsealed(header.metadata, tensors)
    except (GanvasError, ValueError) as error:
        raise Unreadable(
            f"{file} is damaged: its weights are not those of the network it describes ({str(error).rstrip('.')})."
        ) from None
    if not isinstance(network, Generator):
        raise Unreadable(f"{file} holds no generator, so nothing can be drawn with it.")
    return Model(network.eval().requires_grad_(False).to(where), condition)


def described(file: Path, metadata: Mapping[str, str]) -> tuple[NetworkSettings, tuple[int, ...], Condition | None]:
    """The network's settings, the shape of a sample and the condition, from the metadata of a model file.

    Raises:
        GanvasError: the metadata are not those of a model.
    """
    try:
        about = unsealed(metadata)
        told, shape = about.get("condition"), about["shape"]
        settings = from_json(about["network"], NetworkSettings)
        condition = from_json(told, Condition) if told else None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise Unreadable(f"{file} is not a model that ganvas wrote.") from None
    except GanvasError as error:
        raise Unreadable(f"{file} is not a model that this version of ganvas can read: {error}") from None
    sides = (
        isinstance(shape, list) and len(shape) in (1, 3, 4) and all(type(side) is int and side > 0 for side in shape)
    )
    if not (sides and isinstance(settings, NetworkSettings) and isinstance(condition, Condition | None)):
        raise Unreadable(f"{file} is not a model that ganvas wrote: its description of itself is of another kind.")
    return settings, tuple(shape), condition


def model_file(path: Path) -> Path:
    """The model file in a run folder, checkpoint or folder in the Hugging Face layout, checked; or the file itself.

    Raises:
        NotFound, Unreadable or DoesNotFit: there is none, it is damaged, or it was exported.
    """
    if not path.exists():
        raise NotFound(
            f"There is no {path}; give a run folder such as runs/icons, a .safetensors file, or the name of a model "
            f"that comes with the toolkit: {known()}. {guess(str(path), known().split(', ')) or near(path)}".rstrip()
        )
    if files.plain(path).is_file():
        if path.suffix in EXPORTS:
            raise DoesNotFit(f"{path} was exported for other programs: give the run or model that it was made from.")
        return path
    if (path / checkpoint.MANIFEST).exists():
        if not checkpoint.sound(path, checkpoint.MODEL):
            raise Unreadable(f"The checkpoint {path} is damaged: its files are not those that were written.")
        return path / checkpoint.MODEL
    if is_folder(path):
        return read_folder(path).sound(checkpoint.MODEL)
    found = checkpoint.newest_sound(path / "checkpoints", checkpoint.MODEL)
    if found is None and checkpoint.named(path / "checkpoints"):
        raise Unreadable(f"Every checkpoint in {path} is damaged: their files are not those that were written.")
    if found is None:
        if runs := [each.parent for each in sorted(path.glob("*/run.json"))]:
            raise NotFound(f"{path} holds runs and is none; name one of them, such as {runs[0]}.")
        other = "" if (path / "run.json").exists() else near(path)
        raise NotFound(f"{path} holds no finished checkpoint yet; train it with `ganvas train`. {other}".rstrip())
    return found / checkpoint.MODEL
