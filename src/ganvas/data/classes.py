"""Files -> the class of each picture: from a dataset.json, a column of a table, or the folders they are in."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .archives import Files
from .decode import Unusable
from .words import nfc

__all__ = ["OTHER", "TABLE", "TRAIN", "Classes", "classes", "stem", "without_other_formats", "without_other_splits"]

FEW = 0.2
"""Pictures without a class are left out if they are fewer than this share; otherwise there are no classes."""

FEWEST = 10
"""More labels than this in a table's column, and fewer than two pictures for each, are no classes."""

TRAIN = re.compile(r"(train|training|trn)([-_ ]?[ab])?", re.IGNORECASE)
OTHER = re.compile(r"(test|testing|tst|val|valid|validation|dev|eval|holdout)([-_ ]?[ab])?", re.IGNORECASE)
FORMATS = ("png", "webp", "jpg", "jpeg", "gif", "svg")
"""Names of folders that are no classes where they hold the same pictures; the first of them is learned from."""
SHARD = re.compile(r"\d{5}")  # a numbered folder of a StyleGAN data set, which is no class
TABLE = "dataset.json"

Labels = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Classes:
    """The classes of pictures.

    of        picture -> its class; empty if there are none
    left_out  picture -> why it is not used
    useless   (table, reason) of tables that give no classes
    notes     what a person should know about how the folders were interpreted, in sentences
    """

    of: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    useless: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def classes(files: Files, pictures: Sequence[str], tables: Labels | None = None) -> Classes:
    """The classes of these pictures: from a dataset.json, a table's column, or the outermost folders that differ.

    Args:
        files: where they are.
        pictures: their names.
        tables: table -> picture -> what its column for classes has.
    """
    known = [name for name in files.names if _last(name) == TABLE]
    given: dict[str, str] = {}
    useless = []
    for table in known:
        try:
            given |= _labels(files, table)
        except ValueError as reason:
            useless.append((table, str(reason)))
    if given:
        found = _by_table(given, pictures, known[0])
        return replace(found, useless=(*useless, *found.useless))
    columns = [pair for column in (tables or {}).values() for pair in column.items()]
    if labels := {name: label for name, each in columns if (label := _class(each)) is not None}:
        found = _by_table(labels, pictures, next(iter(tables or {})))
        if found.of:
            return replace(found, useless=tuple(useless))
        useless.extend(found.useless)
    found = _by_folder(pictures, shards=not known)
    return replace(found, useless=tuple(useless))


def _by_table(labels: Mapping[str, str], pictures: Sequence[str], table: str) -> Classes:
    """The classes that a table tells, or why it tells none."""
    known = _matched(labels, pictures)
    missing = [name for name in pictures if name not in known]
    count, why = len(set(known.values())), ""
    if len(missing) >= max(1, FEW * len(pictures)):
        example = next(iter(labels))
        why = f"it has labels for {len(known):,} of {len(pictures):,} pictures; it speaks of {example}, for instance"
    elif count == 1:
        why = f"all pictures have the one label {next(iter(known.values()))!r}, which tells none from another"
    elif _last(table) != TABLE and count > FEWEST and count * 2 > len(known):
        why = f"{count:,} labels for {len(known):,} pictures are names of pictures rather than classes"
    if why:
        return Classes(useless=((table, why),))
    return Classes(known, dict.fromkeys(missing, f"no label in {_last(table)}"))


def stem(name: str) -> str:
    """The name of a file, with its folders, but without the suffix."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)


def without_other_splits(names: Iterable[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """The files without those for testing, if the outermost folders are `train` and others such as `test`.

    Returns the names, and (folder, reason) of what is kept for tests.
    """
    names = list(names)
    around, folders = _outermost(names)
    trained = [name for name in folders if TRAIN.fullmatch(name)]
    others = [name for name in folders if OTHER.fullmatch(name)]
    if not trained or not others or len(trained) + len(others) < len(folders):
        return names, ()
    kept = tuple(f"{around}{name}/" for name in others)
    why = "kept for tests, as {} is there to learn from: name it by itself to use it ({:,} files)"
    told = ((f"{around}{name}/", why.format(f"{trained[0]}/", folders[name])) for name in sorted(others))
    return [name for name in names if not name.startswith(kept)], tuple(told)


def without_other_formats(names: Iterable[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """The files without those of a pack's `svg` folder, if its `png` folder has the same names, and other such pairs.

    Returns the names, and (folder, reason) of what is left out.
    """
    names = list(names)
    around, folders = _outermost(names)
    held = sorted((each for each in folders if each.lower() in FORMATS), key=lambda each: FORMATS.index(each.lower()))
    places = [f"{around}{each}/" for each in held]
    stems = [{stem(name).removeprefix(place) for name in names if name.startswith(place)} for place in places]
    told = tuple(
        (place, f"what {held[0]}/ has in another format: name it by itself to use it ({folders[each]:,} files)")
        for each, place, known in zip(held, places, stems, strict=True)
        if each != held[0] and len(known & stems[0]) * 2 >= len(known)
    )
    copies = tuple(folder for folder, _ in told)
    return [name for name in names if not name.startswith(copies)] if copies else names, told


def _outermost(names: Sequence[str]) -> tuple[str, Counter[str]]:
    """The folder that is around all folders, and how many files each folder in it holds."""
    around = ""
    while True:
        folders = Counter(name[len(around) :].partition("/")[0] for name in names if _is_below(name, around))
        if len(folders) != 1:
            return around, folders
        around += next(iter(folders)) + "/"


def _is_below(name: str, folder: str) -> bool:
    return name.startswith(folder) and "/" in name[len(folder) :]


def _by_folder(pictures: Sequence[str], *, shards: bool) -> Classes:
    paths = {name: name.split("/")[:-1] for name in pictures}
    depth = 0
    while True:
        inside = {name: nfc(parts[depth]) for name, parts in paths.items() if len(parts) > depth}
        found = set(inside.values())
        if len(found) != 1:
            break
        depth += 1
    if not found or (not shards and all(map(SHARD.fullmatch, found))):
        return Classes()
    loose = [name for name in pictures if name not in inside]
    if len(loose) >= max(1, FEW * len(pictures)):
        note = (
            f"{len(loose):,} of {len(pictures):,} pictures are in no sub-folder, so the {len(found):,} sub-folders are "
            "not taken as classes. Move them into one each, or away, if they are meant as classes."
        )
        return Classes(notes=(note,))
    return Classes(inside, dict.fromkeys(loose, "beside the folders of the classes and in none of them"))


def _matched(labels: Mapping[str, str], pictures: Sequence[str]) -> dict[str, str]:
    """Picture -> label, matched by name, or else by name without the suffix, which may have changed."""
    exact = {nfc(name): label for name, label in labels.items()}
    stems: dict[str, str] = {stem(name): label for name, label in exact.items()}
    twice = {stem for stem, count in Counter(stem(nfc(name)) for name in pictures).items() if count > 1}
    found = ((name, exact.get(nfc(name)), stem(nfc(name))) for name in pictures)
    labelled = ((name, label or (stems.get(short) if short not in twice else None)) for name, label, short in found)
    return {name: label for name, label in labelled if label}


def _labels(files: Files, table: str) -> dict[str, str]:
    """The labels of a StyleGAN data set, {"labels": [["00000/img.png", 3], ...]}, as picture -> class; none if null.

    A table written by zips.py also names the numbered classes, in "classes".

    Raises:
        ValueError: there are no valid labels; the message is the reason in a few words.
    """
    try:
        told = json.loads(files.read(table))
    except (Unusable, ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    held = told if isinstance(told, dict) else {}
    if "labels" in held and held["labels"] is None:
        return {}
    told, called = held.get("labels"), _called(held.get("classes"))
    pairs = list(told.items()) if isinstance(told, dict) else told
    if not pairs or not isinstance(pairs, list):
        raise ValueError('no labels in it, {"labels": [["a.png", 3], ...]}')
    around, labels = table.removesuffix(TABLE), {}
    for pair in pairs:
        name, label = (pair[0], _class(pair[1])) if isinstance(pair, list | tuple) and len(pair) == 2 else (None, None)
        if not isinstance(name, str) or label is None:
            raise ValueError(f'a label is one class, as in ["a.png", 3], and not as in {json.dumps(pair)[:80]}')
        labels[around + name.replace("\\", "/").removeprefix("./")] = called.get(label, label)
    return labels


def _called(names: object) -> dict[str, str]:
    """The number of each class, as text -> its name; empty unless all are names and no two are equal."""
    if not isinstance(names, list) or not all(isinstance(name, str) and nfc(name.strip()) for name in names):
        return {}
    called = {str(number): nfc(name.strip()) for number, name in enumerate(names)}
    return called if len(set(called.values())) == len(names) else {}


def _class(label: object) -> str | None:
    """The name of a class given as a number, a name or one-hot; None if it is none of these."""
    if isinstance(label, list):
        hot = [place for place, each in enumerate(label) if each == 1]
        single = len(hot) == 1 and all(each in (0, 1) for each in label)
        return _class(label[0]) if len(label) == 1 else str(hot[0]) if single else None
    if isinstance(label, str):
        return nfc(label.strip()) or None
    if isinstance(label, bool) or not isinstance(label, int | float) or label != label // 1:
        return None
    return str(int(label))


def _last(name: str) -> str:
    return name.rpartition("/")[2]
