"""Who uses the keyboard alone stays where the hands are, and sees it."""

from typing import Any

import pytest

from .conftest import sync_api
from .test_views import settle

expect = sync_api.expect


def test_the_focus_is_not_lost_when_what_had_it_goes(page: Any) -> None:
    page.goto("/data")
    page.get_by_role("link", name="squares", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="squares", exact=True)).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("button", name="0.png", exact=True).focus()
    page.go_back()
    expect(page.get_by_role("heading", name="Data")).to_be_visible()
    expect(page.locator("#main")).to_be_focused()


def test_a_button_that_waits_has_the_focus_again(page: Any) -> None:
    page.goto("/runs/second")
    page.get_by_role("button", name="Export", exact=True).press("Enter")
    save = page.get_by_role("button", name="Save 28 pictures")
    page.evaluate("""new MutationObserver(() => requestAnimationFrame(() => {
        window.lost ||= !document.activeElement.closest("dialog");
    })).observe(document.body, { subtree: true, childList: true, attributes: true })""")
    with page.expect_download():
        save.press("Enter")
    expect(save).to_be_focused()
    assert page.evaluate("window.lost") is False


def test_a_menu_gives_the_focus_back(page: Any) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    page.goto("/data/squares")
    more = page.get_by_role("button", name="More", exact=True)
    for chosen in ("Dark theme", "Light theme", "Help and keys"):
        more.press("Enter")
        page.get_by_role("button", name=chosen, exact=True).last.press("Enter")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(more).to_be_focused()


COVERED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    if (one === document.body) return []; // beyond the last
    const feet = [...document.querySelectorAll(".shelf, .cmd, .tabbar, .inspect")].filter((foot) =>
        foot.checkVisibility() && ["sticky", "fixed"].includes(getComputedStyle(foot).position) && !foot.contains(one));
    return feet.filter((foot) => {
        const { top, left, right } = foot.getBoundingClientRect();
        return box.bottom > top + 1 && box.top < innerHeight && box.left < right && box.right > left;
    }).map((foot) => `${one.ariaLabel ?? one.textContent} below ${foot.className}`);
}"""


@pytest.mark.parametrize("size", [(1440, 900), (640, 400)])
def test_what_has_the_focus_is_seen(page: Any, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    found: list[str] = []
    for path in ("/ideas?m=icons&w=3d+fruit&s=0&n=28&at=0", "/data/squares", "/runs/second"):
        page.goto(path)
        settle(page)
        grid = page.locator(".tile").first
        if grid.count():
            grid.focus()
        for key in ["ArrowDown"] * 6 if grid.count() else ["Tab"] * 40:
            page.keyboard.press(key)
            found += page.evaluate(COVERED)
    assert not found, "\n".join(found)


def test_keys_of_one_letter_can_be_turned_off(page: Any) -> None:
    """Dictated words press them one after the other (WCAG 2.1.4)."""
    page.goto("/data")
    heading = page.get_by_role("heading", name="Data", exact=True)
    expect(heading).to_be_visible()
    page.keyboard.press("?")
    switch = page.get_by_role("switch", name="Keys of one letter act everywhere")
    switch.set_checked(False, force=True)
    page.keyboard.press("Escape")
    page.reload()
    expect(heading).to_be_visible()
    for key in ("3", "?"):
        page.keyboard.press(key)
    expect(heading).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Help and keys").first.click()
    switch.set_checked(True, force=True)
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
