"""Writing files of tensors."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

__all__ = ["write_safetensors"]


def write_safetensors(tensors: Mapping[str, Tensor], file: Path, about: Mapping[str, str] | None = None) -> None:
    """Write tensors from any device, and metadata, as a safetensors file with the mode of any new file.

    The library by itself would make it readable by its owner only.

    Raises:
        OSError or SafetensorError: the disk is full or not writable.
    """
    file.touch()
    mode = file.stat().st_mode
    save_file({name: each.detach().cpu().contiguous() for name, each in tensors.items()}, file, dict(about or {}))
    file.chmod(mode)
