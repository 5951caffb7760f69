"""Stacked digits: which pictures they are, what they are called, and that they are counted as modes."""

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import GanvasError
from ganvas.data.dataset import source
from ganvas.data.sources.digits import Digits
from ganvas.data.sources.stacked import StackedDigits


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))


def test_each_channel_is_a_digit_and_the_class_is_the_three_of_them():
    data, single = StackedDigits(count=300, size=8).open(), Digits(size=8).open()
    assert data.shape == (3, 8, 8)
    assert len(data) == 300
    assert data.classes[:2] == ("000", "001")
    assert len(data.classes) == 1000
    pairs = zip(single.samples, single.labels, strict=True)
    known = {picture.tobytes(): single.classes[label] for picture, label in pairs}
    for picture, label in zip(data.samples, data.labels, strict=True):
        channels = [known[np.ascontiguousarray(picture[..., channel]).tobytes()] for channel in range(3)]
        assert "".join(channels) == data.classes[label]


def test_all_modes_are_there_about_equally_often():
    data = StackedDigits(count=20_000, size=2).open()
    counts = np.bincount(data.labels, minlength=1000)
    assert counts.min() >= 4
    assert counts.max() < 50


def test_the_same_at_every_call_and_more_are_those_and_others():
    few, many = StackedDigits(count=50, size=8).open(), StackedDigits(count=80, size=8).open()
    np.testing.assert_array_equal(few.samples, many.samples[:50])
    np.testing.assert_array_equal(few.samples, StackedDigits(count=50, size=8).open().samples)
    assert few.names[:2] == ("0", "1")


def test_other_pictures_and_other_numbers_of_them(tmp_path):
    for place, name in enumerate(("cat/1.png", "cat/2.png", "dog/1.png")):
        file = tmp_path / "animals" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 100 * place, np.uint8)).save(file)
    data = StackedDigits(str(tmp_path / "animals"), count=40, size=8, channels=2).open()
    assert data.shape == (2, 8, 8)
    assert data.classes == ("catcat", "catdog", "dogcat", "dogdog")
    for picture, label in zip(data.samples, data.labels, strict=True):
        assert data.classes[label] == "".join("dog" if value == 200 else "cat" for value in picture[0, 0])


def test_as_named_on_the_command_line():
    assert source("stacked_digits") == StackedDigits()
    assert source("stacked_digits:mnist") == StackedDigits("mnist")


def test_what_cannot_be_stacked(tmp_path):
    with pytest.raises(GanvasError, match="'ring' holds no pictures"):
        StackedDigits("ring").open()
    with pytest.raises(GanvasError, match="count of at least 1"):
        StackedDigits(count=0).open()
    (tmp_path / "plain").mkdir()
    for name in ("1.png", "2.png"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "plain" / name)
    with pytest.raises(GanvasError, match="has no labels"):
        StackedDigits(str(tmp_path / "plain"), size=8).open()
