"""A checkpoint, and what becomes of the older ones."""

import errno

import pytest
import torch

from ganvas.core import checkpoint, files
from ganvas.core.errors import Unwritable
from ganvas.core.tensors import write_safetensors


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


def test_checkpoints_are_in_the_order_of_their_images_also_beyond_nine_digits(tmp_path):
    for name in ("000000999", "999999999", "1000000031"):
        checkpoint.write(tmp_path / name, {checkpoint.MODEL: ({"weight": torch.ones(3)}, {})}, keep=2)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["1000000031", "999999999"]
    assert checkpoint.newest_sound(tmp_path) == tmp_path / "1000000031"
    checkpoint.forget(tmp_path, after=tmp_path / "999999999")
    assert [each.name for each in tmp_path.iterdir()] == ["999999999"]


def test_a_checkpoint_is_read_by_whoever_reads_what_lies_beside_it(tmp_path):
    beside = tmp_path / "beside"
    beside.touch()
    checkpoint.write(tmp_path / "1", {"a.safetensors": ({"w": torch.zeros(3).expand(2, 3)}, {})})
    assert {file.stat().st_mode for file in (tmp_path / "1").iterdir()} == {beside.stat().st_mode}
    write_safetensors({"w": torch.ones(2)}, tmp_path / "one", {"of": "me"})
    assert (tmp_path / "one").stat().st_mode == beside.stat().st_mode
    assert checkpoint.about(tmp_path / "one") == {"of": "me"}
