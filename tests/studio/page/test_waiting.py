"""What the page says while something is awaited, and that nothing that is shown then passes for something else."""

import json
import re
from typing import Any

from .conftest import sync_api
from .test_stories import DRAWN, IDEAS, drawn

expect = sync_api.expect
BUSY = "The playground did not start in time; begin it again."


def hold_pictures(page: Any) -> None:
    """Let no picture come from now on."""
    page.route("**/i/**", lambda route: None)


def test_old_pictures_carry_no_numbers_of_new_ones(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    captions = page.locator(".grid .cap")
    expect(captions.nth(1)).to_have_text(re.compile(r"^\s*1 \w+"))  # the seed, and what it adds to the words
    hold_pictures(page)
    page.get_by_role("button", name="Draw others").click()
    expect(page.locator(".grid .pic.past").first).to_be_visible(timeout=DRAWN)
    expect(captions.first).to_have_text("drawing")
    expect(captions.nth(1)).to_have_text("")
    expect(page.locator(".opts")).to_contain_text("drawing 28")


def test_going_back_before_an_answer_ends_the_wait(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    page.route("**/api/draw", lambda route: None)
    with page.expect_request("**/api/draw"):
        page.get_by_role("button", name="Draw others").click()
    expect(page.locator(".opts")).to_contain_text("drawing 28")
    page.keyboard.press("z")
    expect(page.locator(".opts")).to_contain_text("28 pictures")


def test_sliders_that_were_found_are_fetched_once(page: Any) -> None:
    asked: list[str] = []
    job = {"id": "finding", "kind": "directions", "state": "done", "what": "", "done": 1, "total": 1, "command": ""}
    page.route("**/api/jobs", lambda route: route.fulfill(status=201, json={**job, "error": None, "files": []}))
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/api/models") else None)
    page.goto("/ideas?m=first")
    with page.expect_response("**/api/models"):
        page.get_by_role("button", name="Find sliders").click()
    page.wait_for_timeout(1000)
    assert len(asked) == 1


def test_a_film_shows_no_frames_of_other_stops(page: Any) -> None:
    page.goto("/explore?m=icons&tab=morph")
    button = page.locator(".stage .first")
    expect(button).to_be_enabled(timeout=DRAWN)
    hold_pictures(page)
    page.get_by_role("switch", name="Loop").set_checked(False, force=True)
    expect(page.locator(".stage .t")).to_contain_text("drawn ", timeout=DRAWN)
    expect(button).to_be_disabled()
    expect(page.locator(".frames .pic.past")).to_have_count(0)
    expect(page.locator(".frames .pic.wait").first).to_be_visible()


def test_a_playground_that_does_not_start_says_so(page: Any) -> None:
    answer = {"error": {"code": "busy", "message": BUSY}}
    page.route("**/api/plane", lambda route: route.fulfill(status=503, body=json.dumps(answer)))
    page.goto("/learn/1")
    expect(page.get_by_role("alert")).to_contain_text(BUSY)
    page.unroute("**/api/plane")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".play .t")).not_to_have_text("step 0", timeout=DRAWN)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_playground_that_takes_long_says_what_is_awaited(page: Any) -> None:
    page.route("**/api/plane", lambda route: None)
    page.goto("/learn/1")
    expect(page.locator(".plane .say")).to_have_text("The machine is busy: still starting", timeout=DRAWN)
    expect(page.get_by_role("button", name="One step")).to_be_disabled()


def test_a_playground_takes_what_was_changed_while_it_began(page: Any) -> None:
    began: list[Any] = []
    page.route("**/api/plane", lambda route: began.append(route))
    page.goto("/learn/1")
    expect(page.locator(".plane .say")).to_be_visible()
    page.get_by_role("radio", name="Slow").check(force=True)
    page.get_by_role("radio", name="Fast").check(force=True)
    expect(page.locator(".plane .say")).to_be_visible()
    with page.expect_request("**/api/plane/*/set") as asked:
        began.pop().fulfill(status=201, json={"id": "one", "data": "", "spots": 8})
    assert asked.value.post_data_json == {"speed": 0}


def test_the_sheet_of_a_telephone_closes(page: Any) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto("/ideas?m=icons&w=3d+fruit&s=0&n=28")
    drawn(page)
    inspector = page.get_by_role("complementary", name="Inspector")
    expect(inspector).to_be_hidden()
    page.locator(".tile").first.click()
    for close in (
        lambda: page.keyboard.press("Escape"),
        inspector.get_by_role("button", name="Close", exact=True).click,
    ):
        page.get_by_role("button", name="Open the sliders").click()
        expect(page.get_by_role("slider", name="Warmth")).to_be_visible()
        close()
        expect(page.get_by_role("slider", name="Warmth")).to_be_hidden()


def test_help_says_what_the_words_mean(page: Any) -> None:
    page.goto("/runs/second")
    page.get_by_role("button", name="Help and keys").click()
    words = page.get_by_role("dialog", name="Help")
    for word in ("Generator", "Critic", "Mark", "Loss", "Sample", "Seed"):
        expect(words.get_by_text(word, exact=True)).to_be_visible()


def test_a_selection_that_ends_beside_a_dialog_leaves_it_open(page: Any) -> None:
    page.goto("/runs/second")
    page.get_by_role("button", name="Help and keys").click()
    dialog = page.get_by_role("dialog", name="Help")
    box = dialog.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 40, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(dialog).to_be_visible()
    page.mouse.click(box["x"] - 40, box["y"] + box["height"] / 2)
    expect(dialog).to_have_count(0)


def test_a_picture_that_comes_when_its_view_was_left_is_no_complaint(page: Any) -> None:
    held: list[Any] = []
    page.route("**/i/**", lambda route: held.append(route))
    page.goto("/explore?m=first&tab=morph")
    expect(page.locator(".stage img")).to_have_count(1)
    page.get_by_role("link", name="Find a picture", exact=True).click()
    expect(page.locator(".legs")).to_have_count(0)
    assert held
    for route in held:
        with page.expect_response(lambda answer, url=route.request.url: answer.url == url):
            route.continue_()
    page.wait_for_timeout(200)  # the picture's own event comes after its answer
    assert page.complaints == []
