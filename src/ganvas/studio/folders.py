"""A run's folder as the page shows it; only what has changed is read again."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import GanvasError

__all__ = ["SETTLED_SECONDS", "Folder"]

MOST_ROWS = 2000
SHOWN = ("run.json", "recipe.json", "log.jsonl", "status.json", "samples", "checkpoints", "best")
SETTLED_SECONDS = 2.0  # a later change within the same tick of a file system's clock would not be seen


class Folder:
    """One run folder; its content is cached until its files change."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self.rows: list[dict[str, Any]] = []
        self.recipe: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.sheets: list[int] = []
        self.images = 0
        self.damage = ""
        self._log_at, self._log_id, self._times = 0, (0, 0), dict[str, int]()
        self._hashes: dict[tuple[int, int], str] = {}
        self._judged: object = None
        self._diagnosed: object = None
        self._health: tuple[list[dict[str, Any]], str | None] = [], None

    def stamp(self) -> tuple[object, float]:
        """A value that changes with what is shown of the run, found without opening a file, and when that was last."""
        found = []
        for name in SHOWN:
            try:
                seen = os.stat(f"{self.path}/{name}")  # noqa: PTH116 - it runs for all runs twice a second
                found.append((seen.st_mtime_ns, seen.st_size, seen.st_ino))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found), max(time for time, _, _ in found) / 1e9

    def look(self) -> list[dict[str, Any]]:
        """Read what is new, and return the new rows of the log."""
        for name in ("recipe", "run"):
            self._read(name)
        self.sheets = [images for images, _ in files.numbered(self.path / "samples")]
        self._checkpoint()
        came = self._follow()
        self._whole()
        return came

    def _read(self, name: str) -> None:
        from ..runs.run import Run

        path = self.path / f"{name}.json"
        with suppress(OSError, GanvasError):
            time = path.stat().st_mtime_ns
            if self._times.get(name) != time:
                found = Run(self.path).read(path.name)
                if name == "recipe":
                    self.recipe = found
                else:
                    self.about = found
                self._times[name] = time

    def _checkpoint(self) -> None:
        """Read the number of images of the newest checkpoint; only a new checkpoint is hashed."""
        from ..runs.run import Run

        with suppress(OSError):
            time = (self.path / "checkpoints").stat().st_mtime_ns
            if self._times.get("checkpoints") != time:
                with suppress(GanvasError):
                    self.images = Run(self.path).images
                self._times["checkpoints"] = time

    def _whole(self) -> None:
        """Check the log for damage, again if it is another file, was shortened, or there is a new checkpoint."""
        from ..runs.run import Run

        here = *self._log_id, (self.path / "log.jsonl").exists(), self._times.get("checkpoints", 0)
        if self._judged != here:
            self._judged = here
            with suppress(OSError, GanvasError):
                self.damage = Run(self.path).damage

    def _follow(self) -> list[dict[str, Any]]:
        """Read the log from the last position, or from the start if the run went back, which writes a new file."""
        from ..runs.run import row_of

        log, came = self.path / "log.jsonl", list[dict[str, Any]]()
        with suppress(OSError), log.open("rb") as file:
            stat = log.stat()
            if (stat.st_dev, stat.st_ino) != self._log_id or stat.st_size < self._log_at:
                self._log_at, self._log_id, self.rows = 0, (stat.st_dev, stat.st_ino), []
                self._judged = None
            file.seek(self._log_at)
            whole = file.read()
            whole = whole[: whole.rfind(b"\n") + 1]
            self._log_at += len(whole)
            for line in whole.splitlines():
                if row := row_of(line.decode(errors="replace")):
                    came.append(row)
        if came:
            self.rows = [row for row in self.rows if row["images"] < came[0]["images"]] + came
        return came

    def health(self) -> tuple[list[dict[str, Any]], str | None]:
        """The doctor's complaints and, if there are none, what goes well; determined again only after a change."""
        from ..runs.diagnosis import Diagnosis
        from ..runs.doctor import diagnoses, good_news, recipe_of

        here = self._log_id, self._log_at, self._times.get("recipe"), self._times.get("run"), self.damage
        if self._diagnosed != here:
            recipe, samples = recipe_of(self.recipe), self.about.get("data", {}).get("count")
            start_from = self.about.get("from")
            found = []
            if self.begun:
                found = diagnoses(self.rows, samples=samples, recipe=recipe, start_from=start_from)
            found = [*([Diagnosis("log", "look", self.damage)] if self.damage else []), *found]
            complaints = [
                {"kind": each.kind, "severity": each.severity, "text": each.text, "setting": each.setting}
                for each in found
            ]
            self._health = complaints, good_news(self.rows, recipe=recipe) if not found else None
            self._diagnosed = here
        return self._health

    @property
    def training(self) -> bool:
        """Whether a process trains in it, determined without taking its lock."""
        from ..runs.run import Run

        return Run(self.path).training is not None

    def status(self) -> dict[str, Any]:
        """The last status that its training wrote."""
        from ..runs.run import Run

        return dict(Run(self.path).status)

    @property
    def begun(self) -> bool:
        """Whether a training ever started here."""
        return bool(self.about)

    @property
    def wanted(self) -> int:
        """The total number of images to train on."""
        return int(self.recipe.get("images") or 0)

    def hash_of(self, images: int) -> str:
        """A hash of the content of the sheet at this number of images."""
        path = self.path / "samples" / f"{images:09}.png"
        try:
            key = images, path.stat().st_mtime_ns
            if key not in self._hashes:
                self._hashes[key] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            return self._hashes[key]
        except OSError:
            return ""

    def best(self) -> dict[str, Any] | None:
        """The number of images and the score of the model in best/."""
        if not (self.path / "best").is_dir():
            return None
        scored = [row for row in self.rows if row.get("scores")]
        name = next(iter(scored[-1]["scores"]), "") if scored else ""
        found = [(row["scores"][name], row) for row in scored if isinstance(row["scores"].get(name), float | int)]
        if not found:
            return None
        value, row = min(found, key=lambda each: each[0])
        return {"images": row["images"], "score": f"{name} {value:.3g}"}

    def mends(self) -> list[str]:
        """The corrections that the training made to itself, one sentence each."""
        from ..runs.mends import mend_of
        from ..runs.rescues import rescues

        said = [str(each) for each in rescues(self.about)]
        with suppress(GanvasError):  # the earlier recipe is of another version
            said += [str(mend)] if (mend := mend_of(self.about)) else []
        return said

    def log(self, after: int) -> list[dict[str, Any]]:
        """The rows after a number of images, thinned evenly to at most 2,000."""
        rows = [row for row in self.rows if row["images"] > after]
        step = -(-len(rows) // MOST_ROWS) or 1
        return rows[::-step][::-1]

    def words(self) -> str:
        """A summary such as "785 pictures, seed 0"."""
        data = self.about.get("data", {})
        what = {1: "points", 4: "clips"}.get(len(data.get("shape", ())), "pictures")
        begun = f", from {self.about['from']}" if self.about.get("from") else ""
        return f"{data.get('count', 0):,} {what}, seed {self.about.get('seed', 0)}{begun}" if data else ""
