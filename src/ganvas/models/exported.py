"""Draw with a model's exported ONNX file, without torch, whose import takes most of the time of a short command.

`ganvas export runs/flowers --out runs/flowers/model.onnx` puts the file next to its model; onnxruntime must be
installed. A seed gives the same picture as the model, up to one of 256 levels; the same file gives the same bits,
however many pictures are drawn at once. What the file cannot draw is left to the model.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ..core import files, manifest, paper
from ..core.errors import DoesNotFit
from ..data.words import nfc, unpacked
from ..learning.told import Spoken, asked, drawn, noise
from .made import Layout, Made
from .place import Place, names_of
from .shipped import locate

__all__ = ["FILE", "Exported", "exported", "sum_of"]

FILE = "model.onnx"
SHOWN = 64  # default size in pixels to which small pictures on a sheet are enlarged


def sum_of(run: str) -> str:
    """The SHA-256 of a model's file, as its checkpoint records it; "" if there is none."""
    found = locate(run)
    if found.is_file():
        return manifest.hash_of(found)
    if not (found / manifest.MANIFEST).exists():
        found = manifest.newest(found / "checkpoints") or found
    told, file = manifest.hashes_of(found).get(manifest.MODEL, ""), found / manifest.MODEL
    return told or (manifest.hash_of(file) if file.is_file() else "")


def exported(run: str) -> "Exported | None":
    """The exported file of a model: `model.onnx` next to it or in the current folder.

    None if there is none, if its weights are not the model's (for example after more training), or without onnxruntime.
    """
    home = locate(run)
    places = [place / FILE for place in (home if home.is_dir() else home.parent, Path()) if (place / FILE).is_file()]
    if not places:
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    of, options = sum_of(run), onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # with more, synchronisation takes longer than drawing one picture
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC  # more is slower
    for file in dict.fromkeys(places):
        with suppress(Exception):  # a damaged file can raise anything
            session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
            about = json.loads(session.get_modelmeta().custom_metadata_map["ganvas"])
            if of and about["of"] == of:
                return Exported(session, about)
    return None


class _Beyond(Exception):
    """An exported file cannot do this."""


@dataclass(frozen=True)
class Exported:
    """A generator in an ONNX file, and its metadata."""

    session: Any
    about: Mapping[str, Any]

    def save(
        self, chosen: Sequence[Place], out: Path, *, layout: Layout, names: Sequence[str] = (), name: str = ""
    ) -> Path | None:
        """Save the pictures of places as `latent.draw.save_places` does; None, and nothing is written, if it cannot."""
        pictures = self.pictures(chosen, out, layout)
        if pictures is None:
            return None
        made = Made(name, self.about["digest"], tuple(chosen), layout, exported=True)  # it draws no captions
        if not layout.separate:
            columns, gap = layout.columns and min(layout.columns, len(pictures)), 2 if len(pictures) > 1 else 0
            drawn = paper.grid(pictures, columns=columns, gap=gap, zoom=1)
            return paper.save_picture(drawn, out, sheet=len(pictures) > 1, more=made.for_png())
        with files.writing(out):
            out.mkdir(parents=True, exist_ok=True)
        for number, (title, picture) in enumerate(zip(names or names_of(chosen), pictures, strict=True)):
            more = made.alone(number).for_png()
            paper.save_picture(picture, out / f"{title}.png", sheet=False, more=more)
        return out

    def pictures(self, chosen: Sequence[Place], out: Path, layout: Layout) -> NDArray[np.uint8] | None:
        """The pictures of these places, uint8 [n, H, W, C], at the layout's scale; None if it cannot draw them all."""
        shape = self.about["shape"]
        zoom = layout.scale or (1 if layout.separate else max(1, SHOWN // max(shape[1:], default=1)))
        still = out.suffix.lower() in ({""} if layout.separate else {".png", ".jpg", ".jpeg", ".webp"})
        if len(shape) != 3 or not still or layout.captions or layout.repeat or (zoom > 1 and self.about["doubles"]):
            return None
        try:
            conditions = [self._told(place) for place in chosen]
        except (_Beyond, DoesNotFit, LookupError, TypeError, ValueError):
            return None
        made = [self._made(place, told) for place, told in zip(chosen, conditions, strict=True)]
        return np.concatenate(made).repeat(zoom, axis=1).repeat(zoom, axis=2)

    def _made(self, place: Place, told: Float[np.ndarray, " k"] | None) -> NDArray[np.uint8]:
        """One picture, drawn alone, since the last bits of a convolution depend on the batch size."""
        given = {"z": noise([place.seed or 0], self.about["latent"])} | (
            {} if told is None else {"condition": told[None]}
        )
        (made,) = self.session.run(None, given)
        return np.moveaxis(np.rint((made + 1) * np.float32(127.5)).clip(0, 255).astype(np.uint8), 1, -1)

    def _told(self, place: Place) -> Float[np.ndarray, " k"] | None:
        """The condition of a place."""
        if (
            place.seed is None
            or place.moves
            or place.truncation != 1
            or (place.variety is not None and not place.words)
        ):
            raise _Beyond
        if self.about["told"] is None and not place.words:
            return None
        part = self.about["told"]["part"]
        if part == "labels" and place.variety is None:
            return _labelled(self.about["told"], place)
        if part == "phrases":
            return self._spoken(place)
        raise _Beyond

    def added(self, place: Place) -> list[str]:
        """The words that the seed of a place adds to its own words."""
        if not place.words or self.about["told"]["part"] != "phrases":
            return []
        speaker = self._speaker(place)
        return speaker.added(speaker.read(asked(place.words, self._words[0])), place.seed or 0)

    def _spoken(self, place: Place) -> Float[np.ndarray, " k"]:
        """The condition of words, as `learning.phrases.Phrases` computes it."""
        about, seed, speaker = self.about["told"], place.seed or 0, self._speaker(place)
        if place.words:
            return speaker.varied(speaker.read(asked(place.words, self._words[0])), seed).flatten()
        phrase = about["phrases"][int(drawn(np.ones(len(about["phrases"])), [seed])[0])]
        return speaker.in_places(phrase.split()).flatten()

    def _speaker(self, place: Place) -> Spoken:
        about, (at, table) = self.about["told"], self._words

        def vectors(words: Sequence[str]) -> Float[np.ndarray, "n 256"]:
            return table[[at[word] for word in words]]

        def near(words: Float[np.ndarray, "places 256"], share: float) -> list[str]:  # noqa: ARG001
            raise _Beyond

        variety = about["variety"] if place.variety is None else place.variety
        styles, colours, kinds = (tuple(about.get(name, ())) for name in ("styles", "colours", "kinds"))
        return Spoken(about["places"], styles, colours, kinds, variety, vectors=vectors, near=near)

    @cached_property
    def _words(self) -> tuple[dict[str, int], Float[np.ndarray, "words 256"]]:
        """The row of each word in the table of word vectors, and the table."""
        words = self.about["told"]["words"]
        return {word: row for row, word in enumerate(words)}, unpacked(self.about["told"]["table"], len(words))


def _labelled(about: Mapping[str, Any], place: Place) -> Float[np.ndarray, " k"]:
    """The condition of a class, as `learning.conditions.Labels` computes it."""
    known = [nfc(each) for each in about["classes"]]
    shares = np.array(about["shares"], np.float64)
    row = known.index(nfc(place.words)) if place.words else int(drawn(shares, [place.seed or 0])[0])
    return np.eye(len(known), dtype=np.float32)[row]
