"""Jobs: slow tasks, each a command of the toolkit, run at nice 5 and at most two at once."""

import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .asks import ask
from .children import Child
from .models import Models
from .refused import Refused
from .workspace import Workspace

__all__ = ["Jobs"]

AT_ONCE, MOST_QUEUED, MOST_REMEMBERED = 2, 20, 50
NICE = 5  # so that a job gets a quarter of a core next to a training, as someone waits for it


class Jobs:
    """The jobs of a workspace. All methods are thread-safe."""

    def __init__(self, workspace: Workspace, models: Models, sets: Callable[[str], str]) -> None:
        self.workspace, self.models, self._sets = workspace, models, sets
        self._lock = threading.RLock()
        self._children = {child.id: child for child in Child.known(workspace) if child.kind != "train"}
        self._told: dict[str, dict[str, Any]] = {}
        self.tick()

    def all(self) -> list[dict[str, Any]]:
        """All jobs that are remembered, the newest last."""
        with self._lock:
            return [self._about(child) for child in self._children.values()]

    def about(self, name: str) -> dict[str, Any]:
        """A job as the page shows it.

        Raises:
            Refused: 404, there is none.
        """
        return self._about(self._child(name))

    def start(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Start a job, or queue it until there is room.

        Raises:
            Refused: 404, 422 as `ask`; 503, too many are queued.
        """
        with self._lock:
            if sum(child.state in {"queued", "running"} for child in self._children.values()) >= MOST_QUEUED:
                raise Refused(503, f"{MOST_QUEUED} jobs wait already.")
            child = Child.new(self.workspace, asked["kind"], [], dict(asked))
            try:
                found = ask(asked, f"studio/jobs/{child.id}", self.workspace, self.models, self._sets)
            except BaseException:
                shutil.rmtree(child.folder, ignore_errors=True)
                raise
            child.argv = found.argv
            child.asked["makes"], child.asked["answer"], child.asked["packed"] = found.makes, found.answer, found.packed
            child.save()
            self._children[child.id] = child
            self._forget()
            self._begin_next()
            return self._about(child)

    def cancel(self, name: str) -> bool:
        """Stop a job; returns whether there was anything to stop.

        Raises:
            Refused: 404, there is none.
        """
        child = self._child(name)
        with self._lock:
            if child.state == "queued":
                child.state = "cancelled"
                child.save()
                return True
            if child.state != "running":
                return False
            child.asked["cancelled"] = True
            child.save()
            child.stop()
            return True

    def file(self, name: str, wanted: str) -> Path:
        """The path of a file that a job made.

        Raises:
            Refused: 404, there is none.
        """
        child = self._child(name)
        for path in self._files(child):
            if path.name == wanted:
                return self.workspace.inside(child.folder, *path.relative_to(child.folder).parts)
        raise Refused(404, "This job made no such file.")

    def tick(self) -> list[tuple[str, dict[str, Any]]]:
        """Start queued jobs, finish ended ones, and return the jobs that have changed."""
        with self._lock:
            self._begin_next()
            changed = []
            for child in self._children.values():
                about = self._about(child)
                if self._told.get(child.id) != about:
                    self._told[child.id] = about
                    changed.append(("job", about))
            return changed

    def _child(self, name: str) -> Child:
        with self._lock:
            if name in self._children:
                return self._children[name]
        raise Refused(404, "There is no such job.")

    def _begin_next(self) -> None:
        running = 0
        for child in self._children.values():
            if child.state != "running":
                continue
            if child.alive:
                running += 1
                if child.stopping:
                    child.stop()
            else:
                self._finish(child)
        for child in self._children.values():
            if child.state == "queued" and running < AT_ONCE:
                child.begin(self.workspace, nice=NICE, progress=True)
                running += 1

    def _finish(self, child: Child) -> None:
        failed = child.error() or child.code
        child.state = "cancelled" if child.asked.get("cancelled") else "failed" if failed else "done"
        if child.state == "done":
            with suppress(OSError, ValueError):
                _arrange(child)
            # If it ended while no server ran, its exit status is unknown, so its files decide.
            if child.code is None and not any(path.stat().st_size for path in self._files(child)):
                child.state = "failed"
        child.save()

    def _files(self, child: Child) -> list[Path]:
        if child.state != "done":
            return []
        names = [f"{child.asked['packed']}.zip"] if child.asked.get("packed") else child.asked.get("makes", ())
        found = [path for name in names for path in sorted(child.folder.glob(name)) if path.is_file()]
        return list(dict.fromkeys(found))

    def _about(self, child: Child) -> dict[str, Any]:
        told = (child.progress() if child.state == "running" else None) or {"what": "", "done": 0, "total": 0}
        words = {"queued": "Waiting", "running": told["what"] or "Getting ready"}
        return {
            "id": child.id,
            "kind": child.kind,
            "state": child.state,
            "what": words.get(child.state, ""),
            "done": told["done"],
            "total": told["total"],
            "command": child.command,
            "error": (child.error() or "It ended without a word.") if child.state == "failed" else None,
            "files": [
                {"url": f"/files/{child.id}/{quote(path.name)}", "name": path.name, "bytes": path.stat().st_size}
                for path in self._files(child)
            ],
        }

    def _forget(self) -> None:
        """Delete the oldest finished jobs with their files."""
        over = [child for child in self._children.values() if child.state not in {"queued", "running"}]
        for child in over[: max(0, len(self._children) - MOST_REMEMBERED)]:
            del self._children[child.id]
            self._told.pop(child.id, None)
            shutil.rmtree(child.folder, ignore_errors=True)


def _arrange(child: Child) -> None:
    """Bring a command's output into the form in which it is offered."""
    asked, folder = child.asked, child.folder
    if asked.get("answer"):
        (folder / asked["answer"]).write_bytes((folder / "answer.txt").read_bytes())
    if child.kind == "compare":
        between = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
        runs = [folder.parents[2] / "runs" / str(asked[side]).removeprefix("runs/") for side in ("a", "b")]
        (folder / "compare.json").write_text(json.dumps({"scores": _side_by_side(*runs), "between": between}))
    if child.kind == "project":
        found = next(iter(sorted(folder.glob("*.safetensors"))), None)
        if found is not None:
            name = _adopt(found, folder.parents[1] / "places")
            place = {"latent": name} | ({"words": asked["words"]} if asked.get("words") else {})
            (folder / "place.json").write_text(json.dumps(place), encoding="utf-8")
    if asked.get("packed"):
        _pack(folder / asked["packed"], folder / f"{asked['packed']}.zip")


def _side_by_side(a: Path, b: Path) -> list[dict[str, Any]]:
    """The scores by `ganvas evaluate` that both runs have for the same data and features."""
    from ..runs.evaluations import latest

    found = []
    theirs = {(each.about.get("real"), each.about.get("features")): each.scores for each in latest(b)}
    for each in latest(a):
        other = theirs.get((each.about.get("real"), each.about.get("features")), {})
        for name, score in each.scores.items():
            if name in other:
                numbers = {
                    "a": score.value,
                    "a_error": score.error,
                    "b": other[name].value,
                    "b_error": other[name].error,
                }
                found.append({"name": name, **numbers})
    return found


def _adopt(latent: Path, places: Path) -> str:
    """Copy a latent to the places, named by the hash of its content."""
    import hashlib

    content = latent.read_bytes()
    name = hashlib.sha256(content).hexdigest()[:32]
    (places / f"{name}.safetensors").write_bytes(content)
    return name


def _pack(folder: Path, out: Path) -> None:
    draft = out.with_name(f".{out.name}")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder.parent))
    draft.replace(out)
