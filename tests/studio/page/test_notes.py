"""What is said at the edge: errors stay until they were read."""

import json
from typing import Any

from .conftest import sync_api

expect = sync_api.expect
BUSY = "It trains; stop it first."


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
