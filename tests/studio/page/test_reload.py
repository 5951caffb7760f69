"""What goes on in the studio is found again after a reload: how far it is, and what came of it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from .conftest import VIEWS, sync_api
from .test_stories import DRAWN
from .test_views import look

expect = sync_api.expect
MADE = 120_000  # milliseconds for a job on a busy machine
NEVER = 1500  # milliseconds in which nothing more is saved


def left(page: Any, click: Callable[[], None]) -> str:
    """Start a job, leave the page as soon as it is known, and come back; returns its id."""
    with page.expect_response("**/api/jobs") as answer:
        click()
    job = str(answer.value.json()["id"])
    expect(page.get_by_role("main").or_(page.get_by_role("dialog")).get_by_role("progressbar").first).to_be_visible()
    page.reload()
    return job


def test_a_projection_is_found_again(page: Any, studio: Any, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (200, 60, 40)).save(tmp_path / "mine.png")
    page.goto("/explore?m=first&tab=project")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    page.get_by_role("radio", name="Quick").check(force=True)
    left(page, page.get_by_role("button", name="Look for it").click)
    main = page.get_by_role("main")
    expect(main.get_by_role("progressbar")).to_be_visible()
    expect(page.locator(".stage img.here")).to_have_attribute("alt", "Your picture")
    expect(page.get_by_role("radio", name="Quick")).to_be_checked()
    expect(page.locator(".cmd code")).to_contain_text("mine.png --steps 40")
    expect(page.locator(".found img.here")).to_have_count(2, timeout=MADE)
    page.get_by_role("link", name="Morph", exact=True).click()
    page.get_by_role("link", name="Find a picture").click()
    expect(page.locator(".found img.here")).to_have_count(2, timeout=DRAWN)
    page.set_viewport_size({"width": 320, "height": 640})
    page.reload()
    expect(page.locator(".found img.here")).to_have_count(2, timeout=DRAWN)
    assert look(page) == []


def test_a_judgement_is_found_again(page: Any, tmp_path: Path) -> None:
    for shade, name in enumerate(("dark", "light")):
        Image.new("RGB", (32, 32), (200 * shade,) * 3).save(tmp_path / f"{name}.png")
    page.goto("/explore?tab=judge")
    by = page.get_by_label("By the critic of")
    by.select_option("first")
    left(page, lambda: page.locator("input[type=file]").set_input_files(sorted(tmp_path.iterdir())))
    expect(page.get_by_role("main").get_by_role("progressbar")).to_be_visible()
    expect(by).to_have_value("first")
    said = page.locator(".judged li")
    expect(said.nth(0)).to_contain_text("dark.png")
    for one in (said.nth(0), said.nth(1)):
        expect(one).to_contain_text("detector", timeout=MADE)
        expect(one.locator("img.here")).to_be_visible()
    assert page.complaints == []


def test_a_morph_is_found_again_and_saved_once(page: Any) -> None:
    downloads: list[Any] = []
    page.on("download", lambda saved: downloads.append(saved))
    page.goto("/explore?m=first&tab=morph")
    main = page.get_by_role("main")
    with page.expect_download(timeout=MADE) as coming:
        left(page, lambda: main.get_by_role("button", name="Export").click(timeout=DRAWN))
        expect(main.get_by_role("progressbar")).to_be_visible()
    assert coming.value.suggested_filename == "morph.gif"
    expect(main.get_by_role("link", name="morph.gif")).to_be_visible()
    page.reload()
    expect(main.get_by_role("link", name="morph.gif")).to_be_visible()
    page.get_by_role("switch", name="Loop").set_checked(False, force=True)
    expect(main.get_by_role("link", name="morph.gif")).to_have_count(0)  # it is a film of something else
    page.wait_for_timeout(NEVER)
    assert len(downloads) == 1


def test_an_export_is_found_again_and_saved_once(page: Any) -> None:
    downloads: list[Any] = []
    page.on("download", lambda saved: downloads.append(saved))
    page.goto("/runs/second")
    sheet = page.get_by_role("dialog", name="Export second")
    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=MADE) as coming:
        left(page, sheet.get_by_role("button", name=re.compile("^Save")).click)
        expect(page.locator(".toast")).to_contain_text("still being made")
        page.get_by_role("button", name="Export").click()
        expect(sheet.get_by_role("progressbar")).to_be_visible()
    expect(sheet.get_by_role("link", name=coming.value.suggested_filename)).to_be_visible()
    page.reload()
    page.wait_for_timeout(NEVER)
    assert len(downloads) == 1


def test_jobs_that_the_studio_does_not_know_are_forgotten(page: Any) -> None:
    page.goto("/runs")
    asked = '{"project first": {"job": "unknown", "about": {}}}'
    page.evaluate("(asked) => sessionStorage.setItem('ganvas-jobs', asked)", asked)
    page.evaluate("""sessionStorage.setItem('ganvas-taken', '[{"job": "unknown", "name": "Film"}]')""")
    page.goto("/explore?m=first&tab=project")
    expect(page.get_by_role("group", name="Drop a picture here")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    assert page.evaluate("[sessionStorage['ganvas-jobs'], sessionStorage['ganvas-taken']]") == ["{}", "[]"]
    assert page.complaints == []


def test_the_measuring_of_two_runs_is_found_again(page: Any) -> None:
    page.goto(VIEWS["compare"])
    main = page.get_by_role("main")
    main.get_by_role("button", name="Measure which is better").click(timeout=DRAWN)
    cancel = main.get_by_role("button", name="Cancel")
    expect(cancel).to_have_count(2)
    page.reload()
    expect(cancel).to_have_count(2)
    cancel.nth(1).click()
    expect(cancel).to_have_count(1)
    cancel.click()
    expect(main.get_by_text("Cancelled; nothing was written.")).to_have_count(2, timeout=DRAWN)
    assert page.complaints == []
