"""The film of a training: the frames that were asked for, in a file that others can read."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganvas import fit
from ganvas.core.errors import GanvasError
from ganvas.core.pixels import read_sheet, save_film, save_picture
from ganvas.runs.film import film


def make_run(folder, sheets=6, size=(70, 50), channels=3):
    (folder / "samples").mkdir()
    for index in range(sheets):
        picture = np.full((size[1], size[0], channels), 255, np.uint8)
        picture[5:-5, 5:-5] = (250 - 3 * index % 250, 40, 90)[:channels]
        Image.fromarray(picture[..., 0] if channels == 1 else picture).save(
            folder / "samples" / f"{index * 640:09d}.png"
        )
    return folder


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_every_sheet_is_a_frame(tmp_path, ending):
    path = film(make_run(tmp_path), tmp_path / f"training.{ending}")
    with Image.open(path) as opened:
        assert opened.n_frames == 6
        assert opened.size[0] == 70
        assert opened.size[1] > 50
        opened.seek(5)
        last = np.asarray(opened.convert("RGB")).astype(int)
    assert abs(last[25, 35] - [235, 40, 90]).max() < 8
    assert (last[1, 1] >= 250).all()
    assert abs(last[-1, 60] - [31, 78, 160]).max() < 40  # the line below is complete


def test_it_lies_in_the_run_folder(tmp_path):
    assert film(make_run(tmp_path)) == tmp_path / "film.gif"


def test_mp4(tmp_path):
    av = pytest.importorskip("av")
    path = film(make_run(tmp_path, size=(71, 51)), tmp_path / "film.mp4", frames_per_second=6)
    with av.open(str(path)) as opened:
        frames = list(opened.decode(video=0))
        rate = opened.streams.video[0].average_rate
    assert len(frames) == 6 + 9  # the last one is held for a second and a half
    assert rate == 6
    assert (frames[0].width % 2, frames[0].height % 2) == (0, 0)
    assert abs(frames[5].to_ndarray(format="rgb24")[25, 35].astype(int) - [235, 40, 90]).max() < 12


@pytest.mark.parametrize(
    ("seconds", "frames", "milliseconds"), [(None, 6, 80), (0.25, 3, 80), (3, 6, 500), (0.01, 2, 80)]
)
def test_as_long_as_asked(tmp_path, seconds, frames, milliseconds):
    with Image.open(film(make_run(tmp_path), seconds=seconds)) as opened:
        assert opened.n_frames == frames
        assert opened.info["duration"] == milliseconds


def test_a_long_run_is_picked_evenly(tmp_path):
    with Image.open(film(make_run(tmp_path, sheets=170, size=(90, 20)))) as opened:
        assert opened.n_frames == 150


def test_sheets_of_other_sizes_and_modes(tmp_path):
    folder = make_run(tmp_path, sheets=2, channels=1)
    Image.new("RGBA", (30, 30), (255, 0, 0, 0)).save(folder / "samples" / "000009999.png")
    Image.new("RGB", (64, 48), (0, 255, 0)).save(folder / "samples" / "not a sheet.png")
    with Image.open(film(folder)) as opened:
        assert opened.n_frames == 3
        assert opened.size[0] == 30
        opened.seek(2)
        assert opened.convert("RGB").getpixel((15, 15)) == (255, 255, 255)  # what is transparent is white


def test_what_cannot_be_filmed(tmp_path):
    with pytest.raises(GanvasError, match="is not a run folder"):
        film(tmp_path)
    make_run(tmp_path, sheets=1)
    with pytest.raises(GanvasError, match="two sheets"):
        film(tmp_path)
    with pytest.raises(GanvasError, match="ends in"):
        film(make_run_again(tmp_path), tmp_path / "film.avi")


def make_run_again(folder):
    Image.new("RGB", (70, 50)).save(folder / "samples" / "000000640.png")
    return folder


def test_one_palette_keeps_colours_and_white(tmp_path):
    dice = np.random.default_rng(0)
    frames = [np.full((64, 64, 3), 255, np.uint8) for _ in range(10)]
    for index, frame in enumerate(frames):
        frame[8:56, 8:56] = dice.integers(0, 256, 3) // 8 * 8
        frame[20 + index] = 0
    save_film(frames, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as opened:
        for index, frame in enumerate(frames):
            opened.seek(index)
            shown = np.asarray(opened.convert("RGB")).astype(int)
            assert (shown[0, 0] == 255).all()
            assert abs(shown - frame).max() <= 4


def test_one_seed_alone(tmp_path, pictures):
    run = fit(replace(pictures, sheets=4), out=tmp_path / "run", device="cpu", quiet=True)
    with Image.open(run.newest_sheet) as sheet, Image.open(film(run.path, seed=9)) as alone:
        alone.seek(alone.n_frames - 1)
        tile = sheet.convert("RGB").crop((68, 68, 132, 132))
        shown = np.asarray(alone.convert("RGB"))[: 64 * (sheet.width // 64)]
    assert shown.shape[:2] == (512, 512)
    assert abs(shown[::8, ::8].astype(int) - np.asarray(tile)).max() < 16  # of a palette
    for seed in (-1, 64):
        with pytest.raises(GanvasError, match="from 0 to 63"):
            film(run.path, seed=seed)


@pytest.mark.parametrize("more", [b"\0", b"\n" * 100, "itself", -1, -12])
def test_a_sheet_of_bytes_too_many_or_too_few_is_left_out(tmp_path, more):
    """None of its pixels is lost, but it is not what was written."""
    path = save_picture(np.full((8, 8, 3), 80, np.uint8), tmp_path / "000000016.png")
    good = path.read_bytes()
    assert read_sheet(path) is not None
    path.write_bytes(good[:more] if isinstance(more, int) else good + (good if more == "itself" else more))
    assert read_sheet(path) is None


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_transparent_frames_stay_transparent(tmp_path, ending):
    frames = [np.full((16, 16, 4), (255, 0, 255, 0), np.uint8) for _ in range(6)]
    for index, frame in enumerate(frames):  # what moves leaves nothing behind
        frame[4:12, index : index + 6] = 20, 12, 28, 255
        frame[6:10, index + 1 : index + 5] = 217, 87, 99, 255
        frame[2, index], frame[3, index] = (90, 90, 90, 200), (0, 0, 0, 60)
    save_film(frames, tmp_path / f"film.{ending}")
    with Image.open(tmp_path / f"film.{ending}") as opened:
        for index, frame in enumerate(frames):
            opened.seek(index)
            shown = np.asarray(opened.convert("RGBA"))
            opacity = np.where(frame[..., 3] < 128, 0, 255) if ending == "gif" else frame[..., 3]
            assert np.array_equal(shown[..., 3], opacity)
            assert np.array_equal(shown[opacity > 0, :3], frame[opacity > 0, :3])


def test_a_film_may_be_wholly_clear(tmp_path):
    assert save_film([np.zeros((8, 8, 4), np.uint8)] * 2, tmp_path / "film.gif").exists()
