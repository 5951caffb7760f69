"""Real or made: pairs, their page, and how a visitor and the detector are scored."""

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_inspect import quarters

from ganvas import fit, names
from ganvas.core import catalog
from ganvas.core.errors import DoesNotFit, GanvasError
from ganvas.evaluation import halves
from ganvas.evaluation.halves import digest
from ganvas.evaluation.quiz import quiz
from ganvas.metrics.auc import interval_of_pairs
from ganvas.metrics.features.extractor import Extractor

BROWSER = os.environ.get("GANVAS_BROWSER", "/usr/bin/chromium")


@pytest.fixture(scope="module", autouse=True)
def _features():
    """Features that cost nothing, as test_inspect has them."""
    made = Extractor(quarters, 24, "0" * 64, "none", "none", name="quarters")
    names("feature")  # the others are loaded
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog._parts["feature"], "quarters", lambda wanted: made)
        yield


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=16), out=tmp_path_factory.mktemp("run") / "a<b", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def asked(run):
    return quiz(run.path, pairs=6, count=60, seed=3, features="quarters")


def told(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])


def test_pairs_are_of_what_the_detector_has_not_learned_from(run, asked, monkeypatch):
    seen = []
    fit_detector = halves.fit_detector
    monkeypatch.setattr(halves, "fit_detector", lambda *all, **more: seen.append(all) or fit_detector(*all, **more))
    assert quiz(run.path, pairs=6, count=60, seed=3, features="quarters").page() == asked.page(), "a seed is one quiz"
    learned = {digest(each) for some in seen[0][:2] for each in some}
    assert not learned & {digest(each) for each in (*asked.real, *asked.made)}
    assert len(asked) == len(asked.real) == len(asked.made) == len(asked.detector) == 6
    assert len({digest(each) for each in asked.real}) == 6
    other = quiz(run.path, pairs=6, count=60, seed=4, features="quarters")
    assert other.page() != asked.page()
    assert quiz(run.path, pairs=999, count=60, features="quarters").area.counts[0] <= 40, "no more than there are"


def test_the_page_is_whole(asked, tmp_path):
    page = asked.save(tmp_path / "quiz.html").read_text(encoding="utf-8")
    found = told(page)
    assert [pair["left"] for pair in found["pairs"]] == list(asked.left)
    assert [pair["detector"] for pair in found["pairs"]] == list(asked.detector)
    assert found["intervals"][6] == list(interval_of_pairs(6, 6))
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "The model learned from these real pictures" in page
    assert not re.findall(r"https?://", page), "it asks nobody for anything"
    with pytest.raises(DoesNotFit, match=r"`out=.*quiz.html`, and not quiz.png"):
        asked.save(tmp_path / "quiz.png")


def test_what_cannot_be_asked(run, points):
    with pytest.raises(DoesNotFit, match="one pair at least, not 0"):
        quiz(run.path, pairs=0)
    with pytest.raises(GanvasError, match="makes points"):
        quiz(fit(points, images=64, out=run.path.parent / "points", quiet=True, device="cpu").path)


@pytest.mark.parametrize(("right", "pairs"), [(0, 5), (3, 10), (10, 20), (20, 20), (97, 100), (600, 1_000)])
def test_the_interval_is_that_of_clopper_and_pearson(right, pairs):
    """What is outside of it has at most a fortieth of the probability on either side."""
    low, high = interval_of_pairs(right, pairs)
    assert interval_of_pairs(right * 100, pairs * 100)[0] >= low, "nor is it too large a number for many pairs"
    tail = [
        math.fsum(math.comb(pairs, k) * share**k * (1 - share) ** (pairs - k) for k in those)
        for share, those in ((low, range(right, pairs + 1)), (high, range(right + 1)))
    ]
    assert (right == 0) == (low == 0)
    assert (right == pairs) == (high == 1)
    assert right == 0 or tail[0] == pytest.approx(0.025, abs=1e-3)
    assert right == pairs or tail[1] == pytest.approx(0.025, abs=1e-3)
    with pytest.raises(DoesNotFit, match="cannot have been right"):
        interval_of_pairs(pairs + 1, pairs)


def test_a_visitor_is_scored(asked, tmp_path):
    """By clicks and by keys, on a telephone: four right, two wrong, and once more."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not Path(BROWSER).exists():
        pytest.skip(f"There is no browser {BROWSER}.")
    page_file = asked.save(tmp_path / "quiz.html")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 375, "height": 720})
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(page_file.as_uri())
        for turn, left in enumerate(asked.left):
            right = turn not in {1, 4}
            if turn % 2:
                page.locator("#left" if left == right else "#right").click()
            else:
                page.keyboard.press("ArrowLeft" if left == right else "ArrowRight")
            page.keyboard.press("ArrowLeft")  # an answer stays
            assert page.locator("#said").text_content().startswith("Right." if right else "No.")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.locator("#next").press("Enter")
            assert page.evaluate("document.activeElement.id") == ("ended" if turn == 5 else "asked")
        rows = [row.all_text_contents() for row in (page.locator(f"#scores tr:nth-child({n}) > *") for n in (1, 2))]
        low, high = (f"{100 * share:.0f} %" for share in interval_of_pairs(4, 6))
        assert rows[0] == ["you", "4 of 6", f"{low} to {high}"]
        assert rows[1][:2] == ["the detector", f"{sum(asked.detector)} of 6"]
        assert page.locator("#again li").count() == 6
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.emulate_media(forced_colors="active")
        lines = page.locator("#again img").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).borderBottomColor)"
        )
        assert len(set(lines)) == 2
        page.locator("#over").press("Enter")
        assert page.evaluate("document.activeElement.id") == "asked"
        assert page.locator("#said").text_content().startswith("Pair 1 of 6")
        assert said == []
        browser.close()
