"""From seeds and words to noise and conditions, as NumPy arrays, without torch.

conditions.py and phrases.py pass the results to networks, models/exported.py to an ONNX file.
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

LOUD = DIMENSION**0.5  # norm of a word's vector, about that of a standard normal vector
GOLDEN = (5**0.5 - 1) / 2  # fractional parts of its multiples are evenly spread, however many there are
ROUND = 1000  # seeds after which that sequence repeats


def noise(seeds: Sequence[int], latent: int) -> Float[np.ndarray, "n latent"]:
    """The standard normal input of each seed.

    Raises:
        DoesNotFit: a seed is below 0 or too large.
    """
    refuse_seeds(seeds)
    draws = [np.random.default_rng(seed).standard_normal(latent, np.float32) for seed in seeds]
    return np.stack(draws) if draws else np.empty((0, latent), np.float32)


def asked(text: str, known: Container[str]) -> list[str]:
    """The words of a text; a hyphenated word is split if it is not `known` as a whole.

    Raises:
        DoesNotFit: a text that is not blank has no words.
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
    """The index that each seed draws, with probabilities in proportion to the shares, in float64."""
    rolled = np.array([np.random.default_rng([seed, 1]).random() for seed in seeds])
    ends = shares.cumsum()
    return np.searchsorted(ends, rolled * ends[-1], side="right")


@dataclass(frozen=True)
class Spoken:
    """The NumPy part of `learning.phrases.Phrases`: conditions from words, and the words that seeds add.

    kinds    things, each followed by words for its kinds: "clock alarm"
    vectors  words -> [n, 256], each of length 1
    near     (words [places, 256], a number in [0, 1)) -> words of a phrase with a similar meaning
    """

    places: int
    styles: tuple[str, ...]
    colours: tuple[str, ...]
    kinds: tuple[str, ...]
    variety: float
    vectors: Callable[[Sequence[str]], Float[np.ndarray, "n 256"]]
    near: Callable[[Float[np.ndarray, "places 256"], float], list[str]]

    def in_places(self, words: Sequence[str]) -> Float[np.ndarray, "places 256"]:
        """Words as a condition; words beyond the last place are dropped."""
        described = np.zeros((self.places, DIMENSION), np.float32)
        some = list(words)[: self.places]
        described[: len(some)] = self.vectors(some) * np.float32(LOUD)
        return described

    def read(self, words: Sequence[str]) -> Float[np.ndarray, "places 256"]:
        """The condition of exactly these words, independent of their order.

        Raises:
            DoesNotFit: there are more words than places.
        """
        if len(words) > self.places:
            raise DoesNotFit(
                f"This model listens to {self.places} words at most, and these are {len(words)}: {' '.join(words)}. "
                "Leave out those that matter least."
            )
        return self.in_places(sorted(words))

    def varied(self, words: Float[np.ndarray, "places 256"], seed: int) -> Float[np.ndarray, "places 256"]:
        """The words, with those that a seed adds in free places; no words stay no words."""
        added = self.added(words, seed)
        words = words.copy()
        free = np.flatnonzero(~words.any(axis=1))
        for place, word in zip(free, added, strict=False):
            words[place] = self.in_places([word])[0]
        return words

    def added(self, words: Float[np.ndarray, "places 256"], seed: int) -> list[str]:
        """The words that a seed adds, as far as places are free."""
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
        """The kind that a seed adds, if a single thing is asked for, apart from style and colour, and has kinds.

        A share `variety` of the seeds adds one; consecutive seeds add different ones.
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
        """The vectors of the things that have kinds."""
        return self.vectors([kinds.split()[0] for kinds in self.kinds])

    def _one_of(self, choices: tuple[str, ...], words: Float[np.ndarray, "places 256"], share: float) -> list[str]:
        """One of the choices, unless the words already contain one."""
        if not choices or (self.vectors(choices) @ words.T > 0.99 * LOUD).any():
            return []
        return [choices[int(share * len(choices))]]
