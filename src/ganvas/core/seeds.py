"""The valid range of seeds, the same for pictures, trainings and places everywhere."""

from collections.abc import Sequence

from .errors import DoesNotFit

__all__ = ["MOST_SEED", "refuse_seeds"]

MOST_SEED = 2**53  # JSON, JavaScript and torch all represent it exactly


def refuse_seeds(seeds: Sequence[int]) -> None:
    """Refuse invalid seeds.

    Raises:
        DoesNotFit: one is below 0 or above `MOST_SEED`.
    """
    if len(seeds) and not 0 <= min(seeds) <= max(seeds) <= MOST_SEED:
        wrong = min(seeds) if min(seeds) < 0 else max(seeds)
        raise DoesNotFit(f"Seeds are whole numbers from 0 to {MOST_SEED:,}, not {wrong}.")
