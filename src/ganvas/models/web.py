"""Export a generator as one web page that draws by itself, in any browser, from a disk, without server and network.

    made = export_page(load("icons"), Path("icons.html"), name="icons")

The page holds the steps of the network (program.py), its weights, the words that it knows with their vectors, and its
directions. page/ holds the page's sources: a template, its style, and JavaScript that runs the steps.
"""

import base64
import html
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core import files, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..core.version import __version__
from ..learning.conditions import Condition, Keywords, Labels
from ..learning.phrases import Phrases
from ..recipes.settings import to_json
from .lower import Lowered
from .model import Model, inputs

__all__ = ["LARGEST", "Page", "export_page"]

HOME = Path(__file__).parent / "page"
FONT = Path(__file__).parents[1] / "studio" / "page" / "fonts" / "sans.woff2"
ENGINE = ("seeds.js", "product.js", "operations.js", "program.js", "words.js", "curves.js", "vectors.js", "worker.js")
LARGEST = 100 * 2**20  # largest page in one file: browsers take some seconds to read more
PART = 16 * 2**20  # characters of base64 per file in a folder; a multiple of 4
SEEDS = 8  # used to judge half precision
MOST_CHECKED = 2**18  # values in a picture that the page compares with its own
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:{also}; worker-src blob:; "
    "style-src 'unsafe-inline'; font-src data:; img-src data: blob:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Page:
    """A page that was written.

    path        the file that a browser opens
    size        bytes of the page and its other files
    greatest    the largest difference between its pictures and the model's, where the range is 2
    mean        the mean difference
    """

    path: Path
    size: int
    greatest: float
    mean: float


def export_page(
    model: Model,
    path: Path,
    *,
    name: str,
    half: bool = True,
    digest: str = "",
    directions: Mapping[str, Tensor] | None = None,
    notice: str = "",
) -> Page:
    """Write a page on which anyone can draw with this generator.

    Args:
        model: any generator of pictures or clips.
        path: a file that ends in .html; or a folder, with the weights in files of 16 MB next to the page.
        name: what the model is called on the page, and in the commands that it shows.
        half: store weights in half precision, which halves the page.
        digest: of its weights (`latent.places.fingerprint`), recorded in pictures that the page saves.
        directions: name -> vector that moves z [L], or z and the condition [L + K], by one standard deviation.
        notice: shown on the page: what the model learned from, such as authors and licences.

    Raises:
        DoesNotFit: the model makes points, or has operations or a condition that a page does not support; `path` has
            another extension; or the page is too large for one file.
        Unwritable: `path` cannot be written.
    """
    if model.kind is Kind.POINTS:
        raise DoesNotFit(f"This model makes vectors of {model.shape[0]} numbers, and a page shows pictures.")
    if path.suffix not in {".html", ""}:
        raise DoesNotFit(f"A page is a file that ends in .html, or a folder, and not {path}.")
    lowered = Lowered(model.network)
    greatest, mean = _differences(model, lowered) if half else (0.0, 0.0)
    about = {
        "name": name,
        "title": f"{name}: {_sizes(model)}, drawn in this browser by ganvas {__version__}, without a network.",
        "notice": notice,
        "error": _judged(greatest, mean) if half else "Its weights are in float32, as they were trained.",
        "shape": model.shape,
        "latent": model.network.latent,
        "program": lowered.program.described(half=half),
        "condition": _told(model.condition),
        "example": _example(model.condition),
        "directions": _moves(directions) if directions else None,
        "made": {"version": __version__, "model": name, "digest": digest, "separate": True},
        "check": _checked(model),
    }
    weights = base64.b64encode(lowered.program.packed(half=half)).decode()
    written = _write(path, name, about, weights)
    return Page(written, sum(file.stat().st_size for file in _belonging(path, written)), greatest, mean)


def _write(path: Path, name: str, about: Mapping[str, Any], weights: str) -> Path:
    if path.suffix:
        page = _page(name, about, f'<script type="text/plain">{weights}</script>')
        if len(page) > LARGEST:
            raise DoesNotFit(
                f"This page has {len(page) / 2**20:.0f} MB, too much for one file: give a folder for it, as in "
                f"`out={path.with_suffix('')}`."
            )
        with files.writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, page)
        return path
    parts = [weights[begin : begin + PART] for begin in range(0, len(weights), PART)]
    called = [f"weights-{place:03}.js" for place in range(len(parts))]
    links = "\n    ".join(f'<script src="{each}"></script>' for each in called)
    with files.writing(path):
        path.mkdir(parents=True, exist_ok=True)
        for file, part in zip(called, parts, strict=True):
            files.write(path / file, f'(window.ganvasParts ??= []).push("{part}");\n')
        files.write(path / "index.html", _page(name, about, links, also=" 'self' file:"))
    return path / "index.html"


def _belonging(path: Path, page: Path) -> list[Path]:
    return [page] if path == page else [page, *path.glob("weights-*.js")]


def _page(name: str, about: Mapping[str, Any], weights: str, *, also: str = "") -> str:
    """The filled template; in its data every "<" is escaped, so that nothing can end a script early."""
    font = base64.b64encode(FONT.read_bytes()).decode()
    parts = {
        "title": html.escape(name),
        "policy": POLICY.format(also=also),
        "style": _read("base.css") + _read("page.css").replace("[[font]]", font),
        "about": json.dumps(about, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
        "engine": "\n".join(map(_read, ENGINE)),
        "weights": weights,
        "page": _read("page.js"),
    }
    begin, *rest = _read("page.html").split("[[")
    filled = [begin]
    for each in rest:
        key, _, after = each.partition("]]")
        filled += [parts[key], after]
    return "".join(filled)


def _read(file: str) -> str:
    return (HOME / file).read_text(encoding="utf-8")


def _sizes(model: Model) -> str:
    size = f"{model.shape[-1]}x{model.shape[-2]}"
    return f"clips of {model.shape[1]} frames of {size}" if model.moves else f"pictures of {size}"


def _judged(greatest: float, mean: float) -> str:
    most, usual = (f"{each * 127.5:.2g}" if each * 127.5 > 0.001 else "less than 0.001" for each in (greatest, mean))
    return (
        f"Its weights are in half precision: the pictures of {SEEDS} seeds differ from the model's by {most} of 255 "
        f"shades at their furthest, and by {usual} on average."
    )


@torch.no_grad()
def _differences(model: Model, lowered: Lowered) -> tuple[float, float]:
    """The difference between pictures with rounded weights and the model's: the largest and the mean."""
    seeds = range(SEEDS)
    z = inputs(seeds, model.network.latent)
    conditions = model.condition.draw(seeds) if model.condition else None
    wanted = model.make(z, conditions)
    rows = [None] * SEEDS if conditions is None else list(conditions)
    apart = torch.stack(
        [(lowered.draw(*given) - each).abs() for given, each in zip(zip(z, rows, strict=True), wanted, strict=True)]
    )
    return float(apart.max()), float(apart.mean())


def _told(condition: Condition | None) -> dict[str, Any] | None:
    """What the page needs to compute conditions.

    Raises:
        DoesNotFit: it is a custom condition.
    """
    if condition is None:
        return None
    about: dict[str, Any] = to_json(condition)
    if about.get("part") not in {"labels", "keywords", "phrases"}:
        raise DoesNotFit(
            f"A page tells classes and keywords, and this model takes {type(condition).__name__}. `ganvas export` "
            "writes it as ONNX: `out=model.onnx`."
        )
    return about | ({"ways": sorted(condition.ways)} if isinstance(condition, Phrases) else {})


def _example(condition: Condition | None) -> str:
    """The initial request: a class, or the word that most often stands first."""
    if isinstance(condition, Labels):
        return condition.classes[0] if condition.classes else ""
    if isinstance(condition, Keywords):
        first = Counter(phrase.split()[0] for phrase in condition.phrases if phrase.split())
        return max(first, key=lambda word: first[word], default="")
    return ""


def _moves(directions: Mapping[str, Tensor]) -> dict[str, Any]:
    vectors = torch.stack(list(directions.values())).half().numpy().astype("<f2")
    return {"names": list(directions), "vectors": base64.b64encode(vectors.tobytes()).decode()}


def _checked(model: Model) -> str | None:
    """The picture of seed 0, which the page compares with its own, if it is not too large."""
    picture = pixels.to_uint8(model.generate([0])).numpy()
    return base64.b64encode(picture.tobytes()).decode() if picture.size <= MOST_CHECKED else None
