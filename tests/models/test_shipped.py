"""The models that come with the toolkit draw what they are asked for, at once."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ganvas import Run, fit, load
from ganvas.core import checkpoint
from ganvas.core.errors import GanvasError, NotInstalled
from ganvas.core.pixels import to_uint8
from ganvas.data.sources.icons import Icons
from ganvas.latent.draw import draw, save_places
from ganvas.metrics.features import efficientnet
from ganvas.models import shipped
from ganvas.models.critics import load_critics
from ganvas.models.made import Layout, Made
from ganvas.models.place import Place
from ganvas.models.sheets import save_sheet
from ganvas.training import start_from

MOST_BYTES = 40e6  # of all weights together


@pytest.fixture(scope="module")
def model():
    return load("icons")


def save(path):
    Image.new("RGB", (64, 64), "white").save(path)
    return path


def test_words_of_the_documentation_are_known_or_not(model):
    assert model.unknown("outline beagle") == ["beagle"]
    assert model.unknown("red heart") == model.unknown("clock alarm") == []


def drawn(model, words, count=16):
    """Samples as float [N, 3, H, W] in [0, 1]."""
    return to_uint8(model.generate(range(count), model.condition_for(words, range(count)))).permute(0, 3, 1, 2) / 255


def colour(pictures):
    """The mean colour of what is neither the white ground nor a black line, of all pictures together."""
    inked = ((pictures.amin(1) < 0.85) & (pictures.amax(1) > 0.3)).unsqueeze(1)
    return (pictures * inked).sum((0, 2, 3)) / inked.sum()


def test_they_are_small():
    assert list(shipped.shipped()) == ["icons", "icons-base"]
    held = (load_file(file).values() for file in shipped.HOME.rglob("*.safetensors"))
    assert sum(tensor.nbytes for tensors in held for tensor in tensors) < MOST_BYTES


def test_a_training_starts_from_the_base(tmp_path):
    """It has its critic, too, and begins where it is: on white paper."""
    for shade in range(8):
        Image.new("RGB", (64, 64), (30 * shade, 0, 0)).save(tmp_path / f"{shade}.png")
    run = fit(tmp_path, start_from="icons-base", images=32, out=tmp_path / "run", quiet=True, device="cpu")
    assert run.recipe.game.augment.passes == 20
    begun, now = (checkpoint.read(Run(at).newest / checkpoint.STATE) for at in (shipped.locate("icons-base"), run.path))
    names = [name for name, weight in begun.items() if name.startswith("critic/") and weight.dim() == 4]
    assert names
    assert all((now[name] - begun[name].float()).abs().max() < 0.01 for name in names), "one step from where it was"
    assert to_uint8(load("icons-base").generate(range(64)))[:, :2, :2].float().mean() > 230


@pytest.mark.parametrize(
    ("words", "most", "least"), [("red heart", 0, 1), ("blue heart", 2, 0), ("green tree", 1, 0), ("blue square", 2, 0)]
)
def test_icons_have_the_colour_that_is_asked_for(model, words, most, least):
    found = colour(drawn(model, words))
    assert found[most] > found[least] + 0.2, found


@pytest.mark.parametrize("thing", ["house", "star", "umbrella", "car"])
def test_icons_have_the_style_that_is_asked_for(model, thing):
    """A solid thing has more ink than its outline, and that more than a thin one; flat ones have more colour."""
    ink, hue = {}, {}
    for style in ("solid", "outline", "thin", "flat"):
        pictures = drawn(model.varied(0), f"{style} {thing}")
        ink[style], hue[style] = (1 - pictures.mean(1)).mean(), (pictures.amax(1) - pictures.amin(1)).mean()
    assert ink["solid"] > 1.2 * ink["outline"], ink
    assert ink["outline"] > 1.2 * ink["thin"], ink
    assert hue["flat"] > 1.5 * hue["outline"], hue


def test_seeds_of_the_same_word_are_other_drawings(model):
    """Other styles and, for a half of them, other colours; without variety the words are all that there is."""
    described = model.condition_for("cat", range(32))
    assert len({tuple(row.tolist()) for row in described}) > 12
    assert len({tuple(row.tolist()) for row in model.varied(0).condition_for("cat", range(32))}) == 1
    chroma = [drawn(model, text).diff(dim=1).abs().mean((1, 2, 3)) for text in ("house", "outline black house")]
    assert chroma[0].std() > 2 * chroma[1].std()


def test_icons_stand_on_white_and_vary_with_their_words(model):
    pictures = drawn(model, None, 64)
    assert pictures[:, :, 0].mean() > 0.95, "the upper edge"
    assert pictures.std(0).mean() > 0.1


def test_a_keyword_that_was_not_learned_is_near_those_that_were(model):
    pytest.importorskip("wordllama")
    assert "crimson" not in model.condition.words
    found = colour(drawn(model, "crimson heart"))
    assert found[0] > found[2] + 0.2


def test_a_keyword_that_is_no_text_is_taken_as_one(model):
    """The shell hands on what cannot be read as UTF-8 as lone surrogates."""
    pytest.importorskip("wordllama")
    assert drawn(model, "\udcff heart", 2).shape == (2, 3, 64, 64)


def test_its_critic_comes_along_and_knows_words(model):
    """An untrained critic prefers the right words in about half of the cases."""
    (critic,) = load_critics(Run(shipped.locate("icons")), model.condition.length).values()
    real = Icons("objects", size=64).open()
    told = torch.stack([model.described(" ".join(["outline", *words])) for words in real.keywords])
    pictures = real.take(np.arange(len(real)))
    others = told.roll(len(told) // 2, 0)  # what follows one another is of one kind
    assert (critic(pictures, told) > critic(pictures, others)).float().mean() > 0.6


def test_a_critic_whose_eyes_are_not_installed_is_not_called_damaged(model, monkeypatch):
    monkeypatch.setattr(efficientnet, "_packaged", lambda _: None)
    with pytest.raises(NotInstalled, match=r"pip install 'ganvas\[measure\]'"):
        load_critics(Run(shipped.locate("icons")), model.condition.length)
    with pytest.raises(NotInstalled, match=r"pip install 'ganvas\[measure\]'"):
        start_from.found("icons")


def test_it_is_steered_by_directions_that_come_along(ganvas, tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    code, out, _ = ganvas("edit", "icons", "--direction", "brightness", "--seed", 3, "--pictures", 3)
    assert code == 0
    assert "brightness in strip.png" in out
    assert {each.name for each in tmp_path.iterdir()} - {"cache"} == {"strip.png"}
    assert not (tmp_path / "cache" / "directions").exists()


def test_what_it_learned_from_is_asked_for(ganvas, tmp_path):
    picture = save(tmp_path / "a.png")
    assert "What icons learned from is not here" in ganvas("evaluate", "icons")[2]
    assert "Name real pictures by --real." in ganvas("inspect", "icons", picture, "--keywords", "red heart")[2]


def test_no_samples_are_none(model):
    assert model.sample(0) == []
    with pytest.raises(GanvasError, match=r"Seeds are whole numbers from 0 to .*, not -1"):
        model.sample(1, seed=-1)


def test_words_are_read_as_people_write_them(ganvas, model, tmp_path):
    for text in ("Red Heart!", "red-heart", "heart, red"):
        assert torch.allclose(model.condition.read(text), model.condition.read("red heart"), atol=1e-5), text
    out = tmp_path / "one.png"
    assert "no words in '!!!'" in ganvas("sample", "icons", "--keywords", "!!!", "--out", out)[2]
    pytest.importorskip("wordllama")
    said = ganvas("sample", "icons", "--keywords", "crimson heart", "--count", 1, "--out", out)[1]
    assert "taken by their meaning in English: crimson" in said


def test_what_seeds_add_is_said_and_may_be_asked_for(ganvas, model, tmp_path):
    drawn, again = tmp_path / "drawn", tmp_path / "again"
    said = ganvas("sample", "icons", "--keywords", "clock", "--seeds", "3,1", "--separate", "--out", drawn)[1]
    added = [" ".join([str(seed), *model.added("clock", seed)]) for seed in (3, 1)]
    assert all(len(each.split()) > 1 for each in added)
    assert f"(none with --variety 0): {', '.join(added)}\n" in said
    more = ["--seeds", "3", "--variety", "0", "--separate", "--out", again]
    said = ganvas("sample", "icons", "--keywords", f"clock {added[0][2:]}", *more)[1]
    assert "seeds added" not in said
    before, after = (np.asarray(Image.open(next(each.glob("*3.png")))) for each in (drawn, again))
    assert np.abs(before.astype(int) - after).max() <= 2
    strip = [
        "--truncation-strip",
        "--keywords",
        "clock",
        "--keywords",
        "cat",
        "--count",
        "1",
        "--out",
        tmp_path / "s.png",
    ]
    line = ganvas("sample", "icons", *strip)[1].splitlines()[1]
    asked = [" ".join([words, "0", *model.added(words, 0)]) for words in ("clock", "cat")]
    assert line.endswith(": " + ", ".join(asked))


def test_captions_say_what_seeds_add(ganvas, model, tmp_path):
    asked = ["sample", "icons", "--keywords", "clock", "--count", 2]
    added = [" ".join(model.added("clock", seed)) for seed in (0, 1)]
    ganvas(*asked, "--out", tmp_path / "a.svg")
    ganvas(*asked, "--variety", 0, "--out", tmp_path / "b.svg")
    named, plain = ((tmp_path / file).read_text() for file in ("a.svg", "b.svg"))
    for seed, more in enumerate(added):
        assert more
        assert f"<title>clock, {more}, seed {seed}</title>" in named
        assert f"<title>clock, seed {seed}, variety 0</title>" in plain
    ganvas(*asked, "--separate", "--out", tmp_path / "c.svg")
    assert [
        f"<title>clock, {more}, seed {seed}</title>" in file.read_text()
        for seed, (more, file) in enumerate(zip(added, sorted((tmp_path / "c").iterdir()), strict=True))
    ] == [True, True]
    place, layout = Place(0, words="clock"), Layout(captions=True)
    save_places(model, [place], tmp_path / "a.png", layout=layout)
    said = Made("", "0" * 64, (place,), layout)
    save_sheet(draw(model, [place], large=True), tmp_path / "b.png", said, shape=model.shape)
    named, plain = (np.asarray(Image.open(tmp_path / f"{file}.png")) for file in "ab")
    assert named[:145].tolist() == plain[:145].tolist()  # the picture and its words
    assert named[145:].min() < 255
    assert len(named) > len(plain)


def test_the_card_says_whose_pictures_it_learned_from():
    card = (shipped.locate("icons") / "README.md").read_text()
    assert all(name in card for name in ("OpenMoji", "Phosphor", "ATTRIBUTION.md", "CC BY-SA 4.0"))
    assert "/home" not in card
    assert "/tmp" not in card
