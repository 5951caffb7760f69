"""Clips from end to end: data, numbers, networks, training, sheets, films."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from conftest import files
from PIL import Image

from ganvas import fit, load, plan, train
from ganvas.core import catalog, pixels
from ganvas.core.errors import GanvasError
from ganvas.core.pixels import save_clips
from ganvas.data.dataset import Dataset, source
from ganvas.data.decode import Frame, Unusable
from ganvas.data.sources.clips import Clips, MovingDigits, _shown
from ganvas.data.sources.digits import Digits
from ganvas.learning.penalties import squared_gradient
from ganvas.networks.video import TGANCritic, TGANGenerator

DATA = MovingDigits(size=16, frames=8, count=40)
TINY = {"generator": TGANGenerator(width=2, latent=4, motion=4), "critic": TGANCritic(width=2)}


@pytest.fixture(scope="module")
def recipe(points):
    return replace(points, data=DATA, networks=TINY, batch=4, images=24, sheets=2)


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return fit(recipe, out=tmp_path_factory.mktemp("run") / "clips", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def digits():
    return MovingDigits(count=60).open()


def centres(clips):
    """Where the ink of each frame of [N, T, H, W, 1] is on average: [N, T, 2]."""
    ink = clips[..., 0].astype(np.float64)
    total = ink.sum((2, 3))
    rows, columns = np.arange(ink.shape[2]), np.arange(ink.shape[3])
    return np.stack([ink.sum(3) @ rows / total, ink.sum(2) @ columns / total], axis=-1)


class TestMovingDigits:
    def test_what_there_is(self, digits):
        assert digits.samples.shape == (60, 16, 32, 32, 1)
        assert digits.samples.dtype == np.uint8
        assert digits.shape == (1, 16, 32, 32)
        assert str(digits.summary()).startswith("60 clips of 16 frames, 32x32 gray\n10 classes: ")
        assert MovingDigits().count >= 2000
        assert MovingDigits(size=(24, 16), channels=3, count=1).open().shape == (3, 16, 16, 24)

    def test_they_are_the_same_at_every_call(self, digits):
        again = MovingDigits(count=60).open()
        assert np.array_equal(again.samples, digits.samples)
        assert np.array_equal(again.labels, digits.labels)

    def test_the_digit_stays_whole_and_inside(self, digits):
        ink = digits.samples.sum((2, 3, 4), dtype=np.int64)
        assert (abs(ink / ink.mean(1, keepdims=True) - 1) < 0.02).all()  # nothing is cut off at an edge

    def test_its_speed_is_constant_between_bounces(self, digits):
        steps = np.abs(np.diff(centres(digits.samples), axis=1))
        speed = np.median(steps, axis=1, keepdims=True)
        bounced = steps < speed - 0.15
        assert (steps < speed + 0.15).all()  # never faster
        assert (bounced.sum(1) <= 3).all()  # in a frame with a bounce it comes less far
        assert bounced.any()
        assert (speed > 0.06 * 16 - 0.15).all()
        assert (speed < 0.14 * 16 + 0.15).all()

    def test_it_turns_round_at_the_edges_and_nowhere_else(self, digits):
        seen = digits.samples[..., 0] > 0
        for ways, axis in ((seen.any(3), 0), (seen.any(2), 1)):
            moves = np.diff(centres(digits.samples)[..., axis], axis=1)
            turned = (moves[:, 1:] * moves[:, :-1] < 0) & (np.abs(moves[:, 1:]) > 0.3) & (np.abs(moves[:, :-1]) > 0.3)
            near = ways[:, :, :6].any(2) | ways[:, :, -6:].any(2)  # digits have margins within their square
            assert turned.any()
            assert near[:, 1:-1][turned].all()

    def test_labels_are_of_the_one_digit(self, digits):
        assert digits.classes == tuple("0123456789")
        assert len(np.unique(digits.labels)) == 10
        two = MovingDigits(digits=2, count=5).open()
        assert two.labels is None
        assert two.classes == ()
        assert two.samples.sum() > 1.4 * digits.samples[:5].sum()
        assert source("moving_digits:2") == MovingDigits(digits=2)

    @pytest.mark.parametrize("wrong", [{"digits": 0}, {"frames": 1}, {"count": 0}, {"slowest": 0.5}, {"fastest": 2.0}])
    def test_nonsense_is_refused(self, wrong):
        with pytest.raises(GanvasError, match=r"moving_digits takes|A digit cannot move"):
            MovingDigits(**wrong)


def paint(path, frames, size=(20, 20), **options):
    """An animation whose frame t is of the gray 10 t."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [Image.new("RGB", size, (10 * t, 10 * t, 10 * t)) for t in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=50, **options)


class TestClips:
    def test_a_folder_of_animations_with_wrong_files_among_them(self, tmp_path):
        paint(tmp_path / "a.gif", 8)
        paint(tmp_path / "b.webp", 17, lossless=True)
        paint(tmp_path / "c.png", 4, size=(40, 20))
        paint(tmp_path / "still.gif", 1)
        whole = (tmp_path / "a.gif").read_bytes()
        (tmp_path / "short.gif").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "notes.txt").write_text("nothing to see")
        data = Clips(str(tmp_path), size=8, frames=8).open()
        assert data.shape == (3, 8, 8, 8)
        assert data.names == ("a.gif", "b.webp#0", "b.webp#1", "c.png")
        skipped = dict(data.skipped)
        assert skipped.keys() == {"still.gif", "short.gif", "notes.txt"}
        assert skipped["still.gif"] == "a picture that does not move"
        assert skipped["notes.txt"] == "not an image"
        shown = data.samples[:, :, 4, 4, 0]
        assert np.array_equal(shown[:3], np.array([range(0, 80, 10), range(0, 80, 10), range(80, 160, 10)]))
        assert shown[3].tolist() == [0, 0, 10, 10, 20, 20, 30, 30]  # slowed down
        again = Clips(str(tmp_path), size=8, frames=8).open()
        assert np.array_equal(again.samples, data.samples)
        assert isinstance(again.samples, np.memmap)
        faster = Clips(str(tmp_path), size=8, frames=4, every=4).open()
        assert faster.samples[1, :, 0, 0, 0].tolist() == [0, 40, 80, 120]

    def test_folders_are_classes(self, tmp_path):
        for name in ("cat/1.gif", "cat/2.gif", "dog/1.gif"):
            paint(tmp_path / name, 3)
        data = Clips(str(tmp_path), frames=2).open()
        assert data.classes == ("cat", "dog")
        assert data.labels.tolist() == [0, 0, 1]

    def test_videos_with_and_without_av(self, tmp_path, monkeypatch):
        pytest.importorskip("av")
        gray = [np.full((32, 32, 3), 10 * t, np.uint8) for t in range(8)]
        for name in ("a.mp4", "b.mp4"):
            pixels.save_film(gray, tmp_path / name, hold_seconds=0)
        data = Clips(str(tmp_path), frames=4).open()
        assert len(data) == 4
        assert np.abs(data.samples[1, :, 9, 9, 0] - np.array([40.0, 50, 60, 70])).max() < 6
        monkeypatch.setitem(__import__("sys").modules, "av", None)
        with pytest.raises(GanvasError, match=r"a video, which needs the package av: pip install .* \(2\)"):
            Clips(str(tmp_path), frames=4, size=16).open()

    def test_a_video_that_names_addresses_is_none(self, monkeypatch):
        """For ffmpeg it would be a stream: it would listen there, and wait for pictures."""
        av = pytest.importorskip("av")
        monkeypatch.setattr(av, "open", lambda *args, opened=av.open, **more: opened(*args, timeout=1.0, **more))
        told = b"v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        with pytest.raises(Unusable) as refused:
            _shown("stream.mp4", told, Frame(8, 8))
        assert isinstance(refused.value.__context__, av.error.ArgumentError)  # and nothing that came after listening

    def test_too_little(self, tmp_path):
        with pytest.raises(GanvasError, match=r"holds no files at all. Put animated GIFs into it"):
            Clips(str(tmp_path)).open()
        paint(tmp_path / "a.gif", 3)
        with pytest.raises(GanvasError, match=r"holds a single usable clip, a\.gif"):
            Clips(str(tmp_path)).open()
        for wrong in ({"frames": 1}, {"every": 0}):
            with pytest.raises(GanvasError, match="clips takes"):
                Clips(str(tmp_path), **wrong)

    def test_a_path_holds_clips_for_a_recipe_of_clips(self, tmp_path):
        paint(tmp_path / "a.gif", 3)
        assert plan("moving_digits", data=str(tmp_path), size=16).data == Clips(str(tmp_path), size=16)
        assert plan(f"clips:{tmp_path}").networks == plan("moving_digits").networks
        assert catalog.name_of(plan(str(tmp_path)).data) == "folder"


class TestNumbers:
    def test_round_trip(self):
        clips = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), np.uint8))
        seen = pixels.to_float(clips)
        assert seen.shape == (2, 3, 3, 4, 5)
        assert seen[1, 2, 0, 3, 4] == pytest.approx(clips[1, 0, 3, 4, 2].item() / 127.5 - 1, abs=1e-6)
        assert torch.equal(pixels.to_uint8(seen), clips)
        data = Dataset(clips.numpy())
        assert data.shape == (3, 3, 4, 5)
        assert data.extent == 1.0
        assert torch.equal(data.take(np.array([1])), seen[1:])

    @pytest.mark.parametrize(
        ("frames", "shown"), [(8, range(8)), (16, range(0, 16, 2)), (5, range(5)), (32, range(0, 32, 4))]
    )
    def test_a_sheet_has_a_row_for_each_clip(self, frames, shown):
        gray = torch.arange(2 * frames).reshape(2, 1, frames, 1, 1) / frames - 1
        sheet = pixels.sheet(gray.expand(-1, 1, -1, 64, 64))
        assert sheet.shape == (2 * 66 + 2, len(shown) * 66 + 2, 1)
        for row in range(2):
            grays = sheet[30 + 66 * row, 30::66, 0].astype(int)
            expected = pixels.to_uint8(gray)[row, list(shown), 0, 0, 0].numpy()
            assert np.array_equal(grays, expected)


class TestNetworks:
    def test_frames_are_made_by_one_image_generator(self):
        torch.manual_seed(0)
        network = TGANGenerator(width=4, latent=5, motion=6).build((1, 16, 32, 32), 0).eval()
        z = torch.randn(2, 5)
        assert network.motion(z).shape == (2, 6, 16)
        clips = network(z)
        assert clips.shape == (2, 1, 16, 32, 32)
        assert (clips[:, :, 1:] != clips[:, :, :-1]).flatten(1).any(1).all()
        with torch.no_grad():
            network.moving.weight.zero_()  # without the path nothing moves
        still = network(z)
        assert torch.allclose(still, still[:, :, :1].expand_as(still), atol=1e-6)
        assert not torch.allclose(still[0], still[1])

    def test_the_critic_sees_the_order_of_the_frames(self):
        torch.manual_seed(0)
        critic = TGANCritic(width=4).build((1, 16, 32, 32), 0)
        clips = MovingDigits(count=3).open().take(np.arange(3))
        assert not torch.allclose(critic(clips), critic(clips.flip(2)), atol=1e-5)

    def test_a_penalty_is_the_same_alone_and_among_others(self):
        torch.manual_seed(0)
        critic = TGANCritic(width=4).build((1, 8, 16, 16), 0)
        clips = torch.randn(4, 1, 8, 16, 16, requires_grad=True)
        whole = squared_gradient(critic(clips), clips)
        parts = [squared_gradient(critic(some), some) for some in clips.split(2)]
        assert torch.allclose(torch.cat(parts), whole, rtol=1e-5)

    def test_what_is_no_clip_is_told_how_to_be_trained(self):
        for part in TINY.values():
            with pytest.raises(
                GanvasError, match=r"makes clips, and these samples .* are pictures: take the recipe icons"
            ):
                part.build((1, 16, 16), 0)
            with pytest.raises(GanvasError, match="are points: take an mlp"):
                part.build((2,), 0)
            with pytest.raises(GanvasError, match="Pictures of 17x17 cannot be grown"):
                part.build((1, 8, 17, 17), 0)


class TestTraining:
    def test_it_resumes_bit_for_bit(self, recipe):
        whole = list(train(recipe, seed=1))[-1].state.tensors()
        half = next(islice(train(recipe, seed=1), 2, None)).state.tensors()
        resumed = list(train(recipe, seed=1, restore={name: value.clone() for name, value in half.items()}))
        assert len(resumed) == 3
        after = resumed[-1].state.tensors()
        assert after.keys() == whole.keys()
        assert all(torch.equal(after[name], whole[name]) for name in whole)

    def test_pictures_and_clips_are_not_mixed_up(self, recipe, pictures, tmp_path):
        with pytest.raises(GanvasError, match="makes clips, and these samples"):
            fit(replace(recipe, data=Digits(size=16)), out=tmp_path / "a", quiet=True, device="cpu")
        with pytest.raises(GanvasError, match="these are clips: take the recipe moving_digits for them"):
            fit(replace(pictures, data=DATA), out=tmp_path / "b", quiet=True, device="cpu")
        assert not files(tmp_path)


class TestWhatIsSeen:
    def test_a_run_folder(self, run):
        assert sorted(files(run.path / "samples")) == ["000000000.png", "000000012.png", "000000024.png", "newest.gif"]
        with Image.open(run.newest_sheet) as sheet:
            assert sheet.size == (8 * 66 + 2, 8 * 66 + 2)
        with Image.open(run.path / "samples" / "newest.gif") as film:
            assert (film.n_frames, film.size) == (8, (4 * 66 + 2, 2 * 66 + 2))
        assert run.moves
        report = (run.path / "report.html").read_text()
        assert "data:image/gif;base64," in report
        assert "--count 9 --seed 7 --out clips.gif" in report
        assert run.about["data"]["shape"] == [1, 8, 16, 16]

    def test_one_row_for_each_class(self, recipe, tmp_path):
        recipe = replace(recipe, images=4, sheets=1, condition=catalog.find("labels", "condition")())
        run = fit(recipe, out=tmp_path / "run", quiet=True, device="cpu")
        with Image.open(run.newest_sheet) as sheet:
            assert sheet.size == (8 * 66 + 2, 10 * 66 + 2)
        assert len(load(run.path).sample(seeds=[0, 1], label="7")) == 2

    def test_one_seed_is_one_clip(self, run):
        model = load(run.path)
        many = model.sample(seeds=range(3, 25))
        assert len(many) == 22
        assert len(many[0]) == 8
        assert (many[0][0].mode, many[0][0].size) == ("L", (16, 16))
        for seed in (3, 10, 24):
            (clip,) = model.sample(seeds=[seed])
            assert [frame.tobytes() for frame in clip] == [frame.tobytes() for frame in many[seed - 3]]

    @pytest.mark.parametrize("ending", [".gif", ".webp", ".mp4"])
    def test_films(self, ending, tmp_path):
        clips = DATA.open().take(np.arange(5))
        path = save_clips(clips, tmp_path / "new" / f"clips{ending}", columns=5)
        size = (5 * 66 + 2, 66 + 2)
        frames = pixels.moving_grid(clips, columns=5)
        if ending == ".mp4":
            av = pytest.importorskip("av")
            with av.open(str(path)) as film:
                decoded = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
                assert len(decoded) == 8
                assert decoded[0].shape == size[::-1]
                assert float(film.duration / av.time_base) == pytest.approx(8 / 12, abs=0.05)
            shown = decoded
        else:
            with Image.open(path) as film:
                assert (film.n_frames, film.size) == (8, size)
                shown, milliseconds = [], []
                for place in range(8):
                    film.seek(place)
                    shown.append(np.asarray(film.convert("L")))
                    milliseconds.append(film.info["duration"])
            assert sum(milliseconds) == pytest.approx(8 * 1000 / 12, rel=0.05)
        for place, frame in enumerate(shown):
            away = [np.abs(frame.astype(int) - each[..., 0]).mean() for each in frames]
            assert np.argmin(away) == place
            assert min(away) < 6

    def test_the_command_line(self, run, ganvas, tmp_path):
        code, out, _ = ganvas("sample", run.path, "--count", 4)
        assert (code, out.strip()) == (0, "4 samples in samples.gif")
        code, _, _ = ganvas("sample", run.path, "--count", 3, "--out", "strip.png")
        with Image.open(tmp_path / "strip.png") as strip:
            assert strip.size == (8 * 66 + 2, 3 * 66 + 2)
        ganvas("sample", run.path, "--count", 2, "--seed", 5, "--separate", "--out", "each")
        assert sorted(files(tmp_path / "each")) == ["seed-0005.gif", "seed-0006.gif"]
        with Image.open(tmp_path / "each" / "seed-0005.gif") as clip:
            assert (clip.size, clip.n_frames) == ((16, 16), 8), "as it was made, as pictures are"
        assert ganvas("sample", run.path, "--count", 2, "--separate", "--scale", 3, "--out", "large")[0] == 0
        with Image.open(tmp_path / "large" / "seed-0001.gif") as clip:
            assert clip.size == (48, 48)
        assert ganvas("sample", run.path, "--count", 2, "--scale", 1, "--out", "small.gif")[0] == 0
        with Image.open(tmp_path / "small.gif") as film:
            assert film.size == (2 * 18 + 2, 18 + 2)
        code, _, error = ganvas("sample", run.path, "--scale", 2, "--out", "strip.png")
        assert code == 1
        assert "enlarges films and pictures, and these samples are clips" in " ".join(error.split())
        code, _, error = ganvas("sample", run.path, "--out", "clips.avi")
        assert code == 1
        assert "clips.avi" in error
        code, out, _ = ganvas("film", run.path)
        assert code == 0

    def test_the_contact_sheet(self, ganvas, tmp_path):
        paint(tmp_path / "gifs" / "a.gif", 20)
        paint(tmp_path / "gifs" / "b.gif", 20)
        code, out, _ = ganvas("data", f"clips:{tmp_path / 'gifs'}")
        assert code == 0
        assert "2 clips of 16 frames, 32x32 RGB" in out
        with Image.open(tmp_path / "contact.png") as sheet:
            assert sheet.size == (8 * 66 + 2, 2 * 66 + 2)
