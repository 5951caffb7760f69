"""Parts of the server without a server: what they do after something has gone wrong."""

import asyncio
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")

from ganvas.studio import app
from ganvas.studio.children import Child
from ganvas.studio.jobs import Jobs
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
