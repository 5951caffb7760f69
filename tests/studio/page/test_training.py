"""A training from dropped pictures to a film, by the page alone, and through the end of the studio that began it."""

import io
import json
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .conftest import drop, sync_api

expect = sync_api.expect
SECONDS = 20  # of training
SOON, LATE = 60_000, 240_000  # milliseconds on a busy machine
SMALL = "".join(f"&set={setting}" for setting in ("batch=8", "generator.width=4", "critic.width=4", "measure_images=0"))


def test_dropped_trained_paused_killed_and_finished(page: Any, studio: Any, tmp_path: Path) -> None:
    page.goto("/learn/1")  # anywhere
    drop(page, drawings(tmp_path / "Little squares", 40))
    expect(page).to_have_url(re.compile("/data/Little-squares$"))
    expect(page.locator(".find").first).to_contain_text("40 can be learned from", timeout=SOON)
    expect(page.locator(".sheet img")).to_have_count(40)
    page.goto(f"/data/Little-squares?{SMALL}")
    page.get_by_role("radio", name="32 px", exact=True).check(force=True)
    for on in (True, False):
        page.get_by_role("switch", name="Take the doctor’s advice by itself").set_checked(on, force=True)
        expect(page.locator(".cmd code")).to_have_text(re.compile(r"--auto" if on else r"^((?!--auto).)*$"))
    tiles = page.get_by_role("switch", name="Seamless tiles")
    tiles.set_checked(True, force=True)
    expect(page.locator(".cmd code")).to_contain_text("train textures --data data/Little-squares --set data.across=6")
    tiles.set_checked(False, force=True)
    page.route("**/api/runs", shorter)
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile("/runs/Little-squares$"), timeout=SOON)
    state = page.locator(".runhead .state")
    expect(state).to_have_text("Training", timeout=LATE)
    expect(page.locator(".wall .cut:not(.wait)").first).to_be_visible(timeout=SOON)

    page.get_by_role("button", name="Pause", exact=True).click()
    expect(state).to_have_text("Paused", timeout=SOON)
    studio.kill(signal.SIGKILL)
    expect(page.locator(".gone")).to_contain_text("The studio was closed", timeout=SOON)
    page.complaints.clear()  # a browser says that nobody answers
    studio.start()
    expect(page.locator(".gone")).to_have_count(0, timeout=SOON)
    expect(state).to_have_text("Paused")

    page.get_by_role("button", name="Go on").click()
    expect(state).to_have_text(re.compile("Starting|Training|Finished"), timeout=SOON)
    page.reload()
    expect(state).to_have_text("Finished", timeout=LATE)
    assert page.locator(".film b").count() > 1
    page.get_by_role("link", name="Draw with it").click()
    expect(page.locator(".grid img")).to_have_count(28, timeout=SOON)
    expect(page.locator(".grid .wait")).to_have_count(0, timeout=SOON)
    assert [said for said in page.complaints if "ERR_CONNECTION" not in said] == []


def drawings(folder: Path, count: int) -> Path:
    """A folder of so many squares, each of one colour."""
    folder.mkdir()
    dice = np.random.default_rng(0)
    for index in range(count):
        picture = np.full((32, 32, 3), 255, np.uint8)
        x, y = dice.integers(2, 20, 2)
        picture[y : y + 10, x : x + 10] = dice.integers(0, 255, 3)
        Image.fromarray(picture).save(folder / f"{index}.png")
    return folder


def shorter(route: Any) -> None:
    """Ask for a training of seconds where the page offers minutes."""
    request = route.request
    if request.method == "POST":
        route.continue_(post_data=json.dumps({**request.post_data_json, "minutes": SECONDS / 60}))
    else:
        route.continue_()


def test_transparency_is_learned_where_that_is_asked_for(page: Any, studio: Any) -> None:
    studio.post("/api/data", {"name": "sprites"}, 201)
    for shade in range(4):
        sprite = Image.new("RGBA", (32, 32))
        sprite.paste((60 * shade, 0, 0, 255), (8, 8, 24, 24))
        made = io.BytesIO()
        sprite.save(made, "PNG")
        studio.put(f"/api/data/sprites/files/{shade}.png", made.getvalue())
    studio.until("/api/data/sprites", lambda about: about["state"] == "ready")
    page.goto("/data/squares")
    expect(page.get_by_role("switch", name="Take the doctor’s advice by itself")).to_be_visible()
    switch = page.get_by_role("switch", name="Learn transparency")
    expect(switch).to_have_count(0)
    page.goto("/data/sprites")
    command = page.locator(".cmd code")
    expect(command).to_contain_text("train data/sprites")
    expect(command).not_to_contain_text("channels")
    with page.expect_response("**/api/plan") as answer:
        switch.set_checked(True, force=True)
    assert answer.value.json()["recipe"]["data"]["channels"] == 4
    expect(command).to_contain_text("--set data.channels=4")
    page.goto("/data/sprites?set=data.channels%3D1")
    expect(command).to_contain_text("--set data.channels=1")
    expect(switch).to_have_count(0)
    assert page.complaints == []
