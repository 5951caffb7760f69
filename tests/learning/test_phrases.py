"""Words one by one: each in a place of its own, told in shares, and varied by styles, colours and near phrases."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas.core.batch import Dice
from ganvas.core.errors import DoesNotFit
from ganvas.data.dataset import Dataset
from ganvas.data.words import DIMENSION
from ganvas.learning.phrases import Phrases

NAMED = Dataset(
    np.zeros((6, 8, 8, 3), np.uint8),
    keywords=(("fish", "red"), ("fish", "blue", "outline"), ("heart", "red", "solid"), ("cat",), (), ("dog", "solid")),
)
SEEDS = range(2000)


@pytest.fixture(scope="module")
def known():
    return Phrases(places=4).of(NAMED)


def words_of(known, told):
    """What descriptions [*n, length] say, as the words in the places of each; None for an empty one."""
    table = torch.stack([known.read(word)[:DIMENSION] for word in known.words])
    apart, which = torch.cdist(told.reshape(-1, DIMENSION), table).min(1)
    said = [known.words[row] if near < 0.1 else None for near, row in zip(apart.tolist(), which.tolist(), strict=True)]
    rows = [said[at : at + known.places] for at in range(0, len(said), known.places)]
    return rows if told.dim() > 1 else rows[0]


def added(known, text, seeds=SEEDS):
    """How often each word is added to these, as a share of the seeds."""
    said = words_of(known, known.vary(known.read(text), seeds))
    counts = Counter(word for row in said for word in row if word and word not in text.split())
    return {word: count / len(seeds) for word, count in counts.items()}


def test_each_word_has_a_place_of_its_own(known):
    assert known.length == 4 * DIMENSION
    told = known.take(NAMED, np.arange(6))
    assert words_of(known, told[1]) == ["fish", "blue", "outline", None]
    assert words_of(known, told[4]) == [None] * 4
    assert torch.equal(told[3], known.read("cat"))
    assert torch.equal(known.read("red fish"), known.read("Fish RED")), "neither order nor case matters"
    assert told.unflatten(1, (4, DIMENSION))[0, :2].norm(dim=1).tolist() == pytest.approx([16, 16], abs=1e-4)
    assert not known.read(" ").any()
    with pytest.raises(DoesNotFit, match="4 words at most, and these are 5"):
        known.read("red blue fish heart cat")


def test_styles_and_colours_are_those_of_the_data(known):
    assert known.styles == ("outline", "solid")
    assert known.colours == ("red", "blue")


def test_training_tells_each_word_in_its_share(known):
    dice = Dice(0, 1, rows=slice(0, 4000), total=4000, device=torch.device("cpu"))
    told = known.take(NAMED, np.ones(4000, np.int64), dice).unflatten(1, (4, DIMENSION))
    found = {
        word: float(((told - known.read(word)[:DIMENSION]).norm(dim=2) < 1e-3).any(1).float().mean())
        for word in ("fish", "blue", "outline")
    }
    assert found == pytest.approx({"fish": 0.9 * 0.9, "blue": 0.9 * 0.6, "outline": 0.9 * 0.6}, abs=0.03)
    part = Dice(0, 1, rows=slice(1000, 1500), total=4000, device=torch.device("cpu"))
    again = known.take(NAMED, np.ones(500, np.int64), part)
    assert torch.equal(again, told.flatten(1)[1000:1500]), "micro-batches are told the same"


def test_without_variety_seeds_keep_to_the_words(known):
    asked = known.read("cat")
    assert torch.equal(replace(known, variety=0.0).vary(asked, range(5)), asked.expand(5, -1))
    nothing = torch.zeros(known.length)
    assert not known.vary(nothing, range(5)).any()


def test_seeds_add_a_style_always_and_a_colour_as_often_as_variety_says(known):
    found = added(replace(known, variety=0.4), "cat")
    assert found == pytest.approx({"outline": 0.5, "solid": 0.5, "red": 0.2, "blue": 0.2}, abs=0.04)


def test_what_is_asked_for_is_not_said_again_otherwise(known):
    found = added(replace(known, variety=0.4), "red cat")
    assert set(found) == {"outline", "solid"}
    found = added(replace(known, variety=0.4), "solid cat")
    assert set(found) == {"red", "blue"}


def often(*told):
    """Each phrase five times, as many as a kind has to be said in."""
    some = tuple(each for each in told for _ in range(5))
    return Phrases(places=4).of(Dataset(np.zeros((len(some), 8, 8, 3), np.uint8), keywords=some))


def test_kinds_are_what_is_often_said_of_a_thing_besides():
    known = often(("clock", "alarm", "red"), ("clock", "wall"), ("clock", "wall"), ("cat",), ("wall", "solid"))
    assert known.kinds == ("clock wall alarm",)
    seldom = ("clock", "alarm"), ("clock", "alarm"), ("clock", "alarm"), *[("clock",)] * 120
    assert Phrases(places=4).of(Dataset(np.zeros((123, 8, 8, 3), np.uint8), keywords=seldom)).kinds == ()


def test_seeds_take_kinds_of_a_thing_alone_as_often_as_variety_says():
    known = often(("clock", "alarm", "red"), ("clock", "wall", "solid"), ("clock", "wrist"), ("cat", "wall"))
    kinds = {"alarm": 2 / 15, "wall": 2 / 15, "wrist": 2 / 15}
    for asked in ("clock", "red clock", "solid clock"):
        found = added(replace(known, variety=0.4), asked)
        assert {word: found[word] for word in kinds} == pytest.approx(kinds, abs=0.02), asked
    for asked in ("clock wall", "clock cat", "alarm", "red"):
        assert not {*kinds} & added(replace(known, variety=0.4), asked).keys(), asked
    assert not added(replace(known, variety=0.0), "clock")
    said = words_of(known, replace(known, variety=0.5).vary(known.read("clock"), range(8)))
    assert {word for row in said for word in row} >= kinds.keys(), "neighbouring seeds take others"


def test_much_variety_adds_things_of_near_meaning(known):
    assert added(replace(known, variety=0.5), "cat").keys() <= {"outline", "solid", "red", "blue"}
    shares = []
    for variety in (1.0, 4.0):
        found = added(replace(known, variety=variety), "cat")
        things = {word: found.get(word, 0.0) for word in ("dog", "fish", "heart")}
        shares.append(sum(things.values()))
    assert things["dog"] > things["heart"], "a dog is nearer to a cat than a heart is"
    assert shares[0] < shares[1], "more variety goes further away"


def test_a_common_word_that_names_nothing_is_no_idea():
    """As "circle" in an icon's name; one that is common and stands first elsewhere is what pictures show."""
    told = [(thing, "round") for thing in ("cat", "kitten", "dog", "house")] + [("round",)]
    for alone in (1, 2):
        some = (*told, *told[4:] * (alone - 1))
        condition = Phrases(places=4).of(Dataset(np.zeros((len(some), 8, 8, 3), np.uint8), keywords=some))
        ideas = added(replace(condition, variety=4.0), "cat", range(200))
        assert "kitten" in ideas
        assert ("round" in ideas) == (alone == 2)


def test_a_seed_is_always_varied_alike(known):
    asked = known.read("cat")
    assert torch.equal(known.vary(asked, [7]), known.vary(asked, range(9))[7:8])


@pytest.mark.parametrize("text", ["cat", "red cat", "red blue cat", "red blue cat outline", ""])
def test_what_a_seed_adds_is_said(known, text):
    varied = replace(known, variety=0.6)
    for seed in range(20):
        told = words_of(known, varied.vary(varied.read(text), [seed]))[0]
        assert {*text.split(), *varied.added(text, seed)} == {*filter(None, told)}
    assert replace(known, variety=0.0).added(text, 0) == []


def test_what_is_drawn_are_phrases_of_the_data(known):
    phrases = {frozenset(filter(None, words_of(known, told))) for told in known.draw(range(60))}
    assert phrases == {frozenset(each) for each in NAMED.keywords}


def test_moved_words_keep_their_length_and_places_without_one_stay_so(known):
    asked = known.read("red fish")[None]
    by = torch.randn(1, known.length, generator=torch.Generator().manual_seed(0))
    after = known.moved(asked, by).unflatten(-1, (-1, DIMENSION))[0]
    assert after.norm(dim=1).tolist() == pytest.approx([16, 16, 0, 0], abs=1e-3)
    assert not torch.allclose(after.flatten(), asked[0], atol=0.1)
    assert torch.allclose(known.moved(asked, torch.zeros_like(by)), asked, atol=1e-3)


@pytest.mark.parametrize("wrong", [{"first": 1.5}, {"others": -0.1}, {"places": 0}, {"variety": -1.0}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(DoesNotFit, match=next(iter(wrong))):
        Phrases(**wrong)


def test_on_a_sheet_the_same_words_take_further_seeds(known):
    assert known.survey()[0] == [*range(8)] * 6
    wordless = replace(known, phrases=("",) * 9)
    assert wordless.survey()[0] == [*range(72)]
    assert replace(known, phrases=("cat", "fish", "cat")).survey()[0] == [*range(8), *range(8), *range(8, 16)]


def test_without_words_there_is_nothing_to_move_along():
    silent = Phrases(places=4, required=False).of(Dataset(np.zeros((3, 4, 4, 3), np.uint8)))
    assert silent.axes().shape == (0, silent.length)
