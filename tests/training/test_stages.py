"""A recipe that begins with others: trained by one command, each from what the one before has learned."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import Run, fit, load, plan
from ganvas.core import checkpoint
from ganvas.core.errors import GanvasError
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.sketches import Finishing
from ganvas.models import shipped
from ganvas.models.publish import publish
from ganvas.networks.feature import FeatureCritic
from ganvas.recipes.ideas import idea_flow, idea_icons
from ganvas.training import fit as fitting
from ganvas.training.start_from import Beginning, adapted, adopt, as_begun
from ganvas.training.state import start

pytestmark = pytest.mark.usefixtures("narrow")

SMALL = (
    "width=8",
    "blocks=2",
    "sketch=8",
    "critic.blocks=1",
    "teacher.steps=2",
    "sheets=1",
    "measure_images=0",
    "bfloat16=()",
)
QUICK = {"images": 100, "quiet": True, "device": "cpu"}
STAGES = ("1-idea_autoencoder", "2-idea_sketch", "3-idea_flow")
BEFORE = ("1-idea_sketch", "2-idea_drawing")  # another model goes on with other pictures


def draw(folder, *, words):
    """Thirty squares in two colours at several places, with two words each."""
    folder.mkdir(parents=True)
    random, lines = np.random.default_rng(0), []
    for number in range(30):
        picture = np.full((16, 16, 3), 255, np.uint8)
        (x, y), colour = random.integers(1, 8, 2), ("red", "blue")[number % 2]
        picture[y : y + 7, x : x + 7] = {"red": (220, 30, 30), "blue": (30, 30, 220)}[colour]
        Image.fromarray(picture).save(folder / f"{number:02}.png")
        lines.append(json.dumps({"file_name": f"{number:02}.png", "keywords": ["square", colour]}))
    if words:
        (folder / "metadata.jsonl").write_text("\n".join(lines))
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("data") / "words", words=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("data") / "bare", words=False)


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    return fit("idea_icons", data=folder, size=16, settings=SMALL, out=tmp_path_factory.mktemp("runs") / "all", **QUICK)


@pytest.fixture(scope="module")
def published(run, tmp_path_factory):
    return publish(run, tmp_path_factory.mktemp("models") / "ideas")


def test_what_learned_nothing_is_not_published(run, published):
    state = checkpoint.read(Run(published).newest / checkpoint.STATE)
    assert {key.partition("/")[0] for key in state} == {"critic"}
    assert set(run.recipe.frozen) == {"teacher", "autoencoder"}


def learned(run):
    """What the networks of a run have learned, its product being the average."""
    state = checkpoint.read(run.newest / checkpoint.STATE)
    found = {name: checkpoint.below(state, name) for name in run.recipe.networks}
    return found | {run.recipe.product: checkpoint.read(run.newest / checkpoint.MODEL)}


def same(weights, others, part=""):
    """Whether all of the weights below a part are those of the others, in the precision of the others."""
    keys = [key for key in weights if key.startswith(part)]
    return bool(keys) and all(torch.equal(weights[key].to(others[key].dtype), others[key]) for key in keys)


def begun(recipe, place):
    """The networks of a recipe as they begin from a run or a model."""
    recipe = as_begun(recipe, place)
    state = start(recipe, recipe.data.open(), seed=5)
    adopt(state, recipe, place)
    assert same(state.average.state_dict(), state.networks[recipe.product].state_dict())
    return recipe, {name: network.state_dict() for name, network in state.networks.items()}


def test_one_command_trains_all_stages(run, folder):
    stages = [*(Run(run.path / "stages" / name) for name in STAGES), run]
    assert all(stage.finished for stage in stages)
    assert [stage.about["stage"] for stage in stages] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert [stage.recipe.images for stage in stages] == [20, 10, 45, 25]
    assert [stage.about["from"] for stage in stages] == [None, *(str(stage.path) for stage in stages[:3])]
    assert all(str(stage.recipe.data.path) == folder for stage in stages)
    assert stages[2].recipe.networks["generator"] == run.recipe.networks["teacher"]
    assert "Stage" in (run.path / "report.html").read_text()
    autoencoder, sketch, flow, last = map(learned, stages)
    assert same(last["autoencoder"], autoencoder["autoencoder"])
    assert same(last["teacher"], flow["generator"])
    assert same(last["generator"], sketch["generator"], "sketcher.")
    assert same(flow["generator"], sketch["generator"], "sketcher.")
    assert not same(flow["generator"], sketch["generator"], "body.")
    assert same(last["generator"], autoencoder["autoencoder"], "decoder.")
    assert not same(last["generator"], flow["generator"], "body.")
    assert load(run.path).sample(2, label="red")[0].size == (16, 16)


@pytest.mark.parametrize(("stage", "by"), [(1, "the same command"), (3, "its folder")])
def test_it_goes_on_in_the_stage_where_it_was_left(run, folder, stage, by, tmp_path, monkeypatch):
    train_one, trained = fitting._fit, []

    def interrupted(task, *rest, **named):
        trained.append(task.stage)
        if len(trained) > stage:
            raise KeyboardInterrupt
        return train_one(task, *rest, **named)

    monkeypatch.setattr(fitting, "_fit", interrupted)
    words = {"data": folder, "size": 16, "settings": SMALL, "out": tmp_path / "again"}
    with pytest.raises(KeyboardInterrupt):
        fit("idea_icons", **words, **QUICK)
    assert trained == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"][: stage + 1]
    assert not Run(tmp_path / "again").exists
    monkeypatch.undo()
    rest = {"quiet": True, "device": "cpu"}
    again = fit(tmp_path / "again", **rest) if by == "its folder" else fit("idea_icons", **words, **rest)
    assert again.path == tmp_path / "again"
    whole, other = learned(run), learned(again)
    assert all(torch.equal(whole[name][key], other[name][key]) for name in whole for key in whole[name])


def test_a_stage_that_was_left_in_the_middle(folder, tmp_path, monkeypatch):
    """The run that is returned is the interrupted one, and the stages after it have not begun."""
    monkeypatch.setattr(Run, "finished", property(lambda self: not self.path.name.startswith("1-")))
    left = fit("idea_icons", data=folder, size=16, settings=SMALL, out=tmp_path / "run", **QUICK)
    assert left.path == tmp_path / "run" / "stages" / STAGES[0]
    assert [path.name for path in (tmp_path / "run" / "stages").iterdir() if path.is_dir()] == [STAGES[0]]


def test_more_is_given_to_the_last_stage(run, folder, tmp_path):
    words = {"data": folder, "size": 16, "settings": SMALL, "out": tmp_path / "run", "quiet": True, "device": "cpu"}
    fit("idea_icons", images=50, **words)
    first = Run(tmp_path / "run" / "stages" / STAGES[0])
    seen = first.images
    longer = fit("idea_icons", images=200, **words)
    assert (first.images, longer.recipe.images) == (seen, 50)
    with pytest.raises(GanvasError, match="holds another run"):
        fit("idea_icons", images=200, **words | {"settings": (*SMALL, "game.real=0.5")})


def test_what_does_not_fit_is_refused_before_there_is_a_folder(folder, bare, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(GanvasError, match="have no keywords"):
        fit("idea_icons", data=bare, size=16, settings=SMALL, out=out, **QUICK)
    with pytest.raises(GanvasError, match="generator of the stage before is another than the recipe's"):
        fit("idea_icons", data=folder, size=16, settings=(*SMALL, "generator.width=12"), out=out, **QUICK)
    with pytest.raises(GanvasError, match="teacher of the recipe learns nothing itself"):
        fit(replace(small("idea_icons", folder), begins={}), out=out, **QUICK)
    assert not out.exists()


@pytest.mark.parametrize(
    "begins", [{"idea_flow": 1.0}, {"idea_flow": 0.0}, {"idea_flow": 0.6, "idea_autoencoder": 0.6}]
)
def test_shares_leave_something_for_the_recipe_itself(begins):
    with pytest.raises(GanvasError, match="leave it some"):
        replace(idea_icons(), begins=begins)


def small(name, data):
    return plan(name, data=data, size=16, settings=SMALL if name == "idea_icons" else SMALL[:3])


def test_a_flow_begins_with_an_autoencoder(run, folder):
    place = run.path / "stages" / STAGES[0]
    before = learned(Run(place))["autoencoder"]
    _, after = begun(small("idea_flow", folder), place)
    assert same(after["autoencoder"], before)
    assert same(after["generator"], before, "decoder.")


def test_one_step_begins_with_a_flow(run, folder):
    place = run.path / "stages" / STAGES[2]
    flow = learned(Run(place))
    recipe, after = begun(small("idea_icons", folder), place)
    assert recipe.networks["teacher"] == Run(place).recipe.networks["generator"]
    assert recipe.networks["generator"].steps == 1
    assert same(after["generator"], flow["generator"])
    assert same(after["teacher"], flow["generator"])
    assert same(after["autoencoder"], flow["autoencoder"])
    blocks = {key: value for key, value in after["critic"].items() if key.startswith("body.")}
    assert same(blocks, flow["generator"])
    assert same(after["critic"], flow["autoencoder"], "encoder.")


def test_one_step_goes_on_with_its_own(run, folder):
    before = learned(run)
    _, after = begun(small("idea_icons", folder), run.path)
    assert all(same(after[name], before[name]) for name in after)


def test_a_model_that_came_without_its_teacher_teaches_by_itself(run, published):
    before = {name: {key: value.half() for key, value in held.items()} for name, held in learned(run).items()}
    recipe, after = begun(replace(Run(published).recipe, data=run.recipe.data), published)
    assert recipe.networks["teacher"] == recipe.networks["generator"]
    assert same(after["teacher"], before["generator"])
    assert same(after["autoencoder"], before["generator"], "decoder.")
    assert same(after["autoencoder"], before["critic"], "encoder.")
    assert same(after["critic"], before["critic"])
    other, after = begun(small("idea_flow", run.recipe.data.path), published)
    assert other.networks["generator"].steps == idea_flow().networks["generator"].steps
    assert same(after["generator"], before["generator"])


def test_other_pictures_have_a_critic_with_eyes_and_no_teacher(run, published):
    recipe, after = begun(replace(adapted(published), data=run.recipe.data), published)
    assert set(recipe.networks) == {"generator", "critic", "autoencoder"}
    assert isinstance(recipe.networks["critic"], FeatureCritic)
    assert recipe.networks["generator"] == run.recipe.networks["generator"]
    assert same(after["generator"], {key: value.half() for key, value in learned(run)["generator"].items()})


def test_without_sketches_or_an_encoder_a_critic_is_all(published, monkeypatch):
    whole = adapted(published)
    monkeypatch.setattr(Beginning, "encodes", False)
    alone = adapted(published)
    assert type(whole.game) is Finishing
    assert type(alone.game) is Adversarial
    for rule in fields(Adversarial):
        assert getattr(whole.game, rule.name) == getattr(alone.game, rule.name)
    assert set(alone.networks) == {"generator", "critic"}
    assert (list(whole.begins), list(alone.begins)) == (["idea_sketch", "idea_drawing"], [])


def test_a_published_model_goes_on_with_a_folder(published, folder, bare, tmp_path, monkeypatch):
    """With words and without: first it learns sketches, then to draw from them."""
    monkeypatch.setattr(shipped, "HOME", published.parent)
    for data in (folder, bare):
        out = tmp_path / data.rpartition("/")[2]
        run = fit(data, start_from="ideas", out=out, images=64, quiet=True, device="cpu")
        assert run.finished
        stages = [Run(out / "stages" / name) for name in BEFORE]
        assert [each.about["stage"] for each in (*stages, run)] == ["1 of 3", "2 of 3", "3 of 3"]
        assert [each.about["from"] for each in (*stages, run)] == ["ideas", *(str(each.path) for each in stages)]
        assert {each.recipe.networks["generator"] for each in stages} == {run.recipe.networks["generator"]}
        assert load(run.path).sample(2)[0].size == (16, 16)
        begun, first, now = (
            checkpoint.read(Run(at).newest / checkpoint.MODEL) for at in (published, stages[0].path, out)
        )
        assert same(now, begun, "decoder.")
        assert same(first, begun, "body.")
        assert not same(first, begun, "sketcher.")
        assert same(now, first, "sketcher.")
        assert not same(now, first, "body.")
    again = fit(bare, start_from=out, out=tmp_path / "again", images=64, quiet=True, device="cpu")
    assert not (again.path / "stages").exists(), "it knows the sketches of these pictures"
    other = fit(folder, start_from=out, out=tmp_path / "other", images=64, quiet=True, device="cpu")
    assert (other.path / "stages").exists(), "and not of others"
    assert list(adapted(publish(run, tmp_path / "handed")).begins) == ["idea_sketch", "idea_drawing"], (
        "also after it was published"
    )


def test_stages_that_are_over_where_it_starts_are_left_out(run, folder, tmp_path):
    place = run.path / "stages" / STAGES[0]
    words = {"data": folder, "size": 16, "settings": SMALL, "start_from": place, "out": tmp_path / "run"}
    last = fit("idea_icons", **words, **QUICK)
    assert last.about["stage"] == "3 of 3"
    names = sorted(path.name for path in (tmp_path / "run" / "stages").iterdir() if path.is_dir())
    assert names == ["1-idea_sketch", "2-idea_flow"]
    flow = Run(tmp_path / "run" / "stages" / "2-idea_flow")
    assert flow.about["from"] == str(tmp_path / "run" / "stages" / "1-idea_sketch")
    assert [flow.recipe.images, last.recipe.images] == [round(45 / 0.8), round(25 / 0.8)]
