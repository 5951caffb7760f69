"""Files of a run and of the cache that were damaged: each damage is repaired, or reported with the file's name.

The files were written by a small training on a folder of pictures with words and by later commands. Bits are flipped,
and files are truncated, emptied, filled with zeros, or replaced by others. Then everything that reads the file is run
again. It held if the result is the same as before, if the command ended with an error message, or if the result differs
and a line on standard error says that something was skipped.
"""

import hashlib
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

from .cases import Case
from .child import Answer, command, complaint, run
from .kills import lasting
from .made.scenes import RUN, SCENES, set_up, training, warmed

LONG_SECONDS = 60.0
Damage = Callable[[bytes, bytes], bytes]


@dataclass(frozen=True)
class Reader:
    """Something that reads a file: its command line, and the files that are its result."""

    words: tuple[str, ...]
    answer: tuple[str, ...] = ()


SAMPLE = Reader(("sample", RUN, "--count", "4", "--out", "drawn.png"), ("drawn.png",))
GO_ON = Reader(("train", RUN))
REPORT = Reader(("report", RUN), (f"{RUN}/report.html",))
FILM = Reader(("film", RUN), (f"{RUN}/film.gif",))
WATCH = Reader(("watch", RUN))
LOOK = Reader(("data", "DATA", "--size", "8"), ("contact.png",))


@dataclass(frozen=True)
class Target:
    """A file that is damaged: a pattern of its path, its readers, what may replace it, the number of bit flips."""

    kind: str
    pattern: str
    readers: tuple[Reader, ...]
    instead: str = ""
    flips: int = 22


TARGETS = (
    Target("checkpoints", f"{RUN}/checkpoints/000000064/model.safetensors", (SAMPLE, GO_ON), "000000056"),
    Target("checkpoints", f"{RUN}/checkpoints/000000064/state.safetensors", (SAMPLE, GO_ON), "000000056"),
    Target("checkpoints", f"{RUN}/checkpoints/000000064/manifest.json", (SAMPLE, GO_ON), "000000056"),
    Target("checkpoints", f"{RUN}/checkpoints/000000056/state.safetensors", (SAMPLE,), flips=6),
    Target("json", f"{RUN}/run.json", (GO_ON, REPORT), "recipe"),
    Target("json", f"{RUN}/recipe.json", (GO_ON, SAMPLE), "run"),
    Target("json", f"{RUN}/.copies/recipe.json", (GO_ON,), flips=6),
    Target("json", f"{RUN}/status.json", (WATCH, GO_ON)),
    Target("logs", f"{RUN}/log.jsonl", (REPORT, GO_ON), flips=40),
    Target("logs", f"{RUN}/evaluations.jsonl", (REPORT,)),
    Target("packs", "cache/pictures-*/samples.npy", (LOOK,), "other"),
    Target("packs", "cache/pictures-*/index.json", (LOOK,), "other", flips=40),
    Target("packs", "cache/seen/*", (LOOK,), "other", flips=30),
    Target("sheets", f"{RUN}/samples/000000064.png", (FILM, REPORT), flips=40),
    Target("sheets", f"{RUN}/samples/000000000.png", (FILM, REPORT)),
)


def cases() -> Iterator[Case]:
    _good()
    for target in TARGETS:
        for name, damage in _damages(target).items():
            yield Case(target.kind, f"{target.pattern}, {name}", partial(_damaged, target, damage))


def _damages(target: Target) -> dict[str, Damage]:
    made: dict[str, Damage] = {f"flip {seed}": partial(_flipped, seed=seed) for seed in range(target.flips)}
    for share in (0.1, 0.5, 0.9):
        made[f"{share:g} of it"] = partial(_cut, share=share)
    made["a byte too short"] = lambda good, _: good[:-1]
    made["empty"] = lambda *_: b""
    made["zeros"] = lambda good, _: bytes(len(good))
    made["a block of zeros"] = lambda good, _: good[: len(good) // 3] + bytes(64) + good[len(good) // 3 + 64 :]
    made["doubled"] = lambda good, _: good + good
    made["noise"] = lambda good, _: random.Random(0).randbytes(len(good))
    made["a page"] = lambda *_: b"<!DOCTYPE html><title>503</title>"
    if target.instead:
        made["another in its place"] = lambda _, other: other
    return made


def _flipped(good: bytes, _: bytes, *, seed: int) -> bytes:
    dice, changed = random.Random(seed), bytearray(good)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(good: bytes, _: bytes, *, share: float) -> bytes:
    return good[: int(len(good) * share)]


def _damaged(target: Target, damage: Damage, folder: Path) -> str:
    """What is wrong with how the readers of a file handle its damage."""
    for number, reader in enumerate(target.readers):
        inner = folder / str(number) / "here"
        shutil.copytree(_good(), inner, ignore=shutil.ignore_patterns("data"))
        file, other = _found(inner, target)
        content = damage(file.read_bytes(), other.read_bytes() if other else b"")
        if content == file.read_bytes():
            return ""
        file.write_bytes(content)
        answer = _asked(reader, inner)
        if wrong := complaint(answer, mebibytes=1024) or _silent(reader, answer, inner):
            return f"{reader.words[0]}: {wrong}"
    return ""


def _silent(reader: Reader, answer: Answer, folder: Path) -> str:
    """Whether a command silently gives a different result than before."""
    if answer.code:
        return "" if len(answer.err.strip().splitlines()[-1]) < 600 else "too long a sentence"
    if any(word in answer.err + answer.out for word in ("damaged", "The report shows what is left")):
        return ""
    before, now = _before(reader), _result(reader, answer, folder)
    differ = [name for name in before if before[name] != now.get(name)]
    return f"another answer without a word: {', '.join(differ)}" if differ else ""


def _found(folder: Path, target: Target) -> tuple[Path, Path | None]:
    """The file, and what may replace it."""
    if target.pattern.startswith("cache/"):
        others = set((folder / "other.txt").read_text().split())
        found = sorted(folder.glob(target.pattern), key=lambda path: str(path.relative_to(folder)) in others)
        return found[0], found[-1]
    file = folder / target.pattern
    if target.instead.isdecimal():
        return file, file.parent.with_name(target.instead) / file.name
    return file, file.with_name(f"{target.instead}.json") if target.instead else None


@cache
def _good() -> Path:
    """A run, its data and their cache before any damage; the cache also holds other data."""
    warmed()
    folder = Path(mkdtemp(prefix="survive-damage-"))
    set_up(folder)
    shutil.copytree(folder / "data", folder / "others")
    (folder / "others" / "round" / "01.png").unlink()
    _done(command("data", folder / "others", "--size", "8"), folder)
    cached = [str(path.relative_to(folder)) for path in (folder / "cache").rglob("*") if path.is_file()]
    (folder / "other.txt").write_text("\n".join(cached))
    _done(training(SCENES["keywords"]), folder)
    _done(command("data", folder / "data", "--size", "8"), folder)
    _done(_evaluated, folder)
    return folder


def _evaluated() -> None:
    """Save made-up results of an evaluation, instead of the minute that a real one takes."""
    from ganvas.metrics.score import Score
    from ganvas.runs import evaluations

    for count in (10, 20):
        about = {"features": "some", "real": f"data of {count}", "counts": {"fake": count, "real": count}}
        evaluations.keep(Path(RUN), about, {"kd-some": Score(0.25, 0.01, {"fake": count}, ())})


def _done(work: Callable[[], object], folder: Path) -> None:
    answer = run(work, folder, seconds=LONG_SECONDS, variables={"GANVAS_CACHE": str(folder / "cache")})
    if answer.code:
        raise RuntimeError(f"it cannot be set up: {answer.err}")


@cache
def _before(reader: Reader) -> Mapping[str, object]:
    """The result when nothing is damaged."""
    folder = Path(mkdtemp(prefix="survive-sound-")) / "here"
    shutil.copytree(_good(), folder, ignore=shutil.ignore_patterns("data"))
    answer = _asked(reader, folder)
    if answer.code or "damaged" in answer.err:
        raise RuntimeError(f"{reader.words}: {answer.err}")
    found = _result(reader, answer, folder)
    shutil.rmtree(folder.parent)
    return found


def _asked(reader: Reader, folder: Path) -> Answer:
    words = [str(_good() / "data") if word == "DATA" else word for word in reader.words]
    return run(
        partial(_saving_often, command(*words)),
        folder,
        seconds=LONG_SECONDS,
        variables={"GANVAS_CACHE": str(folder / "cache")},
    )


def _saving_often(work: Callable[[], None]) -> None:
    from ganvas.training import session

    session.CHECKPOINT_SECONDS = 0.0  # type: ignore[misc, assignment]
    work()


def _result(reader: Reader, answer: Answer, folder: Path) -> dict[str, object]:
    found: dict[str, object] = {"what it says": answer.out}
    for name in reader.answer:
        found[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if reader is GO_ON:
        found |= {name: value for name, value in lasting(folder).items() if name != "names"}
        found["what it says"] = re.sub(r"[\d.,]+ images/s", "", answer.out)
    return found
