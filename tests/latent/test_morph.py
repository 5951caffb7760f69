"""A morph shows its stops bit for bit and moves between them without a jump, for every generator there is."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from tiny import tiny

from ganvas import fit, metrics, names
from ganvas.core import pixels
from ganvas.core.errors import GanvasError
from ganvas.latent.edit import save_strips
from ganvas.latent.morph import Stop, blend, morph, positions, read_stops, save_morph
from ganvas.latent.places import Latent
from ganvas.latent.project import project, read_picture, save_projection
from ganvas.learning.conditions import Labels
from ganvas.models.model import Model, inputs
from ganvas.networks.dcgan import DCGANGenerator
from ganvas.networks.layers import Generator

CLASSES = Labels(classes=("cat", "dog", "fish"), shares=(0.25, 0.25, 0.5))
PATH = [Stop(3), Stop(0), Stop(12)]


def build(name, condition, shape=(3, 16, 16)):
    """A tiny model of this kind, or None if it is no generator of pictures; what starts at zero is moved."""
    try:
        network = tiny(name, shape, condition.length if condition else 0)
    except GanvasError:
        return None
    for weight in network.parameters():
        if weight.dim() > 1 and not weight.any():
            torch.nn.init.normal_(weight, 0.0, 0.1)
    return Model(network.eval(), condition) if isinstance(network, Generator) else None


KINDS = [name for name in names("network") if build(name, None)]


@pytest.fixture
def model():
    """Its pictures differ so much that no film merges two of them."""
    model = build("mlp_generator", None)
    for weight in model.network.parameters():
        weight.data *= 4
    return model


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    from dataclasses import replace

    recipe = replace(pictures, images=16, condition=Labels())
    return fit(recipe, out=tmp_path_factory.mktemp("morph") / "digits", quiet=True, device="cpu").path


def frames_of(path):
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]


def test_the_catalogue_has_kinds():
    assert {"mlp_generator", "dcgan_generator", "resnet_generator", "r3_generator"} <= set(KINDS)


@pytest.mark.parametrize("spherical", [True, False])
@pytest.mark.parametrize("name", KINDS)
def test_stops_are_the_pictures_of_their_seeds(name, spherical):
    model = build(name, None)
    made = morph(model, PATH, frames=19, spherical=spherical)
    assert made.shape == (19, 3, 16, 16)
    assert torch.equal(made[[0, 9, 18]], model.generate([3, 0, 12]))
    if name == "step_generator":
        return  # is made of switches: it stands still, then jumps from mode to mode
    assert len({picture.numpy().tobytes() for picture in made}) == 19
    steps = morph(model, PATH, frames=49, spherical=spherical, eased=False).diff(dim=0).flatten(1).norm(dim=1)
    assert steps.max() < 5 * steps.mean(), "no jump"


@pytest.mark.parametrize("name", KINDS)
def test_labels_are_stops_too(name):
    model = build(name, CLASSES)
    made = morph(model, [Stop(5, "dog"), Stop(5, "fish"), Stop(7)], frames=9)
    for at, seed, label in ((0, 5, "dog"), (4, 5, "fish")):
        assert torch.allclose(made[at], model.generate([seed], model.condition_for(label, [seed]))[0], atol=1e-5)
    assert torch.allclose(made[8], model.generate([7])[0], atol=1e-5), "without a label the seed says which"
    between = morph(model, [Stop(5, "dog"), Stop(5, "fish")], frames=3, eased=False)[1]
    half = (CLASSES.read("dog") + CLASSES.read("fish")) / 2
    assert torch.allclose(between, model.generate([5], half[None])[0], atol=1e-5)


def test_a_closed_morph_ends_where_it_began(model):
    made = morph(model, PATH, frames=13, closed=True)
    assert torch.equal(made[[0, 4, 8, 12]], model.generate([3, 0, 12, 3]))


@pytest.mark.parametrize("dimensions", [1, 2, 64])
@pytest.mark.parametrize("spherical", [True, False])
def test_a_blend_is_exact_at_its_ends(dimensions, spherical):
    a, b = inputs(range(500), dimensions), inputs(range(500, 1000), dimensions)
    assert torch.equal(blend(a, b, torch.zeros(500), spherical=spherical), a)
    assert torch.equal(blend(a, b, torch.ones(500), spherical=spherical), b)
    assert blend(a, b, torch.rand(500), spherical=spherical).isfinite().all()


def test_an_arc_keeps_the_norm_where_a_line_does_not():
    a, b = inputs(range(50), 64), inputs(range(50, 100), 64)
    b *= a.norm(dim=1, keepdim=True) / b.norm(dim=1, keepdim=True)
    for share in (0.1, 0.5, 0.7):
        shares = torch.full((50,), share)
        arc = blend(a, b, shares, spherical=True)
        assert torch.allclose(arc.norm(dim=1), a.norm(dim=1), rtol=1e-5)
        whole = torch.arccos(torch.cosine_similarity(a, b))
        assert torch.allclose(torch.arccos(torch.cosine_similarity(a, arc)), share * whole, atol=1e-3)
    assert (blend(a, b, torch.full((50,), 0.5), spherical=False).norm(dim=1) < 0.85 * a.norm(dim=1)).all()


def test_an_arc_goes_evenly_from_length_to_length():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    arc = blend(a, b, torch.tensor([0.5]), spherical=True)
    assert torch.allclose(arc, torch.tensor([[3.0, 3.0]]) / 2**0.5)


def test_where_there_is_no_arc_it_is_a_line():
    a = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    b = torch.tensor([[2.0, 4.0], [-1.0, -2.0], [3.0, 1.0]])
    half = blend(a, b, torch.full((3,), 0.5), spherical=True)
    assert torch.allclose(half[:2], (a + b)[:2] / 2)
    assert half.isfinite().all()


@pytest.mark.parametrize(("count", "frames"), [(2, 2), (2, 49), (3, 3), (4, 10), (5, 97), (7, 8)])
def test_positions(count, frames):
    steady, eased = positions(count, frames, eased=False), positions(count, frames, eased=True)
    for at in (steady, eased):
        assert len(at) == frames
        assert (at[0], at[-1]) == (0, count - 1)
        assert set(range(count)) <= set(at.tolist()), "each stop is shown"
        assert (np.diff(at) > 0).all()
    if frames == 97:
        first = np.diff(eased[:25])
        assert first[0] < first[12] / 3
        assert first[-1] < first[12] / 3, "slow at stops, quick between them"
        assert np.allclose(np.diff(steady), 1 / 24)


def test_truncation(model):
    z = inputs([4], 6)
    assert torch.equal(model.truncated(0.5).generate([4])[0], model.network.generate(0.5 * z.expand(16, -1))[0])
    assert model.truncated(1) is model
    spreads = [model.truncated(share).generate(range(40)).std(0).mean().item() for share in (0, 0.3, 0.7, 1)]
    assert spreads[0] < 1e-7
    assert all(a < b for a, b in itertools.pairwise(spreads))
    calm = build("resnet_generator", CLASSES).truncated(0.5)
    assert torch.equal(morph(calm, [Stop(1, "cat"), Stop(2)], frames=5)[4], calm.generate([2])[0])
    assert not model.truncated(0.5).network.training
    for share in (-0.1, float("nan"), float("inf")):
        with pytest.raises(GanvasError, match="`share=` takes a number from 0"):
            model.truncated(share)


def test_stops_from_words():
    assert read_stops("0, 7,12") == [Stop(0), Stop(7), Stop(12)]
    assert read_stops("") == [Stop(seed) for seed in range(4)]
    assert read_stops("", ["cat", "dog"]) == [Stop(0, "cat"), Stop(0, "dog")]
    assert read_stops("5,6", ["cat"]) == [Stop(5, "cat"), Stop(6, "cat")]
    assert read_stops("5,6", ["cat", "dog"]) == [Stop(5, "cat"), Stop(6, "dog")]
    with pytest.raises(GanvasError, match="not 3 seeds and 2 labels"):
        read_stops("1,2,3", ["cat", "dog"])
    for words in ("1;2", "a", "1,,2", "-1,3", "1.5"):
        with pytest.raises(GanvasError, match="`seeds=` are whole numbers from 0 with commas"):
            read_stops(words)


def test_films_and_strips(model, tmp_path):
    for name in ("a.gif", "a.webp", "a.mp4"):
        assert save_morph(model, PATH, tmp_path / "new" / name, frames=7).stat().st_size
    shown = frames_of(tmp_path / "new" / "a.webp")
    assert len(shown) == len(frames_of(tmp_path / "new" / "a.gif")) == 7
    assert shown[0].shape == (256, 256, 3)
    for at, seed in ((0, 3), (3, 0), (6, 12)):
        picture = np.asarray(model.sample(1, seed)[0]).repeat(16, 0).repeat(16, 1)
        assert np.abs(shown[at].astype(int) - picture).mean() < 8  # as near as webp keeps it
    save_morph(model, PATH, tmp_path / "strip.png", eased=False)
    strip = np.asarray(Image.open(tmp_path / "strip.png"))
    assert strip.shape == (66 + 2, 9 * 66 + 2, 3)
    assert np.array_equal(strip[2:66:4, 2:66:4], np.asarray(model.sample(1, 3)[0]))
    assert np.array_equal(strip[2:66:4, -66:-2:4], np.asarray(model.sample(1, 12)[0]))
    pixels.save_picture(strip, tmp_path / "again.png")
    save_morph(model, PATH, tmp_path / "closed.png", closed=True)
    assert np.asarray(Image.open(tmp_path / "closed.png")).shape[1] == 13 * 66 + 2


def test_seconds(model, tmp_path):
    with Image.open(save_morph(model, PATH, tmp_path / "a.gif", seconds=2)) as film:
        assert film.n_frames == 25
        film.seek(3)
        assert film.info["duration"] in {80, 83}
    with Image.open(save_morph(model, PATH, tmp_path / "b.gif", seconds=2, frames=5)) as film:
        assert film.n_frames == 5
        film.seek(1)
        assert film.info["duration"] == 500


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_closed_film_repeats_without_a_stop(model, tmp_path, ending):
    for more in ({}, {"frames": 36}):
        with Image.open(save_morph(model, PATH, tmp_path / f"a{ending}", seconds=3, closed=True, **more)) as film:
            assert film.n_frames == 36
            lengths = []
            for number in range(36):
                film.seek(number)
                film.load()
                lengths.append(film.info["duration"])
        assert sum(lengths) == 3000
        assert max(lengths) - min(lengths) <= 10
    shown = frames_of(tmp_path / f"a{ending}")
    assert not np.array_equal(shown[0], shown[-1])


def test_a_gif_has_no_more_frames_than_browsers_show(model, tmp_path):
    with pytest.raises(GanvasError, match="at most 50 pictures a second, not 60: take fewer `frames=`"):
        save_morph(model, PATH, tmp_path / "a.gif", seconds=2, frames=121)
    assert not list(tmp_path.iterdir())
    save_morph(model, PATH, tmp_path / "a.webp", seconds=2, frames=121)


def test_what_is_refused(model, tmp_path):
    for path in ([], [Stop(1)]):
        with pytest.raises(GanvasError, match="give two seeds from 0, or one seed and two labels"):
            morph(model, path)
    with pytest.raises(GanvasError, match="A seed is a whole number from 0, not -2"):
        morph(model, [Stop(1), Stop(-2)])
    with pytest.raises(GanvasError, match="through 3 pictures takes at least 3 frames, not 2"):
        morph(model, PATH, frames=2)
    with pytest.raises(GanvasError, match="through 4 pictures takes at least 4 frames, not 3"):
        morph(model, PATH, frames=3, closed=True)
    with pytest.raises(GanvasError, match="trained without classes"):
        morph(model, [Stop(1, "cat"), Stop(2)])
    with pytest.raises(GanvasError, match="Did you mean 'fish'"):
        morph(build("mlp_generator", CLASSES), [Stop(1, "fisch"), Stop(2)])
    for out, seconds in (("a.gif", 0), ("a.gif", -1), ("a.gif", float("nan")), ("a.png", 2)):
        with pytest.raises(GanvasError, match="`seconds=` is how long a film takes"):
            save_morph(model, PATH, tmp_path / out, seconds=seconds)
    with pytest.raises(GanvasError, match=r"Cannot write .*a.xyz"):
        save_morph(model, PATH, tmp_path / "a.xyz")
    (tmp_path / "file").write_text("")
    with pytest.raises(GanvasError, match="Cannot write"):
        save_morph(model, PATH, tmp_path / "file" / "a.gif")


def test_clips_play_to_and_fro_while_they_change(tmp_path):
    clips = build("mlp_generator", None, shape=(1, 3, 8, 8))
    on_the_way = pixels.to_uint8(morph(clips, PATH, frames=6)[range(6), :, [0, 1, 2, 1, 0, 1]]).numpy()
    film = frames_of(save_morph(clips, PATH, tmp_path / "a.webp", frames=6))
    assert len(film) == 6
    for frame, wanted in zip(film, on_the_way, strict=True):
        small = np.asarray(Image.fromarray(np.asarray(frame)).convert("L").resize((8, 8), Image.Resampling.BOX))
        assert np.abs(small.astype(int) - wanted[..., 0]).mean() < 12
    strip = np.asarray(Image.open(save_morph(clips, PATH, tmp_path / "a.png", frames=3)))
    middle = pixels.to_uint8(morph(clips, PATH, frames=3)[:, :, 1]).numpy()
    assert (strip == np.asarray(pixels.to_image(pixels.grid(middle, columns=3)))).all()


def test_what_is_no_picture_is_refused(tmp_path):
    vectors = build("mlp_generator", None, shape=(2,))
    with pytest.raises(GanvasError, match=r"makes vectors of 2 numbers, and only pictures and clips .*latent\.morph"):
        save_morph(vectors, PATH, tmp_path / "a.gif")
    assert torch.equal(morph(vectors, PATH, frames=3), vectors.generate([3, 0, 12]))
    assert not list(tmp_path.iterdir())


def test_the_command(ganvas, run, tmp_path):
    words = ["morph", run, "--seeds", "3,0,12", "--out", "m.webp", "--frames", 5, "--closed", "--truncation", 0.7]
    assert ganvas(*words)[:2] == (0, "a morph through 3 pictures in m.webp\n")
    assert len(frames_of(tmp_path / "m.webp")) == 5
    assert ganvas("morph", run, "--label", "3", "--label", "8", "--out", "m.png", "--linear", "--steady")[0] == 0
    assert ganvas("sample", run, "--label", "8", "--count", 1, "--out", "s.png")[0] == 0
    strip, alone = (np.asarray(Image.open(tmp_path / name)) for name in ("m.png", "s.png"))
    assert np.array_equal(strip[2:66, -66:-2], alone), "without the paper around it"
    assert ganvas("sample", run, "--count", 1, "--truncation", 0.5, "--out", "t.png")[0] == 0
    assert not np.array_equal(np.asarray(Image.open(tmp_path / "t.png")), alone)
    for words, told in (
        (["morph", "nowhere"], "There is no nowhere"),
        (["morph", run, "--seeds", "1"], "give two seeds"),
        (["morph", run, "--seeds", "a,b"], "--seeds are whole numbers"),
        (["morph", run, "--label", "33", "--label", "1"], "There is no class '33'"),
        (["morph", run, "--frames", 1], "at least 4 frames"),
        (["sample", run, "--truncation", -1], "--truncation takes a number from 0"),
    ):
        code, _, err = ganvas(*words)
        assert (code, err.startswith("ganvas: "), told in err.replace("\n", " ")) == (1, True, True), err


def test_a_file_is_named_by_a_text_as_well_as_by_a_path(tmp_path):
    """Statistics said of a sound file named by a text that it does not hold any."""
    model, there = Model(DCGANGenerator(width=2, latent=4).build((1, 8, 8), 0)), str(tmp_path)
    assert save_morph(model, [Stop(0), Stop(1)], f"{there}/a.gif", frames=3).exists()
    samples = model.generate(range(4))
    assert save_strips(samples, f"{there}/b.png", across=2).exists()
    assert read_picture(f"{there}/b.png", model).shape == (1, 8, 8)
    picture, latent = save_projection(project(model, samples[0], steps=1, with_features=False), f"{there}/c.png")
    assert picture.exists()
    assert torch.equal(Latent.read(str(latent)).z, Latent.read(latent).z)
    assert pixels.save_film([np.zeros((8, 8, 3), np.uint8)], f"{there}/d.webp").exists()
    known = metrics.Statistics.of(np.random.default_rng(0).standard_normal((20, 3)))
    known.save(f"{there}/e.npz")
    assert torch.equal(metrics.Statistics.load(f"{there}/e.npz").mean, known.mean)
