"""What is said at the edge: errors stay until they were read, and what was deleted comes back from there."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from ..server.studio_server import draw_set
from .conftest import sync_api
from .test_stories import DRAWN

expect = sync_api.expect
BUSY = "It trains; stop it first."


@pytest.fixture
def third(studio: Any) -> Iterator[str]:
    """A run for this test alone."""
    shutil.copytree(studio.root / "runs/first", studio.root / "runs/third")
    studio.until("/api/runs", lambda runs: "third" in {run["name"] for run in runs})
    yield "third"
    studio.client.delete("/api/runs/third")
    studio.until("/api/models", lambda models: "third" not in {each["name"] for each in models})


def delete(page: Any, what: str) -> None:
    """Delete what the page is of, by its menu."""
    page.get_by_role("button", name=f"More about this {what}").click()
    page.get_by_role("button", name="Delete, kept for seven days").click()


def test_an_error_stays_until_it_was_read(page: Any) -> None:
    answer = {"error": {"code": "conflict", "message": BUSY, "field": None}}
    page.route("**/api/runs/second", lambda route: route.fulfill(status=409, body=json.dumps(answer)))
    page.clock.install()
    page.goto("/runs/second")
    alert, dismiss = page.get_by_role("alert"), page.get_by_role("button", name="Dismiss")
    delete(page, "run")
    expect(alert).to_have_text(BUSY)
    page.clock.fast_forward(60_000)
    page.wait_for_timeout(200)
    expect(alert).to_have_text(BUSY)
    dismiss.click()
    expect(alert).to_have_count(0)

    delete(page, "run")
    page.get_by_role("button", name="More about this run").focus()
    dismiss.focus()
    page.keyboard.press("Enter")
    expect(alert).to_have_count(0)
    expect(page.get_by_role("button", name="More about this run")).to_be_focused()

    delete(page, "run")
    expect(alert).to_have_text(BUSY)
    page.keyboard.press("Escape")
    expect(alert).to_have_count(0)

    delete(page, "run")
    expect(alert).to_have_text(BUSY)
    page.keyboard.press("c")
    expect(page.locator(".toast")).to_have_text("Copied the command")
    expect(alert).to_have_count(0)
    page.clock.fast_forward(6000)
    expect(page.locator(".toast")).to_have_count(0)


def test_a_run_that_was_deleted_comes_back(page: Any, studio: Any, third: str) -> None:
    page.clock.install()
    page.goto(f"/runs/{third}")
    delete(page, "run")
    expect(page).to_have_url(re.compile("/runs$"))
    toast = page.locator(".toast")
    undo = toast.get_by_role("button", name="Undo")
    toast.hover()
    studio.until("/api/models", lambda models: third not in {each["name"] for each in models})
    for held, free in ((toast.hover, lambda: page.mouse.move(900, 10)), (undo.focus, undo.blur)):
        held()
        page.clock.fast_forward(60_000)
        page.wait_for_timeout(200)
        expect(undo).to_be_visible()
        free()
    undo.click()
    expect(page).to_have_url(re.compile(f"/runs/{third}$"))
    expect(page.get_by_role("heading", name=third)).to_be_visible()
    expect(page.locator(".wall .cut:not(.wait)")).to_have_count(64, timeout=DRAWN)
    page.get_by_role("link", name="Draw with it").click()
    expect(page.locator(".grid img")).to_have_count(28, timeout=DRAWN)
    assert (studio.root / "runs" / third / "run.json").exists()
    assert page.complaints == []


def test_a_toast_that_was_not_used_goes(page: Any, third: str) -> None:
    page.clock.install()
    page.goto(f"/runs/{third}")
    delete(page, "run")
    toast = page.locator(".toast")
    expect(toast.get_by_role("button", name="Undo")).to_be_visible()
    page.clock.fast_forward(6000)
    page.wait_for_timeout(200)
    expect(toast).to_be_visible()
    page.clock.fast_forward(6000)
    expect(toast).to_have_count(0)


def test_a_set_that_was_deleted_comes_back(page: Any, studio: Any) -> None:
    draw_set(studio, "dots", count=3)
    page.goto("/data/dots")
    expect(page.locator(".sheet img")).to_have_count(3)
    delete(page, "set")
    expect(page).to_have_url(re.compile("/data$"))
    studio.get("/api/data/dots", 404)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page).to_have_url(re.compile("/data/dots$"))
    expect(page.locator(".sheet img")).to_have_count(3)
    expect(page.locator(".find").first).to_contain_text("3 can be learned from")
    assert studio.get("/api/data/dots")["state"] == "ready"
    assert studio.client.delete("/api/data/dots").status_code == 204


def test_what_cannot_come_back_is_said(page: Any, studio: Any) -> None:
    draw_set(studio, "dots", count=3)
    page.goto("/data/dots")
    delete(page, "set")
    expect(page).to_have_url(re.compile("/data$"))
    studio.post("/api/data", {"name": "dots"}, 201)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("alert")).to_contain_text("There is a set 'dots' now")
    assert studio.client.delete("/api/data/dots").status_code == 204


def test_what_is_said_in_a_dialog_is_seen_and_heard_there(page: Any) -> None:
    """Also where the browser has no clipboard, as over plain http from another machine."""
    page.add_init_script("""Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.addEventListener("copy", () => (window.copied = document.activeElement.value));""")
    page.goto("/runs/second")
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog")
    copy = dialog.get_by_role("button", name="Copy the command")
    copy.press("Enter")
    expect(dialog.locator(".toast")).to_have_text("Copied the command")
    expect(dialog.get_by_role("status")).to_have_text("Copied the command")
    assert page.evaluate("window.copied").startswith("ganvas sample runs/second")
    expect(copy).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".toast")).to_have_text("Copied the command")
