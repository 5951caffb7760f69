"""What is drawn is what the command line draws, byte for byte, and places lead to places."""

import base64
import io
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from ganvas import load
from ganvas.latent.draw import save_places
from ganvas.models.made import Layout
from ganvas.models.place import Place

from .studio_server import events


def asked(studio, places, **more):
    return studio.post("/api/draw", {"model": "icons", "places": places, **more})


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return image.tobytes()


def key(url):
    return url.rpartition("/")[2]


@pytest.fixture(scope="module")
def drawn(studio):
    """64 places of one word, as the page draws them: many connections at once."""
    places = [{"seed": seed, "words": "3d fruit"} for seed in range(64)]
    found = asked(studio, places, stream="a")
    assert found["unknown"] == []
    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(lambda picture: studio.get(picture["url"]), found["pictures"]))


def test_the_page_does_not_wait_for_torch():
    code = "import sys; import ganvas.studio.serve; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_bytes_are_those_of_the_command(studio, drawn, tmp_path):
    words = ["sample", "icons", "--keywords", "3d fruit", "--count", "64", "--separate", "--out", str(tmp_path / "out")]
    subprocess.run([sys.executable, "-m", "ganvas", *words], check=True, cwd=studio.root, capture_output=True)
    made = [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())]
    assert made == drawn


def test_what_a_seed_adds_is_told(studio):
    places = [{"seed": 3, "words": "clock"}, {"seed": 3, "words": "clock", "variety": 0}, {"seed": 3}]
    added = load("icons").added("clock", 3)
    assert added
    assert [picture["added"] for picture in asked(studio, places)["pictures"]] == [added, [], []]


def test_a_picture_may_be_kept_for_ever(studio, drawn):
    url = asked(studio, [{"seed": 0, "words": "3d fruit"}])["pictures"][0]["url"]
    first = studio.client.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = studio.client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    saved = studio.client.get(url, params={"save": 1})
    assert saved.headers["content-disposition"] == 'attachment; filename="3d-fruit-0.png"'


def test_larger_ones_are_those_of_the_command(studio, tmp_path):
    url = asked(studio, [{"seed": 5, "words": "3d fruit"}])["pictures"][0]["url"]
    for scale in (2, 4):
        place = Place(5, words="3d fruit")
        layout = Layout(separate=True, scale=scale)
        folder = save_places(load("icons"), [place], tmp_path / str(scale), layout=layout, name="icons")
        assert studio.get(url, params={"scale": scale}) == (folder / "3d-fruit-5.png").read_bytes()
        with Image.open(folder / "3d-fruit-5.png") as image:
            assert image.size == (64 * scale, 64 * scale)
    assert studio.get(url.replace(url.split("/")[2], "0" * 16), 410, params={"scale": 2})["error"]["code"] == "gone"


def test_what_is_gone(studio):
    url = asked(studio, [{"seed": 0}])["pictures"][0]["url"]
    assert studio.get(url.replace(url.split("/")[2], "0" * 16), 410)["error"]["code"] == "gone"
    assert studio.get(url.replace(".png", "x.png"), 404)
    lost = asked(studio, [{"latent": "0" * 32}])["pictures"][0]["url"]
    assert studio.get(lost, 410)["error"]["message"]


@pytest.mark.parametrize("latent", ["/etc/x.safetensors", "../../x", "~/x.safetensors", "A" * 32])
def test_no_file_is_named_by_the_address_of_a_picture(studio, latent):
    place = base64.urlsafe_b64encode(json.dumps({"latent": latent}).encode()).decode().rstrip("=")
    fp = studio.get("/api/models/icons")["fp"]
    assert studio.get(f"/i/{fp}/{place}.png", 404)["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({}, None), ({"seed": True}, "seed"), ({"seed": -1}, "seed"), ({"seed": 1, "latent": "a" * 32}, None),
        ({"seed": 1, "words": "!!!"}, None), ({"seed": 1, "moves": {"nonsense": 1}}, None), ({"seed": 1, "x": 2}, None),
        ({"seed": 1, "variety": 5}, None), ({"seed": 1, "words": "a" * 201}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(studio, place, field):
    error = studio.post("/api/draw", {"model": "icons", "places": [place]}, 422)["error"]
    assert error["message"]
    assert field is None or field in error["field"]


def test_unknown_words_are_told(studio):
    pytest.importorskip("wordllama")
    assert asked(studio, [{"seed": 1, "words": "green zeppelinish"}])["unknown"] == ["zeppelinish"]
    assert studio.post("/api/draw", {"model": "nobody", "places": [{"seed": 1}]}, 404)["error"]


def test_words_of_a_model(studio):
    words = studio.get("/api/models/icons/words?q=fru")
    assert words[0].startswith("fru")
    assert len(words) <= 20
    assert all("fru" in word for word in words)


def test_places_around_and_between_are_the_same_again(studio):
    place = {"seed": 4, "words": "3d fruit"}
    ask = {"model": "icons", "place": place, "k": 0.35, "seed": 3}
    near = studio.post("/api/around", ask)["places"]
    assert near == studio.post("/api/around", ask)["places"]
    assert len({each["latent"] for each in near}) == 28
    assert near != studio.post("/api/around", {**ask, "seed": 4})["places"]
    exact = studio.post("/api/around", {**ask, "k": 0.0})["places"][0]
    pictures = asked(studio, [place, exact, near[0]])["pictures"]
    first, same, other = (pixels(studio.get(picture["url"])) for picture in pictures)
    assert first == same != other
    bred = studio.post("/api/breed", {"model": "icons", "a": place, "b": near[0], "seed": 1})["places"]
    assert len(bred) == 28
    assert all(len(each["parents"]) == 2 for each in bred)
    ways = {"model": "icons", "stops": [place, near[0]], "frames": 5, "loop": False, "eased": True}
    way = studio.post("/api/between", ways)["places"]
    ends = asked(studio, [way[0], way[-1]])["pictures"]
    assert [pixels(studio.get(end["url"])) for end in ends] == [first, other]


def test_a_preview_is_nearly_the_picture(studio, drawn):
    url = asked(studio, [{"seed": 7, "words": "3d fruit"}])["pictures"][0]["url"]
    found = studio.client.get("/api/preview", params={"model": "icons", "place": key(url)[:-4], "stream": "p"})
    assert found.headers["cache-control"] == "no-store"
    with Image.open(io.BytesIO(found.content)) as quick, Image.open(io.BytesIO(drawn[7])) as exact:
        apart = [abs(a - b) for a, b in zip(quick.tobytes(), exact.tobytes(), strict=True)]
    assert sum(apart) / len(apart) <= 12  # of 255: what is shown in passing is not refined


def test_of_previews_of_a_stream_the_newest_is_drawn(studio):
    places = [asked(studio, [{"seed": 1, "words": "fish", "variety": n / 50}])["pictures"][0]["url"] for n in range(30)]

    def ask(url):
        return studio.client.get(
            "/api/preview", params={"model": "icons", "place": key(url)[:-4], "stream": "q"}
        ).status_code

    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(ask, places))
    assert set(statuses) <= {200, 204}
    assert 200 in statuses


def test_a_new_draw_drops_the_old(studio):
    old = asked(studio, [{"seed": seed, "words": "old house"} for seed in range(5000, 5064)], stream="s")["pictures"]
    with ThreadPoolExecutor(64) as pool:
        waiting = [pool.submit(studio.client.get, picture["url"]) for picture in old]
        time.sleep(0.1)
        new = asked(studio, [{"seed": 1, "words": "new house"}], stream="s")["pictures"]
        studio.get(new[0]["url"])
        statuses = [each.result().status_code for each in waiting]
    assert set(statuses) <= {200, 503}


def test_what_is_kept_is_kept_once(studio):
    before = studio.client.get("/api/kept")
    fp = asked(studio, [{"seed": 1}])["fp"]
    item = {"id": "0123456789abcdef", "model": {"name": "icons", "fp": fp}, "place": {"seed": 3, "words": "fish"},
            "parents": [], "kept": "2026-11-27T00:00:00Z"}  # fmt: skip
    kept = {"version": 1, "places": [item], "order": [item["id"]]}
    assert studio.client.put("/api/kept", json=kept, headers={"If-Match": '"other"'}).status_code == 412
    done = studio.client.put("/api/kept", json=kept, headers={"If-Match": before.headers["etag"]})
    assert done.status_code == 200
    assert studio.client.put("/api/kept", json=kept, headers={"If-Match": before.headers["etag"]}).status_code == 412
    assert studio.get("/api/kept") == kept
    wrong = {**kept, "order": []}
    assert studio.client.put("/api/kept", json=wrong, headers={"If-Match": done.headers["etag"]}).status_code == 422
    for _ in range(100):
        if (copy := studio.client.get(f"/kept/{item['id']}.png")).status_code == 200:
            break
        time.sleep(0.1)
    assert copy.content == studio.get(asked(studio, [item["place"]])["pictures"][0]["url"])


def test_the_first_event_is_everything(studio):
    ((event, state),) = events(studio, lambda *_: True)
    assert event == "state"
    assert {"models", "runs", "data", "jobs", "ready", "extras", "machine", "version", "active"} <= state.keys()
    (icons,) = (model for model in state["models"] if model["name"] == "icons")
    assert icons["told"] == "keywords"
    assert {"flat", "outline", "3d"} <= set(icons["styles"])
    assert "CC BY" in icons["licence"]
