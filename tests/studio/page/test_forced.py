"""Where the system forces its few colours on the page, pictures are seen, and what is chosen is told from the rest."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from .conftest import VIEWS, opened
from .test_views import settle


@pytest.fixture(params=["light", "dark"])
def forced(browser: Any, studio: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from opened(browser, studio, forced_colors="active", color_scheme=request.param)


def colours(locator: Any, least: int = 1) -> set[tuple[int, ...]]:
    """All colours of what is shown there, each with so many pixels."""
    with Image.open(io.BytesIO(locator.screenshot(animations="disabled"))) as picture:
        return {colour for amount, colour in picture.convert("RGB").getcolors(1 << 24) if amount >= least}


def test_pictures_are_on_paper(forced: Any) -> None:
    forced.goto(VIEWS["ideas"])
    settle(forced)
    assert len(colours(forced.locator(".tile .pic").first)) > 50


def test_what_is_chosen_is_seen(forced: Any) -> None:
    forced.goto("/data/squares")
    settle(forced)
    for chosen, other in (
        (".seg label:has(:checked)", ".seg label:not(:has(:checked))"),
        (".times label:has(:checked)", ".times label:not(:has(:checked))"),
        (".tabs a[aria-current]", ".tabs a:not([aria-current])"),
    ):
        most, least = (colours(forced.locator(one).first, 300) for one in (chosen, other))
        assert most, chosen
        assert least, chosen
        assert most.isdisjoint(least), chosen
    switch = forced.locator(".switch").last
    off = colours(switch, 20)
    switch.locator("input").click()
    assert len(off) > 1
    assert colours(switch, 20) - off


def test_bars_and_lines_are_seen(forced: Any, studio: Any) -> None:
    forced.goto("/runs/first")
    settle(forced)
    for part in (".prog", ".rail .base", ".chart h2 .dot >> nth=0"):
        assert forced.locator(part).evaluate("""one => getComputedStyle(one).backgroundColor
            !== getComputedStyle(document.body).backgroundColor"""), part
    forced.goto((studio.root / "runs/first/report.html").as_uri())
    assert (
        forced.evaluate("""() => new Set([...document.querySelectorAll(".legend li")].map(
        (one) => getComputedStyle(one, "::before").backgroundColor)).size""")
        > 1
    )
