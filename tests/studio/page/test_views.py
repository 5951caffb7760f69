"""Every view in each theme and at each width: nothing to complain of for axe, the policy, the console or the eye."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import AXE, VIEWS, opened, sync_api

SIZES = {"desk": (1440, 900), "telephone": (375, 812)}
KEPT = os.environ.get("GANVAS_SCREENSHOTS")
SHEETS = {
    "export": ("/runs/second", ("button", "^Export$")),
    "publish": ("/runs/second", ("button", "^Export$"), ("radio", "^Model folder")),
    "longer": ("/runs/second", ("button", "^Train longer$")),
    "menu": ("/runs/second", ("button", "^More about")),
    "table": ("/runs/second", ("button", "^Show as table$"), ("button", "^More curves$")),
    "help": ("/data", ("key", "?")),
    "sliders": (VIEWS["ideas"], ("option", "seed 9"), ("button", "^(Open the|More:)")),
}
"""What lies over a view, or opens within one: the address, and what is pressed there."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize(("theme", "size"), [("light", "desk"), ("dark", "telephone")])
def test_each_view_is_sound(browser: Any, studio: Any, theme: str, size: str) -> None:
    assert AXE.exists(), "axe-core is not there: run `npm ci` in web/."
    width, height = SIZES[size]
    found: list[str] = []
    for page in opened(browser, studio, viewport={"width": width, "height": height}, color_scheme=theme):
        for name, path in VIEWS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.complaints.clear()
            page.goto(path)
            settle(page)
            if KEPT:
                page.screenshot(path=Path(KEPT) / f"{name}-{width}-{theme}.png")
            found += [f"{name}: {fault}" for fault in [*look(page), *accessible(page)]]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("theme", "size"), [("light", "desk"), ("dark", "telephone")])
def test_each_sheet_is_sound(browser: Any, studio: Any, theme: str, size: str) -> None:
    width, height = SIZES[size]
    found: list[str] = []
    for page in opened(browser, studio, viewport={"width": width, "height": height}, color_scheme=theme):
        for name, (path, *buttons) in SHEETS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(path)
            settle(page)
            for role, label in buttons:
                if role == "key":
                    page.keyboard.press(label)
                else:
                    page.get_by_role(role, name=re.compile(label)).first.click(force=True)
            page.wait_for_function(STILL)  # a sheet that is half faded in has half the contrast
            if KEPT:
                page.screenshot(path=Path(KEPT) / f"{name}-{width}-{theme}.png")
            found += [f"{name}: {fault}" for fault in [*look(page), *accessible(page)]]
    assert not found, "\n".join(found)


def test_nothing_scrolls_sideways_at_320(page: Any) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    found = []
    for name, path in VIEWS.items():
        page.goto(path)
        settle(page)
        found += [f"{name}: {fault}" for fault in look(page)]
    assert not found, "\n".join(found)


STILL = """() => document.getAnimations().every((one) => one.playState !== "running"
    || one.effect.getComputedTiming().iterations === Infinity)"""


def settle(page: Any) -> None:
    """Wait until what is to be drawn is drawn: no picture comes, and no more than before is there."""
    page.wait_for_function(
        """() => {
        const now = document.querySelectorAll("img, .tile, .cut").length;
        const still = now === window.before && !!document.querySelector("h1");
        window.before = now;
        return still && [...document.images].every((image) => image.complete)
            && !document.querySelector(".grid .wait, .plane .soon");
    }""",
        polling=200,
        timeout=60_000,
    )


def look(page: Any) -> list[str]:
    """All that is wrong with the view that is open."""
    faults = [f"said {said}" for said in page.complaints]
    faults += [f"policy {report}" for report in page.evaluate("window.reports")]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        faults.append(f"scrolls {wide} px sideways")
    shifts = [shift for shift in page.evaluate("window.shifts") if shift[0] > 0.001]
    faults += [f"shifted {shift}" for shift in shifts]
    return faults


def accessible(page: Any) -> list[str]:
    """What axe says of the whole view, at a height at which nothing lies below a bar."""
    height = min(4000, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.evaluate(AXE.read_text())
    answer = page.evaluate("(tags) => axe.run({ runOnly: tags, resultTypes: ['violations'] })", TAGS)
    return [
        f"axe {violation['id']}: {violation['help']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in answer["violations"]
    ]


def test_any_model_is_explored(page: Any) -> None:
    page.goto("/explore?m=icons&tab=pad&dx=1")
    page.get_by_label("Model", exact=True).select_option("first")
    sync_api.expect(page).to_have_url(re.compile(r"/explore\?m=first&tab=pad$"))
    page.get_by_role("link", name="Morph", exact=True).click()
    sync_api.expect(page.locator(".cmd")).to_contain_text("ganvas morph runs/first")
    assert page.complaints == []


@pytest.mark.parametrize(("size", "least"), [((320, 256), 0.5), ((667, 375), 0.9)])
def test_a_low_window_has_room_for_pictures(page: Any, size: tuple[int, int], least: float) -> None:
    """As a page at 400 % or a telephone on its side has it."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for name in ("ideas", "set"):
        page.goto(VIEWS[name])
        settle(page)
        free = page.evaluate("""() => Math.min(innerHeight, ...[...document.querySelectorAll("#studio *")].filter(
            (one) => one.checkVisibility() && ["sticky", "fixed"].includes(getComputedStyle(one).position)
        ).map((one) => one.getBoundingClientRect().top).filter((top) => top > 0)) / innerHeight""")
        assert free >= least, (name, free)
