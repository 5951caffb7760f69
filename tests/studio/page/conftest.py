"""A browser and a studio for the tests of its page.

GANVAS_STUDIO is the URL of a studio that runs already; GANVAS_BROWSER another Chromium than Debian's. Without a studio
or a browser the tests are skipped.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
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


@pytest.fixture(scope="session")
def url() -> str:
    """Where the studio is."""
    if "GANVAS_STUDIO" not in os.environ:
        pytest.skip("GANVAS_STUDIO names no studio.")
    return os.environ["GANVAS_STUDIO"].rstrip("/")


@pytest.fixture(scope="session")
def known(url: str) -> dict[str, Any]:
    """What the studio has: runs and sets by name, so that views of them can be opened."""

    def ask(path: str) -> Any:
        with urlopen(url + path) as answer:
            return json.load(answer)

    return {"runs": [run["name"] for run in ask("/api/runs")], "sets": [each["name"] for each in ask("/api/data")]}


@pytest.fixture(scope="session")
def browser() -> Iterator["sync_api.Browser"]:
    """One Chromium for all tests."""
    if not Path(BROWSER).exists():
        pytest.skip(f"There is no browser {BROWSER}.")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: "sync_api.Browser", url: str) -> Iterator["sync_api.Page"]:
    """A light page of 1440 x 900, with whatever it complains of collected in `page.complaints`."""
    yield from opened(browser, url)


def opened(browser: "sync_api.Browser", url: str, **more: Any) -> Iterator["sync_api.Page"]:
    """A page in a context of its own."""
    context = browser.new_context(**({"base_url": url, "viewport": {"width": 1440, "height": 900}} | more))
    context.add_init_script(WATCH)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    context.close()


def views(known: dict[str, Any]) -> dict[str, str]:
    """The URL of each view."""
    found = {
        "first": "/",
        "ideas": "/ideas?m=icons&w=3d+fruit&v=1&s=0&n=28&at=9&mv=warmth:1.5",
        "kept": "/kept",
        "tree": "/kept?as=tree",
        "data": "/data",
        "runs": "/runs",
        "compare": "/compare",
        "morph": "/explore?m=icons&tab=morph",
        "pad": "/explore?m=icons&tab=pad",
        "project": "/explore?m=icons&tab=project",
        "judge": "/explore?tab=judge",
        "learn": "/learn/1",
        "drawing": "/learn/5",
        "nothing": "/no/such/place",
    }
    if known["sets"]:
        found["set"] = f"/data/{quote(known['sets'][0])}"
    for name in known["runs"][:2]:
        found[f"run {name}"] = f"/runs/{quote(name)}"
    if len(known["runs"]) > 1:
        found["compare"] = f"/compare?a={quote(known['runs'][0])}&b={quote(known['runs'][1])}"
    return found
