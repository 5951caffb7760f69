"""What was kept leads to where it was made, under whatever name its model is here now, or to its copy."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import keep, sync_api

expect = sync_api.expect


@pytest.fixture
def family(studio: Any) -> Iterator[None]:
    """Two kept pictures: one of a model that was renamed, and one below it of a model that is gone."""
    fp = studio.get("/api/models/icons")["fp"]
    common = {"place": {"seed": 1, "words": "red heart"}, "kept": "2026-11-27T00:00:00Z"}
    renamed = {**common, "id": "a" * 16, "model": {"name": "before", "fp": fp}, "parents": []}
    gone = {**common, "id": "b" * 16, "model": {"name": "icons", "fp": "0" * 16}, "parents": ["a" * 16]}
    kept = {"version": 1, "places": [renamed, gone], "order": [renamed["id"], gone["id"]]}
    etag = studio.client.get("/api/kept").headers["etag"]
    studio.client.put("/api/kept", json=kept, headers={"If-Match": etag}).raise_for_status()
    yield
    keep(studio, common["place"])


@pytest.mark.parametrize("view", ["/kept", "/kept?as=tree"])
@pytest.mark.usefixtures("family")
def test_a_kept_picture_leads_to_what_drew_it(page: Any, view: str) -> None:
    page.goto(view)
    links = page.locator(".board a, .tree a")
    expect(links.nth(0)).to_have_attribute("href", re.compile(r"^/ideas\?m=icons&"))
    expect(links.nth(1)).to_have_attribute("href", f"/kept/{'b' * 16}.png")
    expect(links.nth(1)).to_have_attribute("download", "red heart, seed 1.png")
    expect(links.nth(1)).to_have_attribute("title", re.compile("^Its model has changed or is gone"))
    expect(links.nth(1)).to_contain_text(re.compile("gone|its model is no longer here"))
