"""Real or made? A page of pairs on which a visitor says which picture is real, and is compared with the detector.

    quiz("runs/icons").save("quiz.html")

Each pair has one real picture and one of the model's. So chance is one half, and the share of pairs that a visitor gets
right estimates the area under the ROC curve (two-alternative forced choice, Green & Swets 1966; people as judges of
GANs: HYPE, Zhou et al. 2019, arXiv:1904.01121). The detector has learned from neither picture of any pair.
"""

import base64
import html
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from ..core import files, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..core.seeds import refuse_seeds
from ..core.version import __version__
from ..data.dataset import Dataset, Watch, unwatched
from ..metrics.auc import Area, auc, interval_of_pairs
from ..models.model import Model, load
from ..models.shipped import locate
from ..runs.run import Run
from .halves import detector_for, digest, halves, reals_named, reals_of

__all__ = ["Quiz", "quiz", "refuse_no_page"]

COUNT = 400  # real and as many generated pictures for training and testing the detector, at most
PAIRS = 20
SEEN = "The model learned from these real pictures: where it copies them, nobody can tell."


@dataclass(frozen=True)
class Quiz:
    """Pairs of pictures, and how the detector does on them.

    name        of the model
    real, made  uint8 [N, H, W, C]: the pictures of each pair
    left        whether the real one is on the left
    detector    whether the detector scores the real one higher
    area        the detector's AUC, on all pictures that it has not learned from
    note        what a visitor has to know; may be empty
    about       what all this depends on
    """

    name: str
    real: UInt8[np.ndarray, "n h w c"] = field(repr=False)
    made: UInt8[np.ndarray, "n h w c"] = field(repr=False)
    left: tuple[bool, ...]
    detector: tuple[bool, ...]
    area: Area
    note: str
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.left)

    def page(self) -> str:
        """The quiz as one HTML page that loads nothing else."""
        data = {
            "pairs": list(self._told()),
            "intervals": [interval_of_pairs(right, len(self)) for right in range(len(self) + 1)],
            "area": [self.area.value, self.area.low, self.area.high],
        }
        told = ", ".join(f"{key} {value}" for key, value in self.about.items())
        return Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8")).substitute(
            title=html.escape(self.name),
            note=html.escape(self.note),
            smooth="auto" if min(self.real.shape[1:3]) >= 64 else "pixelated",
            about=html.escape(told),
            data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page, atomically.

        Raises:
            DoesNotFit: `path` does not end in .html or .htm.
            Unwritable: it cannot be written.
        """
        path = Path(path)
        refuse_no_page(path)
        with files.writing(path):
            files.write(path, self.page().encode(errors="replace"))
        return path

    def _told(self) -> Iterator[dict[str, Any]]:
        for real, made, left, right in zip(self.real, self.made, self.left, self.detector, strict=True):
            sides = [_address(real), _address(made)]
            yield {"pictures": sides if left else sides[::-1], "left": left, "detector": right}


def refuse_no_page(path: Path) -> None:
    """Refuse a file that cannot be a page, before any work is done.

    Raises:
        DoesNotFit: it does not end in .html or .htm.
    """
    if path.suffix.lower() not in {".html", ".htm"}:
        page = path.with_suffix(".html") if path.name else "quiz.html"
        raise DoesNotFit(f"A quiz is a page: `out={page}`, and not {path.name or 'a folder'}.")


def quiz(
    model: str | Path | Model,
    *,
    real: str | Path | Dataset | None = None,
    held_out: str | Path | Dataset | None = None,
    pairs: int = PAIRS,
    seed: int = 0,
    features: str = "",
    count: int = COUNT,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Quiz:
    """Pairs of a real picture and one that a model has made.

    Args:
        model: a run, or a model.
        real: real pictures; by default those that the run learned from.
        held_out: real pictures that the model has not seen, which are then used for the pairs.
        pairs: how many at most; limited by the pictures that the detector did not learn from.
        seed: determines the pairs and their order.
        features: of the detector, see `inspect`.
        count: how many real and how many generated pictures to train and test the detector with, at most.
        device: where to compute.
        watch: told of slow work.

    Raises:
        GanvasError: the model makes points, pictures or data do not go with it, or there are too few of them.
    """
    if pairs < 1:
        raise DoesNotFit(f"A quiz has one pair at least, not {pairs}.")
    refuse_seeds([seed])
    run = Run(locate(model)) if not isinstance(model, Model) and Run(locate(model)).exists else None
    made = model if isinstance(model, Model) else load(model, device=device)
    if made.kind is Kind.POINTS:
        raise DoesNotFit("This model makes points, and only pictures and frames of clips can be asked about.")
    reals = reals_of(made, run, real, count, watch)
    unseen = None if held_out is None else reals_named(made, run, held_out, count, watch)
    learned, test = halves(made, reals, unseen, watch)
    detect = detector_for(learned, features, device, watch)
    scores = detect(test.real.pictures), detect(test.fake.pictures)
    dice = np.random.default_rng(seed)
    first = np.unique([digest(each) for each in test.real.pictures], return_index=True)[1]  # no picture twice
    chosen = dice.permutation(np.sort(first))[:pairs]
    others = dice.permutation(len(test.fake))[: len(chosen)]
    return Quiz(
        model.name if isinstance(model, Path) else Path(model).name if isinstance(model, str) else "A model",
        test.real.pictures[chosen],
        test.fake.pictures[others],
        tuple(bool(each) for each in dice.integers(0, 2, len(chosen))),
        tuple((scores[0][chosen] > scores[1][others]).tolist()),
        auc(*scores),
        SEEN if run is not None and real is None and held_out is None else "",
        {"real pictures": Path((unseen or reals).name).name, **detect.about, "seed": seed, "ganvas": __version__},
    )


def _address(picture: UInt8[np.ndarray, "h w c"]) -> str:
    """A picture as a data URL; lossless, as compression would affect both pictures alike and hide differences."""
    buffer = io.BytesIO()
    pixels.to_image(picture).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
