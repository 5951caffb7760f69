"""The log as TensorBoard events, in the run's folder tensorboard/, if that package is installed."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Events"]


class Events:
    """Writes logged values as scalars under their names; does nothing without the package.

    Args:
        folder: of the run.
        seen: images at which the training resumes; later events of earlier sessions are purged.
    """

    def __init__(self, folder: Path, *, seen: int) -> None:
        self._writer: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=seen + 1)

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Write a value for each name at this number of images."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name.replace(".", "/"), value, images)
            self._writer.flush()

    def close(self) -> None:
        """Flush and close the file."""
        if self._writer is not None:
            self._writer.close()
