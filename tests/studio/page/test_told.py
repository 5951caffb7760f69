"""What the studio says by its events, and what the page makes of it: what came, what is gone, and what has ended."""

from typing import Any

from .conftest import sync_api
from .test_stories import DRAWN

expect = sync_api.expect
HEAR = """
window.EventSource = class extends EventSource {
  constructor(url) { super(url); window.source = this; }
};
window.tell = ([event, data]) =>
  window.source.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
"""
"""Keeps the stream of events at hand, so that a test can speak as the studio does."""


def tell(page: Any, event: str, data: dict[str, Any]) -> None:
    """Say it to the page as the studio does."""
    page.evaluate("window.tell", [event, data])


def test_sets_come_and_go(page: Any, studio: Any) -> None:
    page.add_init_script(HEAR)
    page.goto("/data")
    link = page.get_by_role("main").locator("a[href='/data/circles']")
    expect(page.locator("a[href='/data/squares']")).to_be_visible()
    tell(page, "data", {**studio.get("/api/data/squares"), "name": "circles"})
    expect(link).to_have_count(1)
    tell(page, "data", {"name": "circles", "gone": True})
    expect(link).to_have_count(0)


def test_a_run_leads_to_its_set_until_it_is_gone(page: Any, studio: Any) -> None:
    page.add_init_script(HEAR)
    page.goto("/runs/second")
    run = studio.get("/api/runs/second")
    setting = {"kind": "noise", "severity": "bad", "text": "This is wrong.", "setting": "game.r1=1"}
    page.get_by_role("button", name="More about this run").click()
    link, anew = page.get_by_role("link", name="Its pictures"), page.get_by_role("button", name="Train anew")
    for source, there in (("icons:portraits", 0), ("data/squares", 1), ("squares", 1)):
        tell(page, "run", {**run, "source": source, "complaints": [setting]})
        expect(page.get_by_text("This is wrong.")).to_be_visible()
        expect(link).to_have_count(there)
        expect(anew).to_have_count(there)
    expect(link).to_have_attribute("href", "/data/squares")
    tell(page, "run", {"name": "second", "gone": True})
    expect(page.get_by_role("heading", name="There is no run called second")).to_be_visible()


def test_a_playground_that_has_ended_says_so(page: Any) -> None:
    page.add_init_script(HEAR)
    page.goto("/learn/1")
    steps = page.locator(".play .t")
    expect(steps).not_to_have_text("step 0", timeout=DRAWN)
    tell(page, "plane", {"id": "another", "ended": True})
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    tell(page, "plane", {"id": page.evaluate("source.url").split("plane=")[1], "ended": True})
    expect(page.get_by_role("alert")).to_contain_text("It ended while nobody watched; begin it again.")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(steps).not_to_have_text("step 0")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=DRAWN)
