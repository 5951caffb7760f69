"""A browser, and a studio for it: a workspace with a set of drawings and two finished trainings.

Without the extra `studio-test` or a browser these tests are skipped; one that GANVAS_BROWSER names has to be there.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganvas import fit

from ..server.studio_server import Studio, draw_set

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'ganvas[studio-test]'")
BROWSER = os.environ.get("GANVAS_BROWSER", "/usr/bin/chromium")
AXE = Path(__file__).parents[3] / "web/node_modules/axe-core/axe.min.js"
# Layout shifts and reports of the content security policy, from the first moment of a page.
WATCH = """
window.shifts = []; window.reports = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
    const what = entry.sources.map(({ node }) => (node?.nodeType === 1 ? node.outerHTML.slice(0, 80) : ""));
    window.shifts.push([entry.value, what]);
  }
}).observe({ type: "layout-shift", buffered: true });
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  window.reports.push(`${violatedDirective} ${blockedURI}`));
"""


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory, browser: "sync_api.Browser", pictures: Any) -> Iterator[Studio]:
    """A studio in which something has been done: a set `squares`, trainings `first` and `second`, a kept picture."""
    folder = tmp_path_factory.mktemp("page") / "workspace"
    for seed, name in enumerate(("first", "second")):
        fit(replace(pictures, images=320, sheets=10), out=folder / "runs" / name, seed=seed, quiet=True, device="cpu")
    running = Studio(folder).start()
    draw_set(running, "squares", count=20)
    running.until("/api/models", lambda models: {"icons", "first", "second"} <= {each["name"] for each in models})
    keep(running, {"seed": 1, "words": "red heart"})
    running.entered = entered(browser, running)
    yield running
    running.kill()


def keep(studio: Studio, place: dict[str, Any]) -> None:
    """Keep a picture of `icons`, as if its heart had been pressed."""
    fp = studio.get("/api/models/icons")["fp"]
    item = {"id": "0123456789abcdef", "model": {"name": "icons", "fp": fp}, "place": place, "parents": []}
    kept = {"version": 1, "places": [{**item, "kept": "2026-11-27T00:00:00Z"}], "order": [item["id"]]}
    etag = studio.client.get("/api/kept").headers["etag"]
    studio.client.put("/api/kept", json=kept, headers={"If-Match": etag}).raise_for_status()


def entered(browser: "sync_api.Browser", studio: Studio) -> Any:
    """What a browser remembers that came in by the address that the studio printed."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{studio.url}/?token={studio.token}")
    page.wait_for_url(f"{studio.url}/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="package")
def browser() -> Iterator["sync_api.Browser"]:
    """One Chromium for these tests, and no longer: while it is open no other test of its process can run a loop."""
    if not Path(BROWSER).exists():
        assert "GANVAS_BROWSER" not in os.environ, f"There is no browser {BROWSER}."
        pytest.skip(f"There is no browser {BROWSER}.")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: "sync_api.Browser", studio: Studio) -> Iterator["sync_api.Page"]:
    """A light page of 1440 x 900, with whatever it complains of collected in `page.complaints`."""
    yield from opened(browser, studio)


def opened(browser: "sync_api.Browser", studio: Studio, **more: Any) -> Iterator["sync_api.Page"]:
    """A page in a context of its own."""
    usual = {"base_url": studio.url, "storage_state": studio.entered, "viewport": {"width": 1440, "height": 900}}
    context = browser.new_context(**(usual | more))
    context.add_init_script(WATCH)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    context.close()


def drop(page: "sync_api.Page", path: Path) -> None:
    """Drop a file or a folder on the page as a hand does."""
    hand = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for moment in ("dragEnter", "dragOver"):
        hand.send("Input.dispatchDragEvent", {"type": moment, "x": 700, "y": 400, "data": data})
    sync_api.expect(page.locator(".dropping")).to_contain_text("make a data set")
    hand.send("Input.dispatchDragEvent", {"type": "drop", "x": 700, "y": 400, "data": data})


VIEWS = {
    "first": "/",
    "ideas": "/ideas?m=icons&w=3d+fruit&v=1&s=0&n=28&at=9&mv=warmth:1.5",
    "kept": "/kept",
    "tree": "/kept?as=tree",
    "data": "/data",
    "set": "/data/squares",
    "runs": "/runs",
    "run": "/runs/second",
    "unknown": "/runs/nobody",
    "compare": "/compare?a=first&b=second",
    "morph": "/explore?m=icons&tab=morph",
    "pad": "/explore?m=icons&tab=pad",
    "project": "/explore?m=icons&tab=project",
    "judge": "/explore?tab=judge",
    "learn": "/learn/1",
    "drawing": "/learn/5",
    "nothing": "/no/such/place",
}
"""The address of each view."""
