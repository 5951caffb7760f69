"""Parts of the server without a server: what they do after something has gone wrong."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")

from ganvas.core.errors import Busy
from ganvas.studio import app, serve
from ganvas.studio.children import Child, environment, python
from ganvas.studio.data import Sets
from ganvas.studio.folders import Folder
from ganvas.studio.jobs import Jobs
from ganvas.studio.kept import Board
from ganvas.studio.models import Models
from ganvas.studio.playgrounds import Playgrounds, _Playground
from ganvas.studio.refused import Refused
from ganvas.studio.runs import Runs
from ganvas.studio.workspace import Workspace


@pytest.mark.parametrize(("written", "state"), [(b"GIF89a", "done"), (b"", "failed"), (None, "failed")])
def test_a_job_that_ended_while_no_server_was_there(tmp_path, written, state):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    child = Child.new(workspace, "film", ["film", "runs/one"], {"makes": ["film.gif"], "answer": ""})
    child.state, child.pid, child.started = "running", 2**22 + 1, "of a process that is gone"
    child.save()
    if written is not None:
        (child.folder / "film.gif").write_bytes(written)
    found = Jobs(workspace, None, None).about(child.id)
    assert found["state"] == state
    assert found["error"] == ("It ended without a word." if state == "failed" else None)
    assert [file["name"] for file in found["files"]] == (["film.gif"] if state == "done" else [])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows kills without a signal")
def test_what_was_killed_is_no_defect_of_the_toolkit(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    child = Child.new(workspace, "train", ["train", "digits"], {})
    child.code = -signal.SIGKILL
    assert child.error().startswith("The system ended it, most likely because memory ran out")
    child.stopping = 1.0
    assert child.error() is None, "its user stopped it twice"
    child.code = -signal.SIGSEGV
    assert "a defect of the toolkit" in child.error()


def test_a_warning_of_a_training_that_was_paused_is_no_failure(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    child = Child.new(workspace, "train", ["train", "digits"], {})
    child.console.write_text("ganvas: The checkpoint runs/digits/checkpoints/000000320 is damaged and passed over.\n")
    child.code = 0
    assert child.error() is None
    child.code = 1
    assert child.error().startswith("The checkpoint runs/digits")


MINE = """import ganvas


@ganvas.part("recipe")
def of_my_own():
    \"\"\"A recipe of my own.\"\"\"
"""


def test_a_command_finds_what_was_named_here_and_takes_no_module_from_the_workspace(tmp_path, monkeypatch):
    workspace, here = Workspace(tmp_path / "workspace"), tmp_path / "here"
    workspace.prepare()
    (workspace.root / "random.py").write_text("raise SystemExit('a file of the workspace')")
    here.mkdir()
    (here / "mine.py").write_text(MINE)
    monkeypatch.chdir(here)
    monkeypatch.setenv("GANVAS_PARTS", "mine.py")
    monkeypatch.setenv("GANVAS_CACHE", "cache")
    child = Child.new(workspace, "train", ["list", "recipes"], {})
    child.begin(workspace)
    end = time.monotonic() + 60
    while child.alive:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (child.code, child.error()) == (0, None)
    assert re.search(r"^of_my_own +A recipe of my own\.$", child.console.read_text(), re.MULTILINE)
    assert environment(progress=True)["GANVAS_CACHE"] == str(here / "cache")
    assert [python("ganvas.studio.plane")[1], python("ganvas")[1]] == ["-P", "-P"]


def test_the_browser_is_started_without_the_token(tmp_path):
    """Its arguments are in the list of processes, which everybody reads."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    address = serve._unseen(workspace, "http://127.0.0.1:8765/?token=secret")
    page = tmp_path / "studio" / "open.html"
    assert address == page.as_uri()
    assert '"0;url=http://127.0.0.1:8765/?token=secret"' in page.read_text()
    assert os.name == "nt" or page.stat().st_mode & 0o777 == 0o600


def test_the_watch_goes_on_after_a_failure(monkeypatch):
    monkeypatch.setattr(app, "OFTEN", 0.0)
    looks, told = [], []

    def broken():
        looks.append("runs")
        if len(looks) == 1:
            raise OSError("a folder that is being moved")
        return [("run", {"look": len(looks)})]

    def swept():
        looks.append("playgrounds")
        if looks.count("playgrounds") == 1:
            raise RuntimeError("once")

    parts = SimpleNamespace(
        runs=SimpleNamespace(tick=broken),
        sets=SimpleNamespace(tick=lambda: [("data", "set")]),
        jobs=SimpleNamespace(tick=list),
        playgrounds=SimpleNamespace(sweep=swept),
        models=SimpleNamespace(changed=list, all=list),
        worker=SimpleNamespace(ready=True),
        hub=SimpleNamespace(heard=True, tell=lambda event, data: told.append(event)),
    )
    monkeypatch.setattr(app.live, "everything", lambda _parts: {})

    async def until_told():
        watching = asyncio.create_task(app._watch(parts))
        while "state" not in told:
            await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(asyncio.wait_for(until_told(), 20))
    assert told[:4] == ["data", "run", "data", "state"]


def test_folders_that_no_request_can_name_are_no_runs(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    for name in ("one", "my run", ".old", "cats (copy)", "Über", "nul"):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    runs = Runs(workspace)
    assert [about["name"] for _, about in runs.tick()] == ["one"]
    assert [about["name"] for about in runs.all()] == ["one"]


def test_a_run_or_a_set_that_is_gone_is_told(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    (tmp_path / "runs" / "one").mkdir()
    (tmp_path / "runs" / "one" / "run.json").write_text("{}")
    (tmp_path / "data" / "set").mkdir()
    for part, event, name in ((Runs(workspace), "run", "one"), (Sets(workspace), "data", "set")):
        part.tick()
        part.discard(name)
        assert (event, {"name": name, "gone": True}) in part.tick()
        assert part.tick() == []


def test_what_was_thrown_away_comes_back(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    for folder in ("runs", "data"):  # of one name
        (tmp_path / folder / "one").mkdir()
        (tmp_path / folder / "one" / "run.json").write_text("{}")
    workspace.studio("sets", "one.json").write_text("{}")
    for part, event in ((Runs(workspace), "run"), (Sets(workspace), "data")):
        part.tick()
        before = sorted(path.name for path in tmp_path.rglob("*"))
        with pytest.raises(Refused, match="now, so the one that was deleted stays") as there:
            part.restore("one")
        assert there.value.status == 409
        part.discard("one")
        part.tick()
        assert part.restore("one")["name"] == "one"
        assert [(told, about["name"]) for told, about in part.tick()] == [(event, "one")]
        assert sorted(path.name for path in tmp_path.rglob("*")) == before
        part.discard("one")
        for path in workspace.studio("trash").iterdir():
            path.rename(tmp_path / path.name)
        for name in ("one", "two", "..", "a/b"):
            with pytest.raises(Refused) as gone:
                part.restore(name)
            assert gone.value.status == 404


def test_a_set_that_comes_back_is_not_read_again(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    (tmp_path / "data" / "one").mkdir()
    (tmp_path / "data" / "one" / "1.png").write_bytes(b"1")
    sets = Sets(workspace)
    like = sets._like(sets.view("one"))
    sets.discard("one")
    workspace.studio("sets", "one.json").write_text(json.dumps({"like": like, "found": {"count": 7}}))
    workspace.discard(workspace.studio("sets", "one.json"))
    assert (sets.restore("one")["state"], sets.about("one")["count"]) == ("ready", 7)
    assert sets.view("one").reader is None


@pytest.mark.parametrize("state", ["done", "failed"])
def test_a_run_that_comes_back_is_what_it_was(tmp_path, monkeypatch, state):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    monkeypatch.setattr(Child, "begin", lambda *_args, **_more: None)  # it waits for ever
    runs = Runs(workspace)
    runs.start("two", ["train", "digits", "--minutes", "3"], {"source": "digits"})
    runs.pause("two", ended=True)
    runs._children["two"].state = state
    runs._children["two"].save()
    before = runs.about("two")
    runs.discard("two")
    again = Runs(workspace)  # a studio that was started since
    assert again.all() == []
    assert again.restore("two") == before
    assert again._children["two"].state == state
    assert Runs(workspace).all() == again.all() == [before]


def test_a_model_that_comes_back_is_looked_at_again(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    models = Models(workspace)
    there = {"one": tmp_path}
    monkeypatch.setattr(models, "paths", lambda: there)
    monkeypatch.setattr("ganvas.studio.models._stamp", lambda _path: "1")
    models._stamps["one"] = "1"
    models._about["one"] = {"name": "one"}
    assert models.changed() == []
    there.clear()
    assert models.changed() == []
    there["one"] = tmp_path
    assert models.changed() == ["one"]


def test_a_run_that_nobody_trains_is_read_again_only_when_it_changes(tmp_path, monkeypatch):
    """With hundreds of them, each look would keep a core busy that trainings need."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    run = tmp_path / "runs" / "one"
    (run / "samples").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    runs, looks, look = Runs(workspace), [], Folder.look
    monkeypatch.setattr(Folder, "look", lambda folder: looks.append(folder.name) or look(folder))
    runs.tick()
    for path in (run, *run.iterdir()):
        os.utime(path, (1e9, 1e9))
    runs.tick()
    seen = len(looks)
    assert runs.tick() == []
    assert runs.about("one")["sheets"] == []
    assert len(looks) == seen
    (run / "samples" / "000000064.png").write_bytes(b"")
    assert [about["sheets"] for event, about in runs.tick() if event == "run"] == [[64]]
    shutil.rmtree(run)
    assert runs.tick() == [("run", {"name": "one", "gone": True})]


def test_a_waiting_run_that_is_stopped_can_be_trained_longer_or_deleted(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    monkeypatch.setattr(Child, "begin", lambda *_args, **_more: None)  # it waits for ever
    runs = Runs(workspace)
    runs.start("two", ["train", "digits", "--minutes", "3", "--seed", "1"], {"source": "digits"})
    assert runs.pause("two", ended=True)[0]["state"] == "ended early"
    assert runs.about("two")["state"] == "ended early"
    assert runs.folder("two").images == 0
    runs.go_on("two", length=["--minutes", "10"])
    assert runs.about("two")["command"] == "ganvas train digits --seed 1 --out runs/two --minutes 10"
    runs.pause("two", ended=True)
    runs.discard("two")
    assert runs.all() == []


def test_a_run_does_not_take_the_name_of_a_model_that_comes_along(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    assert Runs(workspace, at_once=0).start("icons", ["train", "digits"], {})["name"] == "icons-2"


def test_the_copy_of_a_kept_picture_comes_back(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    drawn = []
    board = Board(workspace, None, SimpleNamespace(submit=lambda _when, copy: drawn.append(copy)))
    one = {"id": "a1", "place": {}, "model": {"fp": "x"}}
    board.put({"version": 1, "places": [one], "order": ["a1"]}, "*")
    assert len(drawn) == 1
    copy = workspace.studio("kept", "a1.png")
    copy.write_bytes(b"what the model drew then")
    board.put({"version": 1, "places": [], "order": []}, "*")
    assert not copy.exists()
    board.put({"version": 1, "places": [one], "order": ["a1"]}, "*")
    assert copy.read_bytes() == b"what the model drew then"
    assert len(drawn) == 1


def test_a_board_that_cannot_be_read_is_put_aside(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    workspace.studio("kept.json").write_text('{"version": 2, "places": [1, 2, 3]}')
    Board(workspace, None, None).put({"version": 1, "places": [], "order": []}, "*")
    (aside,) = workspace.studio("trash").iterdir()
    assert json.loads(aside.read_text())["places"] == [1, 2, 3]


@pytest.mark.parametrize(
    "damaged", ['{"birds": "pict', '["birds"]', '{"birds": 3}', '{"..": "pictures"}', "", "[" * 99_999]
)
def test_folders_of_sets_that_cannot_be_read_are_put_aside(tmp_path, monkeypatch, damaged):
    monkeypatch.setattr(Sets, "tick", lambda self: [])  # no process reads the pictures
    (tmp_path / "pictures" / "birds").mkdir(parents=True)
    workspace = Workspace(tmp_path / "work", (tmp_path / "pictures",))
    workspace.prepare()
    Sets(workspace).create("birds", "pictures/birds")
    assert [each["name"] for each in Sets(workspace).all()] == ["birds", "pictures"]
    workspace.studio("sets.json").write_text(damaged)
    Sets(workspace).create("more", "pictures/birds")
    (aside,) = workspace.studio("trash").iterdir()
    assert aside.read_text() == damaged
    assert [each["name"] for each in Sets(workspace).all()] == ["more", "pictures"]


def test_an_empty_set_is_said_to_be_empty(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    sets = Sets(workspace)
    sets.create("empty", None)
    states = []
    for _ in range(2):
        sets.view("empty").touched = 0.0
        sets.tick()
        states.append(sets.about("empty")["state"])
    assert states == ["uploading", "failed"]
    assert sets.about("empty")["error"].startswith("No file has come")
    with sets.opened("empty", "1.png", 10):
        assert sets.about("empty")["state"] == "uploading"
    assert sets.about("empty")["error"] is None


def test_two_studios_of_one_folder(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    (tmp_path / "studio" / "open.json").write_text('"http://127.0.0.1:8765"')
    lock = serve._alone(workspace)
    with pytest.raises(Busy, match=r"is open already, at http://127.0.0.1:8765\. Stop it"):
        serve._alone(workspace)
    lock.release()
    serve._alone(workspace).release()


def test_names_of_this_machine_are_as_urls_have_them(monkeypatch):
    monkeypatch.setattr(serve, "_outward", lambda: ["192.0.2.7"])
    assert serve._in_url("::1") == "[::1]"
    assert serve._in_url("Laptop") == "laptop"
    assert {socket.gethostname().lower(), "192.0.2.7"} <= serve._names()


def test_a_playground_that_has_ended_is_told(tmp_path):
    told = []
    grounds = Playgrounds(SimpleNamespace(heard_by=lambda _name: False, tell=lambda *what, plane: told.append(what)))
    process = SimpleNamespace(kill=lambda: None)
    grounds._all["p1"] = _Playground(process, heard=0.0)
    assert grounds.knows("p1")
    grounds.sweep()
    assert not grounds.knows("p1")
    assert told == [("plane", {"id": "p1", "ended": True})]
