"""Files on their way into a set: each drop is counted for itself, whatever is dropped or read meanwhile."""

import re
from pathlib import Path
from typing import Any

from PIL import Image

from .conftest import sync_api

expect = sync_api.expect


def test_errors_that_are_read_leave_an_upload_alone(page: Any, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in ("refused", "held", "other")]
    for path in paths:
        Image.new("RGB", (32, 32)).save(path)
    held: list[Any] = []
    refusal = {"error": {"code": "no", "message": "Not this one.", "field": None}}
    page.route("**/api/data/squares/files/refused.png", lambda route: route.fulfill(status=400, json=refusal))
    page.route(re.compile("/squares/files/(held|other).png"), lambda route: held.append(route))
    page.goto("/data/squares")
    files = page.get_by_label("Files", exact=True)
    said = page.locator(".uploading p").first
    files.set_input_files(paths[:2])
    expect(said).to_contain_text("Uploading 1 of 2")
    page.get_by_role("button", name="Understood").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(said).to_contain_text("Uploading 1 of 2")

    with page.expect_request("**/other.png"):
        files.set_input_files(paths[2:])
    expect(said).to_contain_text("Uploading 0 of 1")
    first, second = held
    second.fulfill(status=201, json={"bytes": 1})
    expect(said).to_contain_text("Uploading 1 of 2")  # the first one is seen again
    first.fulfill(status=201, json={"bytes": 1})
    expect(page.get_by_text("Uploading")).to_have_count(0)
    expect(page.locator(".toast")).to_have_count(0)
    assert [one for one in page.complaints if "400" not in one] == []


def test_drawings_are_sent(page: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.svg").write_text("<svg/>")
    page.route("**/files/mine.svg", lambda route: route.fulfill(status=201, json={"bytes": 6}))
    page.goto("/data/squares")
    with page.expect_request("**/files/mine.svg"):
        page.get_by_label("Files", exact=True).set_input_files(tmp_path / "mine.svg")
    expect(page.get_by_text("Uploading")).to_have_count(0)
    assert page.complaints == []
