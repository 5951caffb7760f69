"""A place is one picture, spelled in one way, and drawn bit for bit as `sample` draws it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import load
from ganvas.core.errors import DoesNotFit, GanvasError, NotFound
from ganvas.core.pixels import to_uint8
from ganvas.latent.directions import Directions
from ganvas.latent.draw import as_latent, draw, given, stops_of
from ganvas.latent.morph import morph
from ganvas.latent.places import fingerprint
from ganvas.models.model import inputs
from ganvas.models.place import Place, names_of


@pytest.fixture(scope="module")
def icons():
    return load("icons")


@pytest.fixture(scope="module")
def warmth(icons):
    """A direction of z alone, made up."""
    vector = torch.nn.functional.normalize(inputs([99], icons.network.latent), dim=1)
    one = torch.ones(1, 1)
    return Directions(("warmth",), vector, ("warmth",), one[0], one, one, fingerprint(icons.network))


def test_one_spelling():
    text = '{ "words": "3d fruit", "seed": 9, "moves": {"area": 0, "warmth": 2.0}, "truncation": 1, "parents": ["a"]}'
    place = Place.read(text)
    assert place.as_json() == '{"moves":{"warmth":2},"seed":9,"words":"3d fruit"}'
    assert Place.read(place.as_json()).as_json() == place.as_json()
    assert Place.read('{"seed":0,"words":"Übung"}').as_json() == '{"seed":0,"words":"Übung"}'


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "nine", "{}", '{"seed": 1, "latent": "a"}', '{"seed": -1}', '{"seed": true}', '{"seed": 1.0}',
        '{"seed": 1, "variety": 5}', '{"seed": 1, "variety": NaN}', '{"seed": 1, "truncation": 5}',
        '{"seed": 1, "moves": {"warmth": 7}}', '{"seed": 1, "moves": {"warmth": "a"}}', '{"seed": 1, "mvoes": {}}',
        '{"seed": 1, "words": 3}', json.dumps({"seed": 1, "words": "a" * 201}), "[" * 100_000,
        json.dumps({"seed": 1, "moves": {str(name): 1 for name in range(9)}}), '{"seed": 99999999999999999999}',
    ],
)  # fmt: skip
def test_what_is_no_place(text):
    with pytest.raises(DoesNotFit):
        Place.read(text)


def test_a_place_is_what_sample_draws(icons):
    chosen = [Place(seed, words="3d fruit") for seed in range(3, 23)]
    assert torch.equal(draw(icons, chosen), icons.generate(range(3, 23), icons.condition_for("3d fruit", range(3, 23))))
    assert torch.equal(draw(icons, [Place(5)]), icons.generate([5]))
    alone = draw(icons, [chosen[7]])
    assert torch.equal(alone[0], draw(icons, chosen)[7])


def test_moves_variety_and_truncation_in_one_draw(icons, warmth):
    chosen = [Place(1, words="fish"), Place(1, words="fish", variety=0), Place(1, words="fish", truncation=0.5),
              Place(1, words="fish", moves={"warmth": 2.0})]  # fmt: skip
    made = draw(icons, chosen, found=warmth)
    for one, place in zip(made, chosen, strict=True):
        assert torch.equal(one, draw(icons, [place], found=warmth)[0])
    assert len({one.numpy().tobytes() for one in made}) == 4
    with pytest.raises(NotFound, match="ganvas directions"):
        draw(icons, chosen[3:])


def test_a_latent_keeps_what_its_words_became(icons, tmp_path):
    place = Place(4, words="red heart", variety=1.0)
    latent = as_latent(icons, place)
    latent.save(tmp_path / "abc.safetensors")
    same = Place(latent="abc", words="red heart")
    assert torch.equal(draw(icons, [same], folder=tmp_path), draw(icons, [place]))
    other = given(icons, Place(latent="abc", words="house"), folder=tmp_path)
    assert not torch.equal(other[1][0], latent.condition)
    assert torch.equal(other[0][0], latent.z)
    with pytest.raises(NotFound, match="There is no latent"):
        draw(icons, [Place(latent="abd")], folder=tmp_path)


def test_a_morph_goes_through_places(icons):
    chosen = [Place(1, words="fish"), Place(2, words="house")]
    model, stops = stops_of(icons, chosen)
    made = morph(model, stops, frames=5)
    assert torch.equal(made[[0, -1]], draw(icons, chosen))
    with pytest.raises(DoesNotFit, match="one truncation"):
        stops_of(icons, [Place(1), Place(2, truncation=0.5)])


def test_names():
    chosen = [Place(9, words="3d Fruit!"), Place(9, words="3d fruit"), Place(7), Place(latent="abcdef012345")]
    assert names_of(chosen) == ["3d-fruit-9", "3d-fruit-9-2", "seed-0007", "place-abcdef"]


def test_a_preview_is_nearly_the_picture(icons):
    places = [given(icons, Place(seed, words="tree")) for seed in range(4)]
    z, told = (torch.cat(each) for each in zip(*places, strict=True))
    shown, made = icons.preview(z, told), icons.make(z, told)
    assert 0 < (shown - made).abs().mean() < 0.1  # of 2: which is refined, too
    icons.network.refinements, refinements = 0, icons.network.refinements
    try:
        assert (shown - icons.make(z, told)).abs().max() < 1e-4
    finally:
        icons.network.refinements = refinements


def test_the_command_finds_the_directions_that_come_along(ganvas, tmp_path):
    place = '{"seed": 1, "words": "fish", "moves": {"warmth": 2}}'
    assert ganvas("sample", "icons", "--place", place, "--out", "warm.png")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["warm.png"], "none were searched for"


def test_the_command(ganvas, tmp_path):
    code, out, err = ganvas("sample", "icons", "--keywords", "fish", "--seeds", "9,3", "--separate", "--out", "a")
    assert (code, out.splitlines()[0]) == (0, "2 samples in a"), err
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["seed-0003.png", "seed-0009.png"]
    large = ["--keywords", "fish", "--seeds", "9", "--separate", "--scale", 2, "--out", "large"]
    assert ganvas("sample", "icons", *large)[0] == 0
    twice = load("icons").make(*given(load("icons"), Place(9, words="fish")), large=True)
    assert (pixels(tmp_path / "large" / "seed-0009.png") == to_uint8(twice)[0].numpy()).all()
    assert "from 1" in ganvas("sample", "icons", "--seeds", "1", "--scale", -1)[2]
    place = '{"seed": 9, "words": "fish"}'
    assert ganvas("sample", "icons", "--place", place, "--separate", "--out", "b")[0] == 0
    assert pixels(tmp_path / "b" / "fish-9.png").tolist() == pixels(tmp_path / "a" / "seed-0009.png").tolist()
    assert ganvas("sample", "icons", "--place", place, "--separate", "--out", "b.svg")[0] == 0
    assert ganvas("sample", "--like", "b/fish-9.svg", "--out", "one.svg")[1].startswith("1 samples in one.svg\n")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "b" / "fish-9.svg").read_bytes()
    words = ["--keywords", "fish", "--keywords", "house", "--count", 3]
    assert ganvas("sample", "icons", *words, "--out", "two.png")[0] == 0
    with Image.open(tmp_path / "two.png") as sheet:
        assert sheet.size[0] == 3 * (128 + 8) + 8
        assert 2 * (128 + 8) + 8 < sheet.size[1] < 2 * (128 + 8 + 60)  # words, the seed, and what it added
    assert ganvas("sample", "icons", *words, "--no-captions", "--out", "two.png")[0] == 0
    with Image.open(tmp_path / "two.png") as sheet:
        assert sheet.size == (3 * 66 + 2, 2 * 66 + 2)
    for wrong in (
        ["--seeds", "1,x"],
        ["--place", place, "--seeds", "1"],
        ["--place", "{"],
        ["--place", '{"seed": -1}'],
    ):
        code, _, err = ganvas("sample", "icons", *wrong)
        assert code == 1
        assert err.startswith("ganvas: ")
    with pytest.raises(GanvasError):
        draw(load("icons"), [Place(1, words="!!!")])


def test_morph_and_edit_of_places(ganvas, tmp_path):
    places = ["--place", '{"seed": 9, "words": "fish"}', "--place", '{"seed": 3, "words": "house"}']
    assert ganvas("morph", "icons", *places, "--frames", 3, "--scale", 1, "--out", "m.png")[0] == 0
    ends = draw(load("icons"), [Place(9, words="fish"), Place(3, words="house")])
    strip = pixels(tmp_path / "m.png")
    assert strip.shape == (68, 3 * 66 + 2, 3)
    assert (strip[2:66, 2:66] == to_uint8(ends)[0].numpy()).all()
    assert (strip[2:66, -66:-2] == to_uint8(ends)[1].numpy()).all()
    assert ganvas("morph", "icons", *places, "--frames", 3, "--out", "m.png", "--scale", 2)[0] == 0
    twice = draw(load("icons"), [Place(3, words="house")], large=True)
    assert (pixels(tmp_path / "m.png")[2:130, -130:-2] == to_uint8(twice)[0].numpy()).all()
    for name in ("m.gif", "m.webp"):
        assert ganvas("morph", "icons", *places, "--frames", 3, "--out", name)[0] == 0
        with Image.open(tmp_path / name) as film:
            assert film.size == (256, 256)
    move = ["--direction", "area", "--strength", 0, "--pictures", 1, "--keywords", "house", "--seed", 3]
    assert ganvas("edit", "icons", *move, "--scale", 2, "--out", "e.png")[0] == 0
    edited = pixels(tmp_path / "e.png").astype(int)  # a picture alone has no border
    assert np.abs(edited - to_uint8(twice)[0].numpy()).max() <= 1, "a move of 0 rounds"
    for wrong in ([*places, "--seeds", "1,2"], ["--scale", 0, "--seeds", "1,2"]):
        assert ganvas("morph", "icons", *wrong, "--out", "m.png")[0] == 1


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_process_without_a_picture_of_its_own(monkeypatch, tmp_path):
    from ganvas.core import distributed
    from ganvas.latent import draw as drawing

    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "share", lambda _count: range(0))
    monkeypatch.setattr(distributed, "gathered", lambda rows: rows)
    model = load("icons")
    assert drawing._drawn_together(model, [], found=None, large=False).shape == (0, *model.shape)
