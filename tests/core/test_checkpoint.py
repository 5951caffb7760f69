"""A checkpoint, and what becomes of the older ones."""

import errno

import pytest
import torch

from ganvas.core import checkpoint, files
from ganvas.core.errors import Unwritable


def test_a_disk_that_lets_nothing_go_is_said(tmp_path, monkeypatch):
    """Room may be needed to rename, and the new checkpoint is there by then."""

    def refused(folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(files, "discard", refused)
    for name in ("000000001", "000000002"):
        checkpoint.write(tmp_path / name, {checkpoint.MODEL: ({"weight": torch.ones(3)}, {})}, keep=2)
    with pytest.raises(Unwritable, match=r"^Cannot write .*: No space left on device\.$"):
        checkpoint.write(tmp_path / "000000003", {checkpoint.MODEL: ({"weight": torch.ones(3)}, {})}, keep=2)
    assert checkpoint.newest_sound(tmp_path) == tmp_path / "000000003"
