"""Names and texts that break terminals, HTML and JSON, as names of files, classes and runs, and as words.

None of them may act on the terminal, become markup in a page, break the JSON that programs read, or end in a traceback,
whatever the terminal's encoding.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp

from .cases import Case
from .child import Answer, command, complaint, run
from .files import sound
from .made.scenes import RUN, SCENES, set_up, training, warmed

WORDS = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x00b", "\x07bell", "back\x08\x08", "line\nbreak",
    "carriage\rreturn", "a\tb", "\x9b31m", "\x7f", "\u202egnp.exe", "\u2066rtl\u2069", "\u200b", "\ufeff",
    "עברית", "مرحبا", "猫", "\U0001f431", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301", "é", "ﬁ",
    "\udcff", "\ud800", "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "&lt;b&gt;",
    '"><svg onload=x>', "javascript:alert(1)", "${x}", "$name", "{{x}}", "%s%n%d", "'", '"', "`", "\\",
    "\\u0000", "a\\", "-rf", "--out", "-", "--", "..", ".", "...", " ", "", " lead", "trail ", "con", "nul",
    "null", "None", "NaN", "true", "0", "-1", "1e999", "x" * 200, "猫" * 80, "a" * 5000, "a," * 200, "*", "?",
    "~", "~root", "$(touch out)", "`touch out`", "; touch out", "| touch out", "a:b", "a=b", "#", "\u2028",
    "\u0085", "icons", "ring:5", "digits:x", "[red]", "[/red]", "[bold]x", "[link=x]y[/link]", "\\[x]",
)  # fmt: skip


def cases() -> Iterator[Case]:
    warmed()
    _good()
    for word in WORDS:
        for kind, check in KINDS.items():
            yield Case(kind, repr(word)[:50], partial(check, word))


def _as_file(word: str, folder: Path) -> str:
    """Use it as the name of a picture, and of its folder, which is a class."""
    mine = sound(folder / "mine" / "plain", 4)
    try:
        shutil.copytree(mine, folder / "mine" / word)
        (mine / "a0.png").rename(mine / f"{word}.png")
    except (OSError, ValueError):  # no system accepts such a name
        return ""
    wrong = ""
    for encoding in ("utf-8", "ascii", "cp1252"):
        wrong = wrong or complaint(_do(command("data", "mine", "--size", "8"), folder, encoding=encoding))
    answer = _do(command("data", "mine", "--size", "8", "--json"), folder)
    return wrong or complaint(answer) or _broken_json(answer.out)


def _as_class(word: str, folder: Path) -> str:
    """Use it as the name of a class: the training, its report, its sheets and a sample of the class."""
    for name in (word, "plain"):
        try:
            sound(folder / "mine" / name, 6)
        except (OSError, ValueError):
            return ""
    words = ("train", "cgan", "--data", "mine", "--size", "8", "--images", "64", "--out", RUN)
    small = ("--set", "generator.width=2", "--set", "critic.width=2", "--set", "measure_images=0")
    for asked in ((*words, *small), ("sample", RUN, f"--label={word}", "--out", "drawn.png"), ("report", RUN)):
        if wrong := complaint(_do(command(*asked), folder), mebibytes=2048):
            return f"{asked[0]}: {wrong}"
    page = folder / RUN / "report.html"
    return _marked_up(page.read_text(encoding="utf-8")) if page.exists() else ""


def _as_run(word: str, folder: Path) -> str:
    """Use it as the name of a run, and write its report."""
    if "\x00" in word or "\udcff" in word or "\ud800" in word:
        return ""  # no shell passes on such a word
    asked = command("train", "ring", "--images", "200", f"--out=deep/{word}")
    if wrong := complaint(_do(asked, folder), mebibytes=2048):
        return wrong
    away = {path.name for path in folder.iterdir()} - {"deep", "cache"}
    if away and word != "..":
        return f"written: {away}"
    pages = list((folder / "deep").rglob("report.html")) if (folder / "deep").exists() else []
    return next(filter(None, (_marked_up(page.read_text(encoding="utf-8")) for page in pages)), "")


def _as_word(word: str, folder: Path) -> str:
    """Use it as keywords, as a source, as a setting and as the name of other things."""
    folder = shutil.copytree(_good(), folder / "here")  # so that ".." leads to a folder of its own
    for asked in (
        ("sample", RUN, f"--keywords={word}", "--count=2", "--out=drawn.png"),
        ("sample", word),
        ("data", word),
        ("train", "ring", f"--set={word}"),
        ("show", word),
        ("report", word),
        ("morph", RUN, f"--seeds={word}", "--out=m.gif"),
        ("list", word),
    ):
        if word.startswith("-") and not any(each.endswith(f"={word}") for each in asked):
            continue  # a nonexistent option, which is refused as such
        answer = _do(command(*asked), folder, seconds=60.0 if word == "icons" else 20.0)  # 4,000 icons to draw
        if wrong := complaint(answer, mebibytes=2048):
            return f"{asked[0]}: {wrong}"
    return "" if not (folder / "out").exists() else "it was executed"


KINDS: dict[str, Callable[[str, Path], str]] = {
    "file names": _as_file,
    "class names": _as_class,
    "run names": _as_run,
    "words": _as_word,
}


class _Page(HTMLParser):
    """Finds what our pages never contain: markup that came from a name."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong, self.scripts = "", 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if any(name.startswith("on") for name, _ in attributes) or ("src", "x") in attributes:
            self.wrong = f"<{tag}> with {attributes}"


def _marked_up(text: str) -> str:
    page = _Page()
    page.feed(text)
    if page.wrong or page.scripts > 2:
        return f"a name became markup: {page.wrong or f'{page.scripts} scripts'}"
    return ""


def _broken_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        return f"no JSON: {error}"
    return ""


@cache
def _good() -> Path:
    folder = Path(mkdtemp(prefix="survive-words-"))
    set_up(folder)
    if (answer := _do(training(SCENES["keywords"]), folder)).code:
        raise RuntimeError(answer.err)
    return folder


def _do(work: Callable[[], object], folder: Path, *, encoding: str = "utf-8", seconds: float = 20.0) -> Answer:
    cache_of_all = {"GANVAS_CACHE": str(folder / "cache")}
    return run(work, folder, seconds=seconds, encoding=encoding, variables=cache_of_all)
