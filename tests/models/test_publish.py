"""Trained models are handed on as small folders, and trainings start from them."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image

from ganvas import Run, change, find, fit, load, source
from ganvas.core.errors import GanvasError, Unwritable
from ganvas.learning.conditions import Keywords, Labels
from ganvas.models import publish as publishing
from ganvas.models import shipped
from ganvas.models.publish import hand_over, publish
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.recipes.plan import name_of_run
from ganvas.runs.mends import Mend


@pytest.fixture(scope="module")
def recipe(pictures):
    networks = {"generator": ResnetGenerator(width=16), "critic": ResnetCritic(width=16)}
    return replace(pictures, condition=Labels(), networks=networks, images=64, sheets=1)


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    return fit(recipe, out=tmp_path_factory.mktemp("runs") / "digits", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def published(run, tmp_path_factory):
    return publish(run, tmp_path_factory.mktemp("models") / "digits", about="Digits of 1998.")


@pytest.fixture
def named(published, monkeypatch):
    """The toolkit comes with this model alone."""
    monkeypatch.setattr(shipped, "HOME", published.parent)


def size(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_published_model_makes_the_same_pictures_from_half_the_numbers(run, published):
    ours, theirs = load(run.path), load(published)
    assert theirs.condition == ours.condition
    assert torch.allclose(ours.generate(range(4)), theirs.generate(range(4)), atol=0.01)
    model = next(published.rglob("model.safetensors"))
    assert 0.4 < model.stat().st_size / (run.newest / "model.safetensors").stat().st_size < 0.75
    assert size(published) < size(run.path) / 4
    card = (published / "README.md").read_text()
    assert card.startswith("# digits\n\nDigits of 1998.\n")
    assert "64 images seen" in card


def test_of_the_machine_its_system_is_named_without_version(run, published):
    whole, told = (Run(at).about["machine"]["system"] for at in (run.path, published))
    assert whole != told == whole.partition("-")[0]


def test_whose_pictures_it_learned_from_goes_along(run, ganvas, tmp_path):
    whose = ("--licence", "CC BY-SA 4.0", "--attribution", "OpenMoji")
    assert ganvas("publish", run.path, tmp_path / "model", *whose)[0] == 0
    about = Run(tmp_path / "model").about
    assert (about["licence"], about["attribution"]) == ("CC BY-SA 4.0", "OpenMoji")
    assert "## Pictures it learned from\n\nOpenMoji, CC BY-SA 4.0.\n\n" in (tmp_path / "model/README.md").read_text()
    assert "licence" not in Run(publish(run, tmp_path / "other")).about


def test_no_path_of_the_publisher_goes_along(pictures, tmp_path):
    art = tmp_path / "secret" / "art"
    art.mkdir(parents=True)
    for shade in range(20):
        Image.new("L", (8, 8), 9 * shade).save(art / f"{shade}.png")
    recipe = replace(pictures, data=replace(source(str(art)), size=8), images=16, sheets=1)
    run = fit(recipe, out=tmp_path / "secret" / "run", quiet=True, device="cpu")
    mend = Mend(16, "alike", "game.r1=0", "All alike.", run.recipe)
    about = run.about | {"mended": mend.as_json(), "from": str(tmp_path / "secret" / "other")}
    (run.path / "run.json").write_text(json.dumps(about))
    published = publish(run, tmp_path / "model")
    assert Run(published).about["mended"]["before"]["data"]["path"] == "art"
    for file in published.rglob("*"):
        assert file.is_dir() or b"secret" not in file.read_bytes(), file
    for name, kept in (("hf:user/name", "hf:user/name"), ("icons", "icons")):
        (run.path / "run.json").write_text(json.dumps(about | {"from": name}))
        assert Run(publish(run, tmp_path / "again")).about["from"] == kept


def test_what_is_published_takes_the_place_of_what_was(run, recipe, published, tmp_path):
    shutil.copytree(published, tmp_path / "model")
    own = tmp_path / "model" / "checkpoints" / ".DS_Store"
    own.touch()
    shorter = fit(replace(recipe, images=16), seed=3, out=tmp_path / "shorter", quiet=True, device="cpu")
    publish(shorter, tmp_path / "model")
    (weights,) = (tmp_path / "model").rglob("model.safetensors")
    assert weights.parent.name == "000000016"
    assert own.exists(), "what is no checkpoint is nobody's to remove"
    assert torch.allclose(load(tmp_path / "model").generate(range(2)), load(shorter.path).generate(range(2)), atol=0.01)


def test_models_have_names(named, run, published, ganvas, tmp_path):
    code, _, _ = ganvas("sample", "digits", "--label", "3", "--count", 4, "--out", tmp_path / "three.png")
    assert code == 0
    assert (tmp_path / "three.png").exists()
    out = ganvas("models")[1]
    assert out.startswith("digits")
    assert "digits       1x8x8, " in out
    assert "Digits of 1998." in out
    assert "the name of a model that comes with the toolkit: digits." in ganvas("sample", "digit")[2]


def test_training_starts_from_a_model(named, run, recipe, published, tmp_path):
    short = replace(recipe, images=16)
    begun = fit(short, start_from="digits", seed=1, out=tmp_path / "begun", quiet=True, device="cpu")
    fresh = fit(short, seed=1, out=tmp_path / "fresh", quiet=True, device="cpu")
    before = {key: value.float() for key, value in run.restore().items()}

    def distance(other, player):
        after = other.restore()
        keys = [key for key in after if key.startswith(f"{player}/") and after[key].is_floating_point()]
        return float(torch.stack([(after[key] - before[key]).abs().mean() for key in keys]).mean())

    assert distance(begun, "critic") < 0.2 * distance(fresh, "critic")
    assert distance(begun, "average") < 0.5 * distance(fresh, "average")
    first = begun.path / "samples" / "000000000.png"
    assert first.read_bytes() != (fresh.path / "samples" / "000000000.png").read_bytes()


def test_the_recipe_of_a_model_is_taken_for_data_of_ones_own(named, recipe, tmp_path):
    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (20, 20), (25 * number, 0, 0)).save(tmp_path / "pictures" / name / f"{number}.png")
    with pytest.raises(GanvasError, match=r"generator of digits is another"):  # it knows ten classes, and these are two
        fit(tmp_path / "pictures", start_from="digits", out=tmp_path / "run", images=16, quiet=True, device="cpu")
    for name in "cdefghij":
        shutil.copytree(tmp_path / "pictures" / "a", tmp_path / "pictures" / name)
    run = fit(tmp_path / "pictures", start_from="digits", out=tmp_path / "other", images=16, quiet=True, device="cpu")
    assert run.recipe.networks == recipe.networks
    assert run.about["data"]["shape"] == [1, 8, 8]
    assert name_of_run("pictures", None, None, 0, "digits") == "pictures-from-digits"


def test_a_published_model_does_not_go_on(published):
    with pytest.raises(GanvasError, match=r"was published and does not go on; start from it: `start_from='"):
        fit(str(published), quiet=True)


def test_another_generator_cannot_start_from_it(named, recipe, tmp_path):
    with pytest.raises(GanvasError, match=r"generator of digits is another than the recipe's"):
        fit(change(recipe, "generator.width=12"), start_from="digits", out=tmp_path / "run", quiet=True, device="cpu")


def test_a_new_critic_goes_on_with_the_old_generator(named, recipe, tmp_path):
    other = replace(change(recipe, "critic.width=12"), images=16)
    begun = fit(other, start_from="digits", out=tmp_path / "begun", quiet=True, device="cpu")
    assert begun.recipe.networks["critic"].width == 12
    first = begun.path / "samples" / "000000000.png"
    same = fit(replace(recipe, images=16), start_from="digits", out=tmp_path / "same", quiet=True, device="cpu")
    assert first.read_bytes() == (same.path / "samples" / "000000000.png").read_bytes()


def test_there_is_nothing_of_that_name(named, recipe, tmp_path):
    with pytest.raises(GanvasError, match=r"digit is no run with a checkpoint and no model .* \(digits\)"):
        fit(recipe, start_from="digit", out=tmp_path / "run", quiet=True, device="cpu")


def test_a_training_is_not_published_over(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*.safetensors")}
    for folder in (tmp_path / "run", run.path):
        with pytest.raises(GanvasError, match="holds something else than a published model"):
            publish(run, folder)
    assert {file: file.read_bytes() for file in before} == before


def test_what_does_not_fit_a_model_leaves_no_folder(named, recipe, tmp_path):
    with pytest.raises(
        GanvasError, match=r"makes 8x8 gray, and here are 16x16 gray: leave out `size=`, or say `size=8x8`"
    ):
        fit(replace(recipe, data=replace(recipe.data, size=16)), start_from="digits", out=tmp_path / "a", quiet=True)
    with pytest.raises(GanvasError, match="generator of digits is another"):
        fit(change(recipe, "generator.width=12"), start_from="digits", out=tmp_path / "a", quiet=True, device="cpu")
    assert not (tmp_path / "a").exists()


def test_what_cannot_be_published(run, tmp_path):
    with pytest.raises(GanvasError, match=r"not a run folder|no finished checkpoint"):
        publish(Run(tmp_path / "none"), tmp_path / "model")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    with pytest.raises(GanvasError, match="holds something else"):
        publish(run, tmp_path / "pictures")


def test_a_model_of_keywords_is_adapted_to_pictures_without_any(tmp_path):
    for name in ("red", "blue"):
        folder = tmp_path / "named" / name
        folder.mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (16, 16), name).save(folder / f"{number}.png")
            (folder / f"{number}.txt").write_text(name)
    shutil.copytree(tmp_path / "named", tmp_path / "plain", ignore=shutil.ignore_patterns("*.txt"))
    networks = {"generator": ResnetGenerator(width=4), "critic": ResnetCritic(width=4, projection=True)}
    words = replace(
        find("keyword_icons", "recipe")(), networks=networks, data=source(f"{tmp_path}/named"), batch=8, images=16
    )
    first = fit(replace(words, measure_images=0), out=tmp_path / "first", quiet=True, device="cpu")
    other = fit(tmp_path / "plain", start_from=first.path, out=tmp_path / "other", images=16, quiet=True, device="cpu")
    assert other.recipe.condition == Keywords(required=False)
    assert not load(other.path).condition.draw([0, 1]).any()
    with pytest.raises(GanvasError, match="no keywords"):
        fit(replace(words, data=source(f"{tmp_path}/plain")), out=tmp_path / "third", quiet=True, device="cpu")


def test_there_may_be_no_models(ganvas, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "HOME", tmp_path)
    assert ganvas("models")[1].startswith("Models that come with the toolkit: none in this version.")


@pytest.mark.parametrize("hand", [False, True])
def test_what_a_full_disk_left_of_a_publication_is_ours(run, tmp_path, monkeypatch, hand):
    def full(*_):
        raise OSError(28, "No space left on device")

    def publication():
        return hand_over(run.path, tmp_path / "model") if hand else publish(run, tmp_path / "model")

    if hand:
        monkeypatch.setattr(publishing, "write_safetensors", full)
    else:
        monkeypatch.setattr(publishing.checkpoint, "write", full)
    with pytest.raises(Unwritable, match="No space left"):
        publication()
    assert (tmp_path / "model").exists()
    monkeypatch.undo()
    assert load(publication())
