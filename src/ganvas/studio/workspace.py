"""The folder that the studio works in, and the rule that no name leads out of it.

runs/            trainings, as `ganvas train` writes them
data/            uploaded sets
studio/          kept.json, kept/, places/, uploads/, jobs/, trash/, sets/, sets.json, models.json, key.json, open.html
"""

import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import files
from .refused import Refused

__all__ = ["NAME", "Workspace", "check_name", "is_name", "read_json", "safe_path", "tidy"]

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
FORBIDDEN = set('\\:*?"<>|/')
MOST_PARTS, MOST_NAME = 8, 100
TRASH_DAYS, UPLOAD_DAYS = 7, 1
FOLDERS = (
    "runs",
    "data",
    "studio/kept",
    "studio/places",
    "studio/uploads",
    "studio/jobs",
    "studio/trash",
    "studio/sets",
)


def is_name(name: str) -> bool:
    """Whether runs and sets may be called this, so that requests can name them on every system."""
    return bool(NAME.fullmatch(name)) and name.split(".")[0].lower() not in DEVICES


def tidy(name: str) -> str:
    """A name that is valid for a set, made of any."""
    tidied = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)
    return tidied.strip(".-_")[:64].rstrip(".") or "set"


def check_name(name: str, *, what: str = "name") -> str:
    """Check a name in a request, and return it.

    Raises:
        Refused: 404, it is not valid.
    """
    if not is_name(name):
        raise Refused(404, f"There is no {what} {name[:80]!r}: names are letters, digits, dots, _ and -.", field="name")
    return name


def safe_path(text: str) -> tuple[str, ...]:
    """The parts of an upload's path, each valid as a file name on every system.

    Raises:
        Refused: 400, one of them is not.
    """
    parts = tuple(unicodedata.normalize("NFC", part) for part in text.split("/"))
    if not 1 <= len(parts) <= MOST_PARTS:
        raise Refused(400, f"A path has at most {MOST_PARTS} parts.", field="path")
    for part in parts:
        odd = FORBIDDEN.intersection(part) or any(unicodedata.category(letter).startswith("C") for letter in part)
        device = part.split(".")[0].rstrip(" ").lower() in DEVICES
        if not part or odd or device or part.startswith(".") or part[-1] in ". ":
            raise Refused(400, f"{part[:80]!r} cannot be the name of a file here; rename it.", field="path")
        if len(part.encode(errors="replace")) > MOST_NAME:
            raise Refused(400, f"{part[:40]!r}… is longer than {MOST_NAME} bytes; rename it.", field="path")
    return parts


def read_json(path: Path, default: Any) -> Any:
    """The content of a JSON file, or the default if it is missing or invalid."""
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_text(encoding="utf-8"))
    return default


@dataclass(frozen=True)
class Workspace:
    """The folder, and the folders of pictures that may be read where they are."""

    root: Path
    roots: tuple[Path, ...] = ()

    def prepare(self) -> None:
        """Create missing folders, and delete old files from the trash and the uploads."""
        with files.writing(self.root):
            for folder in FOLDERS:
                (self.root / folder).mkdir(parents=True, exist_ok=True)
        for folder, days in (("trash", TRASH_DAYS), ("uploads", UPLOAD_DAYS)):
            for path in self.studio(folder).iterdir():
                with suppress(OSError):
                    if time.time() - path.lstat().st_ctime > 86_400 * days:
                        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def studio(self, *parts: str) -> Path:
        """A path below studio/; its parts are trusted."""
        return self.root.joinpath("studio", *parts)

    def read(self, name: str, sound: Callable[[Any], bool]) -> Any:
        """The content of a JSON file in studio/, or None. One that is not sound goes to the trash."""
        path = self.studio(name)
        content = read_json(path, None)
        if content is not None and sound(content):
            return content
        if path.exists():
            self.discard(path)
        return None

    def inside(self, base: Path, *parts: str) -> Path:
        """The path of these parts below a folder.

        Raises:
            Refused: 404, it does not exist, or a link leads out of the folder.
        """
        path = base.joinpath(*parts)
        try:
            found = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise Refused(404, "There is nothing of this name.") from None
        if not found.is_relative_to(base.resolve()):
            raise Refused(404, "There is nothing of this name: links that lead elsewhere are not followed.")
        return path

    def run(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            Refused: 404, there is none.
        """
        return self.inside(self.root / "runs", check_name(name, what="run"))

    def allowed(self, text: str) -> Path:
        """A folder of pictures below one of `roots`, given by the root's own name and the path below it.

        Raises:
            Refused: 403, it is below none of them; 422, it does not exist.
        """
        first, *rest = [part for part in text.split("/") if part] or [""]
        for root in self.roots:
            if root.name == first and ".." not in rest:
                try:
                    return self.inside(root, *rest)
                except Refused:
                    raise Refused(422, f"There is no folder {text!r}.", field="folder") from None
        names = ", ".join(root.name for root in self.roots) or "none; start the studio with --data FOLDER"
        raise Refused(403, f"{text!r} is in no folder that may be read. There are: {names}.", field="folder")

    def discard(self, path: Path) -> None:
        """Move something to the trash, where it stays for a week.

        Its name there begins with the time and the folder that it was in: a run and a set may have the same name.
        """
        path.replace(self.studio("trash", f"{time.time_ns()}.{path.parent.name}-{path.name}"))

    def restore(self, path: Path) -> bool:
        """Move what was discarded last from this path back to it; returns whether there was anything."""
        end = f".{path.parent.name}-{path.name}"
        found = [old for old in self.studio("trash").iterdir() if old.name.lstrip("0123456789") == end]
        if found:
            max(found, key=lambda old: int(old.name.partition(".")[0])).replace(path)
        return bool(found)

    def bring_back(self, path: Path, taken: Iterable[str], *, what: str, needed: bool = True) -> None:
        """Restore a run or a set, which is what `what` says, unless its name is taken by now.

        Raises:
            Refused: 404 it is `needed` and no longer in the trash; 409 there is another of its name.
        """
        name = path.name
        if path.exists() or path.is_symlink() or name.lower() in {each.lower() for each in taken}:
            raise Refused(409, f"There is a {what} {name!r} now, so the one that was deleted stays in studio/trash/.")
        if not self.restore(path) and needed:
            raise Refused(404, f"The {what} {name!r} is no longer in studio/trash/.")

    def trashed(self, name: str) -> bool:
        """Whether something of this name is in the trash."""
        return any(path.name.partition("-")[2] == name for path in self.studio("trash").iterdir())

    def free_name(self, wanted: str, taken: Sequence[str]) -> str:
        """The name, or the name with the first number that is free."""
        number, name = 2, wanted
        while name.lower() in {each.lower() for each in taken} or self.trashed(name):
            name, number = f"{wanted[:58]}-{number}", number + 1
        return name

    def secrets(self) -> tuple[str, str]:
        """The token of the first URL and the cookie's value; they outlive restarts, so that open tabs keep working."""
        path = self.studio("key.json")
        known = read_json(path, None)
        if isinstance(known, list) and len(known) == 2 and all(isinstance(key, str) and len(key) > 40 for key in known):
            return known[0], known[1]
        made = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.private(path.name, json.dumps(made))
        return made

    def private(self, name: str, text: str) -> Path:
        """Write a file in studio/ that its owner alone can read, and return its path."""
        path = self.studio(name)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path
