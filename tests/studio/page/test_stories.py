"""What people come for, done by hand: from the question to pictures, to what was kept, to a training and back."""

import re
from pathlib import Path
from typing import Any

from .conftest import drop, sync_api

expect = sync_api.expect
IDEAS = "/ideas?m=icons&w=3d+fruit&v=1&s=0&n=28&at=9"
DRAWN = 60_000  # milliseconds for pictures on a busy machine


def drawn(page: Any, count: int = 28) -> None:
    """Wait until the grid has so many pictures."""
    expect(page.locator(".grid img")).to_have_count(count, timeout=DRAWN)
    expect(page.locator(".grid .wait")).to_have_count(0, timeout=DRAWN)


def test_a_click_on_a_word_draws_28(page: Any) -> None:
    page.goto("/")
    expect(page.locator(".grid img")).to_have_count(21)
    expect(page.get_by_label("What shall it draw?")).to_be_focused()
    page.get_by_role("link", name="red heart", exact=True).click()
    drawn(page)
    expect(page).to_have_title("red heart · Ideas · Ganvas Studio")
    expect(page.locator(".tile.sel")).to_have_attribute("aria-label", re.compile("^red heart, seed"))
    assert page.complaints == []


def test_typed_words_draw_and_unknown_ones_are_said(page: Any) -> None:
    page.goto("/")
    page.keyboard.type("green zeppelinish")
    page.keyboard.press("Enter")
    drawn(page)
    told = page.locator(".told")
    expect(told).to_contain_text("zeppelinish is not a word it learned; taken by its meaning in English")
    expect(page.locator(".under u")).to_have_text("zeppelinish")
    words = page.get_by_label("Words: what shall it draw?")
    words.press("Control+a")
    page.keyboard.type("green tree", delay=30)  # by keys: a value that is set at once hides what each of them does
    expect(page).to_have_url(re.compile(r"w=green\+tree"))
    expect(words).to_have_value("green tree")
    expect(page.locator(".tile").first).to_have_attribute("aria-label", re.compile("green tree, seed 0"), timeout=DRAWN)
    expect(page.locator(".told")).to_have_count(0)


def test_the_command_is_that_of_the_view(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    code = page.locator(".cmd code")
    told = '--keywords "3d fruit" --variety 1'
    expect(code).to_have_text(f"ganvas sample icons {told} --count 28 --seed 0 --out 3d-fruit.png")
    page.goto(IDEAS + "&mv=warmth:1.5")
    expect(code).to_contain_text("--direction warmth --strength 1.5")


def test_keys_move_keep_and_undo(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    before = page.locator(".grid .cap svg").count()
    page.get_by_role("option", name="3d fruit, seed 16").click()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("option", name="3d fruit, seed 17")).to_be_focused()
    page.keyboard.press("f")
    expect(page.get_by_role("option", name="3d fruit, seed 17, kept")).to_be_focused()
    expect(page.locator(".grid .cap svg")).to_have_count(before + 1)
    page.reload()
    drawn(page)
    expect(page.get_by_role("option", name="3d fruit, seed 17, kept")).to_have_count(1)
    page.get_by_role("option", name="3d fruit, seed 17, kept").focus()
    page.keyboard.press("f")
    expect(page.locator(".grid .cap svg")).to_have_count(before)
    page.keyboard.press("z")
    expect(page.locator(".grid .cap svg")).to_have_count(before + 1)
    page.keyboard.press("Shift+Z")
    expect(page.locator(".grid .cap svg")).to_have_count(before)


def test_more_like_this_breeds_and_goes_back(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    page.get_by_role("button", name="More like this").click()
    expect(page).to_have_url(re.compile("like="))
    expect(page.locator(".opts")).to_contain_text("Around 3d fruit, seed 9")
    drawn(page)
    expect(page.locator(".inspect h2")).to_have_text("3d fruit seed 9")  # it stays, until another is chosen
    page.locator(".tile").nth(3).click()
    page.get_by_role("button", name="Breed").click()
    page.locator(".tile").nth(8).click()
    expect(page).to_have_url(re.compile("mix="))
    drawn(page)
    link = page.url
    page.locator(".inspect").get_by_role("button", name="Undo").click()
    expect(page).to_have_url(re.compile("like="))
    page.goto(link)
    drawn(page)


def test_a_slider_previews_and_then_is_exact(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    slider = page.get_by_role("slider", name="Warmth")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"mv=warmth%3A0\.3"))
    expect(page.locator(".inspect .look > .pic > img").first).to_have_attribute("src", re.compile(r"^/i/"))
    slider.dblclick(force=True)
    expect(page).not_to_have_url(re.compile("mv="))


def test_help_theme_and_addresses_that_lead_nowhere(page: Any) -> None:
    page.goto("/no/such/place")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Dark theme").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("3")
    expect(page).to_have_url(re.compile("/runs$"))


def test_the_bar_says_that_the_studio_was_closed(page: Any) -> None:
    page.route("**/api/events*", lambda route: route.abort())
    page.goto("/")
    expect(page.locator(".gone")).to_contain_text("The studio was closed. Start it again with ganvas studio")
    page.unroute("**/api/events*")
    expect(page.locator(".gone")).to_have_count(0, timeout=6000)


def test_export_saves_a_file(page: Any) -> None:
    page.goto(IDEAS)
    drawn(page)
    if not page.get_by_role("option", name=re.compile("kept")).count():
        page.get_by_role("button", name="Keep").click()
    page.locator(".shelf").get_by_role("button", name="Export").click()
    with page.expect_download(timeout=DRAWN) as saved:
        page.get_by_role("dialog").get_by_role("button", name=re.compile("^Save")).click()
    assert saved.value.suggested_filename


def test_a_picture_that_is_dropped_opens_where_it_was_made(page: Any, tmp_path: Path) -> None:
    page.goto(IDEAS)
    drawn(page)
    with page.expect_download() as saved:
        page.locator(".tile.sel").press("s")
    assert saved.value.suggested_filename == "3d-fruit-9.png"
    path = tmp_path / "renamed.png"
    saved.value.save_as(path)
    page.goto("/runs")
    drop(page, path)
    expect(page.locator(".tile.sel")).to_have_attribute("aria-label", re.compile("^3d fruit, seed 9"), timeout=DRAWN)
    expect(page.locator(".toast")).to_contain_text("Where it was made: 3d fruit, seed 9, by icons.")


def test_a_run_is_taken_away(page: Any) -> None:
    page.goto("/runs/second")
    page.get_by_role("button", name="Export").click()
    sheet = page.get_by_role("dialog", name="Export second")
    expect(sheet.locator(".cmdline")).to_contain_text("ganvas sample runs/second --seeds 0,1,2")
    sheet.get_by_role("radio", name=re.compile("^Film")).check(force=True)
    with page.expect_download(timeout=120_000) as saved:
        sheet.get_by_role("button", name="Save film").click()
    assert saved.value.suggested_filename == "film.gif"
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Draw with it").click()
    drawn(page)
    expect(page.locator(".cmd code")).to_contain_text("ganvas sample runs/second --count 28")


def test_the_film_shows_every_sheet(page: Any) -> None:
    page.goto("/runs/second")
    expect(page.locator(".wall .cut:not(.wait)")).to_have_count(64, timeout=DRAWN)
    slider = page.get_by_role("slider", name="Sheet")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"at=\d+"))
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile("at="))
    page.get_by_role("button", name="Seed 5 over time").click()
    expect(page.locator(".strip .cut:not(.wait)").first).to_be_visible()
    page.get_by_role("button", name="Show as table").click()
    expect(page.get_by_role("region", name="The log as a table")).to_be_visible()


def test_the_playground_steps_and_draws(page: Any) -> None:
    page.goto("/learn/1")
    steps = page.locator(".play .t")
    expect(steps).not_to_have_text("step 0", timeout=DRAWN)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_timeout(1000)
    before = int(steps.text_content().split()[-1])
    page.get_by_role("button", name="One step").click()
    # one more, or two if one was under way when it was paused and is shown only now; and no others after that
    expect(steps).to_have_text(re.compile(rf"step ({before + 1}|{before + 2})$"), timeout=DRAWN)
    page.wait_for_timeout(1000)
    assert int(steps.text_content().split()[-1]) <= before + 2
    page.goto("/learn/5")
    expect(page.get_by_role("button", name="Learn this")).to_be_disabled()
    box = page.locator(".plane").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 300, steps=20)
    page.mouse.up()
    page.get_by_role("button", name="Learn this").click()
    expect(page.locator(".play .t")).to_have_text(re.compile(r"step \d+"), timeout=DRAWN)
