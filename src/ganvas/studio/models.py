"""The available models: the built-in ones, and those of the workspace's runs; a few of them are kept loaded.

A model is identified by its fingerprint, for which it must be loaded; so descriptions are cached in studio/models.json
until the checkpoint changes.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import files
from ..core.errors import GanvasError, NotFound
from .refused import Refused
from .workspace import Workspace, read_json

if TYPE_CHECKING:
    from ..latent.directions import Directions
    from ..models.model import Model

__all__ = ["Loaded", "Models"]

MOST_LOADED = 3
IMPURE = 0.1  # smallest side effect of a direction that is reported, relative to its effect on its own attribute
VERSION = 2


@dataclass(frozen=True)
class Loaded:
    """A loaded model: its name, the fingerprint of its weights, the model, and its directions if known."""

    name: str
    digest: str
    model: "Model"
    found: "Directions | None"

    @property
    def fp(self) -> str:
        """The first 16 digits of the fingerprint, used in URLs."""
        return self.digest[:16]


class Models:
    """Finds, describes and loads models. `loaded` and `describe` may only be called in torch's thread."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._about: dict[str, dict[str, Any]] = {}
        self._stamps: dict[str, str] = {}
        self._loaded: OrderedDict[str, tuple[str, Loaded]] = OrderedDict()
        self._lock = threading.Lock()
        known = read_json(self._file, {})
        self._remembered: dict[str, Any] = known if isinstance(known, dict) and known.get("version") == VERSION else {}

    @property
    def _file(self) -> Path:
        return self.workspace.studio("models.json")

    def paths(self) -> dict[str, Path]:
        """Name -> path; a built-in model takes precedence over a run of the same name."""
        from ..models.shipped import HOME

        found = {run.parent.name: run.parent for run in (self.workspace.root / "runs").glob("*/run.json")}
        mine = {
            name: path
            for name, path in found.items()
            if _stamp(path) and path.resolve() == path.parent.resolve() / name
        }
        along = {run.parent.name: run.parent for run in HOME.glob("*/run.json")}
        return {**mine, **along}

    def words_of(self, name: str) -> str:
        """The model's name on the command line."""
        return f"runs/{name}" if self.paths()[name].parent.name == "runs" else name

    def changed(self) -> list[str]:
        """The models that need a new description; those that no longer exist are forgotten."""
        now = self.paths()
        with self._lock:
            for name in [name for name in self._stamps if name not in now]:
                del self._stamps[name]  # or it would not be looked at when it comes back
                self._about.pop(name, None)
            return [name for name, path in now.items() if self._stamps.get(name) != _stamp(path)]

    def describe(self, name: str) -> None:
        """Describe a model for the page, from the cache if possible."""
        path = self.paths().get(name)
        if path is None:
            return
        stamp, known = _stamp(path), self._remembered.get(str(path))
        try:
            if known is None or known["stamp"] != stamp:
                known = {"stamp": stamp, "about": self._described(self.loaded(name), path)}
                self._remembered = {"version": VERSION, **self._remembered, str(path): known}
                files.write(self._file, json.dumps(self._remembered))
            with self._lock:
                self._about[name] = known["about"]
        except GanvasError:  # damaged, or of another kind, which the run's own page reports
            with self._lock:
                self._about.pop(name, None)
        with self._lock:
            self._stamps[name] = stamp

    def all(self) -> list[dict[str, Any]]:
        """The descriptions of all models, built-in ones first."""
        with self._lock:
            return sorted(self._about.values(), key=lambda about: (not about["shipped"], about["name"]))

    def knows(self, name: str) -> bool:
        """Whether a model has been described, or cannot be."""
        with self._lock:
            return name in self._stamps

    def about(self, name: str) -> dict[str, Any]:
        """The description of one model.

        Raises:
            Refused: 404, there is none.
        """
        with self._lock:
            if name in self._about:
                return self._about[name]
        raise Refused(404, f"There is no model {name[:80]!r}.", field="model")

    def named(self, fp: str) -> str:
        """The name of the model with this fingerprint.

        Raises:
            Refused: 410, it no longer exists.
        """
        with self._lock:
            for about in self._about.values():
                if about["fp"] == fp:
                    return str(about["name"])
        raise Refused(410, "The model of this picture is no longer here.")

    def loaded(self, name: str) -> Loaded:
        """Load a model, unless it is one of the last few that were used.

        Raises:
            NotFound: there is no such model.
            GanvasError: it cannot be read: it is damaged, of another version, or needs a package.
        """
        path = self.paths().get(name)
        if path is None:
            raise NotFound(f"There is no model {name!r}.")
        stamp = _stamp(path)
        known = self._loaded.get(name)
        if known is None or known[0] != stamp:
            self._loaded[name] = known = stamp, _load(name, path)
        self._loaded.move_to_end(name)
        while len(self._loaded) > MOST_LOADED:
            self._loaded.popitem(last=False)
        return known[1]

    def _described(self, loaded: Loaded, path: Path) -> dict[str, Any]:
        from ..learning.conditions import Keywords, Labels
        from ..runs.run import Run

        model, facts = loaded.model, Run(path).about
        told, card = model.condition, path / "README.md"
        return {
            "name": loaded.name,
            "fp": loaded.fp,
            "shape": list(model.shape),
            "kind": str(model.kind.value),
            "told": "keywords" if isinstance(told, Keywords) else "labels" if isinstance(told, Labels) else None,
            "classes": list(told.classes) if isinstance(told, Labels) else [],
            "words": len(told.words) if isinstance(told, Keywords) else 0,
            "variety": told.variety if isinstance(told, Keywords) else None,
            "styles": list(facts.get("styles") or getattr(told, "styles", None) or ()),
            "examples": list(facts.get("examples", [])),
            "directions": None if loaded.found is None else _pure(loaded.found),
            "card": (text := card.read_text(encoding="utf-8") if card.exists() else ""),
            "licence": _licence(facts, text),
            "shipped": path.parent.name == "pretrained",
        }


def _load(name: str, path: Path) -> Loaded:
    from ..latent.directions import Directions, beside
    from ..latent.places import fingerprint
    from ..models.model import load

    model = load(path)
    found = next((read for at in (beside(name), beside(path)) if (read := Directions.read(at, model))), None)
    return Loaded(name, fingerprint(model.network), model, found)


def _stamp(path: Path) -> str:
    """A stamp that changes when a model or its directions do; empty without a checkpoint."""
    checkpoints = [each for each in (path / "checkpoints").glob("[0-9]*") if (each / "manifest.json").exists()]
    if not checkpoints:
        return ""
    newest = max(checkpoints, key=lambda each: int(each.name))
    beside = path / "directions.safetensors"
    from ..core.files import cache_folder

    cached = cache_folder() / "directions" / f"{path.name}.safetensors"
    times = []
    for each in (newest / "manifest.json", beside, cached):
        with suppress(OSError):  # a training may have removed it since
            times.append(each.stat().st_mtime_ns)
    return f"{newest.name} {times}"


def _licence(facts: Mapping[str, Any], card: str) -> str:
    """Whose pictures a model learned from, and under which licence: from its run.json, or else from its card."""
    if told := [str(facts[name]) for name in ("attribution", "licence") if facts.get(name)]:
        return f"{', '.join(told)}."
    found = re.search(r"^## [^\n]*learned from[^\n]*\n+((?:[^\n#|][^\n]*\n)+)", card, re.MULTILINE)
    plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", " ".join(found[1].split()) if found else "")
    return " ".join(re.split(r"(?<=\.) ", plain)[:2])


def _pure(found: "Directions") -> list[dict[str, Any]]:
    """Each direction with its side effects, relative to its effect on its own attribute."""
    rows = []
    for name, changes in zip(found.names, found.changes.abs().tolist(), strict=True):
        by = dict(zip(found.attributes, changes, strict=True))
        own = by.get(name) or max(by.values(), default=0.0)
        others = {
            each: round(change / own, 2) for each, change in by.items() if each != name and own and change < own * 100
        }
        kept = {each: share for each, share in sorted(others.items(), key=lambda e: -e[1]) if share >= IMPURE}
        rows.append({"name": name, "impurity": kept if name in by else {}})
    return rows
