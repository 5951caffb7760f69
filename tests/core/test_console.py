"""What a terminal shows: a bar on one, plain lines elsewhere, nothing when quiet."""

import io
import math
import re
import sys
from types import SimpleNamespace

import pytest

from ganvas.core import console

TERMS = {"critic.loss": 0.61234, "critic.real": 0.9, "critic.fake": -0.8, "generator.loss": 0.7}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    shown = Terminal()
    monkeypatch.setattr(console, "sys", SimpleNamespace(stderr=shown, stdout=shown))
    return shown


def test_plain_lines_are_few_and_have_no_control_characters(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with console.training(total_images=6400, title="portraits") as display:
        for images in range(64, 6401, 64):
            display.update(images, 256.0, TERMS)
        display.say("A checkpoint is saved: [bold]runs[/bold]/portraits")
    out, err = capsys.readouterr()
    assert out == ""
    assert not CONTROL.search(err)
    assert err.splitlines() == [
        "portraits: 64 of 6,400 images (1%), 25 s left, 256 images/s, critic 0.612, generator 0.7",
        "A checkpoint is saved: [bold]runs[/bold]/portraits",
        "portraits: 6,400 of 6,400 images (100%), 256 images/s, critic 0.612, generator 0.7",
    ]


def test_plain_lines_come_every_ten_seconds(capsys, monkeypatch):
    clock = iter([0.5 * tick for tick in range(10_000)])
    monkeypatch.setattr(console.time, "perf_counter", lambda: next(clock))
    with console.training(1000, "portraits") as display:
        for images in range(1, 101):
            display.update(images, 1.0, {})
    assert 4 <= len(capsys.readouterr().err.splitlines()) <= 7


def test_a_live_bar_is_drawn_over_itself(terminal):
    with console.training(6400, "portraits") as display:
        display.update(64, 256.0, TERMS)
        display.say("saved [bold]")
        display.update(6400, 256.0, TERMS)
    shown = terminal.getvalue()
    assert "\x1b[" in shown
    assert "━" in shown
    assert "saved [bold]" in shown
    assert "6,400 of 6,400 images" in shown
    assert "critic 0.612" in shown
    assert shown.rstrip("\n").endswith("\x1b[?25h")  # the cursor is back


def test_the_terminal_is_given_back_when_training_fails(terminal):
    with pytest.raises(KeyboardInterrupt), console.training(6400, "portraits"):
        raise KeyboardInterrupt
    assert terminal.getvalue().endswith("\x1b[?25h")


def test_no_colour(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with console.watching() as watch, console.training(6400, "portraits") as display:
        watch("Drawing icons", 5, 10)
        display.update(64, 256.0, TERMS)
    assert not re.search(r"\x1b\[[0-9;]*(3|9)[0-7]m", terminal.getvalue())


def test_a_dumb_terminal_gets_plain_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with console.training(6400, "portraits") as display:
        display.update(64, 256.0, TERMS)
    assert not CONTROL.search(terminal.getvalue())


def test_a_live_watch(terminal):
    with console.watching() as watch:
        for done in range(11):
            watch("Drawing [red]icons", done, 10)
        watch("Downloading", 5000, 0)
    shown = terminal.getvalue()
    assert "Drawing [red]icons" in shown
    assert "10 of 10" in shown
    assert "5,000" in shown


def test_a_plain_watch(capsys):
    with console.watching() as watch:
        for done in range(1001):
            watch("Drawing\x1b[2J icons", done, 1000)
    assert capsys.readouterr().err.splitlines() == [
        "Drawing\N{REPLACEMENT CHARACTER}[2J icons: 0 of 1,000",
        "Drawing\N{REPLACEMENT CHARACTER}[2J icons: 1,000 of 1,000",
    ]


def test_quiet(capsys, terminal):
    with console.watching(quiet=True) as watch, console.training(100, "portraits", quiet=True) as display:
        watch("Drawing icons", 1, 2)
        display.update(64, 256.0, TERMS)
        display.say("hello")
    console.skipped([("a.png", "broken")], quiet=True)
    assert capsys.readouterr().out == terminal.getvalue() == ""


def test_odd_numbers(capsys):
    with console.training(0, "toy") as display:
        display.update(5, 0.0, {"a": math.nan, "b": math.inf, "c": 1.0, "d": 2.0, "e": 3.0})
    assert capsys.readouterr().err == "toy: 5 of 1 images (100%), 0 images/s, a nan, b inf, c 1, d 2\n"


def test_skipped_files_are_named_by_reason(capsys):
    files = [(f"scan{index}.tif", "16 bits") for index in range(40)] + [("a\x1b[2J\n.png", "not a picture")]
    console.skipped(files)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["41 files were skipped:", "  16 bits (40)"]
    assert lines[2:11] == [f"    scan{index}.tif" for index in range(9)]
    assert lines[11:] == [
        "  not a picture (1)",
        "    a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.png",
        "… and 31 more (see report.html)",
    ]


def test_few_skipped_files_are_all_named(capsys):
    console.skipped([])
    console.skipped([("a.png", "broken")])
    assert capsys.readouterr().err.splitlines() == ["1 file was skipped:", "  broken (1)", "    a.png"]


def test_many_reasons_for_skipping(capsys):
    console.skipped([(f"{index}.png", f"reason {index}") for index in range(30)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "… and 20 more (see report.html)"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (97, "1 min 37 s"), (3725, "1 h 2 min"), (200_000, "2 d 7 h")]
)
def test_durations(seconds, words):
    assert console._duration(seconds) == words


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m",
        "a\rb",
        "bell\x07",
        "\x9b2J",
        "title \x1b]0;x\x07",
        "up\u202ednas",
        "null\0",
        "\ud800 alone",
        "a\u2028b",
    ],
)
@pytest.mark.parametrize("way", ["answer", "say", "fail", "notes", "skipped"])
def test_nothing_reaches_the_terminal_that_would_do_something_to_it(capsys, text, way):
    told = {"notes": [text], "skipped": [(text, text)]}.get(way, f"first {text} last")
    getattr(console, way)(told)
    printed = "".join(capsys.readouterr())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", printed)
    assert printed.endswith("\n")


def test_letters_of_all_scripts_are_shown_as_they_are(capsys):
    told = "猫 कुत्ता می\u200cخواهم 👩\u200d🚀 Käse\u3000x"
    console.answer(told)
    assert capsys.readouterr().out == told.replace("\u3000", " ") + "\n"


@pytest.mark.parametrize("coding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_what_a_stream_cannot_say_is_spelled_out(monkeypatch, coding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=coding)
    monkeypatch.setattr(console, "sys", SimpleNamespace(stderr=stream, stdout=stream))
    console.answer("2 classes: 猫 7, Hund 3\n\udc80")
    said = stream.buffer.getvalue().decode(coding)
    assert said.splitlines()[0] == ("2 classes: 猫 7, Hund 3" if coding == "utf-8" else "2 classes: \\u732b 7, Hund 3")


class Bare:
    """A stream as windowed programs put in the place of theirs: it can be written to, and no more."""

    def __init__(self):
        self.said = ""

    def write(self, text):
        self.said += text


@pytest.mark.parametrize("stream", [None, Bare()])
def test_programs_without_streams_are_not_in_the_way(monkeypatch, stream):
    monkeypatch.setattr(console, "sys", SimpleNamespace(stderr=stream, stdout=stream))
    with console.watching() as watch:
        watch("Reading files", 1, 1)
    with console.training(100, "a run") as display:
        display.update(100, 10.0, TERMS)
        display.say("a line")
    console.say("a line")
    console.answer("a line")
    console.skipped([("a.png", "damaged")])
    assert stream is None or stream.said.count("a line") == 3


def test_a_reader_that_is_gone_ends_the_answer_and_no_training(monkeypatch):
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    console.say("a word on the way")
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        console._print("the answer", sys.stdout)
