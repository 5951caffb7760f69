"""The site of docs/ is built without a warning, is whole, and asks nobody else for anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ganvas
from ganvas.core import catalog

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built with all of their links checked."""
    out = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    environment = os.environ | {"GANVAS_DEMO": "no", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_of_docs_is_there_and_found_by_search(site):
    pages = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")]
    found = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    places = {each["location"].partition("#")[0] for each in found}
    for page in [*pages, Path("log.html"), Path("programs.html"), Path("catalogue.html")]:
        assert (site / page).exists(), page
        assert str(page) in places, page
        assert f'href="{page}"' in (site / "index.html").read_text(), "the navigation leads to it"


def test_recipes_and_api_are_those_of_the_package(site):
    recipes = (site / "catalogue.html").read_text()
    assert re.findall(r'<h2 id="(\w+)"', recipes) == catalog.names("recipe")
    for room in ganvas.ROOMS:
        assert f'id="ganvas.{room}' in (site / "api" / f"{room}.html").read_text()
    front = (site / "api" / "index.html").read_text()
    for name, home in ganvas._HOMES.items():
        assert f"{home.partition('.')[0]}.html#ganvas.{home}.{name}" in front, name


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        for tag, address in re.findall(
            r'<(script|link|img|iframe)[^>]*?(?:src|href)="(https?:[^"]+)"', page.read_text()
        ):
            raise AssertionError(f"{page.name}: <{tag}> {address}")
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", sheet.read_text())
