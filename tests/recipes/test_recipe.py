"""A recipe is changed by words, says in words what is wrong with them, and comes back from its JSON."""

import json
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from ganvas import Recipe, change, find, names, plan
from ganvas.core.errors import GanvasError
from ganvas.data.sources.folder import Folder
from ganvas.data.sources.icons import Icons
from ganvas.data.sources.toys import Grid25, Ring
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.augment import AdaptiveAugment, Augment
from ganvas.learning.conditions import Labels
from ganvas.learning.losses import Minimax, Relativistic
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.schedules import Cosine, Linear
from ganvas.networks.dcgan import DCGANGenerator
from ganvas.networks.mlp import MLPGenerator
from ganvas.recipes.settings import differences, from_json, to_json
from ganvas.training.state import start


def reach(value, path):
    for name in path.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("assignment", "path", "expected"),
    [
        ("batch=32", "batch", 32),
        (" batch = 32 ", "batch", 32),
        ("images=1_000_000", "images", 1_000_000),
        ("mirror=True", "mirror", True),
        ("mirror=true", "mirror", True),
        ("optimizer.rate=1e-4", "optimizer.rate", 1e-4),
        ("optimizer.rate=1", "optimizer.rate", 1.0),
        ("game.augment=adaptive_augment(target=-1)", "game.augment", AdaptiveAugment(target=-1.0)),
        ("optimizer.rate=cosine(1e-3, 0)", "optimizer.rate", Cosine(1e-3, 0.0)),
        ("optimizer.rate=linear(start=1, end=2, over=0.5)", "optimizer.rate", Linear(1.0, 2.0, over=0.5)),
        ("optimizer=adam(beta1=0)", "optimizer", Adam(beta1=0.0)),
        ("game.loss=minimax", "game.loss", Minimax()),
        ("game.loss=minimax()", "game.loss", Minimax()),
        ("game=adversarial(relativistic, r1=cosine(1, 0))", "game", Adversarial(Relativistic(), r1=Cosine(1.0, 0.0))),
        ("game.r1=linear(1, 0)", "game.r1", Linear(1.0, 0.0)),
        ("generator.width=96", "networks.generator.width", 96),
        ("networks.generator.width=96", "networks.generator.width", 96),
        ("generator=dcgan_generator", "networks.generator", DCGANGenerator()),
        ("generator=mlp_generator(32, latent=2)", "networks.generator", MLPGenerator(width=32, latent=2)),
        ("bfloat16=generator", "bfloat16", ("generator",)),
        ("bfloat16=generator,critic", "bfloat16", ("generator", "critic")),
        ("bfloat16=('generator', 'critic')", "bfloat16", ("generator", "critic")),
        ("bfloat16=", "bfloat16", ()),
        ("product=generator", "product", "generator"),
        ("width=24", "networks.generator.width", 24),
        ("width=24", "networks.critic.width", 24),
        ("latent=3", "networks.generator.latent", 3),
        ("condition=labels", "condition", Labels()),
        ("condition=None", "condition", None),
        ("game.augment=augment(strength=0.5)", "game.augment", Augment(strength=0.5)),
        ("game.augment=adaptive_augment", "game.augment", AdaptiveAugment()),
        ("game.clip=0.01", "game.clip", 0.01),
        ("optimizers.critic=rmsprop(5e-5)", "optimizers.critic", Rmsprop(5e-5)),
        ("optimizers.critic.rate=1e-4", "optimizers.critic.rate", 1e-4),
        ("optimizer=rmsprop", "optimizer", Rmsprop()),
        ("data=ring", "data", Ring()),
        ("data=ring:30", "data", Ring(30)),
        ("data=grid25(count=30)", "data", Grid25(30)),
        ("data=icons:flags", "data", Icons("flags")),
        ("data=icons(size=64)", "data", Icons(size=64)),
        ("data=icons('flags', size=(64, 96))", "data", Icons("flags", size=(64, 96))),
        ("data=.", "data", Folder(".")),
    ],
)
def test_change(assignment, path, expected, points):
    changed = change(points, assignment)
    found = reach(changed, path)
    assert found == expected
    assert type(found) is type(expected)
    assert change(changed, assignment) == changed
    assert from_json(json.loads(json.dumps(to_json(changed))), Recipe) == changed
    same = [field.name for field in fields(Recipe) if field.name != path.split(".")[0]]
    assert all(getattr(changed, name) == getattr(points, name) for name in same)


@pytest.mark.parametrize(
    ("assignment", "path", "expected"),
    [
        ("data.size=64", "data.size", 64),
        ("data.size=(64, 96)", "data.size", (64, 96)),
        ("data.size=64,96", "data.size", (64, 96)),
        ("data.subset=flags", "data.subset", "flags"),
        ("data.subset='flags'", "data.subset", "flags"),
        ("data.subset=ring", "data.subset", "ring"),
    ],
)
def test_change_of_pictures(assignment, path, expected):
    assert reach(change(find("icons", "recipe")(), assignment), path) == expected


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("batch", r"A setting is NAME=VALUE, for instance batch=32; this is 'batch'"),
        ("bach=3", r"no setting 'bach'; here there are: data, networks, .*batch, images"),
        ("generator.wdth=3", r"no setting 'generator.wdth'; here there are: width, depth, latent"),
        ("networks.painter=mlp_critic", r"no setting 'networks.painter'; here there are: generator, critic"),
        ("batch.size=3", r"no setting 'batch.size': batch is the plain value 16"),
        ("batch=0", r"batch must be at least 1, not 0"),
        ("batch=many", r"batch takes a whole number, not 'many'"),
        ("batch=3.5", r"batch takes a whole number, not 3.5"),
        ("batch=True", r"batch takes a whole number, not True"),
        ("mirror=yes", r"mirror takes True or False, not 'yes'"),
        ("mirror=1", r"mirror takes True or False, not 1"),
        ("optimizer.rate=fast", r"optimizer.rate takes a number or a part such as cosine, linear, not 'fast'"),
        ("optimizer.rate=True", r"optimizer.rate takes a number or a part such as cosine, linear, not True"),
        ("optimizer.rate=cosine(1)", r"cosine: missing a required argument: 'end'. Its settings are start, end, over"),
        ("optimizer.rate=cosine('a', 1)", r"cosine.start takes a number, not 'a'"),
        ("optimizer.rate=cosin(1, 2)", r"no part named 'cosin'. Did you mean 'cosine'\?"),
        ("optimizer=cosine", r"cosine: missing a required argument"),
        ("optimizer=minimax", r"optimizer takes a part such as adam, rmsprop, not Minimax"),
        ("game.loss=adam", r"game.loss takes a part such as hinge, .*relativistic.*, not Adam"),
        ("game.loss=-minimax", r"game.loss takes a part such as hinge"),
        ("generator=mlp_generator(wdth=3)", r"mlp_generator: got an unexpected keyword argument 'wdth'"),
        (
            "generator=ring",
            r"networks?.*generator takes a part such as dcgan_critic, .*, not Ring|generator takes a part",
        ),
        ("product=painter", r"The recipe has no network 'painter'; it has generator, critic"),
        ("bfloat16=generator,painter", r"The recipe has no network 'painter'"),
        ("data=nowhere", r"no folder or file 'nowhere', and no data of that name"),
        ("data=rin", r"Did you mean 'ring'\?"),
        ("data=ring:many", r"After ring: comes a whole number, the count, and not 'many'"),
        ("data=folder", r"folder needs a path: write folder:PATH"),
        ("game.lazy=0", r"game.lazy must be at least 1, not 0"),
        ("game.critic_plays=-1", r"game.critic_plays must be at least 1, not -1"),
        ("optimizer.rate=linear(1, 0, over=0)", r"A schedule's `over` is a share of the run, .* not 0"),
        ("optimizer.rate=cosine(1, 0, over=2)", r"A schedule's `over` is a share of the run, .* not 2"),
        ("game.r1=__import__('os')", r"no part named '__import__'"),
        ("game.r1=(lambda: 1)()", r"game.r1 takes a number"),
    ],
)
def test_what_cannot_be_changed(assignment, told, points):
    with pytest.raises(GanvasError, match=told):
        change(points, assignment)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("optimizer.rate=-1", "optimizer.rate takes a number from 0"),
        ("optimizer.rate=cosine(1e-3, -1e-3)", "optimizer.rate takes"),
        ("optimizer.beta1=1.5", "optimizer.beta1 takes a number from 0 to below 1, not 1.5"),
        ("optimizer.beta2=1", "optimizer.beta2 takes"),
        ("optimizer.epsilon=-1", "optimizer.epsilon takes"),
        ("optimizer=rmsprop(rate=-1)", "optimizer.rate takes"),
        ("optimizer=rmsprop(smoothing=2)", "optimizer.smoothing takes"),
        ("optimizer=rmsprop(epsilon=-1)", "optimizer.epsilon takes"),
        ("average.halflife_images=-5", "average.halflife_images takes"),
        ("average.rampup=-1", "average.rampup takes"),
        ("game.r1=-1", "game.r1 takes"),
        ("game.r2=linear(-1, 0)", "game.r2 takes"),
        ("game.r1=1e400", "game.r1 takes a number from 0 on, not inf"),
        ("game.gradient_penalty=-5", "game.gradient_penalty takes"),
        ("game.noise=-1", "game.noise takes"),
        ("game.mismatch=-1", "game.mismatch takes"),
        ("game.mismatch=1", "game.mismatch is about descriptions.*'condition=labels'.*, or .*'game.mismatch=0'"),
        ("game.likeness=-1", "game.likeness takes"),
        ("game.likeness=1", "game.likeness is about descriptions.*'condition=labels'.*, or .*'game.likeness=0'"),
        ("game.perceptual=-1", "game.perceptual takes"),
        ("game.perceptual=1", "game.perceptual is about descriptions.*'game.perceptual=0'"),
        ("game.critics=generator", "game.critics names networks that judge, and 'generator' is no critic"),
        ("game.critics=critic,generator", "'generator' is no critic"),
        ("game.critics=painter", "no network 'painter'"),
        ("game=variational(beta=-3)", "game.beta takes"),
        ("game.augment=augment(strength=3)", "game.augment.strength takes a number from 0 to 1, not 3"),
        ("game.augment=augment(colour=3)", "game.augment.colour takes"),
        ("game.augment=adaptive_augment(over_images=0)", "game.augment.over_images takes a number from 1"),
        ("game.augment=adaptive_augment(target=60)", "game.augment.target takes a number from -1 to 1"),
        ("game.augment=adaptive_augment(cutout=3)", "game.augment.cutout takes"),
        ("width=0", "mlp_generator.width must be at least 1, not 0"),
        ("generator.depth=-4", "mlp_generator.depth must"),
        ("latent=0", "mlp_generator.latent must"),
        ("generator=dcgan_generator(slope=-5)", "dcgan_generator.slope takes a number from 0 on, not -5"),
        ("generator=dcgan_generator(slope=1e400)", "dcgan_generator.slope takes a number from 0 on, not inf"),
        ("generator=dcgan_generator(extra=-1)", "dcgan_generator.extra must be at least 0, not -1"),
        ("critic=r3_critic(blocks=0)", "r3_critic.blocks must"),
        ("generator=r3_generator(cardinality=0)", "r3_generator.cardinality must"),
        ("generator=tgan_generator(motion=0)", "tgan_generator.motion must"),
    ],
)
def test_what_cannot_be_trained_is_named_before_the_first_step(setting, told, points):
    with pytest.raises(GanvasError, match=told):
        start(change(points, setting), points.data.open())


@pytest.mark.parametrize(
    "setting",
    [
        "game=adversarial(r1=0, gradient_penalty=0, noise=linear(0.5, 0))",
        "optimizer=adam(rate=cosine(1, 0), beta1=0, epsilon=0)",
        "optimizer=rmsprop(smoothing=0)",
        "average.halflife_images=0",
        "game.augment=augment(strength=linear(0, 1), translate=0)",
        "width=1",
        "generator=mlp_autoencoder(depth=0)",
        "critic=fourier_critic(features=0)",
    ],
)
def test_the_ends_of_the_ranges_can_be_trained(setting, points):
    assert start(change(points, setting), points.data.open()).average


@pytest.mark.parametrize("name", names("recipe"))
def test_recipes_come_back_from_json(name):
    recipe = find(name, "recipe")()
    assert recipe == find(name, "recipe")()
    back = from_json(json.loads(json.dumps(to_json(recipe))), Recipe)
    assert back == recipe
    assert str(back) == str(recipe)
    with pytest.raises(FrozenInstanceError):
        recipe.batch = 3


@pytest.mark.parametrize("name", names("recipe"))
def test_a_recipe_is_readable(name):
    lines = str(find(name, "recipe")()).splitlines()
    starts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert starts == [field.name for field in fields(Recipe)]
    assert max(map(len, lines)) < 120
    assert "object at" not in str(lines)


def test_numbers_are_readable(points):
    assert "images         1,000,000" in str(replace(points, images=1_000_000))
    assert "r1=cosine(start=1.0, end=0.1, over=1.0)" in str(change(points, "game.r1=cosine(1, 0.1)"))


def test_json_of_another_version(points):
    saved = to_json(points)
    for part, told in ((saved, "recipe"), (saved["optimizer"], "adam"), (saved["average"], "average")):
        part["colour"] = 3
        with pytest.raises(GanvasError, match=f"{told} has no setting 'colour' in this version of ganvas"):
            from_json(saved, Recipe)
        del part["colour"]
    saved["game"]["loss"]["part"] = "hinged"
    with pytest.raises(GanvasError, match="There is no part named 'hinged'"):
        from_json(saved, Recipe)


def test_differences(points):
    other = change(change(points, "optimizer.rate=cosine(1e-3, 0)"), "game.loss=minimax")
    told = differences(to_json(other), to_json(points))
    assert sorted(told) == ["game.loss: minimax, not nonsaturating", "optimizer.rate: cosine, not 0.001"]
    assert differences(to_json(change(points, "batch=8")), to_json(points)) == ["batch: 8, not 16"]
    assert differences(to_json(points), to_json(points)) == []


def test_a_recipe_made_in_python_is_checked(points):
    with pytest.raises(GanvasError, match=r"Recipe.data takes a part such as .*folder.*ring"):
        replace(points, data="ring")
    with pytest.raises(GanvasError, match="The recipe has no network 'critic'; it has generator"):
        replace(points, networks={"generator": MLPGenerator()})
    with pytest.raises(GanvasError, match="images must be at least 1, not 0"):
        replace(points, images=0)


@pytest.mark.parametrize("data", [None, "digits"])
def test_a_recipe_that_does_not_exist_is_refused_with_the_nearest(data):
    with pytest.raises(GanvasError, match="Did you mean the recipe 'sngan'"):
        plan("sngam", data=data)
