"""Who uses the keyboard alone stays where the hands are, and sees it."""

from typing import Any

from .conftest import sync_api

expect = sync_api.expect


def test_the_focus_is_not_lost_when_what_had_it_goes(page: Any) -> None:
    page.goto("/data")
    page.get_by_role("link", name="squares").press("Enter")
    expect(page.get_by_role("heading", name="squares")).to_be_visible()
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
