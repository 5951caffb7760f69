"""Rows that a log has lost are missed, whoever reads it; the training goes on as if it had them."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest

from ganvas import PassedOver, Run, fit
from ganvas.metrics.score import Score
from ganvas.models.publish import publish
from ganvas.runs import evaluations, report
from ganvas.studio.folders import Folder


def train(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", quiet=True, **options)


@pytest.fixture(scope="module")
def sound(points, tmp_path_factory):
    """A run of ten rows, interrupted after them."""
    folder = tmp_path_factory.mktemp("runs") / "sound"
    train(replace(points, images=160), folder)
    return folder


@pytest.fixture
def run(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture(scope="module")
def whole(points, sound, tmp_path_factory):
    """What the run comes to if nothing is damaged."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    shutil.copytree(sound, folder)
    return hashes(train(points, folder, images=320))


def hashes(run):
    return json.loads((run.newest / "manifest.json").read_text())


DAMAGES = {
    "cut at the end of a line": (lambda lines: b"".join(lines[:6]), 4),
    "its first lines gone": (lambda lines: b"".join(lines[3:]), 3),
    "lines in its middle gone": (lambda lines: b"".join(lines[:2] + lines[4:]), 2),
    "empty": (lambda _: b"", 10),
    "zeros": (lambda lines: bytes(len(b"".join(lines))), 10),
    "cut within a line": (lambda lines: b"".join(lines)[: -len(lines[-1]) - 9], 2),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_rows_that_are_missing_are_counted_and_the_training_goes_on(name, run, points, whole):
    log, (damage, missing) = run.path / "log.jsonl", DAMAGES[name]
    log.write_bytes(damage(log.read_bytes().splitlines(keepends=True)))
    told = f"{log} is damaged: {missing} of its rows are missing."
    assert run.damage == told
    with pytest.warns(PassedOver) as caught:
        assert len(run.rows) == 10 - missing
    assert [str(each.message) for each in caught] == [told]
    warnings.simplefilter("ignore", PassedOver)
    assert told in report.write(run.path).read_text()
    folder = Folder(run.path)
    folder.look()
    assert folder.damage == told
    assert hashes(train(points, run.path, images=320)) == whole, "bit for bit, the count of rows too"
    assert (run.damage, run.logged) == (told, 20)


def test_each_command_says_it_once(run):
    (run.path / "log.jsonl").unlink()
    told = f"{run.path / 'log.jsonl'} is damaged: 10 of its rows are missing.\n"
    for words in (
        ("report", run.path),
        ("doctor", run.path),
        ("watch", run.path),
        ("train", run.path, "--images", 176),
    ):
        command = [sys.executable, "-m", "ganvas", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout + done.stderr).count(told) == 1, (words, done.stderr)


def test_a_log_that_is_newer_than_the_checkpoint_is_whole(run):
    with (run.path / "log.jsonl").open("a") as log:
        log.write(json.dumps(run.rows[-1] | {"images": 176}) + "\n")
    assert run.damage == ""
    assert run.logged == 11
    (run.path / "checkpoints" / "000000160" / "state.safetensors").write_bytes(b"")  # what it counted is not known
    assert run.damage == ""


def test_who_reads_while_another_goes_back_sees_no_damage(run, monkeypatch):
    """The checkpoint is forgotten and the log cut between the two looks of a reader."""
    log = Run._log

    def going_back(self):
        newest = self.newest
        if newest:
            shutil.rmtree(newest)
            (self.path / "log.jsonl").write_text("")
        return log(self)

    monkeypatch.setattr(Run, "_log", going_back)
    assert run.damage == ""


def test_the_studio_sees_a_log_that_is_cut_later(run):
    folder, log = Folder(run.path), run.path / "log.jsonl"
    folder.look()
    assert folder.damage == ""
    lines = log.read_bytes().splitlines(keepends=True)
    os.truncate(log, len(b"".join(lines[:4])))
    folder.look()
    assert folder.damage == f"{log} is damaged: 6 of its rows are missing."
    log.unlink()
    folder.look()
    assert folder.damage == f"{log} is damaged: 10 of its rows are missing."


def test_a_published_model_counts_its_rows(run, tmp_path):
    handed = Run(publish(run, tmp_path / "handed"))
    assert (handed.damage, len(handed.rows)) == ("", 10)
    (handed.path / "log.jsonl").write_text("")
    assert "10 of its rows are missing" in handed.damage


def test_evaluations_that_are_missing_are_counted(tmp_path):
    file = tmp_path / "evaluations.jsonl"
    for count in (10, 20, 30):
        evaluations.keep(tmp_path, {"features": "some", "real": count}, {"kd": Score(0.25, 0.01, {}, ())})
    assert [each.about["real"] for each in evaluations.latest(tmp_path)] == [10, 20, 30]
    lines = file.read_bytes().splitlines(keepends=True)
    for content, missing in ((b"".join(lines[:2]), 2), (b"".join(lines)[:-9], 1), (b"".join(lines[:1]), 3)):
        file.write_bytes(content)
        told = f"{file} is damaged: of 3 evaluations {missing} are missing." if missing > 1 else "1 lines are damaged"
        with pytest.warns(PassedOver, match=told):
            assert len(evaluations.latest(tmp_path)) == 3 - missing
    file.write_bytes(b"".join(lines[:3]))
    evaluations.keep(tmp_path, {"features": "some", "real": 40}, {})
    with pytest.warns(PassedOver, match="of 4 evaluations 1 are missing"):
        evaluations.latest(tmp_path)
    for content in (b"", bytes(900)):
        file.write_bytes(content)
        with pytest.warns(PassedOver, match="1 evaluations 1 are missing|1 lines are damaged"):
            assert evaluations.latest(tmp_path) == []
    file.write_bytes(b"".join(lines[1:]))  # as it was written before lines were counted
    assert len(evaluations.latest(tmp_path)) == 3
