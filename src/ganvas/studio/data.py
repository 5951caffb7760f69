"""Sets of pictures, uploaded into the workspace or in folders that the studio may read; each is read before training.

A set is read by `ganvas data SOURCE --json` in a separate process; the result is in studio/sets/NAME.json.
"""

import hashlib
import io
import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from ..core import files
from .children import environment, python
from .refused import Refused
from .uploads import Upload, room
from .workspace import Workspace, check_name, is_name, read_json, safe_path, tidy

__all__ = ["ENDINGS", "Sets", "View"]

ENDINGS = {
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".svg", ".txt", ".jsonl", ".csv", ".json", ".zip"
}  # fmt: skip
MOST_FILE, MOST_ZIP, MOST_SET = 256 * 2**20, 4 * 2**30, 20 * 2**30
MOST_FILES = 200_000
QUIET_SECONDS = 1.5  # a set is read so long after the last upload
EMPTY: dict[str, Any] = {
    "count": 0, "shape": None, "sizes": [], "modes": [], "classes": [], "keywords": [], "rare": [], "wordless": 0,
    "skipped": [], "twins": [], "drawn": False,
}  # fmt: skip


@dataclass
class View:
    """A set: where it is, whether it is in the workspace, and how far it has been read."""

    name: str
    path: Path
    own: bool
    state: str = "uploading"
    done: int = 0
    total: int = 0
    error: str | None = None
    found: dict[str, Any] = field(default_factory=lambda: dict(EMPTY))
    names: tuple[str, ...] = ()
    read: str = ""  # its fingerprint when it was read
    coming: int = 0  # uploads in progress
    expecting: bool = True  # a first file may still come
    held: int | None = None  # number of files, known from the first upload on
    size: int = 0
    zipped: bool = False
    touched: float = 0.0
    reader: "subprocess.Popen[bytes] | None" = None


class Sets:
    """The sets of a workspace. All methods are thread-safe."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.RLock()
        self._views = {tidy(root.name): View(tidy(root.name), root, own=False) for root in workspace.roots}
        self._told: dict[str, dict[str, Any]] = {}
        self._linked: dict[str, str] = workspace.read("sets.json", _are_folders) or {}
        for name, text in self._linked.items():
            with suppress(Refused):
                self._views[name] = View(name, workspace.allowed(text), own=False)
        self.tick()

    def all(self) -> list[dict[str, Any]]:
        """All sets, sorted by name."""
        with self._lock:
            return [self._about(view) for _, view in sorted(self._views.items())]

    def about(self, name: str) -> dict[str, Any]:
        """A set as the page shows it.

        Raises:
            Refused: 404, there is none.
        """
        with self._lock:
            return self._about(self.view(name))

    def view(self, name: str) -> View:
        """The internal record of a set.

        Raises:
            Refused: 404, there is none.
        """
        with self._lock:
            if check_name(name, what="set") in self._views:
                return self._views[name]
        raise Refused(404, f"There is no set {name!r}.")

    def source(self, name: str) -> str:
        """A set's name on the command line: its folder, or the only zip in it.

        Raises:
            Refused: 404, there is none.
        """
        view = self.view(name)
        path = view.path
        if view.own:
            only = _only(path)
            return f"data/{name}/{only}" if only.lower().endswith(".zip") else f"data/{name}"
        return str(path)

    def path_of(self, name: str) -> Path:
        """The path of this source."""
        return self.workspace.root / self.source(name)

    def create(self, name: str, folder: str | None) -> dict[str, Any]:
        """Create an empty set to upload into, or one for a folder that may be read where it is.

        Raises:
            Refused: 409 it exists already; 403, 422 the folder may not be read.
        """
        with self._lock:
            check_name(name, what="set")
            if name.lower() in {each.lower() for each in self._views}:
                raise Refused(409, f"There is a set {name!r} already.", field="name")
            if folder is None:
                path = self.workspace.root / "data" / name
                path.mkdir(parents=True, exist_ok=True)
                self._views[name] = View(name, path, own=True, touched=time.time())
            else:
                view = View(name, self.workspace.allowed(folder), own=False)
                linked = {**self._linked, name: folder}
                files.write(self.workspace.studio("sets.json"), json.dumps(linked))
                self._linked, self._views[name] = linked, view
            return self._about(self._views[name])

    def discard(self, name: str) -> None:
        """Move an uploaded set to the trash.

        Raises:
            Refused: 404 there is none; 409 it is a folder outside the workspace, or uploads are in progress.
        """
        with self._lock:
            view = self.view(name)
            if not view.own:
                raise Refused(409, "This folder is yours and lies outside of the workspace; remove it there.")
            if view.coming:
                raise Refused(409, "Files are on their way into it.")
            self._end_reading(view)
            self.workspace.discard(view.path)
            with suppress(FileNotFoundError):
                self.workspace.discard(self._report(name))
            del self._views[name]

    def restore(self, name: str) -> dict[str, Any]:
        """Bring back the set of this name that was discarded last, as it was read.

        Raises:
            Refused: 404 it is no longer in the trash; 409 there is a set of its name.
        """
        with self._lock:
            path = self.workspace.root / "data" / check_name(name, what="set")
            self.workspace.bring_back(path, self._views, what="set")
            self.workspace.restore(self._report(name))
            view = self._views[name] = View(name, path, own=True)
            self._begin(view)
            return self._about(view)

    def opened(self, name: str, path: str, length: int | None) -> Upload:
        """Begin the upload of a file into a set.

        Raises:
            Refused: 400, 404, 409, 413, 415, 507: the file is not accepted.
        """
        parts = safe_path(path)
        ending = Path(parts[-1]).suffix.lower()
        if ending not in ENDINGS:
            raise Refused(415, f"{parts[-1]} is of no kind that holds pictures or words.", field="path")
        limit = MOST_ZIP if ending == ".zip" else MOST_FILE
        with self._lock:
            view = self.view(name)
            if not view.own:
                raise Refused(409, "This folder is yours and lies outside of the workspace; put files into it there.")
            if view.held is None:
                held = [each for each in view.path.rglob("*") if each.is_file()]
                view.held, view.zipped = len(held), any(each.suffix.lower() == ".zip" for each in held)
                view.size = sum(each.stat().st_size for each in held)
            if view.held >= MOST_FILES or view.size + (length or 0) > MOST_SET:
                raise Refused(413, "This set is full: it may hold 200,000 files and 20 GiB.")
            there = view.path.joinpath(*parts)
            again = there.stat().st_size if there.is_file() else None
            if (ending == ".zip" or view.zipped) and (view.held or view.coming) and again is None:
                raise Refused(409, "A zip is a set by itself: upload it into one of its own.")
            if (length or 0) > limit:
                raise Refused(413, f"{parts[-1]} is larger than {limit / 2**20:,.0f} MiB.")
            room(view.path, length or 0)
            upload = Upload(view.path, parts, limit, ended=lambda came: self._came(view, came, again=again))
            view.coming, view.zipped = view.coming + 1, view.zipped or ending == ".zip"
            view.state, view.error, view.expecting = "uploading", None, True
            self._end_reading(view)
        return upload

    def _came(self, view: View, came: int, *, again: int | None) -> None:
        """Record an upload's end: `came` bytes, 0 if it failed, and `again` bytes of the file it replaced, if any."""
        with self._lock:
            view.coming -= 1
            view.touched = time.time()
            if came:
                view.held, view.size = (view.held or 0) + (again is None), view.size + came - (again or 0)
            elif not view.held:
                view.zipped = False

    def pictures(self, name: str, *, start: int | None, count: int, size: int) -> list[dict[str, str]]:
        """Some of the pictures of a set that was read: `count` from `start` on, or an even selection."""
        view = self.view(name)
        names = view.names
        if start is not None:
            some = names[start : start + count]
        else:
            step = max(1, len(names) // max(1, count))
            some = names[::step][:count]
        found = []
        for each in some:
            stamp = _stamp(view, each)
            place = each.encode().hex()
            url = f"/data/{name}/{place}.png?h={stamp}"
            found.append({"name": each, "url": url, "as_learned": f"{url}&size={size}"})
        return found

    def picture(self, name: str, place: str, size: int | None) -> bytes:
        """One picture as PNG: as its file has it, at most 512 pixels large, or as a model of this size will see it.

        Raises:
            Refused: 404, there is none.
        """
        view = self.view(name)
        try:
            file = bytes.fromhex(place).decode()
        except ValueError:
            raise Refused(404, "There is no such picture.") from None
        if file not in view.names:
            raise Refused(404, "There is no such picture.")
        made = _drawn(str(self.path_of(name)), file, size, _stamp(view, file))
        if made is None:
            raise Refused(404, "This picture can no longer be read.")
        return made

    def tick(self) -> list[tuple[str, dict[str, Any]]]:
        """Find new sets, start reading and follow it, and return what changed."""
        with self._lock:
            self._find()
            for view in self._views.values():
                if view.reader is not None:
                    self._follow(view)
                elif not view.coming and time.time() - view.touched > QUIET_SECONDS:
                    self._begin(view)
            gone = [name for name in self._told if name not in self._views]
            changed: list[tuple[str, dict[str, Any]]] = [("data", {"name": name, "gone": True}) for name in gone]
            for name in gone:
                del self._told[name]
            for name, view in self._views.items():
                about = self._about(view)
                if self._told.get(name) != about:
                    self._told[name] = about
                    changed.append(("data", about))
            return changed

    def _find(self) -> None:
        """Detect folders that were added to the workspace or removed by hand."""
        root = self.workspace.root / "data"
        there = {p.name: p for p in root.iterdir() if p.is_dir() and not p.is_symlink() and p.name == tidy(p.name)}
        for name, path in there.items():
            self._views.setdefault(name, View(name, path, own=True))
        for name in [name for name, view in self._views.items() if view.own and name not in there]:
            self._end_reading(self._views.pop(name))

    def _report(self, name: str) -> Path:
        return self.workspace.studio("sets", f"{name}.json")

    def _begin(self, view: View) -> None:
        """Read a set if it has changed since it was read."""
        view.touched = time.time() + (8 if view.own else 60)
        if view.own and not any(view.path.iterdir()):
            view.state = "uploading" if view.expecting else "failed"
            view.error = None if view.expecting else "No file has come. Choose pictures, such as PNG or JPEG."
            view.expecting = False
            return
        now = self._like(view)
        if not view.read:
            known = read_json(self._report(view.name), {})
            if isinstance(known, dict) and known.get("like") == now:
                self._take(view, known["found"], now)
        if view.read == now:
            return
        view.read, view.state, view.done, view.total, view.error = now, "reading", 0, 0, None
        report = self._report(view.name)
        with report.with_suffix(".out").open("wb") as out, report.with_suffix(".log").open("wb") as log:
            view.reader = subprocess.Popen(  # noqa: S603 - an argument list of ours
                python("ganvas", "data", self.source(view.name), "--json"), env=environment(progress=True),
                cwd=self.workspace.root, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
            )  # fmt: skip

    def _follow(self, view: View) -> None:
        assert view.reader is not None
        report = self._report(view.name)
        lines = report.with_suffix(".log").read_text(encoding="utf-8", errors="replace").splitlines()
        for line in reversed(lines):
            with suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict):
                    view.done, view.total = told["done"], told["total"]
                    break
        code = view.reader.poll()
        if code is None:
            return
        view.reader = None
        found = read_json(report.with_suffix(".out"), None)
        if code or not isinstance(found, dict):
            said = [line.removeprefix("ganvas: ") for line in lines if line.startswith("ganvas: ")]
            view.state, view.error = "failed", said[-1] if said else "It could not be read, and nothing says why."
            view.found, view.names = dict(EMPTY), ()
            return
        files.write(report, json.dumps({"like": view.read, "found": found}))
        self._take(view, found, view.read)

    def _take(self, view: View, found: dict[str, Any], like: str) -> None:
        view.names = tuple(found.get("names", ()))
        view.found = {name: found.get(name, value) for name, value in EMPTY.items()}
        view.state, view.read = "ready", like
        view.done = view.total = view.found["count"]

    def _end_reading(self, view: View) -> None:
        if view.reader is not None:
            view.reader.terminate()
            view.reader.wait()
            view.reader = None
        view.read = ""

    def _like(self, view: View) -> str:
        """A hash that changes when a file of the set does."""
        total = hashlib.sha256()
        for path in sorted(view.path.rglob("*")) if view.path.is_dir() else [view.path]:
            with suppress(OSError):
                stat = path.stat()
                total.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode(errors="surrogateescape"))
        return total.hexdigest()[:16]

    def _about(self, view: View) -> dict[str, Any]:
        return {
            "name": view.name,
            "source": self.source(view.name),
            "state": view.state,
            "done": view.done,
            "total": view.total,
            "error": view.error,
            "own": view.own,
            **view.found,
        }


def _only(folder: Path) -> str:
    """The name of the only file in a folder, or ""; lists two entries at most, however many there are."""
    with suppress(OSError), os.scandir(folder) as entries:
        inside = list(islice((each.name for each in entries if not each.name.startswith(".")), 2))
        return inside[0] if len(inside) == 1 else ""
    return ""


def _are_folders(known: Any) -> bool:
    """Whether this is what sets.json holds: the folders of sets that are read where they are, by the sets' names."""
    return isinstance(known, dict) and all(is_name(name) and isinstance(text, str) for name, text in known.items())


def _stamp(view: View, name: str) -> str:
    """A hash that changes when this picture does."""
    path = view.path / name
    try:
        stat = path.stat() if path.is_file() else view.path.stat()
    except OSError:
        return "0"
    return hashlib.sha256(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()[:16]


@lru_cache(512)
def _drawn(source: str, file: str, size: int | None, _stamp: str) -> bytes | None:
    from ..core import pixels
    from ..data.dataset import of_size
    from ..data.dataset import source as named
    from ..data.look import before_and_after

    found = before_and_after(of_size(named(source), size or 64), file)
    if found is None:
        return None
    shown, learned = found
    out = io.BytesIO()
    (shown if size is None else pixels.to_image(learned)).save(out, "PNG", compress_level=1)
    return out.getvalue()
