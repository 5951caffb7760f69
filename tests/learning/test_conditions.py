"""Classes in, classes out: what networks are told of each sample, and how a model is asked for one."""

import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import Run, find, fit, load, train
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.data import words
from ganvas.data.dataset import Dataset
from ganvas.data.sources.folder import Folder
from ganvas.evaluation.compare import Comparison
from ganvas.evaluation.sides import Side
from ganvas.latent.places import Latent, fingerprint, places
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.conditions import Keywords, Labels
from ganvas.learning.losses import Relativistic
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.schedules import Linear
from ganvas.metrics.features.efficientnet import perceptual_distance
from ganvas.metrics.features.extractor import Extractor
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator

PLAIN = Dataset(np.zeros((6, 2), np.float32))
PETS = replace(PLAIN, classes=("bird", "cat", "dog"), labels=np.array([0, 2, 2, 1, 2, 2]))


def test_labels_are_one_hot():
    labels = Labels().of(PETS)
    assert labels == Labels(classes=("bird", "cat", "dog"), shares=(1 / 6, 1 / 6, 4 / 6))
    assert labels.length == 3
    assert labels.take(PETS, np.array([0, 1, 3])).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert labels.read("dog").tolist() == [0, 0, 1]
    with pytest.raises(GanvasError, match=r"no class 'dig'\. Did you mean 'dog'\? There are: bird, cat, dog\."):
        labels.read("dig")


def test_what_is_not_asked_for_is_drawn_as_often_as_in_the_data():
    labels = Labels().of(PETS)
    drawn = labels.draw(range(3000))
    assert drawn.mean(0).tolist() == pytest.approx(labels.shares, abs=0.03)
    assert torch.equal(labels.draw([7, 5]), drawn[[7, 5]])


@pytest.mark.parametrize("classes", [2, 3, 12, 40])
def test_a_survey_has_a_class_in_each_row(classes):
    labels = Labels(tuple(map(str, range(classes))), (1 / classes,) * classes)
    seeds, told = labels.survey()
    rows = min(classes, 12)
    assert seeds == list(range(8)) * rows
    assert told.shape == (8 * rows, classes)
    shown = told.argmax(1).reshape(rows, 8)
    assert (shown == shown[:, :1]).all()
    assert shown[0, 0] == 0
    assert shown[-1, 0] == classes - 1
    assert len(set(shown[:, 0].tolist())) == rows


@pytest.mark.parametrize("data", [PLAIN, replace(PLAIN, classes=("all",), labels=np.zeros(6, np.int64))])
def test_data_without_classes(data):
    with pytest.raises(GanvasError, match=r"no classes to tell apart\. .* into a folder .*'condition=None'"):
        Labels().of(data)


@pytest.fixture(scope="module")
def conditional(pictures):
    return replace(pictures, condition=Labels(), images=64)


@pytest.fixture(scope="module")
def run(conditional, tmp_path_factory):
    return fit(conditional, out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


def test_networks_are_told_the_class_of_each_sample(conditional):
    told = []
    ticks = train(conditional)
    state = next(ticks).state
    state.networks["critic"].register_forward_pre_hook(lambda _, args: told.append((args[0].detach(), args[1])))
    state.networks["generator"].register_forward_pre_hook(lambda _, args: told.append((args[0].detach(), args[1])))
    next(ticks)
    data = conditional.data.open()
    by_sample = {data.take(np.array([row])).numpy().tobytes(): data.labels[row] for row in range(len(data))}
    pairs = next(x for x, _ in told if x.numpy()[0][None].tobytes() in by_sample)
    expected = [by_sample[each.numpy()[None].tobytes()] for each in pairs[::2]]
    assert len(told) == 3, "the generator once, the critic of pairs of a real and a fake, and of fakes"
    for x, condition in told:
        asked = condition.argmax(1)
        assert asked.tolist() == (np.repeat(expected, 2).tolist() if len(x) == len(pairs) else expected)


def test_a_conditional_run_goes_on_bit_for_bit(conditional):
    whole = [tick.terms() for tick in train(conditional)]
    part = list(islice(train(conditional), 3))[-1].state.tensors()
    part = {name: value.clone() for name, value in part.items()}
    assert [tick.terms() for tick in train(conditional, restore=part)] == whole[3:]


def test_the_label_decides(run):
    model = load(run.path)
    assert model.condition == Labels(tuple("0123456789"), model.condition.shares)
    one, two = (np.stack(list(map(np.asarray, model.sample(3, label=label)))) for label in ("1", "2"))
    assert (one != two).any()
    assert (one == np.stack(list(map(np.asarray, model.sample(3, label="1"))))).all()
    drawn = model.condition.draw(range(5)).argmax(1).tolist()
    for seed, label in enumerate(drawn):
        assert model.sample(seeds=[seed])[0].tobytes() == model.sample(seeds=[seed], label=str(label))[0].tobytes()


def test_the_sheet_has_a_row_for_each_class(run):
    model = load(run.path)
    seeds, _ = model.condition.survey()
    assert len(seeds) == 80
    with Image.open(Run(run.path).newest_sheet) as sheet:
        assert sheet.width < sheet.height


def test_labels_on_the_command_line(run, ganvas, tmp_path):
    code, out, _ = ganvas("sample", run.path, "--label", "7", "--count", 4, "--out", tmp_path / "seven.png")
    assert (code, "4 samples" in out) == (0, True)
    with Image.open(tmp_path / "seven.png") as sheet:
        seven = np.asarray(sheet)
    ganvas("sample", run.path, "--label", "3", "--count", 4, "--out", tmp_path / "three.png")
    with Image.open(tmp_path / "three.png") as sheet:
        assert (np.asarray(sheet) != seven).any()
    ganvas("sample", run.path, "--label", "7", "--count", 2, "--separate", "--out", tmp_path / "sevens")
    assert len(list((tmp_path / "sevens").iterdir())) == 2
    assert ganvas("sample", run.path, "--label", "seven")[0] == 1
    assert "There is no class 'seven'" in ganvas("sample", run.path, "--label", "seven")[2]


def test_a_model_without_classes_takes_no_label(pictures, ganvas, tmp_path):
    run = fit(replace(pictures, images=16), out=tmp_path / "run", quiet=True, device="cpu")
    code, _, told = ganvas("sample", run.path, "--label", "7")
    assert code == 1
    assert "trained without classes and keywords, so it takes none" in told


NAMED = replace(PLAIN, keywords=(("red", "fish"), ("Blue fish",), ("red heart, love",), ("cat",), (), ("dog", "dog")))


@pytest.fixture(scope="module")
def keywords():
    return Keywords().of(NAMED)


def cosine(a, b):
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


def test_keywords_are_single_words_with_vectors_of_their_own(keywords):
    assert keywords.words == ("blue", "cat", "dog", "fish", "heart", "love", "red")
    assert keywords.phrases == ("red fish", "blue fish", "red heart love", "cat", "", "dog")
    told = keywords.take(NAMED, np.arange(6))
    assert told.norm(dim=1).tolist() == pytest.approx([16, 16, 16, 16, 0, 16], abs=1e-4)
    assert torch.equal(told[3], keywords.read("cat"))
    assert torch.allclose(told[1], keywords.read("fish BLUE"), atol=1e-4), "neither order nor case matters"
    assert cosine(told[0], told[1]) > cosine(told[0], told[3])
    assert torch.allclose(told[1], keywords.read("a fish in the blue"), atol=1e-4), "nor words that say nothing alone"
    assert keywords.read("the").norm() == pytest.approx(16), "unless there are no others"
    assert not keywords.read("  ").any()


def test_unseen_words_work_through_their_meaning(keywords):
    assert cosine(keywords.read("kitten"), keywords.read("cat")) > 0.5
    assert cosine(keywords.read("kitten"), keywords.read("heart")) < 0.2


def test_without_wordllama_a_model_knows_the_words_of_its_data(keywords, monkeypatch):
    before = keywords.read("cat")
    words._encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "wordllama", None)
    assert torch.equal(keywords.read("cat"), before)
    with pytest.raises(GanvasError, match=r"not learned the word 'hart'\. Near it are: heart.*ganvas\[keywords\]"):
        keywords.read("red hart")
    monkeypatch.undo()
    words._encoder.cache_clear()


def test_training_tells_some_of_the_words_and_sometimes_none(keywords):
    def told(rows, total=4000):
        dice = Dice(0, 1, rows=rows, total=total, device=torch.device("cpu"))
        return keywords.take(NAMED, np.arange(total)[rows] % 3, dice)

    whole = told(slice(0, 4000))
    nothing = (whole.norm(dim=1) == 0).float().mean()
    assert float(nothing) == pytest.approx(0.1, abs=0.02)
    red_fish = {tuple(row.round(decimals=3).tolist()) for row in whole[::3]}
    ways = [torch.zeros(256), keywords.read("red"), keywords.read("fish"), keywords.read("red fish")]
    assert len(red_fish) == 4
    for way in ways:
        assert min((torch.tensor(each) - way).norm() for each in red_fish) < 0.02
    assert torch.equal(told(slice(1000, 1500)), whole[1000:1500]), "micro-batches are told the same"


def test_what_is_drawn_are_phrases_of_the_data(keywords):
    drawn = keywords.draw(range(60))
    known = torch.stack([keywords.read(phrase) for phrase in keywords.phrases])
    nearest = (drawn[:, None] - known).norm(dim=2)
    assert (nearest.amin(1) < 1e-3).all()
    assert len(set(nearest.argmin(1).tolist())) == 6
    assert torch.equal(keywords.draw([7]), drawn[7:8])


def test_seeds_lean_towards_phrases_of_near_meaning(keywords):
    """At a variety of 1 a phrase whose cosine to what is asked for is lower by .08 is drawn e times as rarely."""
    keywords = replace(keywords, variety=1.0)
    phrases, asked = torch.stack([keywords.read(phrase) for phrase in keywords.phrases]), keywords.read("heart fish")
    leant = keywords.vary(asked, range(4000))
    ways = asked + phrases
    far, which = (leant[:, None] - 16 * ways / ways.norm(dim=1, keepdim=True)).norm(dim=2).min(1)
    assert far.max() < 1e-3
    wanted = (torch.nn.functional.cosine_similarity(phrases, asked[None]) / 0.08).softmax(0)
    assert torch.allclose(which.bincount(minlength=6) / 4000, wanted, atol=0.02)
    assert 0.1 < wanted.max() < 0.95, "more than one phrase is near"
    wider = replace(keywords, variety=2.0).vary(asked, range(400))
    assert torch.equal(keywords.vary(asked, [7]), leant[7:8])
    assert (wider @ asked).mean() < (leant @ asked).mean()


def test_data_without_keywords():
    with pytest.raises(GanvasError, match=r"no keywords\. Put a file metadata\.jsonl beside the pictures"):
        Keywords().of(PLAIN)


@pytest.fixture(scope="module")
def asked(pictures, tmp_path_factory):
    """A run of eight pictures of two kinds: red ones and blue ones."""
    folder = tmp_path_factory.mktemp("named")
    for number in range(8):
        colour = "red" if number % 2 else "blue"
        Image.new("RGB", (16, 16), colour).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"{colour}, square")
    networks = {
        "generator": ResnetGenerator(width=4, latent=4, modulated=True),
        "critic": ResnetCritic(width=4, projection=True),
    }
    recipe = replace(
        find("keyword_icons", "recipe")(), data=Folder(str(folder), size=16), networks=networks, batch=8, images=800
    )
    recipe = replace(recipe, measure_images=0, sheets=1)
    return fit(recipe, out=tmp_path_factory.mktemp("run") / "squares", quiet=True, device="cpu")


def test_keywords_decide(asked):
    model = load(asked.path)
    red, blue = (
        model.generate(range(8), model.condition_for(word, range(8))).mean((0, 2, 3)) for word in ("red", "blue")
    )
    assert red[0] - red[2] > 0.5
    assert blue[2] - blue[0] > 0.5


def test_keywords_on_the_command_line(asked, ganvas, tmp_path):
    for word in ("red", "crimson square", "blue"):
        code, *_ = ganvas("sample", asked.path, "--keywords", word, "--count", 4, "--out", tmp_path / f"{word}.png")
        assert code == 0
    assert (tmp_path / "red.png").read_bytes() != (tmp_path / "blue.png").read_bytes()
    assert ganvas("morph", asked.path, "--keywords", "red", "--keywords", "blue", "--out", tmp_path / "m.png")[0] == 0


def test_seeds_wander_from_the_words_as_far_as_variety_says(asked):
    model = load(asked.path)
    words = model.described("red")
    near, far = (
        model.varied(variety).condition_for("red", range(8)) @ words / words.dot(words) for variety in (0.3, 3.0)
    )
    assert torch.equal(model.varied(0).condition_for("red", range(8)), words.expand(8, -1))
    assert near.min() > 0.9 > far.max(), "cosines"
    assert torch.equal(model.condition_for("red", [5]), model.condition_for("red", range(8))[5:6]), (
        "a seed is one picture"
    )
    assert not model.condition_for("", [0]).any(), "who asks for nothing is told nothing"
    assert model.varied(None) is model
    assert model.varied(0.3).condition._vectors is model.condition._vectors  # they are not looked up once a picture


def test_variety_that_makes_no_sense(asked, ganvas, tmp_path):
    model = load(asked.path)
    with pytest.raises(GanvasError, match=r"variety takes a number from 0 on, not -1"):
        model.varied(-1.0)
    with pytest.raises(GanvasError, match="`variety=` is for models of keywords"):
        replace(model, condition=None).varied(0.3)
    ask = ("--keywords", "red", "--out", tmp_path / "a.png", "--variety", "-1")
    for command in (("sample",), ("morph", "--keywords", "blue"), ("edit", "--direction", "warmth")):
        code, _, error = ganvas(*command[:1], asked.path, *command[1:], *ask)
        assert code == 1
        assert "variety takes a number from 0 on" in error


@pytest.mark.parametrize("command", [("sample",), ("morph",), ("edit", "--direction", "warmth")])
def test_variety_wants_keywords(asked, ganvas, tmp_path, command):
    code, _, error = ganvas(command[0], asked.path, *command[1:], "--variety", "0.5", "--out", tmp_path / "a.png")
    assert code == 1
    assert "add them, such as --keywords" in error


def test_a_picture_that_was_projected_is_of_its_very_words(asked):
    model = load(asked.path)
    latent = Latent(torch.zeros(model.network.latent), None, fingerprint(model.network))
    _, told = places(model, [(latent, "red")])
    assert torch.equal(told[0], model.described("red"))
    _, told = places(model, [(3, "red")])
    assert torch.equal(told[0], model.condition_for("red", [3])[0]), "and that of a seed is what sample() draws"


def test_retrieval_is_measured_beside_that_of_real_pictures(asked):
    model, data = load(asked.path), asked.recipe.data.open()
    data = replace(data, samples=np.tile(data.samples, (3, 1, 1, 1)), names=(), keywords=data.keywords * 3)
    colours = Extractor(lambda pictures: pictures.float().mean((1, 2)), 3, "", "", "", name="colours")
    scores = dict(Comparison(Side("model", model, 24), Side("data", data, 24), colours).scores())
    assert scores["retrieval"].value > 0.9
    assert scores["retrieval_of_reals"].value == 1
    assert scores["retrieval"].counts == {"asked": 24, "candidates": 13}


def test_the_critic_learns_to_refuse_wrong_words(asked):
    """The critic of two words has learned which picture belongs to which."""
    state = asked.restore()
    data, condition = asked.recipe.data.open(), load(asked.path).condition
    critic = asked.recipe.networks["critic"].build(data.shape, condition.length)
    critic.load_state_dict(
        {key.removeprefix("critic/"): value for key, value in state.items() if key.startswith("critic/")}
    )
    rows = np.arange(8)
    right = critic(data.take(rows), condition.take(data, rows))
    wrong = critic(data.take(rows), condition.take(data, (rows + 1) % 8))
    assert (right > wrong).all()


def test_reals_under_wrong_words_are_fakes_and_under_none_or_their_own_they_are_not():
    def critic(x, condition):
        return x.mean((1, 2, 3)) + condition.sum(1)

    critic.judges_alone = False
    game = Adversarial(Relativistic(), mismatch=0.5)
    real, told = torch.randn(3, 3, 4, 4), torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    other = torch.tensor([[0.0, 2.0], [0.0, 2.0], [0.0, 0.0]])  # wrong, the same, none
    dice = Dice(0, 1, rows=slice(0, 3), total=3, device=torch.device("cpu"))
    batch = Batch(real, told, dice, 0.0, made={"fakes": torch.zeros_like(real)}, other=lambda: other)
    found = game.turns()[0].loss({"critic": critic}, batch)["mismatch"]
    wanted = 0.5 * game.loss.critic(critic(real, told), critic(real, other))
    assert torch.allclose(found, wanted * torch.tensor([1.0, 0.0, 0.0]))
    assert found[0] > 0


@pytest.mark.parametrize("sample", [(3, 8, 12), (1, 3, 8, 8), (5,)], ids=["pictures", "clips", "points"])
def test_the_generator_is_told_how_the_real_sample_of_its_words_looks_from_afar(sample):
    def critic(x, condition):
        return x.flatten(1).mean(1)

    game = Adversarial(Relativistic(), likeness=Linear(4.0, 2.0))
    real, fake = torch.rand(2, 3, *sample)
    told = torch.tensor([[1.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    dice = Dice(0, 1, rows=slice(0, 3), total=3, device=torch.device("cpu"))
    found = [
        game.turns()[1].loss({"critic": critic}, Batch(real, told, dice, progress, made={"fakes": fake}))["likeness"]
        for progress in (0.0, 0.5)
    ]
    off = real - fake
    if off.ndim > 2:
        off = off.unflatten(-1, (-1, 4)).unflatten(-3, (-1, 4)).mean((-1, -3))
    wanted = off.abs().flatten(1).mean(1) * torch.tensor([1.0, 1.0, 0.0])  # of nothing told there is no likeness
    assert torch.allclose(found[0], 4 * wanted)
    assert torch.allclose(found[1], 3 * wanted)


def test_the_generator_is_told_how_the_real_sample_of_its_words_looks_to_a_network():
    """LPIPS without learned weights: 0 for the same picture, and a shape that has moved is nearer than another one."""

    def critic(x, condition):
        return x.flatten(1).mean(1)

    def square(left, side):
        picture = torch.ones(3, 64, 64)
        picture[:, 20 : 20 + side, left : left + side] = -1
        return picture

    real = square(20, 24).repeat(4, 1, 1, 1)
    fake = torch.stack([square(20, 24), square(22, 24), square(40, 6), square(40, 6)]).requires_grad_()
    told = torch.tensor([[1.0], [1.0], [1.0], [0.0]])
    dice = Dice(0, 1, rows=slice(0, 4), total=4, device=torch.device("cpu"))
    game = Adversarial(Relativistic(), perceptual=Linear(4.0, 2.0))
    batches = [Batch(real, told, dice, progress, made={"fakes": fake}) for progress in (0.0, 0.5)]
    first, later = (game.turns()[1].loss({"critic": critic}, batch)["perceptual"] for batch in batches)
    assert first[0] == first[3] == 0, "of nothing told there is nothing to be like"
    assert 0 < first[1] < first[2] < 4 * 16
    assert torch.allclose(later, 0.75 * first)
    assert torch.allclose(perceptual_distance(fake, real)[:3], first[:3] / 4)
    first.sum().backward()
    assert fake.grad[2].abs().max() > 0 == fake.grad[3].abs().max()


def test_the_wrong_words_are_those_of_another_sample(pictures):
    told = []

    class Watching(Adversarial):
        def _critic(self, nets, batch, player):
            told.append((batch.condition, batch.other()))
            return super()._critic(nets, batch, player)

    next(train(replace(pictures, condition=Labels(), game=Watching(), images=16)))
    own, other = told[0]
    assert torch.equal(other, own.roll(1, 0))
    assert not torch.equal(other, own)


def test_players_may_have_optimizers_of_their_own(points):
    recipe = replace(points, optimizers={"critic": Rmsprop(rate=0.0)})
    first = {name: value.clone() for name, value in next(train(recipe)).state.tensors().items()}
    *_, last = train(recipe)
    last = last.state.tensors()
    still = [torch.equal(first[name], last[name]) for name in first if name.startswith("critic/")]
    moved = [not torch.equal(first[name], last[name]) for name in first if name.startswith("generator/")]
    assert all(still)
    assert all(moved)
    assert any("square_avg" in name for name in last if name.startswith("optimizer.critic"))
    with pytest.raises(GanvasError, match="has no network 'judge'"):
        replace(points, optimizers={"judge": Adam()})
