"""Words as vectors, which are close to one another if the words have similar meanings."""

import base64
import string
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..core.errors import NotInstalled

__all__ = ["DIMENSION", "packed", "single_words", "unpacked", "vectors"]

DIMENSION = 256
STOP_WORDS = {
    *("a", "an", "and", "as", "at", "by", "for", "from", "in", "into"),
    *("is", "it", "its", "of", "on", "or", "the", "to", "with"),
}
PUNCTUATION = string.punctuation + "“”„«»‘’…–—¿¡"


def single_words(keywords: Iterable[str]) -> list[str]:
    """The words of keywords and phrases, in lower case and each once, without surrounding punctuation.

    Stop words such as "the" are left out unless there are no others.
    """
    parts = (word.strip(PUNCTUATION) for each in keywords for word in nfc(each).lower().replace(",", " ").split())
    words = list(dict.fromkeys(word for word in parts if word))
    return [word for word in words if word not in STOP_WORDS] or words


def nfc(text: str) -> str:
    """The text in Unicode NFC, an accented letter as one character: some systems store it as two."""
    return unicodedata.normalize("NFC", text)


def vectors(words: Sequence[str]) -> Float[np.ndarray, "n 256"]:
    """The WordLlama vector of each word, of length 1 (Miller 2024, github.com/dleemiller/WordLlama).

    They come with the package and need no network. A rare word is composed of pieces, and is then close to words with
    similar spelling rather than similar meaning.

    Raises:
        NotInstalled: the package is missing.
    """
    texts = [word.encode(errors="replace").decode() for word in words]  # file names may hold invalid text
    found = _encoder().embed(texts) if texts else np.zeros((0, DIMENSION))
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def packed(table: Float[np.ndarray, "n 256"]) -> str:
    """Vectors of length 1 as base64 text, one byte per number."""
    return base64.b64encode(np.round(table * 127 / np.abs(table).max(initial=1e-9)).astype(np.int8).tobytes()).decode()


def unpacked(text: str, count: int) -> Float[np.ndarray, "n 256"]:
    """The vectors of `count` words from the text of `packed`, or from the float16 text of earlier models."""
    held = base64.b64decode(text)
    kind = np.int8 if len(held) == count * DIMENSION else np.dtype("<f2")
    table = np.frombuffer(held, kind).astype(np.float32).reshape(count, DIMENSION)
    if kind is np.int8:
        table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    return table


@cache
def _encoder() -> Any:
    try:
        import wordllama
    except ImportError:
        raise NotInstalled("Words are understood by their meaning with: pip install 'ganvas[keywords]'") from None
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(dim=DIMENSION, cache_dir=folder, disable_download=True)
