"""Writing files of tensors."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

__all__ = ["write_safetensors"]


def write_safetensors(tensors: Mapping[str, Tensor], file: Path, about: Mapping[str, str] | None = None) -> None:
    """Write tensors from any device, and metadata, as a safetensors file with the mode of any new file.

    The library by itself would make it readable by its owner only.

    Raises:
        OSError: the disk is full or not writable.
    """
    file.touch()
    mode = file.stat().st_mode
    held = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
    try:
        save_file(held, file, dict(about or {}))
    except SafetensorError as error:  # of the library's own, for a full disk too
        told = re.search(r"os error (\d+)", str(error))
        if told is None:
            raise
        raise OSError(int(told[1]), os.strerror(int(told[1]))) from error
    file.chmod(mode)
