"""The log once more as events for TensorBoard, in the run's folder tensorboard/, if that package is installed."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Events"]


class Events:
    """Writes what is logged as scalars by their names; does nothing without the package.

    Args:
        folder: of the run.
        seen: images that the training goes on from; what was written beyond them is not shown any more.
    """

    def __init__(self, folder: Path, *, seen: int) -> None:
        self._writer: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=seen + 1)

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Add a value for each name at so many images."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name.replace(".", "/"), value, images)
            self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
