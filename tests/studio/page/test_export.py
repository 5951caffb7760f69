"""What is taken away by the one sheet is what it says, and is used where it has come to."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .conftest import sync_api
from .test_stories import DRAWN, IDEAS, drawn

expect = sync_api.expect
MADE = 120_000  # milliseconds for a job on a busy machine
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def kept(page: Any) -> Any:
    """The sheet by which kept pictures of `icons` are exported."""
    page.goto(IDEAS)
    drawn(page)
    if not page.get_by_role("option", name=re.compile("kept")).count():
        page.get_by_role("button", name="Keep").click()
    page.locator(".shelf").get_by_role("button", name="Export").click()
    return page.get_by_role("dialog")


def saved(page: Any, sheet: Any, kind: str, folder: Path) -> Path:
    """The file that a row of the sheet gives."""
    sheet.get_by_role("radio", name=re.compile(f"^{kind}")).check(force=True)
    with page.expect_download(timeout=MADE) as coming:
        sheet.get_by_role("button", name=re.compile("^Save")).click()
    path = folder / str(coming.value.suggested_filename)
    coming.value.save_as(path)
    return path


def test_vectors_are_drawings(page: Any, kept: Any, tmp_path: Path) -> None:
    expect(kept.locator(".cmdline")).not_to_contain_text(".svg")
    path = saved(page, kept, "Vectors", tmp_path)
    assert path.suffix == ".svg"
    expect(kept.locator(".cmdline")).to_contain_text(".svg")
    document = ElementTree.parse(path).getroot()
    assert document.tag == f"{SVG}svg"
    assert len(document.findall(f".//{SVG}g/{SVG}path")) > 1  # paper and what is on it
    page.goto(path.as_uri())
    box = page.locator("svg").bounding_box()
    assert box["width"] >= 64
    assert len({page.screenshot(clip={**box, "width": 4, "height": 4}), page.screenshot(clip=box)}) == 2


def test_a_web_page_draws_from_the_disk(page: Any, tmp_path: Path) -> None:
    page.goto("/runs/second")
    page.get_by_role("button", name="Export").click()
    path = saved(page, page.get_by_role("dialog", name="Export second"), "Web page", tmp_path)
    assert path.suffix == ".html"
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-checked]", state="attached", timeout=DRAWN)
    assert int(page.get_attribute("body", "data-checked")) <= 1  # of 255, from what the model itself draws
    page.wait_for_selector(".tile .pic.wait", state="detached", timeout=DRAWN)
    seen = {tile.screenshot() for tile in page.locator(".tile .pic").all()[:6]}
    assert len(seen) == 6
    assert page.complaints == []


def test_a_morph_is_saved_wherever_one_has_gone(page: Any) -> None:
    page.goto("/explore?m=icons&tab=morph")
    with page.expect_response("**/api/jobs"):
        page.get_by_role("main").get_by_role("button", name="Export").click(timeout=DRAWN)
    with page.expect_download(timeout=MADE) as coming:
        page.keyboard.press("3")
    expect(page).to_have_url(re.compile("/runs$"))
    assert coming.value.suggested_filename == "morph.gif"
