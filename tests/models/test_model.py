"""One seed is one picture, from any way to ask for it; and what is no model is told."""

import json
import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import files
from PIL import Image
from safetensors.torch import save_file

from ganvas import Run, fit, load
from ganvas.core import checkpoint, machine, pixels
from ganvas.core.errors import GanvasError, Unreadable
from ganvas.core.weights import read_header
from ganvas.data.dataset import Dataset
from ganvas.latent.draw import save_places
from ganvas.models.made import Layout
from ganvas.models.model import CHUNK, Model, inputs
from ganvas.models.place import Place
from ganvas.models.publish import publish
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.layers import Generator
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.r3gan import R3Critic, R3Generator
from ganvas.training.state import start

KINDS = {
    "resnet": {},
    "dcgan": {"generator": DCGANGenerator(width=2, latent=4), "critic": DCGANCritic(width=2)},
    "r3gan": {"generator": R3Generator(width=8, blocks=1), "critic": R3Critic(width=8, blocks=1)},
    "mlp": {"generator": MLPGenerator(width=8, depth=1), "critic": MLPCritic(width=8, depth=1)},
}


@pytest.fixture(params=KINDS)
def model(request, pictures):
    """An untrained generator of digits of each kind; what starts at zero is moved, the same way each time."""
    moved = torch.Generator().manual_seed(0)
    recipe = replace(pictures, networks=pictures.networks | KINDS[request.param])
    network = start(recipe, Dataset(np.zeros((2, 8, 8, 1), np.uint8))).average
    for weight in network.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, 0.0, 0.1, generator=moved)
    return Model(network)


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=32), out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def ring(points, tmp_path_factory):
    return fit(replace(points, images=32), out=tmp_path_factory.mktemp("run") / "ring", quiet=True, device="cpu")


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(*map(np.asarray, pair)) for pair in zip(a, b, strict=True))


def opened(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_one_seed_is_one_picture(model):
    many = model.sample(2 * CHUNK + 3, seed=5)
    assert len({picture.tobytes() for picture in many}) > CHUNK
    for count, seed in ((1, 5), (1, 5 + 2 * CHUNK), (3, 10), (CHUNK, 6), (CHUNK + 1, 9)):
        assert same(model.sample(count, seed), many[seed - 5 : seed - 5 + count])
    assert same(model.sample(seeds=[39, 5, 12]), [many[34], many[0], many[7]])
    assert torch.equal(model.generate(range(5, 8)), model.generate(range(20))[5:8])
    assert model.sample(0) == []


def test_however_many_threads_draw(model, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    alone = model.generate(range(3 * CHUNK + 1))
    for count in (2, 3):
        with machine.threads(count):
            assert torch.equal(model.generate(range(3 * CHUNK + 1)), alone)
            assert torch.get_num_threads() == count
    assert torch.get_num_threads() == 1
    assert not model.make(inputs(range(CHUNK + 1), model.network.latent)).requires_grad


@pytest.mark.parametrize(("side", "at_once"), [(8, 16), (64, 8), (128, 2), (256, 1)])
def test_the_larger_a_picture_the_fewer_are_a_chunk(side, at_once):
    class Plain(Generator):
        def __init__(self):
            super().__init__((1, side, side), 0, 2)
            self.grey, self.asked = torch.nn.Parameter(torch.zeros(1)), []

        def forward(self, z, condition):
            self.asked.append(len(z))
            return self.grey + z[:, :1, None, None].expand(-1, *self.shape)

    model = Model(Plain())
    assert model.generate(range(17)).shape == (17, 1, side, side)
    assert set(model.network.asked) == {at_once}
    assert len(model.network.asked) == -(-17 // at_once)


def test_global_randomness_has_no_part_in_it(model):
    first = model.generate([0, 1])
    torch.manual_seed(9)
    assert torch.equal(model.generate([0, 1]), first)


def test_inputs_are_standard_normal():
    z = inputs(range(2000), 50)
    assert z.dtype == torch.float32
    assert abs(z.mean()) < 4 / np.sqrt(z.numel())
    assert z.std().item() == pytest.approx(1, abs=4 / np.sqrt(2 * z.numel()))
    assert abs(torch.corrcoef(z)[0, 1:]).max() < 5 / np.sqrt(50)  # neighbouring seeds have nothing in common


def test_a_model_is_the_same_wherever_it_is_loaded_from(run, tmp_path):
    expected = load(run.path).sample(3, seed=2)
    for place in (str(run.path), run.newest, run.newest / "model.safetensors"):
        assert same(load(place).sample(3, seed=2), expected)
    alone = tmp_path / "portable.safetensors"
    alone.write_bytes((run.newest / "model.safetensors").read_bytes())
    assert same(load(alone).sample(3, seed=2), expected)
    assert load(run.path).shape == (1, 8, 8)
    assert expected[0].mode == "L"
    assert not any(weight.requires_grad for weight in load(run.path).network.parameters())


def test_the_last_sheet_shows_the_model(run, tmp_path):
    save(run, range(64), tmp_path / "sheet.png")
    assert same([opened(tmp_path / "sheet.png")], [opened(run.newest_sheet)])


def test_a_sheet(run, tmp_path):
    path = save(run, range(3, 9), tmp_path / "new" / "sheet.png", columns=2)
    shown = opened(path)
    assert shown.shape == (3 * 66 + 2, 2 * 66 + 2)
    for index, picture in enumerate(load(run.path).sample(6, seed=3)):
        top, left = 2 + index // 2 * 66, 2 + index % 2 * 66
        assert np.array_equal(shown[top : top + 64 : 8, left : left + 64 : 8], np.asarray(picture))


def test_separate_files(run, tmp_path):
    seeds = range(7, 7 + CHUNK + 2)
    folder = save(run, seeds, tmp_path / "samples", separate=True)
    assert sorted(files(folder)) == [f"seed-{seed:04}.png" for seed in seeds]
    assert same([opened(folder / "seed-0009.png")], load(run.path).sample(1, seed=9))
    with pytest.raises(GanvasError, match=r"`out=` is a folder; .*x.png looks like a file"):
        save(run, range(2), tmp_path / "x.png", separate=True)


def test_vectors_are_no_pictures(ring, tmp_path):
    model = load(ring.path)
    assert model.generate(range(5)).shape == (5, 2)
    for refused in (lambda: model.sample(2), lambda: save(ring, range(2), tmp_path / "samples", separate=True)):
        with pytest.raises(GanvasError, match=r"makes vectors of 2 numbers, not pictures; use generate\(\)"):
            refused()
    assert opened(save(ring, range(50), tmp_path / "scatter.png")).shape == (512, 512, 3)


def test_impossible_wishes(run, tmp_path):
    with pytest.raises(GanvasError, match="No place was given to be drawn"):
        save(run, range(0), tmp_path / "a.png")
    for columns in (0, -1):
        with pytest.raises(GanvasError, match="`columns=` is at least 1"):
            save(run, range(3), tmp_path / "a.png", columns=columns)


def test_a_picture_that_cannot_be_written(run, tmp_path):
    with pytest.raises(GanvasError, match=r"Cannot write .*sheet.xyz.*in .png for instance"):
        save(run, range(2), tmp_path / "sheet.xyz")
    (tmp_path / "file").write_text("")
    for name, separate in (("sheet.png", False), ("folder", True)):
        with pytest.raises(GanvasError, match="Cannot write"):
            save(run, range(2), tmp_path / "file" / name, separate=separate)


def save(run, seeds, out, **layout):
    return save_places(load(run.path), [Place(seed) for seed in seeds], out, layout=Layout(**layout))


def test_what_is_no_model(tmp_path, run):
    with pytest.raises(GanvasError, match=r"There is no .*nothing; give a run folder such as runs/icons"):
        load(tmp_path / "nothing")
    with pytest.raises(GanvasError, match="holds no finished checkpoint yet"):
        load(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    save_file({"weight": torch.zeros(2)}, tmp_path / "list.safetensors", {"ganvas": "[]"})
    for name in ("picture.png", "foreign.safetensors", "list.safetensors"):
        with pytest.raises(GanvasError, match=f"{name} is not a model that ganvas wrote"):
            load(tmp_path / name)
    with pytest.raises(GanvasError, match="is not a model that ganvas wrote"):
        load(run.newest / "state.safetensors")
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08")
    with pytest.raises(GanvasError, match="was exported for other programs: give the run or model"):
        load(tmp_path / "model.onnx")


def test_damaged_models(run, tmp_path):
    whole = (run.newest / "model.safetensors").read_bytes()
    file = tmp_path / "model.safetensors"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GanvasError, match="is not a model that ganvas wrote"):
        load(file)
    weights, about = checkpoint.read(run.newest / "model.safetensors"), {"version": "9", "shape": [1, 8, 8]}
    for settings, told in (
        (
            {"part": "resnet_generator", "width": 3, "latent": 4},
            "its weights are not those of the network it describes",
        ),
        ({"part": "unheard_of"}, "no part named 'unheard_of'"),
        ({"part": "resnet_generator", "colour": 3}, "has no setting 'colour' in this version"),
    ):
        save_file(weights, file, {"ganvas": json.dumps(about | {"network": settings})})
        with pytest.raises(GanvasError, match=told):
            load(file)


def test_a_flipped_bit_in_a_model_file_alone_is_told(run, tmp_path):
    """Without the checkpoint around it, by the sums in its metadata; each loads as it was or is a sentence."""
    good, file = (run.newest / "model.safetensors").read_bytes(), tmp_path / "model.safetensors"
    drawn, dice, begin = load(run.path).generate([0, 1]), random.Random(0), 8 + int.from_bytes(good[:8], "little")
    for place in [
        *(begin + dice.randrange(len(good) - begin) for _ in range(40)),
        *(dice.randrange(begin) for _ in range(80)),
    ]:
        changed = bytearray(good)
        changed[place] ^= 1 << dice.randrange(8)
        file.write_bytes(changed)
        if place >= begin:
            with pytest.raises(
                Unreadable, match=r"model.safetensors is damaged: .*its tensors are not what was written"
            ):
                load(file)
            continue
        with suppress(Unreadable):
            assert torch.equal(load(file).generate([0, 1]), drawn)
    told = json.loads(read_header(run.newest / "model.safetensors").metadata["ganvas"])
    old = {name: value for name, value in told.items() if name not in ("sum", "tensors")}
    save_file(checkpoint.read(run.newest / "model.safetensors"), file, {"ganvas": json.dumps(old)})
    assert torch.equal(load(file).generate([0, 1]), drawn), "one that was written before there were sums"


def test_a_damaged_checkpoint_asked_for_by_name(run, tmp_path):
    copy = tmp_path / "000000032"
    copy.mkdir()
    for name, content in files(run.newest).items():
        (copy / name).write_bytes(content[:-1] + b"?" if name == "model.safetensors" else content)
    with pytest.raises(GanvasError, match="000000032 is damaged: its files are not those that were written"):
        load(copy)


@pytest.mark.filterwarnings("ignore::ganvas.core.errors.PassedOver")
def test_a_run_of_damaged_checkpoints_is_not_called_unfinished(tmp_path):
    (tmp_path / "checkpoints" / "000000032").mkdir(parents=True)
    (tmp_path / "checkpoints" / "000000032" / "manifest.json").write_text("{}")
    for use in (load, lambda path: publish(Run(path), tmp_path / "out")):
        with pytest.raises(Unreadable, match=r"Every checkpoint in .* is damaged"):
            use(tmp_path)


def test_a_run_without_a_checkpoint(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    assert Run(tmp_path).newest is None
    with pytest.raises(GanvasError, match="train it with `ganvas train`"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("rows", "words"),
    [((1, 3), "4 rows of 3"), ((5, 3), "4 rows of 3"), ((4, 2), "4 rows of 3"), ((3,), "4 rows of 3")],
)
def test_a_condition_that_is_missing_is_refused_and_not_drawn_as_zeros(rows, words):
    """Batches are filled up with zeros, so one condition for four seeds gave one picture of it and three of none."""
    model = Model(MLPGenerator(width=8, depth=1, latent=4).build((1, 8, 8), 3))
    with pytest.raises(GanvasError, match=f"`condition=` takes {words}"):
        model.generate(range(4), torch.ones(rows))
    with pytest.raises(GanvasError, match="`z=` takes 2 rows of 4"):
        model.make(torch.zeros(2, 5), torch.ones(2, 3))
    with pytest.raises(GanvasError, match="takes no condition"):
        Model(MLPGenerator(width=8, depth=1, latent=4).build((1, 8, 8), 0)).make(torch.zeros(2, 4), torch.ones(2, 3))


def test_what_asks_for_a_picture_is_of_any_type_of_number_or_refused_in_words(run):
    model = load(run.path)
    seeds = torch.arange(2)
    assert torch.equal(model.generate(seeds), model.generate([0, 1]))
    z = inputs([0, 1], model.network.latent)
    assert torch.equal(model.make(z.double()), model.make(z))
    assert torch.equal(model.make(z.numpy()), model.make(z))
    for words, ask in {
        "`count=` takes a whole number": lambda: model.sample("4"),
        "at least 0, not -1": lambda: model.sample(-1),
        "`seed=` takes a whole number": lambda: model.sample(1, seed="1"),
        r"such as \[5\]": lambda: model.generate(5),
        "such as '7', not 7": lambda: model.sample(1, label=7),
    }.items():
        with pytest.raises(GanvasError, match=words):
            ask()


def test_a_notebook_shows_a_model_in_a_line(run):
    """That of `icons` filled 1.6 MB: all layers, and the vectors of its words."""
    assert repr(load(run.path)) == "<Model: 8x8 gray, by ResnetGenerator>"
    assert len(repr(load("icons"))) < 100


def test_webp_holds_a_sprite_exactly(tmp_path):
    sprite = np.random.default_rng(0).integers(0, 256, (16, 16, 4)).astype(np.uint8)
    sprite[..., 3] = 255 * (sprite[..., 3] > 99)
    with Image.open(pixels.save_picture(sprite, tmp_path / "a.webp")) as shown:
        held = np.asarray(shown)
    assert np.array_equal(held[..., 3], sprite[..., 3])
    assert np.array_equal(held[sprite[..., 3] > 0], sprite[sprite[..., 3] > 0])


def test_rows_with_names_show_transparent_pictures_on_white():
    clear = np.zeros((8, 40, 4), np.uint8)
    clear[2:6, 2:6] = 255, 0, 0, 255
    drawn = pixels.captioned(clear, ["a"])[:, -40:]
    assert (drawn[2:6, 2:6] == [255, 0, 0]).all()
    assert (drawn[:, 6:] == 255).all(), "the colour below clear pixels is not meant"


def test_a_format_without_transparency_shows_white(tmp_path):
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[1:3, 1:3] = 0, 0, 0, 255
    with Image.open(pixels.save_picture(clear, tmp_path / "a.jpg")) as shown:
        assert shown.getpixel((0, 0)) > (240, 240, 240)
    with Image.open(pixels.save_picture(clear, tmp_path / "a.png")) as shown:
        assert shown.getpixel((0, 0)) == (0, 0, 0, 0)
