"""Conditions: the class or keywords of a sample as one vector."""

import base64
import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag, normalize, one_hot

from ..core.batch import Dice
from ..core.catalog import part
from ..core.errors import DoesNotFit, GanvasError, NotFound, Unreadable
from ..core.guess import guess
from ..data.dataset import Dataset
from ..data.words import DIMENSION, nfc, single_words, unpacked, vectors
from .schedules import within
from .told import asked, drawn

__all__ = ["ROW", "Condition", "Keywords", "Labels"]

ROW, ROWS = 8, 12  # a sheet of samples has at most 12 rows, each of 8 samples with the same condition
NEAR = 0.08  # times `variety`: a phrase whose cosine to the request is lower by this is e times less likely


class Condition(ABC):
    """How samples are described to networks; every part of kind "condition" is one.

    A recipe holds its settings only; `of(data)` adds what depends on the data, and a model stores the result.
    """

    @property
    @abstractmethod
    def length(self) -> int:
        """The length of the condition vector."""

    @abstractmethod
    def of(self, data: Dataset) -> "Condition":
        """This condition for these data.

        Raises:
            DoesNotFit: the data lack what the condition needs.
        """

    @abstractmethod
    def take(self, data: Dataset, rows: NDArray[np.int64], dice: Dice | None = None) -> Float[Tensor, "n length"]:
        """The conditions [N, length] of these rows of the data; with `dice`, randomised as training needs them."""

    @abstractmethod
    def read(self, text: str) -> Float[Tensor, " length"]:
        """The condition for a text.

        Raises:
            NotFound: the text asks for something unknown; the message suggests similar names.
        """

    def vary(self, asked: Float[Tensor, " length"], seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """The condition for each seed, which may vary it; by default they are all the same."""
        return asked.expand(len(seeds), -1)

    @abstractmethod
    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """A condition for each seed, drawn from the distribution of the data; used if no text is given."""

    def axes(self) -> Float[Tensor, "a length"]:
        """The directions along which conditions can be moved, each as long as their deviation; classes have none."""
        return torch.zeros(0, self.length)

    def moved(self, conditions: Float[Tensor, "n length"], by: Float[Tensor, "*n length"]) -> Float[Tensor, "n length"]:
        """Conditions after a move."""
        return conditions + by

    @abstractmethod
    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """Seeds and conditions [N, length] for a sheet with rows of 8, one condition per row."""


@part("condition")
@dataclass(frozen=True)
class Labels(Condition):
    """The class of a sample as a one-hot vector (Mirza & Osindero 2014, arXiv:1411.1784).

    `classes` are the names and `shares` the relative frequencies; both are taken from the data.
    """

    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Reject classes that cannot be sampled.

        Raises:
            DoesNotFit: there is not one share per class, or the shares are negative, infinite or all 0.
        """
        sound = all(0 <= share < math.inf for share in self.shares) and (any(self.shares) or not self.shares)
        if len(self.shares) != len(self.classes) or not sound:
            raise DoesNotFit("labels takes a frequency for each of its classes: leave out both, for those of the data.")

    @property
    def length(self) -> int:
        """See `Condition.length`; with one place to spare where so many would look like several words."""
        count = len(self.classes)
        return count + (count > DIMENSION and count % DIMENSION == 0)

    def of(self, data: Dataset) -> "Labels":
        """See `Condition.of`."""
        if data.labels is None or len(data.classes) < 2:
            raise DoesNotFit(
                "These samples have no classes to tell apart. Put the pictures of each class into a folder of its own, "
                "named after it, or train without: `settings=['condition=None']`."
            )
        counts = np.bincount(data.labels, minlength=len(data.classes))
        return replace(self, classes=data.classes, shares=tuple((counts / counts.sum()).tolist()))

    def take(self, data: Dataset, rows: NDArray[np.int64], dice: Dice | None = None) -> Float[Tensor, "n length"]:  # noqa: ARG002
        """See `Condition.take`."""
        assert data.labels is not None
        return one_hot(torch.from_numpy(data.labels[rows]), self.length).float()

    def read(self, text: str) -> Float[Tensor, " length"]:
        """See `Condition.read`."""
        known_as = [nfc(each) for each in self.classes]
        if nfc(text) not in known_as:
            known = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
            raise NotFound(
                f"There is no class {text!r}. {guess(text, self.classes)} There are: {known}.".replace("  ", " ")
            )
        return one_hot(torch.tensor(known_as.index(nfc(text))), self.length).float()

    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.draw`."""
        return one_hot(_drawn(torch.tensor(self.shares, dtype=torch.float64), seeds), self.length).float()

    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """See `Condition.survey`."""
        count = len(self.classes)
        chosen = torch.linspace(0, count - 1, min(count, ROWS)).round().long()
        return list(range(ROW)) * len(chosen), one_hot(chosen.repeat_interleave(ROW), self.length).float()


MOST_WORDS = 32  # words used of a sample; further ones are ignored
MOST_PHRASES = 10_000  # stored in a model
MOST_AXES = 128  # returned by `axes`


@part("condition")
@dataclass(frozen=True)
class Keywords(Condition):
    """The words of a sample as the direction of the mean of their vectors, which reflects what words have in common.

    During training, a random part of the words is used, because people ask for one or two words, not for all; with
    probability `nothing` there are none, and the condition is zero, so that a model also works without words (as Ho &
    Salimans 2022, arXiv:2207.12598, for diffusion models). `words` are all words of the data and `table` their vectors
    in base64, float16 [W, 256], so that a model is self-contained; other words need the package wordllama. `phrases`
    are those of at most 10,000 samples, to draw from. If `required` is false, the data may have no keywords at all.

    Few pictures share the same words, so the words alone give a model little variety, and it has learned whole phrases.
    Therefore each seed moves the condition towards a phrase with a similar meaning: the higher `variety`, the less
    similar the phrase may be and the more it weighs. With 0, seeds differ only by their noise.
    """

    nothing: float = 0.1
    required: bool = True
    variety: float = 0.5
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    table: str = ""

    def __post_init__(self) -> None:
        """Reject settings out of range, and a table that does not match the words.

        Raises:
            DoesNotFit: `nothing` is not in [0, 1], `variety` is below 0, there is not one vector for each word, or
                there are more than 10,000 phrases.
        """
        within("condition.nothing", self.nothing, 0.0, 1.0, closed=True)
        within("condition.variety", self.variety, 0.0)
        sizes = [4 * math.ceil(size * DIMENSION * len(self.words) / 3) for size in (1, 2)]  # of bytes, or of float16
        if len(self.table) not in sizes or len(self.phrases) > MOST_PHRASES:
            raise DoesNotFit("keywords takes a vector for each of its words: leave out both, for those of the data.")

    @property
    def length(self) -> int:
        """See `Condition.length`."""
        return DIMENSION

    def of(self, data: Dataset) -> "Keywords":
        """See `Condition.of`."""
        if self.required and not any(data.keywords):
            raise DoesNotFit(
                "These samples have no keywords. Put a file metadata.jsonl beside the pictures with a line for each, "
                'such as {"file_name": "a.png", "keywords": ["red", "fish"]}, or train without: '
                "`settings=['condition=None']`."
            )
        words = tuple(sorted({word for keywords in data.keywords for word in single_words(keywords)}))
        shown = np.linspace(0, len(data) - 1, min(len(data), MOST_PHRASES)).astype(np.int64)
        phrases = tuple(" ".join(single_words(_keywords(data, row))) for row in shown.tolist())
        table = base64.b64encode(vectors(words).astype("<f2").tobytes()).decode()
        return replace(self, words=words, phrases=phrases, table=table)

    def take(self, data: Dataset, rows: NDArray[np.int64], dice: Dice | None = None) -> Float[Tensor, "n length"]:
        """See `Condition.take`."""
        conditions = torch.zeros(len(rows), MOST_WORDS, self.length)
        shares = torch.zeros(len(rows), MOST_WORDS)
        for each, share, row in zip(conditions, shares, rows.tolist(), strict=True):
            words = single_words(_keywords(data, row))[:MOST_WORDS]
            each[: len(words)], share[: len(words)] = self._of(words), 1
        if dice:
            rolled = dice.uniform("words", MOST_WORDS).masked_fill(shares == 0, torch.inf)
            kept = (rolled <= dice.uniform("words kept", 1)) | (rolled == rolled.amin(1, keepdim=True))
            shares *= kept & (dice.uniform("nothing", 1) >= self.nothing)
        return _direction((conditions * shares[:, :, None]).sum(1))

    def read(self, text: str) -> Float[Tensor, " length"]:
        """See `Condition.read`."""
        return _direction(self._of(self._asked(text)).sum(0))

    def vary(self, asked: Float[Tensor, " length"], seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.vary`; the empty condition is not varied."""
        alike = super().vary(asked, seeds)
        if not self.variety or not asked.any():
            return alike
        cosines = (self._described @ asked).double() / self.length
        near = _drawn((cosines / (self.variety * NEAR)).softmax(0), seeds)
        return _direction(alike + self.variety * self._described[near])

    def varied(self, variety: float) -> "Keywords":
        """A copy with another variety, which shares the cached tables of words and phrases.

        Raises:
            DoesNotFit: `variety` is below 0.
        """
        other = replace(self, variety=variety)
        vars(other).update(_places=self._places, _vectors=self._vectors, _described=self._described)
        return other

    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.draw`."""
        return self._described[_drawn(torch.ones(len(self.phrases), dtype=torch.float64), seeds)]

    def axes(self) -> Float[Tensor, "a length"]:
        """See `Condition.axes`: the leading principal axes of the phrases."""
        spread = self._described - self._described.mean(0)
        _, values, vectors = torch.linalg.svd(spread, full_matrices=False)
        kept = (values > 1e-3 * values[0]).nonzero().flatten()[:MOST_AXES]
        return vectors[kept] * values[kept, None] / len(spread) ** 0.5

    def moved(self, conditions: Float[Tensor, "n length"], by: Float[Tensor, "*n length"]) -> Float[Tensor, "n length"]:
        """See `Condition.moved`: they keep their norm."""
        return _direction(conditions + by)

    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """See `Condition.survey`; a row with the same words as an earlier row uses further seeds."""
        shown = np.linspace(0, len(self.phrases) - 1, min(len(self.phrases), ROWS)).astype(np.int64)
        told = [self.phrases[row] for row in shown]
        firsts = [ROW * told[:at].count(phrase) for at, phrase in enumerate(told)]
        seeds = [first + seed for first in firsts for seed in range(ROW)]
        return seeds, self._described[shown].repeat_interleave(ROW, 0)

    def added(self, text: str, seed: int) -> list[str]:  # noqa: ARG002
        """The words that a seed adds to those of a text: here none, since a seed moves their mean instead."""
        return []

    def unknown(self, text: str) -> list[str]:
        """The words of a text that the data did not have; their meaning comes from their vectors alone."""
        return [word for word in self._asked(text) if word not in self._places]

    def _asked(self, text: str) -> list[str]:
        """The words of a text, see `told.asked`."""
        return asked(text, self._places)

    @cached_property
    def _described(self) -> Float[Tensor, "phrases length"]:
        """The condition of each phrase."""
        words = [single_words([phrase]) for phrase in self.phrases]
        if strange := {word for phrase in words for word in phrase} - self._places.keys():
            raise Unreadable(f"The model is damaged: it draws from {min(strange)!r}, and that is none of its words.")
        places = [[self._places[word] for word in phrase] for phrase in words]
        begins = np.cumsum([0, *map(len, places)])[:-1]
        flat = torch.tensor([place for each in places for place in each], dtype=torch.long)
        return _direction(embedding_bag(flat, self._vectors, torch.from_numpy(begins), mode="sum"))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def _vectors(self) -> Float[Tensor, "words 256"]:
        try:
            found = torch.from_numpy(unpacked(self.table, len(self.words)))
        except ValueError:
            found = torch.full((1, DIMENSION), math.nan)
        if not found.isfinite().all():
            raise Unreadable("The model is damaged: the vectors of its words are no numbers.")
        return found

    def _of(self, words: Sequence[str]) -> Float[Tensor, "words 256"]:
        """The vector of each word, including words that the data do not have."""
        found = torch.empty(len(words), DIMENSION)
        for row, word in zip(found, words, strict=True):
            row[:] = self._vectors[self._places[word]] if word in self._places else self._meaning(word)
        return found

    def _meaning(self, word: str) -> Float[Tensor, " 256"]:
        try:
            return torch.from_numpy(vectors([word]))[0]
        except GanvasError as error:
            near = difflib.get_close_matches(word, self.words, n=3)
            hint = f"Near it are: {', '.join(near)}. " if near else ""
            raise NotFound(f"This model has not learned the word {word!r}. {hint}{error}") from None


def _keywords(data: Dataset, row: int) -> tuple[str, ...]:
    return data.keywords[row] if data.keywords else ()


def _drawn(shares: Float[Tensor, " k"], seeds: Sequence[int]) -> Int[Tensor, " n"]:
    """The index that each seed draws, with probabilities in proportion to the shares."""
    return torch.from_numpy(drawn(shares.numpy(), seeds))


def _direction(total: Float[Tensor, "*n length"]) -> Float[Tensor, "*n length"]:
    """A sum of vectors, scaled to the norm of a standard normal vector; zero stays zero."""
    return normalize(total, dim=-1) * math.sqrt(total.shape[-1])
