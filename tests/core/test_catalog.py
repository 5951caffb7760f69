"""A part is defined in one place and found in all: lists, --set, JSON, training; and what the catalogue refuses."""

import json
import re
from dataclasses import dataclass, replace
from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ganvas import Recipe, change, find, names, part, train
from ganvas.core import catalog
from ganvas.core.catalog import describe
from ganvas.core.errors import GanvasError
from ganvas.data.sources.icons import subsets
from ganvas.learning.losses import Objective
from ganvas.networks.layers import Generator, NetworkSettings
from ganvas.recipes.settings import from_json, to_json


@pytest.fixture
def tilted(registry):
    """A loss that only this test knows."""

    @part("loss")
    @dataclass(frozen=True)
    class TiltedLoss(Objective):
        """Logits as they are, tilted."""

        tilt: float = 0.25

        def critic(self, real, fake):
            return fake - real + self.tilt * (real + fake) ** 2

        def generator(self, fake, real=None):
            return -fake

    return TiltedLoss


@pytest.fixture
def constant_generator(registry):
    """A network that only this test knows."""

    @part("network")
    @dataclass(frozen=True)
    class ConstantGenerator(NetworkSettings):
        """The same sample for every z."""

        start: float = 0.5

        def build(self, shape, condition):
            return _Constant(self, shape, condition)

    class _Constant(Generator):
        def __init__(self, settings, shape, condition):
            super().__init__(shape, condition, 1)
            self.sample = nn.Parameter(torch.full(shape, settings.start))

        def forward(self, z, condition):
            return self.sample.expand(len(z), *self.shape)

    return ConstantGenerator


def steps(recipe, count=2):
    return list(islice(train(recipe), count))


def squeezed(text):
    return re.sub(" +", " ", text)


def test_a_new_loss_is_found_everywhere(tilted, ganvas, points):
    assert "tilted_loss" in names("loss")
    assert find("tilted_loss", "loss") is tilted
    assert "tilted_loss" in ganvas("list", "losses")[1]
    shown = ganvas("show", "tilted_loss")[1]
    assert "Logits as they are, tilted." in shown
    assert "tilt: float = 0.25" in shown
    recipe = change(points, "game.loss=tilted_loss(tilt=0.5)")
    assert recipe.game.loss == tilted(tilt=0.5)
    assert change(recipe, "game.loss.tilt=1").game.loss == tilted(tilt=1.0)
    assert "tilted_loss(tilt=0.5)" in str(recipe)
    assert from_json(json.loads(json.dumps(to_json(recipe))), Recipe) == recipe
    assert steps(recipe)[-1].terms()["critic.loss"] != steps(points)[-1].terms()["critic.loss"]


def test_a_new_network_is_found_everywhere(constant_generator, ganvas, points):
    assert "constant_generator" in ganvas("list", "networks")[1]
    assert "start: float = 0.5" in ganvas("show", "constant_generator")[1]
    recipe = change(points, "generator=constant_generator(start=2)")
    assert recipe.networks["generator"] == constant_generator(start=2.0)
    assert from_json(json.loads(json.dumps(to_json(recipe))), Recipe) == recipe
    network = steps(recipe)[-1].state.networks["generator"]
    assert ((network.sample - 2.0).abs() > 0).all()


def test_a_new_recipe_is_found_everywhere(registry, ganvas, points):
    @part("recipe")
    def two_steps():
        """A run of two steps."""
        return replace(points, images=32)

    assert "two_steps A run of two steps." in squeezed(ganvas("list")[1])
    assert "A run of two steps." in ganvas("show", "two_steps")[1]
    assert "images 64" in squeezed(ganvas("train", "two_steps", "--dry-run", "--images", 64)[1])
    code, out, err = ganvas("train", "two_steps", "--out", "run")
    assert (code, out.splitlines()[0].split(" in ")[0]) == (0, "32 images"), err


def test_parts_of_other_packages(registry, monkeypatch):
    asked = []

    def load():
        @part("loss")
        @dataclass(frozen=True)
        class Foreign:
            """A loss of another package."""

    def entry_points(*, group):
        asked.append(group)
        return [SimpleNamespace(load=load)] if group == "ganvas.loss" else []

    monkeypatch.setattr(catalog, "entry_points", entry_points)
    catalog._load.cache_clear()
    assert "foreign" in names("loss")
    assert "foreign" not in names("network")
    assert asked == ["ganvas.loss", "ganvas.network"]


def test_a_name_used_twice(registry):
    def define(where):
        def ring():
            """A second ring."""

        ring.__module__ = where
        return part("recipe")(ring)

    with pytest.raises(TypeError, match=r"two parts of kind 'recipe' are named 'ring': ganvas.recipes.toys and else"):
        define("elsewhere")
    again = find("ring", "recipe")
    assert part("recipe")(again) is again  # a module that is read twice, as by a notebook, is no second part


def test_a_part_without_docstring(registry):
    with pytest.raises(TypeError, match="the loss 'bare' has no docstring"):

        @part("loss")
        @dataclass(frozen=True)
        class Bare: ...

    with pytest.raises(TypeError, match="the recipe 'silent' has no docstring"):

        @part("recipe")
        def silent(): ...

    assert "bare" not in names("loss")


def test_files_of_ones_own_are_named_by_a_variable(tmp_path, monkeypatch, registry):
    registry._load.cache_clear()
    monkeypatch.setenv("GANVAS_PARTS", str(tmp_path / "mine.py"))
    with pytest.raises(GanvasError, match=r"GANVAS_PARTS names .*mine.py, and there is no such file"):
        names("metric")
    (tmp_path / "mine.py").write_text('import ganvas\n@ganvas.part("metric")\ndef own_score(x):\n    """My own."""\n')
    assert "own_score" in names("metric")


def test_every_kind_of_icons_is_named_where_they_are_shown():
    assert all(subset in describe("icons:flags") for subset in subsets())


def test_all_parts_of_a_name_are_shown():
    shown = describe("digits:any")
    assert "recipe digits" in shown
    assert "data digits" in shown


def test_unknown_names():
    with pytest.raises(GanvasError, match=r"There is no loss named 'relativstic'. Did you mean 'relativistic'\?"):
        find("relativstic", "loss")
    with pytest.raises(GanvasError, match=r"There is no part named 'dcgan_genrator'. Did you mean 'dcgan_generator'\?"):
        find("dcgan_genrator")
    with pytest.raises(GanvasError, match=r"There is no schedule named 'zzz'. There are: cosine, .*linear"):
        find("zzz", "schedule")
    with pytest.raises(GanvasError, match=r"no kind of part called 'colour'. There are: recipe, data, network"):
        names("colour")


def test_one_name_in_two_kinds():
    assert {"icons", "ring"} <= set(names("recipe")) & set(names("data"))
    assert find("ring", "data") is not find("ring", "recipe")
    assert find("ring", "data") is find("ring", "data", "network")


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("DCGANGenerator", "dcgan_generator"),
        ("R3Critic", "r3_critic"),
        ("MLPCritic", "mlp_critic"),
        ("Grid25", "grid25"),
        ("Nonsaturating", "nonsaturating"),
        ("ResnetGenerator", "resnet_generator"),
        ("WassersteinGP", "wasserstein_gp"),
        ("two_words", "two_words"),
    ],
)
def test_names_in_snake_case(name, snake):
    assert catalog.name_of(type(name, (), {})) == catalog.name_of(type(name, (), {})()) == snake


@pytest.mark.parametrize("kind", catalog.KINDS)
def test_every_part_is_described(kind):
    assert names(kind) == sorted(names(kind))
    for name in names(kind):
        found = find(name, kind)
        first = found.__doc__.strip().partition("\n")[0]
        assert first.endswith("."), f"{name}: the first line is a sentence"
        assert f"{name} " in catalog.listing(kind)
        assert catalog.name_of(found) == name
        assert catalog.kind_of(found) == kind


@pytest.mark.parametrize("name", names("recipe"))
def test_every_recipe_says_what_it_costs_and_gives(name):
    for word in ("Run", "Costs", "Gives"):
        assert re.search(rf"^    {word}: +\S", find(name, "recipe").__doc__, re.MULTILINE), (
            f"{name} has no line {word}:"
        )
    assert re.search(rf"Run: +ganvas train .*\b{name}\b", find(name, "recipe").__doc__)
