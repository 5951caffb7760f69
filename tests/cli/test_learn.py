"""Right answers of several styles pass, and each usual mistake gets its own sentence; files of learners are theirs."""

import json
import os
import re
import subprocess
import sys

import answers
import answers_of_crowds
import answers_of_pictures
import pytest

from ganvas.cli import learn
from ganvas.cli.exercises.exercise import BEGUN, EXERCISES, exercise
from ganvas.cli.exercises.judge import CHECKS, verdict

FILES = answers, answers_of_pictures, answers_of_crowds
RIGHT = {name: texts for file in FILES for name, texts in file.RIGHT.items()}
WRONG = {name: texts for file in FILES for name, texts in file.WRONG.items()}
HEAD = "import math\nimport numpy as np\nimport torch\nfrom torch import nn\nfrom torch.nn import functional\n"


def judged(name, text, tmp_path):
    """The verdict on an answer: a whole file, or functions that take the place of those with holes."""
    file = tmp_path / f"{name}.py"
    kept = exercise(name).begun if name == "step" else HEAD  # whose losses are given
    file.write_text(f"{kept}\n\n{text}\n")
    return verdict(name, file, exercise(name).begun)


@pytest.mark.parametrize("name", [each.name for each in EXERCISES])
def test_right_answers_of_several_styles_pass(name, tmp_path):
    assert len(RIGHT[name]) >= 2
    for text in RIGHT[name]:
        assert judged(name, text, tmp_path) is None, text


@pytest.mark.parametrize("name", [each.name for each in EXERCISES])
def test_each_mistake_gets_its_own_sentence(name, tmp_path):
    assert len(WRONG[name]) >= 4
    said = []
    for told, text in WRONG[name]:
        found = judged(name, text, tmp_path)
        assert found, text
        assert told in found, text
        assert "none of the usual" not in found
        said.append(found)
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("name", [each.name for each in EXERCISES])
def test_an_answer_that_is_merely_wrong_is_told_what_is_seen(name, tmp_path):
    """The right one, times 1.37: no table of mistakes may take that for one of its own."""
    if name in {"step", "block"}:
        pytest.skip("it answers with no tensor")
    functions = re.findall(r"^def (\w+)", exercise(name).begun, re.MULTILINE)
    scaled = "\n".join(f"_{each} = {each}\n{each} = lambda *a: 1.37 * _{each}(*a)" for each in functions)
    assert "would be right. This is none of the usual mistakes" in judged(name, f"{RIGHT[name][0]}\n{scaled}", tmp_path)


def test_exercises_and_their_files_belong_together():
    assert [each.number for each in EXERCISES] == list(range(1, len(EXERCISES) + 1))
    assert sorted(path.name for path in BEGUN.iterdir()) == [f"{each.file}.txt" for each in EXERCISES]
    assert list(CHECKS) == [each.name for each in EXERCISES] == list(RIGHT) == list(WRONG)
    for each in EXERCISES:
        assert f"ganvas learn {each.number}`" in each.begun
        assert f'"""Exercise {each.number}: ' in each.begun


@pytest.mark.parametrize("name", [each.name for each in EXERCISES])
def test_a_hole_is_seen(name, tmp_path):
    (tmp_path / "x.py").write_text(exercise(name).begun)
    assert "is still the hole" in verdict(name, tmp_path / "x.py", exercise(name).begun)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def kl(mean, log_variance):\n    return mean @ mean", "Line 9 of your file raises RuntimeError"),
        ("def kl(mean, log_variance):\n    return nn.Module()(mean)", "Line 9 of your file raises NotImplementedError"),
        ("def kl(mean, log_variance):\n    mean.sum()", "is there a `return`?"),
        ("def kl(mean, log_variance):\n    return 'x'", "of the type str"),
        ("def kl(mean, log_variance:\n    return 1", "Python cannot read the file: line 8"),
        ("def other(mean, log_variance):\n    return 1", "no function `kl`"),
        ("def kl(mean, log_variance):\n    return 0 / mean[:, 0] / 0", "contains NaN or infinity"),
        ("def kl(mean, log_variance):\n    return mean[:3].sum(1)", "has the shape [3], but should have the shape [6]"),
    ],
)
def test_what_is_no_answer_is_told_plainly(text, told, tmp_path):
    assert told in judged("kl", text, tmp_path)


def test_from_the_hole_to_done(ganvas, tmp_path):
    code, said, _ = ganvas("learn", 4)
    assert (code, "learn/04_generator_loss.py is exercise 4" in said.replace("\n", " ")) == (0, True)
    file = tmp_path / "learn" / "04_generator_loss.py"
    assert file.read_text() == exercise("4").begun
    code, said, _ = ganvas("learn", 4)
    assert (code, "not yet" in said) == (1, True)
    file.write_text(HEAD + RIGHT["generator_loss"][0])
    code, said, _ = ganvas("learn", "generator_loss")
    assert (code, "right." in said, "Next: `ganvas learn 1`" in said) == (0, True, True)
    assert re.search(r"4\s+done ", ganvas("learn")[1])
    file.write_text(file.read_text() + "\n# and a note")
    assert re.search(r"4\s+changed ", ganvas("learn")[1])
    assert file.read_text().endswith("# and a note")  # a learner's file is never written to


def test_a_damaged_note_costs_nothing_but_the_note(ganvas, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "done.json").write_text('{"kl": ')
    (tmp_path / "mine" / "01_kl.py").write_text(HEAD + RIGHT["kl"][0])
    assert re.search(r"1\s+begun ", ganvas("learn", "--out", "mine")[1])
    code, said, _ = ganvas("learn", 1, "--out", "mine")
    assert (code, "Next: `ganvas learn 2 --out mine`" in said.replace("\n", " ")) == (0, True)
    assert list(json.loads((tmp_path / "mine" / "done.json").read_text())) == ["kl"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("while True: pass", "did not come to an end within 6 seconds"),
        ("import os; os._exit(0)", "ended before it could be looked at"),
        ("exit()", "ended before it could be looked at"),
    ],
)
def test_a_program_that_does_not_end_well_is_told(text, told, ganvas, tmp_path, monkeypatch):
    monkeypatch.setattr(learn, "SECONDS", 6 if "6 seconds" in told else 60)
    (tmp_path / "learn").mkdir()
    (tmp_path / "learn" / "01_kl.py").write_text(text)
    code, said, _ = ganvas("learn", 1)
    assert (code, told in said.replace("\n", " ")) == (1, True), said


def test_what_a_program_prints_is_seen_beside_the_verdict(tmp_path):
    (tmp_path / "learn").mkdir()
    (tmp_path / "learn" / "01_kl.py").write_text("print('a word of mine')\n" + HEAD + RIGHT["kl"][0])
    command = [sys.executable, "-m", "ganvas", "learn", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert "a word of mine" in done.stdout
    assert "right." in done.stdout


def test_an_exercise_that_is_not_there_is_refused(ganvas, tmp_path):
    code, _, said = ganvas("learn", 19)
    assert (code, "no exercise '19'" in said, "1 to 18" in said) == (1, True, True)
    assert not list(tmp_path.iterdir())
