"""Seamless tiles: pictures cut into pieces, fakes that are rolled, convolutions on a torus, and copies to look at."""

import io
from dataclasses import replace
from json import loads
from threading import Barrier

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from ganvas import find, fit, load, plan
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.data.decode import Frame, decode
from ganvas.data.look import look
from ganvas.data.sources.folder import Folder
from ganvas.data.sources.pebbles import Pebbles
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Relativistic
from ganvas.networks.dcgan import DCGANGenerator
from ganvas.networks.resnet import ResnetCritic
from ganvas.networks.strided import Doubling
from ganvas.networks.torus import TorusConv, TorusDoubling


def seams(pictures):
    """The step from edge to opposite edge beside the one in the middle, across and down; 1 for no seam."""
    pixels = np.stack([np.asarray(each.convert("RGB"), float) for each in pictures])
    ways = pixels, pixels.swapaxes(1, 2)
    step = lambda each, a, b: np.abs(each[:, a] - each[:, b]).mean()  # noqa: E731
    return [step(each, 0, -1) / step(each, (half := each.shape[1] // 2), half - 1) for each in ways]


def test_a_picture_is_cut_into_pieces_that_share_halves(tmp_path):
    dice = np.random.default_rng(0)
    whole = dice.integers(0, 256, (24, 40, 3), np.uint8)
    for kind in ("rough", "smooth"):
        (tmp_path / kind).mkdir()
        Image.fromarray(whole if kind == "rough" else whole // 2).save(tmp_path / kind / "one.png")
    data = Folder(str(tmp_path), size=8, across=3).open()
    assert len(data) == 2 * 5 * 9
    assert data.kinds == (("PNG", 2),)
    assert data.names[:45] == ("rough/one.png",) * 45
    assert data.labels.tolist() == [0] * 45 + [1] * 45
    for place, piece in enumerate(data.samples[:45]):
        y, x = 4 * (place // 9), 4 * (place % 9)
        assert np.array_equal(piece, whole[y : y + 8, x : x + 8])
    assert len(Folder(str(tmp_path), size=8, across=2).open()) == 2 * 3 * 6, "reduced, and the last one at the edge"
    assert data.notes == ()
    few = Folder(str(tmp_path), size=8, across=50).open()
    assert len(few) == 2 * 5 * 9, "not enlarged"
    assert few.notes == (
        "For 50 pieces across, pictures need 400x400 pixels, and not all have them. Pieces are not enlarged: take "
        "larger pictures, or a smaller --size.",
    )
    assert len(Folder(str(tmp_path), size=32, across=4).open()) == 2 * 1 * 3, "but for what is smaller than one piece"


def test_a_single_picture_can_be_given_in_place_of_a_folder(tmp_path):
    dice = np.random.default_rng(0)
    (tmp_path / "folder").mkdir()
    for name in ("folder/one.png", "other.png"):
        Image.fromarray(dice.integers(0, 256, (24, 24, 3), np.uint8)).save(tmp_path / name)
    one = Folder(str(tmp_path / "folder" / "one.png"), size=8, across=3)
    assert np.array_equal(one.open().samples, Folder(str(tmp_path / "folder"), size=8, across=3).open().samples)
    assert len(Folder(str(tmp_path / "other.png"), size=8, across=3).open()) == 25, "what lies beside it is not read"
    assert look(one)["sizes"] == [{"width": 24, "height": 24, "count": 1}]


def test_pieces_can_be_looked_at_before_they_are_learned_from(tmp_path, ganvas):
    """What a single picture is refused with names a setting, which the refusing command has to take."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)).save(tmp_path / "one.png")
    code, _, told = ganvas("data", "one.png", "--size", 8)
    assert (code, "--set data.across=6" in told) == (1, True)
    code, said, told = ganvas("data", "one.png", "--size", 8, "--set", "data.across=3", "--set", "data.channels=1")
    assert code == 0, told
    assert "25 pictures, taken as 8x8 gray" in said
    code, said, told = ganvas("data", "one.png", "--size", 8, "--set", "data.across=3", "--json")
    assert (code, loads(said)["count"]) == (0, 25), told
    assert ganvas("data", "ring", "--set", "data.count=9", "--out", "ring.png")[0] == 0
    for setting, why in (("batch=3", "and not 'batch=3'"), ("data.acros=3", "Did you mean 'across'?")):
        code, _, told = ganvas("data", "one.png", "--set", setting)
        assert (code, why in told) == (1, True), told


def test_a_picture_of_a_single_piece_is_not_told_to_be_cut(tmp_path):
    Image.new("RGB", (40, 40), "red").save(tmp_path / "one.png")
    with pytest.raises(GanvasError, match="too small to be cut") as told:
        Folder(str(tmp_path), size=64, across=6).open()
    assert "--set" not in str(told.value)


def test_pictures_to_be_cut_are_handed_to_threads_one_by_one(tmp_path, monkeypatch):
    """Sixteen at once would be one thread's work, and would all be held in memory with their pieces."""
    both = Barrier(2, timeout=20)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (24, 24), "red").save(tmp_path / name)

    def together(content, frame):
        both.wait()
        return decode(content, frame)

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("ganvas.data.pack.decode", together)
    assert len(Folder(str(tmp_path), size=8, across=3).open()) == 50


@pytest.mark.parametrize("sideways", [False, True])
def test_pieces_of_a_large_jpeg_are_as_sharp_as_of_all_its_pixels(sideways):
    """A JPEG is read at a part of its size, which has to be enough for all pieces that lie side by side."""
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8))
    jpeg, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6 if sideways else 1  # how a camera says that it was held upright
    coarse.resize((1600, 1200), Image.Resampling.BICUBIC).save(jpeg, "JPEG", quality=95, exif=exif)
    with Image.open(io.BytesIO(jpeg.getvalue())) as image:
        whole = ImageOps.exif_transpose(image.convert("RGB"))
    frame = Frame(32, 24, across=6)
    found, wanted = decode(jpeg.getvalue(), frame).picture.astype(float), frame.take(whole).astype(float)
    assert len(found) == len(wanted) > 100
    assert np.abs(found - wanted).mean() < 0.05 * wanted.std()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"across": 0}, "from 1 across"),
        ({"across": 65, "size": 64}, "4096 pixels, not 65 of 64x64"),
        ({"across": 2, "fit": "pad"}, "made to fit by pad"),
    ],
)
def test_cuts_that_cannot_be_meant_are_refused(tmp_path, settings, told):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(GanvasError, match=told):
        Folder(str(tmp_path), **settings).open()


def test_what_is_too_long_to_be_cut_is_left_out(tmp_path):
    """A line of a pixel would be enlarged to a hundred million."""
    Image.new("RGB", (30_000, 1), "red").save(tmp_path / "line.png")
    Image.new("RGB", (300, 100), "red").save(tmp_path / "a.png")
    data = Folder(str(tmp_path), size=64, across=2).open()
    assert data.skipped == (("line.png", "too long to be cut into pieces"),)


def test_pebbles_are_the_same_each_time_and_all_different():
    data = Pebbles(count=6, size=(24, 16), channels=1).open()
    assert data.shape == (1, 16, 24)
    assert len({piece.tobytes() for piece in data.samples}) == 6
    assert np.array_equal(data.samples, Pebbles(count=6, size=(24, 16), channels=1).open().samples)
    with pytest.raises(GanvasError, match="1 to 16 across"):
        Pebbles(across=0.5)
    with pytest.raises(GanvasError, match="up to 512 pixels, not 1024x8"):
        Pebbles(size=(1024, 8)).open()


@pytest.mark.parametrize(("part", "larger"), [(TorusConv, 1), (TorusDoubling, 2)])
def test_what_is_rolled_in_comes_out_rolled(part, larger):
    torch.manual_seed(0)
    layer, x = part(2, 3).double(), torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    rolled = layer(x.roll((1, 2), (2, 3)))
    assert torch.allclose(rolled, layer(x).roll((larger, 2 * larger), (2, 3)))
    with torch.no_grad():
        assert torch.equal(layer(x.roll((1, 2), (2, 3))), rolled), "where no gradient is wanted it is padded otherwise"
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


def test_doubling_on_a_torus_is_doubling_but_for_the_edges():
    plain, torus, x = Doubling(2, 3), TorusDoubling(2, 3), torch.randn(1, 2, 4, 5)
    torus.load_state_dict(plain.state_dict())
    assert torch.allclose(torus(x)[..., 1:-1, 1:-1], plain(x)[..., 1:-1, 1:-1], atol=1e-6)
    assert not torch.allclose(torus(x)[..., 0, :], plain(x)[..., 0, :])


def test_critics_see_fakes_rolled_and_reals_as_they_are():
    class Seen(torch.nn.Module):
        judges_alone = True

        def forward(self, x, condition):
            self.seen = x.detach()
            return x.flatten(1).mean(1)

    fakes, real = torch.arange(4 * 3 * 5 * 6.0).reshape(4, 3, 5, 6), torch.randn(4, 3, 5, 6)
    nets = {"generator": lambda z, condition: fakes, "critic": Seen()}
    nets["generator"].latent = 2
    batch = Batch(real, None, Dice(0, 1, rows=slice(0, 4), total=4, device=real.device), 0.0)
    Adversarial(Relativistic(), rolled=True)._critic(nets, batch, "critic")
    shown = nets["critic"].seen
    assert torch.equal(shown[::2], real)
    ways = [
        [(y, x) for y in range(5) for x in range(6) if torch.equal(fake.roll((y, x), (1, 2)), seen)]
        for fake, seen in zip(fakes, shown[1::2], strict=True)
    ]
    assert all(len(way) == 1 for way in ways)
    assert len({way[0] for way in ways}) > 1, "each by itself"


def test_what_cannot_be_rolled_is_said(points):
    with pytest.raises(GanvasError, match=r"rolled moves what game\.likeness"):
        Adversarial(rolled=True, likeness=1.0)
    with pytest.raises(GanvasError, match=r"rolled is for pictures.*game\.rolled=False"):
        fit(replace(points, game=Adversarial(rolled=True)), out="nowhere", quiet=True)


def test_tiles_are_learned_and_have_no_seams(tmp_path, ganvas):
    """In seconds they are no pebbles yet, but what there is goes on over the edges."""
    networks = {"generator": DCGANGenerator(width=4, latent=8, seamless=True), "critic": ResnetCritic(width=4)}
    recipe = replace(plan("textures", size=16, images=1600), networks=networks, measure_images=0)
    run = fit(recipe, out=tmp_path / "run", quiet=True, device="cpu")
    tiles = load(run.path).sample(64)
    assert all(0.8 < seam < 1.25 for seam in seams(tiles))

    code, said, _ = ganvas("sample", run.path, "--count", 1, "--repeat", 3, "--scale", 1, "--out", "three.png")
    assert code == 0, said
    three, one = np.asarray(Image.open(tmp_path / "three.png")), np.asarray(tiles[0])
    assert np.array_equal(three, np.tile(one, (3, 3, 1)))
    assert ganvas("sample", "--like", "three.png", "--out", "again.png")[0] == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "three.png").read_bytes()
    for repeat, why in ((0, "number of copies from 1"), (10_000, "too many for one file")):
        code, _, told = ganvas("sample", run.path, "--repeat", repeat)
        assert (code, why in told) == (1, True), told


def test_the_recipe_is_seamless():
    recipe = find("textures", "recipe")()
    assert recipe.networks["generator"].seamless
    assert recipe.game.rolled
    assert not recipe.mirror, "light comes from one side"
