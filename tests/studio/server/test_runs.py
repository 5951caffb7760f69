"""A real training of seconds: started by a request, paused, left by a studio that is killed, gone on, finished."""

import json
import os
import signal
import time

import pytest

from ganvas import plan
from ganvas.models.model import load
from ganvas.runs.mends import Mend
from ganvas.runs.rescues import Rescue
from ganvas.studio.folders import Folder

from .studio_server import Studio, draw_set, events, wait

SMALL = ["batch=8", "generator.width=4", "critic.width=4", "measure_images=0", "sheets=20"]
IMAGES = 4000


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A studio of this file's own, with a set of 40 drawings."""
    folder = tmp_path_factory.mktemp("trained") / "workspace"
    running = Studio(folder).start()
    draw_set(running, "squares")
    yield running
    running.kill()


def ask(name, **more):
    return {"source": "squares", "name": name, "images": IMAGES, "size": 16, "settings": SMALL, **more}


def at_end(state):
    return state in {"finished", "failed", "ended early", "paused"}


def test_a_set_says_what_is_in_it(own):
    found = own.get("/api/data/squares")
    assert (found["state"], found["count"], found["own"], found["source"]) == ("ready", 40, True, "data/squares")
    assert found["sizes"] == [{"width": 32, "height": 32, "count": 40}]
    shown = own.get("/api/data/squares/pictures?count=10&size=16")
    assert len(shown) == 10
    for url in (shown[0]["url"], shown[0]["as_learned"]):
        answer = own.client.get(url)
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
    assert own.get("/api/data/squares/pictures?from=38&count=10&size=16")[-1]["name"] == "9.png"


def test_a_plan_is_the_command(own):
    found = own.post("/api/plan", {"source": "squares", "size": 16, "settings": ["batch=8"]})
    assert found["command"] == "ganvas train data/squares --size 16 --set batch=8"
    assert found["recipe"]["batch"] == 8
    assert "memorises so few" in found["warnings"][0]


def test_tiles_have_a_recipe_of_their_own(own):
    found = own.post("/api/plan", {"source": "squares", "size": 16, "settings": ["data.fit=crop"], "tiles": True})
    assert found["command"] == (
        "ganvas train textures --data data/squares --set data.across=6 --size 16 --set data.fit=crop"
    )
    assert found["recipe"]["networks"]["generator"]["seamless"]
    assert found["recipe"]["data"]["path"].endswith("data/squares")
    assert found["recipe"]["data"]["across"] == 6
    assert found["warnings"] == ["40 pictures are smaller than 96 × 96, so fewer pieces are cut from them."]
    refused = own.post("/api/plan", {"source": "squares", "settings": [], "tiles": True, "from": "icons-base"}, 422)
    assert "Tiles have a recipe of their own" in refused["error"]["message"]


def test_paused_killed_and_gone_on_as_if_nothing_had_been(own):
    first = own.post("/api/runs", ask("story"), 201)
    assert first["state"] in {"queued", "starting"}
    assert first["command"].endswith("--images 4000 --out runs/story")
    whole = own.post("/api/runs", ask("whole"), 201)
    assert whole["state"] == "queued"
    own.until("/api/runs/story", lambda run: run["state"] == "training" and run["images"] > 0)
    assert own.client.delete("/api/runs/story").status_code == 409
    assert own.client.delete("/api/data/squares").status_code == 409
    assert own.post("/api/runs/story/pause", status=202)["name"] == "story"
    paused = own.until("/api/runs/story", lambda run: at_end(run["state"]))
    assert paused["state"] == "paused"
    assert 0 < paused["images"] < IMAGES
    assert own.post("/api/runs/story/pause")["state"] == "paused"

    own.until("/api/runs/whole", lambda run: run["state"] in {"training", "finished"})
    job = job_of(own, "whole")
    own.kill(signal.SIGKILL)
    os.kill(job["pid"], 0)  # the training goes on
    own.start()
    assert own.get("/api/runs/whole")["state"] in {"training", "finished"}
    assert own.until("/api/runs/whole", lambda run: at_end(run["state"]))["state"] == "finished"

    own.post("/api/runs/story/go-on", status=202)
    done = own.until("/api/runs/story", lambda run: at_end(run["state"]))
    assert (done["state"], done["images"], done["wanted"]) == ("finished", IMAGES, IMAGES)
    a, b = (load(own.root / "runs" / name).network.state_dict() for name in ("story", "whole"))
    assert all((a[key] == b[key]).all() for key in a)
    rows = own.get("/api/runs/story/log")
    assert [row["images"] for row in rows] == [row["images"] for row in own.get("/api/runs/whole/log")]
    assert own.get(f"/api/runs/story/log?after={rows[-2]['images']}") == rows[-1:]
    assert own.post("/api/runs/story/go-on", status=409)["error"]


def test_paused_before_it_trains_is_no_failure(own):
    assert " --auto --out runs/early" in own.post("/api/runs", ask("early", auto=True), 201)["command"]
    job = job_of(own, "early")
    assert job["state"] == "running"
    own.post("/api/runs/early/pause", status=202)
    found = own.until("/api/runs/early", lambda run: at_end(run["state"]))
    assert (found["state"], found["error"], found["images"]) == ("paused", None, 0)
    assert own.client.delete("/api/runs/early").status_code == 204


def test_what_a_training_did_by_itself_is_said(tmp_path):
    folder = Folder(tmp_path)
    assert folder.mends() == []
    rescue = Rescue("critic", 8, 16, "critic.loss is no longer a number")
    mend = Mend(32, "alike", "batch=4", "The samples are alike.", plan("mlp_gan", data="digits"))
    folder.about = {"rescues": [rescue.as_json()], "mended": mend.as_json()}
    assert folder.mends() == [str(rescue), str(mend)]
    folder.about["mended"]["before"] = {"of": "another version"}
    assert folder.mends() == [str(rescue)]


def job_of(own, name):
    jobs = [json.loads(path.read_text()) for path in own.root.glob("studio/jobs/*/job.json")]
    return next(job for job in jobs if job["asked"].get("name") == name)


def test_its_sheets_are_files_for_ever(own):
    run = own.get("/api/runs/story")
    url = f"/runs/story/sheets/{run['sheets'][-1]}.png"
    plain = own.client.get(url)
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.content == (own.root / "runs/story/samples" / f"{run['sheets'][-1]:09}.png").read_bytes()
    tag = plain.headers["etag"]
    assert own.client.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert "immutable" in own.client.get(f"{url}?h={tag.strip(chr(34))}").headers["cache-control"]
    assert own.client.get(f"{url}?h=0").headers["cache-control"] == "no-cache"
    assert own.client.get("/runs/story/sheets/7.png").status_code == 404


def test_a_model_of_it_draws(own):
    own.until("/api/models", lambda models: {"story", "whole"} <= {each["name"] for each in models})
    found = own.post("/api/draw", {"model": "story", "places": [{"seed": 3}, {"seed": 4, "truncation": 0.5}]})
    assert all(own.get(picture["url"])[:4] == b"\x89PNG" for picture in found["pictures"])
    assert own.post("/api/draw", {"model": "story", "places": [{"seed": 3, "words": "fish"}]}, 422)["error"]


def test_events_tell_of_a_training(own):
    own.post("/api/runs", ask("told", images=800), 201)
    found = events(own, lambda event, data: event == "run" and data["name"] == "told" and at_end(data["state"]))
    assert found[0][0] == "state"
    kinds = {event for event, data in found[1:] if data.get("name") == "told"}
    assert {"run", "row", "sheet"} <= kinds
    sheet = next(data for event, data in found if event == "sheet" and data["name"] == "told")
    assert "immutable" in own.client.get(sheet["url"]).headers["cache-control"]
    states = [data["state"] for event, data in found if event == "run" and data["name"] == "told"]
    assert states[-1] == "finished"


def test_longer_stopped_and_thrown_away(own):
    assert own.post("/api/runs/told/longer", {"images": 400}, 202)["state"] in {"queued", "starting"}
    assert own.until("/api/runs/told", lambda run: at_end(run["state"]))["images"] == 1200
    drawn = own.post("/api/draw", {"model": "told", "places": [{"seed": 5}]})  # before it is looked at anew
    assert own.get(drawn["pictures"][0]["url"])[:4] == b"\x89PNG"
    own.post("/api/runs", ask("stopped", images=400_000), 201)
    own.until("/api/runs/stopped", lambda run: run["state"] == "training")
    own.post("/api/runs/stopped/stop", status=202)
    assert own.until("/api/runs/stopped", lambda run: at_end(run["state"]))["state"] == "ended early"
    assert own.client.delete("/api/runs/stopped").status_code == 204
    assert own.get("/api/runs/stopped", 404)
    assert not (own.root / "runs/stopped").exists()
    again = own.post("/api/runs", ask("stopped", images=80), 201)
    assert again["name"] == "stopped-2"
    own.until("/api/runs/stopped-2", lambda run: at_end(run["state"]))


def test_a_training_that_fails_says_why(own):
    own.post("/api/runs", ask("failed", settings=["batch=8", "optimizer.rate=1e6", "generator.width=4"]), 201)
    run = own.until("/api/runs/failed", lambda run: at_end(run["state"]))
    assert run["state"] == "failed"
    assert run["error"]
    assert "Traceback" not in run["error"]


def test_a_training_in_a_terminal_is_elsewhere(own):
    import subprocess
    import sys

    words = ["train", "data/squares", "--size", "16", "--images", "400000", "--out", "runs/byhand"]
    words += [word for setting in SMALL for word in ("--set", setting)]
    process = subprocess.Popen([sys.executable, "-m", "ganvas", *words], cwd=own.root, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: (own.root / "runs/byhand/run.json").exists(), 120)
        run = own.until("/api/runs/byhand", lambda run: run["state"] == "elsewhere")
        assert run["command"] == "ganvas train runs/byhand"
        assert own.post("/api/runs/byhand/pause", status=409)["error"]
    finally:
        process.terminate()
        process.wait(60)
    assert own.until("/api/runs/byhand", lambda run: at_end(run["state"]))["state"] == "paused"


def test_fifty_at_once_while_a_training_runs(own):
    from concurrent.futures import ThreadPoolExecutor

    own.post("/api/runs", ask("busy", images=400_000), 201)
    own.until("/api/runs/busy", lambda run: run["state"] == "training")
    places = [{"seed": seed, "words": "blue fish"} for seed in range(50)]
    urls = [
        each["url"] for each in own.post("/api/draw", {"model": "icons", "places": places, "stream": "x"})["pictures"]
    ]
    others = ["/api/state", "/api/runs", "/api/runs/busy/log", "/api/models/icons/words?q=a", "/api/kept"]

    def timed(path):
        began = time.perf_counter()
        return own.client.get(path).status_code, time.perf_counter() - began

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(timed, urls[:30] + others * 4))
    assert {status for status, _ in found} <= {200, 503}
    assert sorted(seconds for _, seconds in found)[25] < 10
    own.post("/api/runs/busy/stop", status=202)
    own.until("/api/runs/busy", lambda run: at_end(run["state"]))
