"""What a run leaves in its folder: weights in small files, a log, and what is needed to make a model of them."""

import json
import time
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

__all__ = ["Log", "Weights", "load", "rows", "save", "say"]

PART = 16 * 2**20 - 2**16  # bytes of tensors per file
BEGAN = time.monotonic()
Weights = dict[str, Tensor]


def say(*words: object) -> None:
    print(f"[{time.monotonic() - BEGAN:6.1f}]", *words, flush=True)


def save(tensors: Weights, path: Path) -> None:
    """Write in half precision, into as few files PATH_0.safetensors, ... of less than 16 MiB as hold the tensors."""
    for old in path.parent.glob(f"{path.name}_[0-9]*.safetensors"):
        old.unlink()
    halves = {name: value.detach().half().contiguous().cpu() for name, value in tensors.items()}
    files: list[Weights] = [{} for _ in range(-(-sum(map(_bytes, halves.values())) // PART))]
    for name, value in sorted(halves.items(), key=lambda each: -_bytes(each[1])):
        least = min(files, key=lambda file: sum(map(_bytes, file.values())))
        least[name] = value
    for number, file in enumerate(files):
        save_file(file, f"{path}_{number}.safetensors")


def load(folder: Path, name: str) -> Weights:
    """The tensors that `save` wrote, if any."""
    found: Weights = {}
    for file in sorted(folder.glob(f"{name}_[0-9]*.safetensors")):
        found |= {key: value.float() for key, value in load_file(file).items()}
    return found


class Log:
    """The rows of one stage, printed and written immediately to OUT/STAGE.jsonl, in the form of a run's log.jsonl.

    With `go_on` they are appended to the existing rows and count from there.
    """

    def __init__(self, out: Path, stage: str, *, go_on: bool = False) -> None:
        before = rows(out, stage)[-1:] if go_on else []
        self.stage, self._file, self._began = stage, out / f"{stage}.jsonl", time.monotonic()
        self._images = self._images_before = before[0]["images"] if before else 0
        self._seconds_before = before[0]["seconds"] if before else 0.0
        if not before:
            self._file.write_text("", encoding="utf-8")

    def row(self, images: int, terms: dict[str, float]) -> None:
        """Add a row: images seen since this log began, and the means of terms; only one for each number of images."""
        seconds = time.monotonic() - self._began
        pace, images = round(images / max(seconds, 1e-9), 1), self._images_before + images
        if images == self._images:
            return
        self._images = images
        row = {
            "images": images,
            "seconds": round(self._seconds_before + seconds, 1),
            "images_per_second": pace,
            "terms": {name: round(value, 4) for name, value in terms.items()},
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        told = ", ".join(f"{name} {value}" for name, value in row["terms"].items())  # type: ignore[attr-defined]
        say(f"{self.stage}: {images:,} images, {row['images_per_second']:,} a second: {told}")


def rows(out: Path, stage: str) -> list[dict[str, Any]]:
    """The rows that a `Log` wrote; none if the stage was not run."""
    file = out / f"{stage}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _bytes(tensor: Tensor) -> int:
    return tensor.nbytes
