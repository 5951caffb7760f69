"""Trainings, each a process of `ganvas train`: started, paused, resumed, and watched by their folders.

The state of a run is derived from its lock, its process and its checkpoints, never from silence.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..models.shipped import shipped
from .children import Child, command_of
from .folders import SETTLED_SECONDS, Folder
from .refused import Refused
from .workspace import Workspace, check_name, is_name

__all__ = ["Runs"]

Happened = tuple[str, dict[str, Any]]
LIVE = {"queued", "starting", "training", "elsewhere"}


class Runs:
    """The runs of a workspace. All methods are thread-safe."""

    def __init__(self, workspace: Workspace, *, at_once: int = 1) -> None:
        self.workspace, self.at_once = workspace, at_once
        self._lock = threading.RLock()
        self._folders: dict[str, Folder] = {}
        self._children: dict[str, Child] = {}
        for child in Child.known(workspace):
            if child.kind == "train" and isinstance(child.asked.get("name"), str):
                self._children[child.asked["name"]] = child
        self._told: dict[str, dict[str, Any]] = {}
        self._settled: dict[str, tuple[object, dict[str, Any]]] = {}  # runs that nobody trains, as they were last seen
        self._happened: list[Happened] = []

    def all(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        with self._lock:
            names = {*self._folders, *(name for name, child in self._children.items() if child.state != "gone")}
            return sorted((self.about(name) for name in names), key=lambda run: (-self._age(run["name"]), run["name"]))

    @property
    def active(self) -> str | None:
        """The name of a run that is training, if any."""
        with self._lock:
            found = (name for name, child in self._children.items() if child.state == "running" and child.alive)
            return next(found, None)

    def uses(self, source: str) -> bool:
        """Whether an active run learns from this source."""
        return any(run["state"] in LIVE and run["source"] == source for run in self.all())

    def names(self) -> list[str]:
        """All names that are taken."""
        with self._lock:
            return [*self._folders, *self._children]

    def folder(self, name: str) -> Folder:
        """The folder of a run, empty before it trains.

        Raises:
            Refused: 404, there is no such run.
        """
        with self._lock:
            if found := self._there(check_name(name, what="run")):
                return found
            if name in self._children and self._children[name].state != "gone":
                return Folder(self.workspace.root / "runs" / name)
        raise Refused(404, f"There is no run {name!r}.")

    def about(self, name: str) -> dict[str, Any]:
        """A run as the page shows it.

        Raises:
            Refused: 404, there is none.
        """
        with self._lock:
            folder, child = self._there(check_name(name, what="run")), self._children.get(name)
            if folder is None and (child is None or child.state == "gone"):
                raise Refused(404, f"There is no run {name!r}.")
            folder = folder or Folder(self.workspace.root / "runs" / name)
            (stamp, changed), ended = folder.stamp(), child is None or child.state not in {"queued", "running"}
            here = stamp, child and (child.id, child.state, child.asked.get("ended"))
            if ended and name in self._settled and self._settled[name][0] == here:
                return self._settled[name][1]
            self._settled.pop(name, None)
            self._look(folder)
            state = self._state(folder, child)
            if state not in LIVE:
                self._look(folder)  # it may have saved and ended in between
                state = self._state(folder, child)
            last, (complaints, healthy) = folder.rows[-1] if folder.rows else {}, folder.health()
            live, speed = state == "training" or state == "elsewhere", last.get("images_per_second")
            images = max(folder.images, int(last.get("images", 0))) if live else folder.images
            asked = child.asked if child else {}
            about = {
                "name": name,
                "state": state,
                "phase": self._phase(folder, child, state),
                "images": images,
                "wanted": folder.wanted,
                "seconds": last.get("seconds", 0.0),
                "left": max(0.0, (folder.wanted - images) / speed) if live and speed else None,
                "speed": speed if live else None,
                "complaints": complaints,
                "healthy": healthy,
                "mends": folder.mends(),
                "sheets": folder.sheets,
                "best": folder.best(),
                "error": child.error() if child and state == "failed" else None,
                "command": child.command if child else command_of(["train", f"runs/{name}"]),
                "about": folder.words(),
                "recipe": folder.recipe,
                "source": str(asked.get("source") or folder.about.get("source", "")),
            }
            if ended and state not in LIVE and changed < time.time() - SETTLED_SECONDS:
                self._settled[name] = here, about
            return about

    def start(self, name: str, argv: Sequence[str], asked: Mapping[str, Any]) -> dict[str, Any]:
        """Start a training, or queue it until there is room; a number is appended to the name if it is taken."""
        with self._lock:
            taken = [*self.names(), *shipped()]  # a built-in model of its name would hide its own
            name = self.workspace.free_name(check_name(name, what="run"), taken)
            argv = [*argv, "--out", f"runs/{name}"]
            self._children[name] = Child.new(self.workspace, "train", argv, {**asked, "name": name})
            self._begin_next()
            return self.about(name)

    def pause(self, name: str, *, ended: bool) -> tuple[dict[str, Any], bool]:
        """Have a run save and stop; returns whether it is doing so. `ended` marks it as not meant to continue.

        Raises:
            Refused: 404 there is none; 409 it was not started here.
        """
        with self._lock:
            run, child = self.about(name), self._children.get(name)
            if run["state"] == "elsewhere":
                raise Refused(409, "This training was started in a terminal; stop it there with Ctrl-C.")
            if ended and child is not None and run["state"] != "finished":
                child.asked["ended"] = True
                child.save()
            if child is None or run["state"] not in LIVE:
                return self.about(name), False
            if child.state == "queued":
                child.state = "done"
                child.save()
                return {**run, "state": "ended early" if ended else "paused"}, False
            child.stop()
            return self.about(name), True

    def go_on(self, name: str, *, length: Sequence[str] = ()) -> tuple[dict[str, Any], bool]:
        """Resume a run where it stopped; returns whether it was stopped.

        Raises:
            Refused: 404 there is none; 409 it is finished, is still stopping, or is to be trained longer while it runs.
        """
        with self._lock:
            run, before = self.about(name), self._children.get(name)
            if run["state"] in LIVE:
                if length or (before is not None and before.stopping and before.alive):
                    raise Refused(409, "It is under way: wait until it has stopped.")
                return run, False
            if run["state"] == "finished" and not length:
                raise Refused(409, "It is finished; train it longer instead.")
            begun = self._folders.get(name)
            argv = ["train", f"runs/{name}", *length]
            if (begun is None or not begun.begun) and before is not None:
                argv = _of_length(before.argv, length)  # it never had a folder
            asked = {key: value for key, value in (before.asked if before else {}).items() if key != "ended"}
            source = begun.about.get("source", "") if begun else ""
            child = Child.new(self.workspace, "train", argv, {"source": source, **asked, "name": name})
            self._children[name] = child
            self._begin_next()
            return self.about(name), True

    def discard(self, name: str) -> None:
        """Move a run to the trash.

        Raises:
            Refused: 404 there is none; 409 it is active.
        """
        with self._lock:
            if self.about(name)["state"] in LIVE:
                raise Refused(409, "It trains; stop it first.")
            child, begun = self._children.pop(name, None), name in self._folders
            if child is not None:
                child.asked["was"] = {"state": child.state, "begun": begun}
                child.state = "gone"
                child.save()
            if self._folders.pop(name, None):
                self.workspace.discard(self.workspace.run(name))

    def restore(self, name: str) -> dict[str, Any]:
        """Bring back the run of this name that was discarded last.

        Raises:
            Refused: 404 it is no longer in the trash; 409 there is a run of its name.
        """
        with self._lock:
            path = self.workspace.root / "runs" / check_name(name, what="run")
            gone = [c for c in Child.known(self.workspace) if c.state == "gone" and c.asked.get("name") == name]
            child = gone[-1] if gone else None
            was = child.asked.pop("was", None) if child else None
            was = was or {"state": "done", "begun": True}
            taken = [run["name"] for run in self.all()]
            self.workspace.bring_back(path, taken, what="run", needed=was["begun"])  # it may never have had a folder
            if child is not None:
                child.state = was["state"]
                child.save()
                self._children[name] = child
            return self.about(name)

    def tick(self) -> list[Happened]:
        """Check all folders, start queued runs, and return what happened since the last call."""
        with self._lock:
            root = self.workspace.root / "runs"
            folders = (path.parent for path in root.glob("*/run.json") if not path.parent.is_symlink())
            found = {folder.name for folder in folders if is_name(folder.name)}
            for name in [name for name in self._folders if name not in found]:
                del self._folders[name]
                self._settled.pop(name, None)
            for name in found - self._folders.keys():
                self._folders[name] = Folder(root / name)
            self._begin_next()
            runs = self.all()
            happened, self._happened = self._happened, []
            for name in self._told.keys() - {run["name"] for run in runs}:
                del self._told[name]
                happened.append(("run", {"name": name, "gone": True}))
            for run in runs:
                known = self._told.get(run["name"])
                if known != run:
                    self._told[run["name"]] = run
                    happened.append(("run", run))
            return happened

    def _there(self, name: str) -> Folder | None:
        """The folder of this run, which may have been created since the last `tick`."""
        path = self.workspace.root / "runs" / name
        if name not in self._folders and (path / "run.json").exists() and not path.is_symlink():
            self._folders[name] = Folder(path)
        return self._folders.get(name)

    def _look(self, folder: Folder) -> None:
        """Read what is new in a folder, and record events about it."""
        before, known = set(folder.sheets), folder.name in self._told
        rows = folder.look()
        if rows and known:
            self._happened.append(("row", {"name": folder.name, "rows": rows}))
        for images in folder.sheets if known else ():
            if images not in before:
                url = f"/runs/{folder.name}/sheets/{images}.png?h={folder.hash_of(images)}"
                self._happened.append(("sheet", {"name": folder.name, "images": images, "url": url}))

    def _begin_next(self) -> None:
        alive = 0
        for child in self._children.values():
            if child.state == "running":
                if child.alive:
                    alive += 1
                else:
                    child.state = "done" if not child.error() else "failed"
                    child.save()
        waiting = sorted((c for c in self._children.values() if c.state == "queued"), key=lambda c: c.created)
        for child in waiting[: max(0, self.at_once - alive)]:
            child.begin(self.workspace, progress=True)

    def _state(self, folder: Folder, child: Child | None) -> str:
        """The state of a run, from the most certain evidence on."""
        alive = child is not None and child.state == "running" and child.alive
        if child is not None and child.state == "queued":
            return "queued"
        if folder.training:
            return "training" if alive else "elsewhere"
        if alive:
            return "training" if self._saving(folder, child) else "starting"
        if folder.wanted and folder.images >= folder.wanted:
            return "finished"
        if child is not None and child.asked.get("ended"):
            return "ended early"
        if child is not None and child.state in {"failed", "running"} and child.error():
            return "failed"
        return "paused"

    def _saving(self, folder: Folder, child: Child | None) -> bool:
        """Whether it is saving, because it was asked to stop or has reached its end."""
        if child is None or child.stopping:
            return child is not None
        status = folder.status()
        return status.get("pid") == child.pid and status.get("state") not in {"starting", "training"}

    def _phase(self, folder: Folder, child: Child | None, state: str) -> dict[str, Any] | None:
        """What it is doing before its first row, from its own status or its process's output."""
        if child is None or state not in {"starting", "training"}:
            return None
        if self._saving(folder, child):
            return {"what": "Saving", "done": 0, "total": 0}
        status = folder.status()
        if status.get("pid") == child.pid:
            if status.get("phase") == "starting":
                return {"what": "Measuring this machine", "done": 0, "total": 0}
            begun = {"what": "Training", "done": status.get("images", 0), "total": status.get("wanted", 0)}
            return None if folder.rows else begun
        told = child.progress()
        if told is None:
            return {"what": "Reading pictures", "done": 0, "total": 0}
        if told["what"] == "Training":
            return {"what": "Training", "done": told["done"], "total": told["total"]}
        if told["done"] < told["total"]:
            return {"what": "Reading pictures", "done": told["done"], "total": told["total"]}
        return {"what": "Measuring this machine", "done": 0, "total": 0}

    def _age(self, name: str) -> float:
        child, folder = self._children.get(name), self._folders.get(name)
        if child is not None:
            return child.created
        try:
            return (folder.path / "run.json").stat().st_mtime if folder else 0.0
        except OSError:
            return 0.0


def _of_length(argv: Sequence[str], length: Sequence[str]) -> list[str]:
    """A command with another length, if one is given."""
    if not length:
        return [*argv]
    kept, words = list[str](), iter(argv)
    for word in words:
        if word in {"--minutes", "--images"}:
            next(words, None)
        else:
            kept.append(word)
    return [*kept, *length]
