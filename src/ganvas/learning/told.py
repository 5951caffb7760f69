"""What a seed and words come to before a network is told of it, in arrays and without torch.

conditions.py and phrases.py hand it to networks; models/exported.py to the file of one.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int64

from ..core.errors import DoesNotFit
from ..core.seeds import refuse_seeds
from ..data.words import DIMENSION, single_words

__all__ = ["LOUD", "Spoken", "asked", "drawn", "noise"]

LOUD = DIMENSION**0.5  # the length of a word's vector, that of a standard normal one
GOLDEN = (5**0.5 - 1) / 2  # its multiples spread evenly between whole numbers, however many there are
ROUND = 1000  # so many seeds, and they spread anew


def noise(seeds: Sequence[int], latent: int) -> Float[np.ndarray, "n latent"]:
    """The standard normal input that belongs to each seed.

    Raises:
        DoesNotFit: a seed is below 0 or too large.
    """
    refuse_seeds(seeds)
    draws = [np.random.default_rng(seed).standard_normal(latent, np.float32) for seed in seeds]
    return np.stack(draws) if draws else np.empty((0, latent), np.float32)


def asked(text: str, known: Container[str]) -> list[str]:
    """The words of a text; one with hyphens in parts if it is not known as a whole.

    Raises:
        DoesNotFit: there are none in it.
    """
    words = [
        part
        for word in single_words([text])
        for part in ([word] if word in known else single_words([word.replace("-", " ")]))
    ]
    if text.strip() and not words:
        raise DoesNotFit(f"There are no words in {text!r}. Ask for some, such as 'blue fish'.")
    return words


def drawn(shares: Float[np.ndarray, " k"], seeds: Sequence[int]) -> Int64[np.ndarray, " n"]:
    """What each seed draws of things that are as frequent as their shares, in float64."""
    rolled = np.array([np.random.default_rng([seed, 1]).random() for seed in seeds])
    ends = shares.cumsum()
    return np.searchsorted(ends, rolled * ends[-1], side="right")


@dataclass(frozen=True)
class Spoken:
    """Words in places: what `learning.phrases.Phrases` tells, and its settings.

    kinds    things, each with the words that say what kind of it there is
    vectors  words -> [n, 256], each of length 1
    near     (words [places, 256], a number in [0, 1)) -> words of a phrase of near meaning
    """

    places: int
    styles: tuple[str, ...]
    colours: tuple[str, ...]
    kinds: tuple[str, ...]
    variety: float
    vectors: Callable[[Sequence[str]], Float[np.ndarray, "n 256"]]
    near: Callable[[Float[np.ndarray, "places 256"], float], list[str]]

    def in_places(self, words: Sequence[str]) -> Float[np.ndarray, "places 256"]:
        """Words as a description; what there is no place for is left out."""
        described = np.zeros((self.places, DIMENSION), np.float32)
        some = list(words)[: self.places]
        described[: len(some)] = self.vectors(some) * np.float32(LOUD)
        return described

    def read(self, words: Sequence[str]) -> Float[np.ndarray, "places 256"]:
        """What just these words are told as, in whatever order they are asked for.

        Raises:
            DoesNotFit: they are more than there are places.
        """
        if len(words) > self.places:
            raise DoesNotFit(
                f"This model listens to {self.places} words at most, and these are {len(words)}: {' '.join(words)}. "
                "Leave out those that matter least."
            )
        return self.in_places(sorted(words))

    def varied(self, words: Float[np.ndarray, "places 256"], seed: int) -> Float[np.ndarray, "places 256"]:
        """The words as one seed takes them, with what it adds of its own; who asks for nothing gets that."""
        added = self.added(words, seed)
        words = words.copy()
        free = np.flatnonzero(~words.any(axis=1))
        for place, word in zip(free, added, strict=False):
            words[place] = self.in_places([word])[0]
        return words

    def added(self, words: Float[np.ndarray, "places 256"], seed: int) -> list[str]:
        """What one seed adds, as far as there are places left."""
        if not self.variety or not words.any():
            return []
        rolled = np.random.default_rng([seed, 2])
        style, colour, near = rolled.random(3)
        added = list(self._one_of(self.styles, words, style))
        if colour < self.variety:
            added += self._one_of(self.colours, words, rolled.random())
        added += self._kind(words, seed)
        if near < 2 * self.variety - 1:
            added += self.near(words, rolled.random())
        return added[: np.count_nonzero(~words.any(axis=1))]

    def _kind(self, words: Float[np.ndarray, "places 256"], seed: int) -> list[str]:
        """What kind of thing a seed takes, if a thing alone is asked for that comes in kinds.

        A share `variety` of the seeds takes one; those that follow one another take others.
        """
        place, ways = seed % ROUND * GOLDEN % 1, (*self.styles, *self.colours)
        here = words[words.any(axis=1)]
        things = here[~(here @ self.vectors(ways).T > 0.99 * LOUD).any(axis=1)] if ways else here
        if place >= self.variety or len(things) != 1 or not self.kinds:
            return []
        alike = self.things @ things[0]
        kinds = self.kinds[int(alike.argmax())].split()[1:] if alike.max() > 0.99 * LOUD else []
        return kinds and [kinds[int(place / min(1.0, self.variety) * len(kinds))]]

    @cached_property
    def things(self) -> Float[np.ndarray, "n 256"]:
        """What comes in kinds."""
        return self.vectors([kinds.split()[0] for kinds in self.kinds])

    def _one_of(self, choices: tuple[str, ...], words: Float[np.ndarray, "places 256"], share: float) -> list[str]:
        """One of the choices, unless one is among the words already."""
        if not choices or (self.vectors(choices) @ words.T > 0.99 * LOUD).any():
            return []
        return [choices[int(share * len(choices))]]
