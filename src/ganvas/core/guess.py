"""What somebody meant by a name that does not exist."""

import difflib
from collections.abc import Iterable

__all__ = ["guess"]


def guess(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown name.

    >>> guess("dcgn", ["dcgan", "vae"])
    "Did you mean 'dcgan'?"

    Args:
        name: what was asked for.
        known: what there is.
        otherwise: the answer if nothing known is close to the name.
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else otherwise
