"""Every view in both themes and at each width: nothing to complain of for axe, the policy, the console or the eye."""

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import AXE, opened, views

SIZES = {"desk": (1440, 900), "telephone": (375, 812), "narrowest": (320, 640)}
KEPT = Path(os.environ.get("GANVAS_SCREENSHOTS", ""))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_each_view_is_sound(browser: Any, url: str, known: dict[str, Any], theme: str, size: str) -> None:
    width, height = SIZES[size]
    found: list[str] = []
    for name, path in views(known).items():
        for page in opened(browser, url, viewport={"width": width, "height": height}, color_scheme=theme):
            page.goto(path)
            settle(page)
            if os.environ.get("GANVAS_SCREENSHOTS"):
                page.screenshot(path=KEPT / f"{name}-{width}-{theme}.png")
            found += [f"{name}: {fault}" for fault in look(page)]
    assert not found, "\n".join(found)


def settle(page: Any) -> None:
    """Wait until what is to be drawn is drawn."""
    for _ in range(60):
        page.wait_for_timeout(100)
        if page.evaluate("[...document.images].every((image) => image.complete) && !!document.querySelector('h1')"):
            break
    page.wait_for_timeout(250)


def look(page: Any) -> list[str]:
    """All that is wrong with the view that is open."""
    faults = [f"said {said}" for said in page.complaints]
    faults += [f"policy {report}" for report in page.evaluate("window.reports")]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        faults.append(f"scrolls {wide} px sideways")
    shifts = [shift for shift in page.evaluate("window.shifts") if shift[0] > 0.001]
    faults += [f"shifted {shift}" for shift in shifts]
    height = min(4000, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # so that nothing lies below a bar
    page.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    answer = page.evaluate("(tags) => axe.run({ runOnly: tags })", tags)
    for violation in answer["violations"]:
        nodes = [node["html"][:120] for node in violation["nodes"][:3]]
        faults.append(f"axe {violation['id']}: {violation['help']}: {nodes}")
    return faults
