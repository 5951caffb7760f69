"""A look at a folder says all that is wrong with it, and nothing that is not; points are read from files."""

import json
import time

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import fit, source, train
from ganvas.core.errors import DoesNotFit, GanvasError, NotFound
from ganvas.data.dataset import Dataset
from ganvas.data.look import before_and_after, look, twins
from ganvas.data.sources.folder import Folder
from ganvas.learning.surface import slopes, surface


@pytest.fixture
def folder(tmp_path):
    """Six pictures, of which two are equal and a third nearly so, a broken one, and words of some."""
    path = tmp_path / "set"
    path.mkdir()
    dice = np.random.default_rng(0)
    for index in range(6):
        picture = dice.integers(0, 256, (40, 30, 3), np.uint8)
        Image.fromarray(picture).save(path / f"{index}.png")
    with Image.open(path / "1.png") as image:
        image.save(path / "same.png")
        image.point(lambda value: min(255, value + 2)).save(path / "nearly.png")
    Image.new("RGBA", (64, 64), (255, 0, 0, 100)).save(path / "clear.png")
    (path / "broken.png").write_bytes(b"no picture")
    rows = [{"file_name": f"{index}.png", "keywords": ["red", "fish"]} for index in range(3)]
    (path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return path


def test_what_is_found(folder):
    found = look(source(str(folder)))
    assert found["count"] == 9
    assert found["shape"] == [3, 32, 32]
    assert found["sizes"] == [{"width": 30, "height": 40, "count": 8}, {"width": 64, "height": 64, "count": 1}]
    assert found["modes"] == [{"mode": "RGB", "count": 8}, {"mode": "RGB with transparency", "count": 1}]
    assert found["skipped"] == [{"reason": "not an image", "files": ["broken.png"]}]
    assert [sorted(group) for group in found["twins"]] == [["1.png", "nearly.png", "same.png"]]
    assert {each["word"] for each in found["keywords"]} == {"red", "fish"} == set(found["rare"])
    assert (found["wordless"], found["drawn"], found["classes"]) == (6, False, [])


def test_the_command(ganvas, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_PROGRESS", "json")
    code, out, err = ganvas("data", folder, "--json")
    assert code == 0
    assert json.loads(out)["count"] == 9
    lines = [json.loads(line) for line in err.splitlines()]
    assert {"what": "Looking at files", "done": 9, "total": 9} in lines
    assert not (tmp_path / "contact.png").exists()
    assert json.loads(ganvas("data", "ring", "--json")[1])["twins"] == []


def test_what_a_microscope_saw_is_looked_at_as_it_is_learned_from(tmp_path):
    for number in range(3):
        ramp = np.linspace(0, 4095, 40 * 40).astype(np.uint16).reshape(40, 40)
        Image.fromarray(ramp).save(tmp_path / f"{number}.png")
    data = Folder(str(tmp_path), bits=12)
    shown, learned = before_and_after(data, "0.png")
    assert np.array_equal(learned, data.open().samples[0])
    assert np.asarray(shown)[..., 0].mean() == pytest.approx(127, abs=2)
    assert not Folder(str(tmp_path)).drawn(), "its sixteen shades are not areas of one colour"


def test_a_picture_before_and_after(folder):
    shown, learned = before_and_after(source(str(folder)), "0.png")
    assert shown.size == (30, 40)
    assert learned.shape == (32, 32, 3)
    assert before_and_after(source(str(folder)), "broken.png") is None
    assert before_and_after(source(str(folder)), "../x.png") is None
    assert before_and_after(source("ring"), "0.png") is None


def test_points_of_a_file(tmp_path):
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    np.save(tmp_path / "a.npy", points)
    (tmp_path / "a.json").write_text(json.dumps(points.tolist()))
    (tmp_path / "a.csv").write_text("x,y\n" + "\n".join(f"{x},{y}" for x, y in points.tolist()))
    for ending in ("npy", "json", "csv"):
        assert np.allclose(source(str(tmp_path / f"a.{ending}")).open().samples, points)
    assert fit(f"points:{tmp_path / 'a.npy'}", images=256, out=tmp_path / "run", device="cpu", quiet=True).finished


@pytest.mark.parametrize("text", ["", "[]", "[[1, 2], [3]]", '[["a"]]', "[[1, NaN], [2, 3]]", "[[1, 2]]", "[" * 9999])
def test_what_holds_no_points(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(GanvasError):
        source(str(tmp_path / "a.json")).open()
    with pytest.raises(NotFound):
        source("points:none.npy").open()


def test_the_surface_of_a_critic(points, pictures):
    critic = next(train(points)).state.networks["critic"]
    drawn = surface(critic, extent=1.5, side=5)
    corner = critic(torch.tensor([[-1.5, 1.5]]))
    assert torch.allclose(drawn[0, 0], corner)
    at, step = torch.tensor([[0.3, -0.2]]), torch.tensor([[1e-2, 0.0]])
    rise = (critic(at + step) - critic(at - step)) / 2e-2
    assert torch.allclose(slopes(critic, at)[0, 0], rise[0], rtol=0.05, atol=1e-3)
    with pytest.raises(DoesNotFit, match="points in the plane"):
        surface(next(train(pictures)).state.networks["critic"], extent=1.0)


def test_many_pictures_that_are_alike_are_compared_in_seconds(tmp_path):
    """Blank pages, frames of a film that stands still: each pair was joined by itself, which of 20,000 took minutes."""
    white, grays = np.full((4000, 4, 4, 1), 255, np.uint8), np.arange(0, 40, 2, np.uint8)
    chain = np.concatenate([grays[::2], grays[1::2]]).reshape(-1, 1, 1, 1)  # those that join two come last
    data = Dataset(np.concatenate([white, np.broadcast_to(chain, (20, 4, 4, 1))]), names=tuple(map(str, range(4020))))
    began = time.process_time()
    assert list(map(len, twins(data))) == [4000, 20], "each of a row of grays is like the next"
    assert time.process_time() - began < 5
