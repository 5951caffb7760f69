"""Models in the layout of Hugging Face: written, read wherever a model is named, and refused where they lie."""

import json
import shlex
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from conftest import files
from PIL import Image
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from benchmarks.survive.made.models import described, headers, weights
from ganvas import Run, fit, load
from ganvas.core.errors import DoesNotFit, GanvasError, NotFound, Unreadable
from ganvas.core.manifest import hash_of
from ganvas.data.dataset import unwatched
from ganvas.evaluation.sides import opened
from ganvas.latent.directions import beside
from ganvas.learning.conditions import Labels
from ganvas.models.card import card
from ganvas.models.layout import CONFIG, CRITICS, FILES, is_folder
from ganvas.models.model import Model
from ganvas.models.publish import hand_over, publish
from ganvas.training.start_from import found


@pytest.fixture(scope="module")
def recipe(pictures):
    return replace(pictures, condition=Labels(), images=64, sheets=1)


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return fit(recipe, out=tmp_path_factory.mktemp("runs") / "digits", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "digits"
    return hand_over(run.path, out, about="Digits of 1998.", licence="cc-by-4.0")


@pytest.fixture
def own(folder, tmp_path):
    """A copy to be spoiled."""
    return shutil.copytree(folder, tmp_path / "digits")


def state(folder, change):
    """Say something else in its config.json, without a sum as a stranger would."""
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({key: each for key, each in config.items() if key != "sum"} | change))


def weighed(folder):
    """Write into its config.json the sums of its files as they are now."""
    state(folder, {"files": {name: hash_of(folder / name) for name in ("model.safetensors", CRITICS)}})


def test_it_is_few_files_and_the_same_pictures(run, folder):
    assert set(files(folder)) == set(FILES)
    ours, theirs = load(run.path), load(folder)
    assert theirs.condition == ours.condition
    assert torch.allclose(ours.generate(range(4)), theirs.generate(range(4)), atol=0.01)
    assert load(folder / "model.safetensors").generate([3]).equal(theirs.generate([3]))
    assert hand_over(run.path, folder, about="Digits of 1998.", licence="cc-by-4.0") == folder
    assert str(run.path.parent) not in (folder / CONFIG).read_text()


def test_its_card_has_a_header_that_the_hub_reads(folder):
    yaml = pytest.importorskip("yaml")  # comes with the package of the hub
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header) == {
        "license": "cc-by-4.0",
        "library_name": "ganvas",
        "tags": ["gan", "image-generation", "pytorch"],
        "pipeline_tag": "unconditional-image-generation",
    }
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# digits",
        *(f"## {title}" for title in ("Use", "Data", "Licence", "Training", "Figures", "Limits")),
    ]
    assert "Digits of 1998." in text
    assert "64 images seen" in text
    assert "Nothing was measured" in text


def test_a_card_that_somebody_wrote_stays(run, folder, tmp_path):
    ours = publish(run, tmp_path / "ours", about="Digits of 1998.")
    written = (ours / "README.md").read_text()
    text = (hand_over(ours, tmp_path / "a", licence="mit") / "README.md").read_text()
    assert text.startswith('---\nlicense: "mit"\n')
    assert text.endswith(f"---\n\n{written}")
    assert (hand_over(tmp_path / "a", tmp_path / "b") / "README.md").read_text() == text
    other = (hand_over(tmp_path / "a", tmp_path / "c", licence="cc0-1.0") / "README.md").read_text()
    assert other == text.replace('"mit"', '"cc0-1.0"')
    assert "for all to see" in (hand_over(ours, tmp_path / "d", about="for all to see") / "README.md").read_text()


def test_figures_of_the_run_are_on_the_card(run, tmp_path):
    from ganvas.metrics.score import Score
    from ganvas.runs import evaluations

    mine = shutil.copytree(run.path, tmp_path / "mine")
    evaluations.keep(mine, {"features": "pixels", "real": "digits"}, {"precision": Score(0.25, 0.01)})
    text = (hand_over(mine, tmp_path / "out") / "README.md").read_text()
    assert "| precision | 0.25 | ± 0.01 |" in text
    assert "with: features pixels, real digits" in text
    assert "No licence was named" in text


def test_its_card_names_no_place_on_this_machine(ganvas, tmp_path):
    from ganvas.metrics.score import Score
    from ganvas.runs import evaluations

    private = tmp_path / "private" / "cats"
    private.mkdir(parents=True)
    for shade in range(12):
        Image.new("RGB", (16, 16), (20 * shade, 0, 0)).save(private / f"{shade}.png")
    short = ("--images", 32, "--set", "width=4", "--size", 16, "--set", "measure_images=0")
    assert ganvas("train", private, *short, "--out", "first")[0] == 0
    assert ganvas("train", private, *short, "--from", tmp_path / "first", "--out", "run")[0] == 0
    evaluations.keep(
        tmp_path / "run", {"real": f"folder:{private}", "weights": str(private)}, {"precision": Score(0.25)}
    )
    out = hand_over(tmp_path / "run", tmp_path / "out")
    for name in ("README.md", CONFIG):
        assert str(tmp_path) not in (out / name).read_text(), name
    text = (out / "README.md").read_text()
    assert "trained on `cats`" in text
    assert "with: real folder:cats, weights cats" in text


def test_a_card_names_a_class_as_a_shell_takes_it(folder):
    name = """$(id) "it's" `5"""
    model = Model(load(folder).network, Labels((name, "other"), (0.5, 0.5)))
    text = card("digits", model, None, about="", licence="")
    (line,) = [line for line in text.splitlines() if line.startswith("ganvas sample")]
    assert shlex.split(line)[5:7] == ["--label", name]
    assert '"$(' not in line


def test_commands_take_it_as_a_model(folder, ganvas, tmp_path):
    assert ganvas("sample", folder, "--label", 3, "--count", 2, "--out", "three.png")[0] == 0
    assert ganvas("morph", folder, "--seeds", "0,1", "--out", "m.png")[0] == 0
    assert isinstance(opened(str(folder), size=None, device="cpu", watch=unwatched), Model)  # a side of `compare`
    assert beside(folder) == folder / "directions.safetensors"


def test_training_starts_from_it_with_its_critics(run, recipe, folder, tmp_path):
    short = replace(recipe, images=16)
    begun = fit(short, start_from=folder, seed=1, out=tmp_path / "begun", quiet=True, device="cpu")
    ours = publish(run, tmp_path / "ours")
    same = fit(short, start_from=ours, seed=1, out=tmp_path / "same", quiet=True, device="cpu")
    after, before = begun.restore(), same.restore()
    assert all(value.equal(before[name]) for name, value in after.items()), "as from our own form"


def test_what_has_no_run_is_handed_on_without_critics(run, folder, tmp_path):
    alone = hand_over(run.newest / "model.safetensors", tmp_path / "alone")
    assert not (alone / CRITICS).exists()
    assert load(alone).generate([1]).equal(load(folder).generate([1]))
    with pytest.raises(NotFound, match="does not say which recipe trained it"):
        found(alone)
    hand_over(run.path, alone)
    assert (alone / CRITICS).exists()
    hand_over(run.newest / "model.safetensors", alone)
    assert not (alone / CRITICS).exists()
    again = hand_over(folder, tmp_path / "again")
    assert {name: file for name, file in files(again).items() if name != "preview.png"} == {
        name: file for name, file in files(folder).items() if name != "preview.png"
    }


def test_files_of_others_stay(run, tmp_path):
    kept = tmp_path / "clone" / ".git" / "HEAD"
    kept.parent.mkdir(parents=True)
    kept.write_text("ref")
    hand_over(run.path, tmp_path / "clone")
    assert kept.read_text() == "ref"
    with pytest.raises(DoesNotFit, match="holds a run"):
        hand_over(run.path, run.path)
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "README.md").write_text("my own")
    with pytest.raises(DoesNotFit, match="holds something else"):
        hand_over(run.path, tmp_path / "bert")
    (tmp_path / "bert" / CONFIG).write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(DoesNotFit, match="holds something else"):
        hand_over(run.path, tmp_path / "bert")
    assert (tmp_path / "bert" / "README.md").read_text() == "my own"
    with pytest.raises(DoesNotFit, match="licence"):
        hand_over(run.path, tmp_path / "other", licence="mine: all")


@pytest.mark.parametrize("name", ["model.safetensors", CRITICS, CONFIG])
def test_a_flipped_bit_is_seen(name, own):
    content = bytearray((own / name).read_bytes())
    content[-40] ^= 1
    (own / name).write_bytes(content)
    with pytest.raises(GanvasError, match=r"damaged"):
        found(own)


def test_what_is_missing_or_of_others(own, folder, tmp_path):
    for change in ({"files": {}}, {"files": 3}, {"files": {"model.safetensors": None}}):
        state(own, change)
        with pytest.raises(Unreadable, match="damaged, missing or another"):
            load(own)
    state(own, {"library_name": "diffusers"})
    with pytest.raises(Unreadable, match="another library"):
        load(own)
    for text in ("{", "[]", "[" * 100_000, "\xff"):
        (own / CONFIG).write_text(text, encoding="latin-1")
        with pytest.raises(Unreadable, match="damaged"):
            load(own)
    (own / "model.safetensors").unlink()
    assert not is_folder(own), "it may be anything, such as a folder of pictures"
    with pytest.raises(GanvasError, match="holds no finished checkpoint"):
        load(own)


def test_hostile_weights_are_refused_as_in_any_model_file(folder, own):
    """The kinds of benchmarks/survive, some of each, with sums that are right."""
    good = folder / "model.safetensors"
    for made in (described(good), headers(good), weights(good)):
        for content in list(made.values())[::97]:
            (own / "model.safetensors").write_bytes(content)
            weighed(own)
            for take in (load, found):
                with suppress(GanvasError):  # and nothing else
                    take(own)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": 3},
        {"recipe": []},
        {"recipe": {"part": "ring"}},
        {"recipe": {"part": {}}},
        {"recipe": {"networks": 1}},
    ],
)
def test_hostile_recipes(change, own):
    state(own, change)
    with pytest.raises(GanvasError):
        found(own)


def test_critics_that_the_recipe_does_not_describe(own, folder):
    config = json.loads((folder / CONFIG).read_text())
    config["recipe"]["networks"]["critic"]["width"] = 30_000
    state(own, {"recipe": config["recipe"]})
    with pytest.raises(Unreadable, match="its weights are not those of its recipe"):
        found(own)
    shutil.copy(folder / CONFIG, own / CONFIG)
    tensors = load_tensors((folder / CRITICS).read_bytes())
    save_file({name: torch.zeros(()) for name in tensors}, own / CRITICS)
    weighed(own)
    with pytest.raises(Unreadable, match="its weights are not those of its recipe"):
        found(own)
    assert Run(own).exists is False


def test_the_command(run, ganvas, tmp_path):
    code, out, _ = ganvas("publish", run.path, "--to", "out", "--licence", "mit")
    assert (code, out.strip()) == (0, "the model is out")
    assert 'license: "mit"' in (tmp_path / "out" / "README.md").read_text()
    assert "Name the folder to make" in ganvas("publish", run.path)[2]
    assert "Name the folder to make" in ganvas("publish", run.path, "a", "--to", "b")[2]
    assert "--private with --to hf:user/name" in ganvas("publish", run.path, "a", "--private")[2]
