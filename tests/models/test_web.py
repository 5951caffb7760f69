"""A generator as a web page: what its JavaScript draws is what the model draws, and what is refused."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from in_node import in_node
from test_vectors import drawing
from torch import nn
from torch.nn import functional as F

from ganvas.core.errors import GanvasError
from ganvas.data.words import packed
from ganvas.latent.directions import Directions, saved
from ganvas.latent.draw import added, draw, given
from ganvas.learning.conditions import Keywords, Labels
from ganvas.learning.phrases import Phrases
from ganvas.models import web
from ganvas.models.lower import Lowered
from ganvas.models.model import Model, inputs, load
from ganvas.models.place import Place
from ganvas.models.vectors import traced
from ganvas.models.web import export_page
from ganvas.networks.layers import Generator
from ganvas.networks.mlp import MLPGenerator

WORDS = ("blue", "cat", "fish", "red", "rocket", "solid", "t-shirt", "outline", "wooden")
PHRASES = ("red fish", "blue cat outline", "rocket solid", "wooden rocket red", "t-shirt", "")


def vectors():
    rows = np.random.default_rng(0).standard_normal((len(WORDS), 256), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def keywords(kind=Keywords, **more):
    half = base64.b64encode(vectors().astype("<f2").tobytes()).decode()
    table = half if kind is Keywords else packed(vectors())
    return kind(words=WORDS, phrases=PHRASES, table=table, **more)


def phrases():
    kinds = ("cat wooden t-shirt outline", "rocket wooden")
    return keywords(Phrases, places=4, styles=("solid", "outline"), colours=("red", "blue"), kinds=kinds)


def model_of(condition=None, shape=(3, 8, 8)):
    torch.manual_seed(0)
    network = MLPGenerator(width=40, depth=2, latent=32).build(shape, condition.length if condition else 0)
    return Model(network.eval().requires_grad_(False), condition)


def moves(model, length=0):
    dice = torch.Generator().manual_seed(1)
    rows = torch.randn(2, model.network.latent + length, generator=dice) / 4
    return {"warmth": rows[0].half().float(), "size": rows[1].half().float()}


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """A page whose JavaScript is asked for numbers alone."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    export_page(model_of(), path, name="blank")
    return path


def test_seeds_give_the_very_numbers_of_numpy(blank):
    seeds = [0, 1, 77, 4294967295, 4294967296, 2**53]
    many = in_node(blank, normals=[(5, 200_000), *((seed, 40) for seed in seeds)])["normals"]
    for seed, drawn in zip([5, *seeds], many, strict=True):
        expected = np.random.default_rng(seed).standard_normal(len(drawn), np.float32)
        wrong = np.flatnonzero(np.float32(drawn) != expected)
        assert len(wrong) <= len(drawn) // 100_000  # the tail hangs on the last bit of log1p, which libraries round
        assert np.abs(np.float32(drawn) - expected).max() < 1e-6
    pairs = [[0, 1], [7, 2], [2**53, 1], [123456789, 2]]
    for pair, drawn in zip(pairs, in_node(blank, uniform=pairs)["uniform"], strict=True):
        assert drawn == list(np.random.default_rng(pair).random(3))


PLACES = [
    {"seed": 0},
    {"seed": 3, "truncation": 0.5},
    {"seed": 4, "moves": {"warmth": 1.5, "size": -2}},
    {"seed": 2**40, "words": "red fish"},
    {"seed": 6, "words": "The Fish, red!", "variety": 0},
    {"seed": 7, "words": "red-fish t-shirt", "variety": 1},
    {"seed": 8, "words": "rocket", "variety": 2},
    {"seed": 9, "words": "outline rocket", "variety": 1, "moves": {"warmth": -1}},
    *({"seed": seed, "words": "cat"} for seed in range(10, 20)),
    *({"seed": seed, "words": "red cat", "variety": 4} for seed in (3, 2**53)),
    *({"seed": seed, "words": "cat rocket"} for seed in (0, 2, 5)),
]


def test_words_are_told_as_the_command_tells_them(tmp_path):
    for condition in (keywords(), phrases()):
        model = model_of(condition)
        found = moves(model, 256 * getattr(condition, "places", 1))
        page = export_page(model, tmp_path / "page.html", name="words", half=False, directions=found).path
        directions = Directions(
            tuple(found), torch.stack(list(found.values())), (), torch.zeros(0), *[torch.zeros(2, 0)] * 2, ""
        )
        for place, told in zip(PLACES, in_node(page, places=PLACES)["given"], strict=True):
            z, condition_ = given(model, Place.of(place), found=directions)
            assert np.abs(told["z"] - z[0].numpy()).max() < 1e-6
            assert np.abs(told["told"] - condition_[0].numpy()).max() < 1e-4, place
            assert told["notes"].get("added", []) == added(model, Place.of(place))


def test_classes_are_told(tmp_path):
    model = model_of(Labels(("cat", "café <b>", "dog"), (0.5, 0.2, 0.3)))
    page = export_page(model, tmp_path / "page.html", name="classes", half=False).path
    places = [{"seed": seed} for seed in range(20)] + [{"seed": 1, "words": "café <b>"}]
    answer = in_node(page, places=places, drawn=[{"seed": 0, "words": "bird"}])
    for place, told in zip(places, answer["given"], strict=True):
        assert told["told"] == given(model, Place.of(place))[1][0].tolist()
    assert answer["drawn"][0]["notes"]["unknown"] == [["bird", []]]
    assert "pixels" not in answer["drawn"][0]


def test_unknown_words_are_left_out_and_like_ones_named(tmp_path):
    page = export_page(model_of(phrases()), tmp_path / "page.html", name="words").path
    asked = ["red rokcet", "xyzzy", "red blue fish cat rocket"]
    fish, nothing, many = in_node(page, drawn=[{"seed": 0, "words": words} for words in asked])["drawn"]
    assert fish["notes"]["unknown"] == [["rokcet", ["rocket"]]]
    assert fish["pixels"]
    assert nothing["notes"]["unknown"] == [["xyzzy", []]]
    assert "pixels" not in nothing
    assert many["notes"]["most"] == 4
    assert "pixels" not in many


class Everything(Generator):
    """One of each of the operations that a page knows."""

    def __init__(self):
        super().__init__((3, 12, 10), 0, 24)
        self.plane = nn.Conv2d(6, 10, 3, stride=2, padding=2, dilation=2)
        self.grouped = nn.Conv2d(4, 6, (3, 2), groups=2, padding=1)
        self.up = nn.ConvTranspose2d(6, 6, 3, stride=2, padding=1, output_padding=1, groups=3)
        self.deep = nn.Conv3d(3, 4, (2, 3, 3), padding=(1, 0, 1))
        self.falling = nn.ConvTranspose3d(4, 2, 2, stride=2)
        self.line = nn.Conv1d(4, 5, 3, padding=1)
        self.norms = nn.ModuleList([nn.GroupNorm(2, 4), nn.InstanceNorm2d(6, affine=True), nn.LayerNorm((5, 6))])
        self.batch = nn.BatchNorm2d(6)
        self.look = nn.MultiheadAttention(6, 2, batch_first=True)
        self.last = nn.Linear(5, 360)
        for norm in (*self.norms, self.batch):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
        self.batch.running_mean.normal_()
        self.batch.running_var.uniform_(0.5, 2)

    def forward(self, z, condition):
        x = z.unflatten(1, (4, 2, 3))
        x = F.interpolate(self.norms[0](x), scale_factor=2.5, mode="bilinear")  # [N, 4, 5, 7]
        x = F.interpolate(F.silu(self.grouped(x)), scale_factor=(2, 3))  # [N, 6, 10, 24]
        x = self.batch(F.gelu(self.up(self.norms[1](x))))  # [N, 6, 20, 48]
        x = F.elu(self.plane(F.pad(x, (1, 2, 0, 1), value=0.3)))[:, 1:10:3, 2:7, :6]  # [N, 3, 5, 6]
        x = self.norms[2](x)
        deep = self.falling(F.leaky_relu(self.deep(x[:, :, None]), 0.3)).abs().clamp(max=0.7)
        words = x.mean(1)  # [N, 5, 6]
        words = words + self.look(words, words, words, need_weights=False)[0]
        line = self.line(words[:, [3, 0, 1, 1]]).transpose(1, 2)  # [N, 6, 5]
        chosen = torch.where(
            line > 0.1, line.exp(), torch.sin(line) * F.softplus(deep.sum((1, 2, 3, 4)))[:, None, None]
        )
        folded = chosen.amax(1) + chosen.square().mean(1).sqrt() ** 1.5 - torch.cos(line[:, 2]).softmax(1)
        split = torch.cat([folded[:, :2], -folded[:, 2:] / 3], 1)
        folded = (1.5 + split.square()).reciprocal().clamp(-2, 2) + folded.sigmoid().log()
        return (
            torch.tanh(self.last(folded).relu() - torch.ones_like(z[:, :1]))
            .unflatten(1, (6, 60))
            .reshape(-1, 3, 12, 10)
        )


def test_every_operation(tmp_path):
    torch.manual_seed(0)
    model = Model(Everything().eval().requires_grad_(False))
    page = export_page(model, tmp_path / "page.html", name="all", half=False).path
    z = inputs(range(4), 24)
    wanted = model.make(z).flatten(1).numpy()
    assert wanted.std() > 0.05
    for plain in (False, True):
        answer = in_node(page, raw=[(each, None, 1) for each in z], plain=plain)
        assert answer["simd"] is not plain
        assert np.abs(np.array(answer["raw"]) - wanted).max() < 1e-5


class Twice(Generator):
    """A network that uses its weights more than once, as a generator that refines does."""

    def __init__(self, times):
        super().__init__((1, 4, 4), 0, 16)
        self.layer, self.times = nn.Linear(16, 16), times

    def forward(self, z, condition):
        for _ in range(self.times):
            z = torch.tanh(self.layer(z))
        return z.unflatten(1, (1, 4, 4))


def test_weights_that_are_used_twice_lie_in_a_page_once():
    once, twice = (Lowered(Twice(times).eval()).program for times in (1, 2))
    assert sum(each.numel() for each in once.weights.values()) == sum(each.numel() for each in twice.weights.values())
    assert len(twice.steps) > len(once.steps)


class Sums(Generator):
    def __init__(self, operation):
        super().__init__((1, 8, 8), 0, 64)
        self.operation = operation
        self.weight = nn.Parameter(torch.ones(1, 1, 3, 3))

    def forward(self, z, condition):
        return self.operation(z.unflatten(1, (1, 8, 8)), self.weight)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (lambda x, weight: x.cumsum(3), "aten.cumsum.default"),
        (lambda x, weight: F.conv2d(x, weight * x.mean(), padding=1), "weights hang on its input"),
        (lambda x, weight: F.pad(F.pad(x, (1, 1)), (-1, -1)), "no negative padding"),
        (lambda x, weight: F.interpolate(F.interpolate(x, (12, 12)), (8, 8)), "whole numbers"),
        (lambda x, weight: x.softmax(2), "last dimension"),
        (
            lambda x, weight: x[:, :, torch.arange(7, -1, -1), torch.arange(8)][..., None].expand(-1, -1, -1, 8),
            "as this",
        ),
    ],
)
def test_what_a_page_does_not_know_is_said_with_what_does(operation, said, tmp_path):
    with pytest.raises(GanvasError, match=said) as error:
        export_page(Model(Sums(operation).eval()), tmp_path / "page.html", name="sums")
    assert "`out=model.onnx`" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_network_without_a_graph_is_refused(tmp_path):
    network = Sums(lambda x, weight: x if x.sum() > 0 else -x).eval()
    with pytest.raises(GanvasError, match="finds no graph"):
        export_page(Model(network), tmp_path / "page.html", name="branches")


@pytest.mark.parametrize("ground", ["white", "#f0d040", "black"])
@pytest.mark.parametrize("size", [24, 64])
def test_a_picture_is_traced_as_the_command_traces_it(blank, ground, size):
    pytest.importorskip("contourpy")
    picture = drawing(ground, size)
    pixels = np.dstack([picture, np.full((size, size), 255, np.uint8)])
    (made,) = in_node(blank, traced=[(pixels.ravel(), size, size)])["traced"]
    wanted = traced(picture)
    assert (made["wide"], made["high"]) == (wanted.width, wanted.height)
    assert made["elements"] == wanted.elements()


def test_what_half_precision_changes_is_what_is_said(tmp_path):
    torch.manual_seed(0)
    model = model_of(shape=(3, 16, 16))
    made = export_page(model, tmp_path / "page.html", name="half")
    z = inputs(range(8), 32)
    drawn = np.array(in_node(made.path, raw=[(each, None, 1) for each in z])["raw"])
    apart = np.abs(drawn - model.make(z).flatten(1).numpy())
    assert 1e-6 < made.greatest < 1e-2
    assert apart.max() == pytest.approx(made.greatest, abs=1e-6)
    assert apart.mean() == pytest.approx(made.mean, abs=1e-6)
    assert f"{made.greatest * 127.5:.2g} of 255 shades" in made.path.read_text()
    full = export_page(model, tmp_path / "full.html", name="half", half=False)
    assert full.greatest == 0
    assert full.size > made.size


def test_a_morph_goes_on_an_arc(tmp_path):
    model = model_of(keywords())
    page = export_page(model, tmp_path / "page.html", name="morph", half=False).path
    ends = [{"seed": 1, "words": "red fish"}, {"seed": 2, "words": "rocket"}]
    drawn = in_node(page, between=[[ends, share] for share in (0, 0.3, 1)])["between"]
    from ganvas.latent.morph import blend

    (a, told), (b, other) = (given(model, Place.of(place)) for place in ends)
    for share, pixels in zip((0, 0.3, 1), drawn, strict=True):
        shares = torch.tensor([share], dtype=torch.float64)
        wanted = model.make(blend(a, b, shares, spherical=True), blend(told, other, shares, spherical=False))
        shades = np.array(pixels).reshape(8, 8, 4)[..., :3] - np.moveaxis(wanted[0].numpy() * 127.5 + 127.5, 0, -1)
        assert np.abs(shades).max() < 0.51


def test_pictures_of_one_channel_of_four_and_clips(tmp_path):
    for shape in ((1, 8, 8), (4, 8, 8), (3, 4, 8, 8)):
        model = model_of(shape=shape)
        page = export_page(model, tmp_path / "page.html", name="shapes", half=False).path
        (drawn,) = in_node(page, drawn=[{"seed": 3}])["drawn"]
        pixels = np.array(drawn["pixels"]).reshape(-1, 4)
        shades = np.moveaxis(model.generate([3])[0].numpy() * 127.5 + 127.5, 0, -1).reshape(-1, shape[0])
        assert np.abs(pixels[:, : shape[0]] - shades).max() < 0.51
        assert shape[0] == 4 or (pixels[:, 3] == 255).all()


def test_names_and_words_end_no_script(tmp_path):
    wicked = "</script><script>alert(1)</script>"
    model = model_of(Labels((wicked, "[[page]]"), (0.5, 0.5)))
    page = export_page(model, tmp_path / "page.html", name=wicked, notice=wicked)
    text = page.path.read_text()
    assert "<script>alert" not in text
    assert text.count("<script") == text.count("</script>") == 5 - 1
    assert in_node(page.path, places=[{"seed": 0, "words": wicked}])["given"][0]["told"] == [1, 0]


def test_a_large_page_asks_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "LARGEST", 1000)
    monkeypatch.setattr(web, "PART", 4000)
    model = model_of()
    with pytest.raises(GanvasError, match=r"as in `out=.*page`\."):
        export_page(model, tmp_path / "page.html", name="large")
    assert not list(tmp_path.iterdir())
    made = export_page(model, tmp_path / "page", name="large")
    parts = sorted((tmp_path / "page").glob("weights-*.js"))
    assert made.path == tmp_path / "page" / "index.html"
    assert made.size == sum(file.stat().st_size for file in (tmp_path / "page").iterdir())
    assert len(parts) > 1
    assert all(f'src="{part.name}"' in made.path.read_text() for part in parts)


def test_what_makes_no_page_is_refused(tmp_path):
    with pytest.raises(GanvasError, match="vectors of 7"):
        export_page(model_of(shape=(7,)), tmp_path / "page.html", name="points")
    with pytest.raises(GanvasError, match=r"ends in \.html"):
        export_page(model_of(), tmp_path / "page.htm", name="ending")
    (tmp_path / "file").write_text("")
    with pytest.raises(GanvasError, match="Cannot write"):
        export_page(model_of(), tmp_path / "file" / "page.html", name="place")


def test_the_command_writes_a_page(ganvas, pictures, tmp_path):
    from ganvas import fit

    run = fit(pictures, out=tmp_path / "run", device="cpu", quiet=True)
    code, out, _ = ganvas("export", str(run.path), "--out", "deep/page.html")
    assert code == 0
    assert "the page is deep/page.html" in out
    assert "half precision changes its pictures by" in out
    assert "ganvas directions" in out
    about = Path("deep/page.html").read_text().split('id="model">')[1].split("</script>")[0]
    assert json.loads(about)["name"] == "run"
    code, _, error = ganvas("export", str(run.path), "--out", "model.onnx", "--float32")
    assert code == 1
    assert "--out page.html" in error


def test_the_shipped_model_draws_the_pictures_of_its_seeds(tmp_path):
    model, found = load("icons"), saved("icons", load("icons"))
    directions = dict(zip(found.names, found.vectors, strict=True))
    page = export_page(model, tmp_path / "page.html", name="icons", directions=directions).path
    said = [
        {"seed": 5},
        {"seed": 1, "words": "red fish"},
        {"seed": 2, "words": "house", "variety": 1, "moves": {"warmth": 2}},
    ]
    drawn = in_node(page, drawn=said)["drawn"]
    wanted = draw(model, [Place.of(place) for place in said], found=found)
    for picture, sample in zip(drawn, wanted, strict=True):
        shades = np.array(picture["pixels"]).reshape(64, 64, 4)[..., :3]
        assert np.abs(shades - np.moveaxis(sample.numpy().clip(-1, 1) * 127.5 + 127.5, 0, -1)).max() < 1.5
