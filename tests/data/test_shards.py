"""Tar shards: what belongs together, what is of no use, and that nothing leaves them."""

import gzip
import io
import json
import tarfile
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganvas import NotFound, Run, fit
from ganvas.data.dataset import open_source, source
from ganvas.data.sources.shards import Shards


def png(number, side=8):
    """A picture that is known by its number."""
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), number, np.uint8)).save(file, "PNG")
    return file.getvalue()


def shard(path, members, mode="w"):
    """A tar file of (name, bytes) or finished members."""
    with tarfile.open(path, mode) as made:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                made.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.fixture
def classed(tmp_path):
    """Three shards of eight pictures each of two classes."""
    for part in range(3):
        rows = [(number, ("cat", "dog")[number % 2]) for number in range(8 * part, 8 * part + 8)]
        files = [file for n, kind in rows for file in ((f"{n:03}.png", png(n)), (f"{n:03}.cls", kind.encode()))]
        shard(tmp_path / f"part-{part}.tar", files)
    return tmp_path


@pytest.mark.parametrize("pattern", ["part-{0..2}.tar", "part-*.tar", "part-{0,1,2}.tar"])
def test_pictures_with_classes_in_the_order_of_the_shards(classed, pattern):
    data = open_source(f"shards:{classed}/{pattern}", size=8)
    assert data.samples[:, 0, 0, 0].tolist() == list(range(24))
    assert (data.classes, data.labels.tolist()) == (("cat", "dog"), [0, 1] * 12)
    assert data.names[9] == "part-1.tar/009.png"
    assert data.skipped == ()


def test_words_and_what_json_says(tmp_path):
    told = {"keywords": ["red", "fish"], "class": 7}
    files = [("a.png", png(1)), ("a.txt", b"Blue, big house"), ("b.json", json.dumps(told).encode())]
    files += [("b.png", png(2)), ("c.png", png(3)), ("c.json", b'{"text": "a tree"}')]
    shard(tmp_path / "one.tar.gz", files, "w:gz")
    data = Shards(str(tmp_path / "one.tar.gz"), size=8).open()
    assert data.keywords == (("blue", "big house"), ("red", "fish"), ("a", "tree"))
    assert data.classes == (), "only one of them has a class"
    shard(tmp_path / "two.tar", [(f"{n}.{end}", content) for n in range(12) for end, content in (
        ("jpg.png", png(n)), ("json", json.dumps({"label": n}).encode()))])  # fmt: skip
    assert Shards(str(tmp_path / "two.tar"), size=8).open().classes == tuple(map(str, range(12)))
    shard(tmp_path / "three.tar", [(f"{n}.{end}", content) for n in range(12) for end, content in (
        ("png", png(n)), ("json", json.dumps({"label": ["cat", "dog", None][n % 3]}).encode()))])  # fmt: skip
    assert "None" not in Shards(str(tmp_path / "three.tar"), size=8).open().classes


def test_what_is_of_no_use_is_listed_and_nothing_is_written_outside(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    files = [("good/a.png", png(1)), ("../../outside.png", png(2)), ("/absolute.png", png(3)), ("good/b.png", png(4))]
    files += [("good/text.cls", b"cat"), ("good/broken.png", png(5)[:40]), ("good/none.bin", b"no picture")]
    files += [special("link.png", tarfile.SYMTYPE, "/etc/passwd"), special("pipe.png", tarfile.FIFOTYPE)]
    files += [special("hard.png", tarfile.LNKTYPE, "good/a.png"), special("device.png", tarfile.CHRTYPE)]
    files += [special("folder", tarfile.DIRTYPE), ("README", b"no ending")]
    files += [("good/c.png", png(6)), ("good/c.png", png(7))]
    shard(inside / "x.tar", files)
    before = sorted(tmp_path.rglob("*"))
    data = Shards(str(inside / "x.tar"), size=8).open()
    assert data.samples[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 6]
    assert dict(data.skipped) == {
        "x.tar/good/text": "no picture beside it",
        "x.tar/good/broken.png": "not an image",
        "x.tar/good/none": "not a picture",
        "x.tar/link.png": "a link",
        "x.tar/hard.png": "a link",
        "x.tar/pipe.png": "a pipe or a device",
        "x.tar/device.png": "a pipe or a device",
        "x.tar/README": "no ending, and so of no sample",
        "good/c.png": "there twice",
    }
    assert sorted(tmp_path.rglob("*")) == before


def test_a_shard_that_is_cut_off_or_none_leaves_the_others(classed):
    whole = (classed / "part-1.tar").read_bytes()
    (classed / "part-1.tar").write_bytes(whole[: len(whole) // 2 + 700])
    (classed / "part-2.tar").write_bytes(b"not a tar file" * 100)
    data = Shards(str(classed / "part-*.tar"), size=8).open()
    assert 8 < len(data) < 16
    assert [(name, reason.partition(",")[0]) for name, reason in data.skipped if "tar/" not in name] == [
        ("part-1.tar", "damaged"),
        ("part-2.tar", "damaged"),
    ]


def test_memory_stays_flat(tmp_path, monkeypatch):
    """Ten times as many pictures take no more memory than one times as many."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    peaks = []
    for times in (1, 10):
        shard(tmp_path / f"{times}.tar", [(f"{n}.png", file.getvalue()) for n in range(100 * times)])
        tracemalloc.start()
        assert len(Shards(str(tmp_path / f"{times}.tar"), size=8).open()) == 100 * times
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] < 10e6


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])
def test_a_header_of_gigabytes_is_refused_before_it_is_read(tmp_path, kind):
    """40 MB here, of zeros that pack to nothing; the size is a stranger's to choose."""
    head = special("././@Head", kind)
    head.size = 40 * 2**20
    whole = shard(tmp_path / "whole.tar", [("a.png", png(1)), ("b.png", png(2))]).read_bytes()
    with gzip.open(tmp_path / "bomb.tar.gz", "wb", 1) as bomb:
        bomb.write(whole[: tarfile.BLOCKSIZE * 4] + head.tobuf(tarfile.GNU_FORMAT) + bytes(head.size))
    tracemalloc.start()
    data = Shards(str(tmp_path / "bomb.tar.gz"), size=8).open()
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert len(data) == 2
    assert [name for name, _ in data.skipped] == ["bomb.tar.gz"]


def test_members_of_one_sample_are_together_no_larger_than_a_file_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr("ganvas.data.sources.shards.MOST_BYTES", 2**20)
    files = [("a.png", png(1)), ("b.png", png(2)), *((f"b.{n}", bytes(2**18)) for n in range(6)), ("c.png", png(3))]
    assert [reason for _, reason in Shards(str(shard(tmp_path / "x.tar", files)), size=8).open().skipped] == [
        "larger than 1 MiB, with what it belongs to"
    ] * 3


def test_a_training_learns_from_them_and_goes_on(classed, pictures, tmp_path):
    recipe = replace(pictures, data=Shards(str(classed / "part-*.tar"), size=8, channels=1), images=80)
    unbroken = fit(recipe, out=tmp_path / "unbroken", device="cpu", quiet=True)
    fit(recipe, out=tmp_path / "run", device="cpu", quiet=True, images=40)
    run = fit(recipe, out=tmp_path / "run", device="cpu", quiet=True, images=80)
    assert run.finished
    assert Run(run.path).about["data"]["classes"] == ["cat", "dog"]
    assert run.about["data"]["digest"] == unbroken.about["data"]["digest"]


def test_what_is_not_there_is_said(tmp_path, ganvas):
    with pytest.raises(NotFound, match=r"There is no shard .*part-7.tar. Name them"):
        Shards(str(tmp_path / "part-7.tar")).open()
    code, _, err = ganvas("data", f"shards:{tmp_path}/none-*.tar")
    assert (code, "There is no shard" in err) == (1, True)
    assert source("shards:x.tar") == Shards("x.tar")
