"""Keywords as a sequence of word vectors, for networks that attend to words instead of using their mean."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from ..core.batch import Dice
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset
from ..data.words import DIMENSION, packed, single_words, vectors
from .conditions import MOST_AXES, MOST_WORDS, Keywords, _drawn, _keywords
from .schedules import within
from .told import LOUD, Spoken

__all__ = ["Phrases", "kinds"]

COMMON, SELDOM = 0.01, 0.25  # words in over 1% of phrases, first in under 25% of these, are ways to draw: "circle"
KINDS, OFTEN, SHARE = 8, 4, 0.03  # the most kinds of a thing; each is in at least 4 and 3% of the thing's phrases
NEARER = 0.03  # like `NEAR` of `Keywords`; smaller, since here words are added and do not merely shift a mean
STYLES = ("outline", "solid", "flat", "duotone", "gradient", "3d", "bold")
COLOURS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "grey", "black")


def kinds(phrases: Iterable[Sequence[str]], ways: Container[str], most: int = KINDS) -> tuple[str, ...]:
    """Things (first words of phrases), each followed by its frequent other words, except for `ways` to draw."""
    count, besides = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for thing, *others in filter(None, phrases):
        count[thing] += 1
        besides[thing].update({word for word in others if word not in ways and word != thing})
    found = {
        thing: [word for word, n in words.most_common(most) if n >= max(OFTEN, SHARE * count[thing])]
        for thing, words in besides.items()
        if thing not in ways
    }
    return tuple(" ".join([thing, *words]) for thing, words in sorted(found.items()) if words)


@part("condition")
@dataclass(frozen=True)
class Phrases(Keywords):
    """The words of a sample as a sequence of vectors, for networks that attend to single words: `latent_generator`.

    During training, the first word of a sample, which should say what it shows, is given with probability `first`, each
    other word with probability `others`, and no words at all with probability `nothing`. There is room for `places`
    words; unused places are zeros.

    A text rarely says which style, colour or kind of thing is wanted, so seeds add words according to `variety`: one of
    the `styles` if none is asked for (always, if `variety` is above 0); one of the `colours` if none is asked for, with
    probability `variety`; one of the thing's `kinds` if a thing alone is asked for, in a share `variety` of the seeds;
    and, if `variety` is above 0.5, words of a phrase with a similar meaning, the more often the higher it is. 0 adds
    nothing. Styles and colours are reduced to words that the data have; `kinds` are things, each followed by words that
    the data often combine with it: "clock alarm".
    """

    places: int = 7
    first: float = 0.9
    others: float = 0.6
    styles: tuple[str, ...] = STYLES
    colours: tuple[str, ...] = COLOURS
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Reject settings out of range.

        Raises:
            DoesNotFit: `first` or `others` is not in [0, 1], `places` is below 1; and as `Keywords`.
        """
        super().__post_init__()
        for name in ("first", "others"):
            within(f"condition.{name}", getattr(self, name), 0.0, 1.0, closed=True)
        if self.places < 1:
            raise DoesNotFit(f"condition.places is at least 1, not {self.places}.")

    @property
    def length(self) -> int:
        """See `Condition.length`."""
        return self.places * DIMENSION

    def of(self, data: Dataset) -> "Phrases":
        """See `Condition.of`."""
        known = super().of(data)
        assert isinstance(known, Phrases)
        had = set(known.words)
        known = replace(
            known,
            table=packed(vectors(known.words)),
            styles=tuple(word for word in self.styles if word in had),
            colours=tuple(word for word in self.colours if word in had),
        )
        ways = {*known.styles, *known.colours}
        return replace(known, kinds=kinds((phrase.split() for phrase in known.phrases), ways))

    def take(self, data: Dataset, rows: NDArray[np.int64], dice: Dice | None = None) -> Float[Tensor, "n length"]:
        """See `Condition.take`."""
        phrases = [single_words(_keywords(data, row))[:MOST_WORDS] for row in rows.tolist()]
        if dice is None:
            return self._in_places(phrases)
        dice = dice.here()
        shares = torch.full((MOST_WORDS,), self.others)
        shares[0] = self.first
        told = (dice.uniform("words", MOST_WORDS) < shares) & (dice.uniform("nothing", 1) >= self.nothing)
        return self._in_places(
            [
                [word for word, heard in zip(phrase, row, strict=False) if heard]
                for phrase, row in zip(phrases, told.tolist(), strict=True)
            ]
        )

    def read(self, text: str) -> Float[Tensor, " length"]:
        """See `Condition.read`."""
        return torch.from_numpy(self._spoken.read(self._asked(text))).flatten()

    def vary(self, asked: Float[Tensor, " length"], seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.vary`; the empty condition is not varied."""
        words = asked.unflatten(0, (-1, DIMENSION)).numpy()
        varied = [torch.from_numpy(self._spoken.varied(words, seed)).flatten() for seed in seeds]
        return torch.stack(varied) if varied else asked.expand(0, -1)

    def added(self, text: str, seed: int) -> list[str]:
        """See `Keywords.added`; errors as in `read`."""
        return self._spoken.added(self._spoken.read(self._asked(text)), seed)

    def varied(self, variety: float) -> "Phrases":
        """See `Keywords.varied`."""
        other = super().varied(variety)
        assert isinstance(other, Phrases)
        vars(other)["ways"] = self.ways
        vars(other._spoken)["things"] = self._spoken.things
        return other

    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.draw`."""
        drawn = _drawn(torch.ones(len(self.phrases), dtype=torch.float64), seeds)
        return self._in_places([self.phrases[row].split() for row in drawn.tolist()])

    def axes(self) -> Float[Tensor, "a length"]:
        """See `Condition.axes`: the leading principal axes of the words; all words of a phrase move alike."""
        if not self.words:
            return torch.zeros(0, self.length)
        spread = self._vectors * LOUD
        spread = spread - spread.mean(0)
        _, values, axes = torch.linalg.svd(spread, full_matrices=False)
        kept = (values > 1e-3 * values[0]).nonzero().flatten()[:MOST_AXES]
        return (axes[kept] * values[kept, None] / len(spread) ** 0.5).repeat(1, self.places)

    def moved(self, told: Float[Tensor, "n length"], by: Float[Tensor, "*n length"]) -> Float[Tensor, "n length"]:
        """See `Condition.moved`: words keep their norm, and empty places stay empty."""
        words = told.unflatten(-1, (-1, DIMENSION))
        here = (words != 0).any(-1, keepdim=True)
        after = words + by.unflatten(-1, (-1, DIMENSION)) * here
        return (normalize(after, dim=-1) * LOUD * here).flatten(-2)

    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """See `Condition.survey`."""
        seeds, _ = super().survey()
        shown = np.linspace(0, len(self.phrases) - 1, max(1, len(seeds) // 8)).astype(np.int64)
        described = self._in_places([self.phrases[row].split() for row in shown.tolist()])
        return seeds, described.repeat_interleave(len(seeds) // len(shown), 0)

    def _in_places(self, phrases: Sequence[Sequence[str]]) -> Float[Tensor, "n length"]:
        """Words as conditions; words beyond the last place are dropped."""
        described = [self._spoken.in_places(phrase) for phrase in phrases]
        return torch.from_numpy(np.stack(described)).flatten(1) if described else torch.zeros(0, self.length)

    @cached_property
    def _spoken(self) -> Spoken:
        settings = self.places, self.styles, self.colours, self.kinds, self.variety
        return Spoken(*settings, vectors=lambda words: self._of(words).numpy(), near=self._near)

    @cached_property
    def ways(self) -> set[str]:
        """The words that say how something is drawn, not what it is."""
        told = [words for phrase in self.phrases if (words := phrase.split())]
        count, first = Counter(word for words in told for word in set(words)), Counter(words[0] for words in told)
        common = {word for word, n in count.items() if n > COMMON * len(told) and first[word] < SELDOM * n}
        return {*self.styles, *self.colours} | common

    def _near(self, told: Float[np.ndarray, "places 256"], share: float) -> list[str]:
        """The words of a phrase with a similar meaning, except for those given and for ways to draw."""
        words = torch.from_numpy(told)
        mean = normalize(words.sum(0), dim=0)
        cosines = (self._described @ mean).double() / LOUD
        ends = (cosines / (self.variety * NEARER)).softmax(0).cumsum(0)
        phrase = self.phrases[min(int(torch.searchsorted(ends, share * ends[-1])), len(self.phrases) - 1)].split()
        there: list[bool] = (self._of(phrase) @ words.T / LOUD > 0.99).any(1).tolist()
        known = {word for word, held in zip(phrase, there, strict=True) if held}
        return [word for word in phrase if word not in known | self.ways]
