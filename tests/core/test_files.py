"""Files and folders are written whole or not at all, and what killed processes leave is found and removed."""

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from ganvas.core import checkpoint, files, tensors
from ganvas.core.errors import Unreadable, Unwritable
from ganvas.core.weights import read_weights
from ganvas.latent.places import Latent
from ganvas.models.made import made_of


def test_a_file_is_the_old_or_the_new(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    files.write(path, "old ü")
    with pytest.raises(UnicodeEncodeError), files.replacing(path) as draft:
        draft.write_text("half \udfff", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "old ü"
    files.write(path, b"new")
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]


def test_a_folder_takes_the_place_of_another(tmp_path):
    for content in ("old", "new"):
        with files.replacing(tmp_path / "pack") as draft:
            draft.mkdir()
            (draft / content).write_text(content)
    assert [each.name for each in (tmp_path / "pack").iterdir()] == ["new"]
    with files.replacing(tmp_path / "pack", unless=lambda: True) as draft:
        draft.mkdir()
    assert [each.name for each in (tmp_path / "pack").iterdir()] == ["new"]
    assert len(list(tmp_path.iterdir())) == 1


def test_another_process_may_be_faster_at_the_last_moment(tmp_path, monkeypatch):
    """It renames its draft after this one has looked whether there is one, and before this one renames its own."""
    pack, swap = tmp_path / "pack", Path.replace

    def late(draft, path):
        path.mkdir()
        (path / "part").write_text("theirs")
        return swap(draft, path)

    monkeypatch.setattr(Path, "replace", late)

    def ours(pack, unless):
        with files.replacing(pack, unless=unless) as draft:
            draft.mkdir()
            (draft / "part").write_text("ours")

    ours(pack, pack.exists)
    assert (pack / "part").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(OSError, match="not empty"):
        ours(tmp_path / "other", lambda: False)


def test_everything_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    events = []
    settle, swap = files._settle, files._swap
    monkeypatch.setattr(files, "_settle", lambda path: (events.append(path.name), settle(path)))
    monkeypatch.setattr(files, "_swap", lambda draft, path: (events.append("named"), swap(draft, path)))
    checkpoint.write(tmp_path / "000000001", {"model.safetensors": ({"a": torch.ones(2)}, {})})
    assert events[-2:] == ["named", tmp_path.name]
    assert set(events[:-2]) == {"model.safetensors", "manifest.json"}


def test_drafts_of_killed_processes_are_swept(tmp_path):
    """Young ones may be another process's; those of checkpoints are nobody's, since one process alone writes them."""
    some = ".draft-0123456789abcdef"
    old, young, own = tmp_path / f"{some}-a.txt", tmp_path / f"{some}-b", tmp_path / ".theirs"
    for path in (old, young):
        path.mkdir()
        (path / "part").write_text("half")
    own.write_text("a person's")
    for path in (old / "part", old):
        os.utime(path, (1, 1))
    files.write(tmp_path / "c.txt", "c")
    assert sorted(each.name for each in tmp_path.iterdir()) == [young.name, ".theirs", "c.txt"]
    left = tmp_path / f"{some}-000000001"
    left.mkdir()
    checkpoint.write(tmp_path / "000000002", {"model.safetensors": ({"a": torch.ones(2)}, {})})
    assert not left.exists()
    assert young.exists()


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".my-own-notes",
            ".draft-thesis",
            ".draft-20251126-thesis",
            ".draft-0123456789ABCDEF-a",
            ".draft-0123456789abcdef-",
        ),
        *(".pictures-0123456789abcdef-812-1764205692000000000", "draft-0123456789abcdef-a", ".draft-00000000-a.txt"),
    ],
)
def test_what_is_called_otherwise_is_a_stranger_and_stays(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "samples.npy").write_text("mine")
    for path in (tmp_path / name / "samples.npy", tmp_path / name):
        os.utime(path, (1, 1))
    files.write(tmp_path / "c.txt", "c")
    assert (tmp_path / name / "samples.npy").read_text() == "mine"


def test_a_draft_that_holds_more_than_files_is_a_stranger_and_stays(tmp_path):
    """None of ours has a folder or a link in it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    drafts = [tmp_path / f".draft-0123456789abcdef-{name}" for name in "abc"]
    (drafts[0] / "deep").mkdir(parents=True)
    drafts[1].mkdir()
    (drafts[1] / "link").symlink_to(outside)
    drafts[2].symlink_to(outside)
    (outside / "own").write_text("mine")
    files.sweep(tmp_path, seconds=0)
    assert [each.is_dir() for each in drafts[:2]] == [True, True]
    assert (outside / "own").read_text() == "mine"


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable, match=r"Cannot write .*file"), files.writing(tmp_path / "file"):
        files.write(tmp_path / "file" / "a.txt", "a")


def test_a_file_takes_no_folders_place(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(Unwritable, match="it is a folder"):
        files.write(tmp_path / "mine", "a")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1, "the draft is gone"


def test_names_in_other_encodings_are_written_as_question_marks(tmp_path):
    files.write(tmp_path / "a.txt", "caf\udce9")
    assert (tmp_path / "a.txt").read_text() == "caf?"


def test_a_state_is_laid_out_by_names():
    tensors = {"0.weight": torch.ones(2), "0.bias": torch.zeros(2)}
    state = checkpoint.named_below("critic", tensors) | checkpoint.named_below("critics", {"a": torch.ones(1)})
    assert sorted(state) == ["critic/0.bias", "critic/0.weight", "critics/a"]
    assert checkpoint.below(state, "critic").keys() == tensors.keys()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among the files")
def test_whoever_reads_a_file_waits_for_no_pipe(tmp_path):
    """Each would wait for ever."""
    for name in ("a.pt", "a.safetensors", "a.png"):
        os.mkfifo(tmp_path / name)
    for read, name in (
        (read_weights, "a.pt"),
        (read_weights, "a.safetensors"),
        (Latent.read, "a.safetensors"),
        (made_of, "a.png"),
    ):
        with pytest.raises(Unreadable, match=f"{name} is a pipe or a device"):
            read(tmp_path / name)
    with pytest.raises(Unreadable, match="zero is a pipe or a device"):
        read_weights(Path("/dev/zero"))


def test_a_draft_of_the_future_is_swept_where_nobody_else_can_be_writing(tmp_path):
    with files.replacing(tmp_path / "a") as draft:
        draft.write_text("half")
        os.utime(draft, (time.time() + 3600,) * 2)
        files.sweep(tmp_path)
        assert draft.exists()
        files.sweep(tmp_path, seconds=0)
        assert not draft.exists()
        draft.write_text("whole")


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    def full(*_):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(OSError, match="No space left") as told:
        tensors.write_safetensors({}, tmp_path / "a.safetensors")
    assert told.value.errno == errno.ENOSPC


def test_blocks_with_one_lock_file_run_one_after_another(tmp_path):
    inside, most = [], []

    def work(number):
        for _ in range(5):
            with files.alone(tmp_path / ".lock"):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.002)
                inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(most) == 20
    assert set(most) == {1}


def test_a_folder_that_many_files_are_written_to_is_seldom_searched_for_drafts(tmp_path, monkeypatch):
    """Each search lists it, and a hundred thousand pictures would take hours of that alone."""
    searched = []
    monkeypatch.setattr(files, "sweep", searched.append)
    for number in range(1, 300):
        files.write(tmp_path / f"{number % 3}.txt", "a")
        assert len(searched) == min(number, 64) + (number >= 128) + (number >= 256)
