"""The page of a generator in Chromium, from a disk and from a server, on a telephone and on a desk."""

import functools
import http.server
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.core import pixels
from ganvas.data.words import packed
from ganvas.latent.directions import Directions
from ganvas.latent.draw import draw
from ganvas.learning.phrases import Phrases
from ganvas.models.made import made_of
from ganvas.models.model import Model
from ganvas.models.web import export_page
from ganvas.networks.resnet import ResnetGenerator

sync_api = pytest.importorskip("playwright.sync_api")
BROWSER = os.environ.get("GANVAS_BROWSER", "/usr/bin/chromium")
WORDS = ("blue", "fish", "outline", "red", "rocket")
DIGEST = "0" * 64


@pytest.fixture(scope="module")
def browser():
    if not Path(BROWSER).exists():
        pytest.skip(f"There is no browser {BROWSER}.")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model of words with a page in one file and one in a folder, and its directions."""
    rows = np.random.default_rng(0).standard_normal((len(WORDS), 256), np.float32)
    condition = Phrases(
        words=WORDS, phrases=("red fish", "blue rocket"), table=packed(rows), places=3, styles=("outline",)
    )
    torch.manual_seed(0)
    network = ResnetGenerator(width=4, latent=16).build((3, 32, 32), condition.length)
    model = Model(network.eval().requires_grad_(False), condition)
    vectors = torch.randn(8, 16 + condition.length, generator=torch.Generator().manual_seed(0)).half().float()
    names = ("warmth", "detail", *(f"pca{place}" for place in range(6)))
    found = Directions(names, vectors, (), torch.zeros(0), torch.zeros(8, 0), torch.zeros(8, 0), "")
    folder = tmp_path_factory.mktemp("pages")
    for path in (folder / "page.html", folder / "page"):
        directions = dict(zip(names, vectors, strict=True))
        export_page(model, path, name="words", digest=DIGEST, directions=directions)
    return model, found, folder


@pytest.fixture
def opened(browser):
    """`opened(url)`: a page that has drawn all, and collects what it complains of and asks of a network."""
    contexts = []

    def go(url, width=1440, scheme="light", **more):
        context = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme, **more)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("console", lambda said: page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url.partition(":")[0]))
        page.goto(url)
        page.wait_for_selector("body[data-checked]", state="attached", timeout=60_000)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def served(made):
    folder = made[2]
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def settled(page):
    page.wait_for_selector(".tile .pic.wait", state="detached")


@pytest.mark.parametrize("place", ["page.html", "page/index.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_draws_from_a_disk_on_a_telephone(made, opened, place, scheme):
    page = opened(f"file://{made[2] / place}", width=375, scheme=scheme)
    settled(page)
    assert page.complaints == []
    assert set(page.asked) <= {"file", "blob", "data"}
    assert int(page.get_attribute("body", "data-checked")) <= 1
    assert "Checked in this browser" in page.inner_text("#checked")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert page.get_attribute("html", "data-theme") == scheme
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") != scheme
    small = page.locator("button:visible, .seg label:visible").evaluate_all(
        "all => all.filter((one) => one.getBoundingClientRect().height < 40 && !one.closest('p')).map((one) => one.id)"
    )
    assert small == []


def test_pictures_are_on_paper_where_colours_are_forced(made, opened):
    page = opened(f"file://{made[2] / 'page.html'}", scheme="dark", forced_colors="active")
    settled(page)
    where = ["body", ".tile .pic", ".seg label:has(:checked)", ".seg label:not(:has(:checked))"]
    back, paper, chosen, other = (
        page.locator(one).first.evaluate("one => getComputedStyle(one).backgroundColor") for one in where
    )
    assert paper != back
    assert chosen != other


@pytest.mark.parametrize("place", ["page.html", "page/"])
def test_it_draws_from_a_server(opened, served, place):
    page = opened(f"{served}/{place}")
    settled(page)
    assert page.complaints == []
    assert int(page.get_attribute("body", "data-checked")) <= 1


def test_words_sliders_and_a_picture_to_take_away(made, opened, tmp_path):
    model, found, folder = made
    page = opened(f"file://{folder / 'page.html'}")
    page.fill("#words", "red fihs")
    page.wait_for_selector("#told button")
    assert "has not learned “fihs”" in page.inner_text("#told")
    page.click("#told button")
    assert page.input_value("#words") == "red fish"
    page.click(".seg label:has-text('Outline')")
    page.click(".tile[data-seed='4']")
    assert page.locator(".slide:visible").count() == 6
    page.click("#all")
    assert page.locator(".slide:visible").count() == 8
    page.locator(".slide input").first.fill("1.5")
    settled(page)
    place = {"moves": {"warmth": 1.5}, "seed": 4, "words": "outline red fish"}
    assert '--place \'{"moves":{"warmth":1.5},"seed":4,"words":"outline red fish"}\'' in page.inner_text("#command")
    page.wait_for_timeout(500)
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "outline-red-fish-4.png"
    download.value.save_as(tmp_path / "saved.png")
    about = made_of(tmp_path / "saved.png")
    assert (about.model, about.digest, about.layout.separate) == ("words", DIGEST, True)
    assert vars(about.places[0]) == vars(type(about.places[0]).of(place))
    wanted = pixels.to_uint8(draw(model, about.places, found=found))[0].numpy()
    with Image.open(tmp_path / "saved.png") as picture:
        assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - wanted).max() <= 2
    with page.expect_download() as download:
        page.click("#vectors")
    assert download.value.suggested_filename == "outline-red-fish-4.svg"
    download.value.save_as(tmp_path / "saved.svg")
    assert vars(made_of(tmp_path / "saved.svg")) == vars(about)
    assert "<path d=" in (tmp_path / "saved.svg").read_text()
    kept = page.url
    page.close()
    again = opened(kept)
    assert again.input_value("#words") == "red fish"
    assert "outline red fish" in again.inner_text("#called")
    assert "warmth" in again.inner_text("#command")
    assert again.complaints == []


def test_a_morph_is_played(made, opened):
    page = opened(f"file://{made[2] / 'page.html'}")
    assert page.is_disabled("#share")
    page.click("#from")
    page.click(".tile[data-seed='3']")
    page.wait_for_timeout(500)
    page.click("#to")
    assert page.is_enabled("#share")
    shot = lambda: page.evaluate("document.getElementById('look').toDataURL()")  # noqa: E731
    end = shot()
    page.fill("#share", "0.5")
    page.wait_for_timeout(500)
    assert shot() != end
    page.fill("#share", "1")
    page.wait_for_timeout(500)
    assert shot() == end
    page.click("#play")
    assert page.inner_text("#play") == "Stop"
    page.wait_for_timeout(700)
    assert shot() != end
    page.click("#play")
    assert page.complaints == []


def test_the_keyboard_alone_will_do(made, opened):
    page = opened(f"file://{made[2] / 'page.html'}")
    page.locator(".tile[data-seed='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute(".tile[data-seed='2']", "aria-pressed") == "true"
    page.locator("#words").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("blue")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.get_attribute(".tile >> nth=0", "data-seed") == "21"
    said = page.locator("#drawn[role=status]")
    sync_api.expect(said).to_have_text("21 pictures of blue, seeds 21 to 41", timeout=60_000)
    assert page.complaints == []
