"""Kept pictures: studio/kept.json, and a copy of each picture in case its model changes.

The copy of a picture that is no longer kept goes to the trash, as only it shows what a model drew before it changed.
"""

import hashlib
import json
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import GanvasError
from .gallery import Gallery
from .refused import Refused
from .worker import LATER, Worker
from .workspace import Workspace

__all__ = ["Board"]

EMPTY: dict[str, Any] = {"version": 1, "places": [], "order": []}


class Board:
    """The kept pictures and their order."""

    def __init__(self, workspace: Workspace, gallery: Gallery, worker: Worker) -> None:
        self._workspace, self._gallery, self._worker = workspace, gallery, worker
        self._path, self._lock = workspace.studio("kept.json"), threading.Lock()
        known = workspace.read("kept.json", lambda known: isinstance(known, dict) and known.get("version") == 1)
        self.kept: dict[str, Any] = known or EMPTY

    @property
    def etag(self) -> str:
        """A tag that changes with the content."""
        return f'"{hashlib.sha256(json.dumps(self.kept, sort_keys=True).encode()).hexdigest()[:16]}"'

    @property
    def places(self) -> list[dict[str, Any]]:
        """The places of the kept pictures."""
        return [each["place"] for each in self.kept["places"]]

    def put(self, kept: dict[str, Any], match: str) -> str:
        """Replace the kept pictures, and return the new tag.

        Raises:
            Refused: 412, they have changed since they were read; 422, the order does not match the pictures.
        """
        ids = [each["id"] for each in kept["places"]]
        if len({*ids}) != len(ids) or sorted(ids) != sorted(kept["order"]):
            raise Refused(422, "Each kept picture has an id of its own, and the order names each once.", field="order")
        with self._lock:
            if match not in {self.etag, "*"}:
                raise Refused(412, "Another tab has changed what is kept; take its changes first.")
            before = {each["id"] for each in self.kept["places"]}
            files.write(self._path, json.dumps(kept, indent=1))
            self.kept = kept
            for gone in before - {*ids}:
                with suppress(FileNotFoundError):
                    self._workspace.discard(self._copy_of(gone))
            for each in kept["places"]:
                if each["id"] not in before and not self._workspace.restore(self._copy_of(each["id"])):
                    self._worker.submit(LATER, partial(self._copy, each))
            return self.etag

    def _copy_of(self, name: str) -> Path:
        return self._workspace.studio("kept", f"{name}.png")

    def _copy(self, each: dict[str, Any]) -> None:
        from ..models.place import Place

        with suppress(Refused, GanvasError, OSError):
            png = self._gallery.draw_now(self._gallery.models.named(each["model"]["fp"]), Place.of(each["place"]))
            files.write(self._copy_of(each["id"]), png)
