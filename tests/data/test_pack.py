import errno
import inspect
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import GanvasError, Unreadable
from ganvas.core.files import cache_folder
from ganvas.core.pixels import save_picture
from ganvas.data import archives, pack
from ganvas.data.archives import listing, open_files, stamp
from ganvas.data.dataset import Dataset, source
from ganvas.data.decode import MOST_BYTES, Frame
from ganvas.data.pack import Described, Item, in_parallel, pack_files, packed
from ganvas.data.picture_files import read_pictures
from ganvas.data.sources.folder import Folder

# Forking a process with threads is what these tests want: what is forked only packs, and starts in milliseconds.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

FRAME = Frame(8, 8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def paint(folder, count=4, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    for number in range(count):
        Image.fromarray(dice.integers(0, 256, (12, 10, 3), np.uint8)).save(folder / f"{number:03}.png")
    return folder


def pack_of(folder, **options):
    files = open_files(folder)
    return pack_files(files, FRAME, kind="pictures", names=files.names, **options)


def packs(cache):
    return sorted(path.name for path in cache.iterdir() if path.name != "seen")


def items(count, shape=(4, 4, 3)):
    for number in range(count):
        yield Item(f"{number}", np.full(shape, number % 250, np.uint8), group="even" if number % 2 == 0 else "odd")


def test_a_pack_is_mapped_and_keeps_what_is_known_of_its_pictures(tmp_path):
    folder = paint(tmp_path / "mine")
    (folder / "notes.py").write_text("print()")
    data = pack_of(folder, describe=lambda: Described(lambda name: (f"class {int(name[:3]) % 2}", (name[:3],))))
    assert isinstance(data.samples, np.memmap)
    assert not data.samples.flags.writeable
    assert data.samples.shape == (4, 8, 8, 3)
    assert data.names == ("000.png", "001.png", "002.png", "003.png")
    assert data.classes == ("class 0", "class 1")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.keywords == (("000",), ("001",), ("002",), ("003",))
    assert data.sizes == ((10, 10, 10), (12, 12, 12))
    assert data.skipped == (("notes.py", "not an image"),)
    assert data.summary().classes == {"class 0": 2, "class 1": 2}


def test_packing_that_is_given_up_ends_after_the_pictures_at_hand():
    begun = []

    def work(number):
        begun.append(number)
        time.sleep(0.02)
        return Item(str(number), None)

    items = in_parallel(work, range(1000))
    assert next(items).name == "0"
    before = len(begun)
    items.close()
    assert len(begun) - before <= 2 * (os.cpu_count() or 1)


def test_an_unchanged_folder_is_not_read_again(tmp_path, monkeypatch):
    first = pack_of(paint(tmp_path / "mine"))
    monkeypatch.setattr("ganvas.data.archives._Folder._read", None)
    again = pack_of(tmp_path / "mine")
    np.testing.assert_array_equal(first.samples, again.samples)


def test_the_key_is_the_content_and_not_the_place(tmp_path, cache):
    folder = paint(tmp_path / "mine")
    pack_of(folder)
    pack_of(shutil.copytree(folder, tmp_path / "copy"))
    pack_of(folder.rename(tmp_path / "renamed"))
    assert len(packs(cache)) == 1


def test_a_changed_file_or_setting_makes_a_new_pack(tmp_path, cache):
    folder = paint(tmp_path / "mine")
    old = pack_of(folder)
    content = (folder / "000.png").read_bytes()
    Image.new("RGB", (10, 12), "red").save(folder / "000.png")
    assert (pack_of(folder).samples[0] == [255, 0, 0]).all()
    (folder / "000.png").write_bytes(content)
    os.utime(folder / "000.png", (1, 1))
    np.testing.assert_array_equal(pack_of(folder).samples, old.samples)
    assert len(packs(cache)) == 2
    (folder / "000.png").rename(folder / "zzz.png")
    assert pack_of(folder).names[-1] == "zzz.png"
    pack_of(folder, described_by="other words")
    pack_files(open_files(folder), Frame(9, 9), kind="pictures", names=["001.png"])
    assert len(packs(cache)) == 5


def test_a_zip_gives_what_the_folder_gives(tmp_path):
    folder = paint(tmp_path / "mine")
    shutil.make_archive(str(tmp_path / "mine"), "zip", folder)
    a, b = pack_of(folder), pack_of(tmp_path / "mine.zip")
    np.testing.assert_array_equal(a.samples, b.samples)
    assert a.names == b.names


def test_watch_is_told_of_the_progress(tmp_path):
    told = []
    pack_of(paint(tmp_path / "mine"), watch=lambda *news: told.append(news))
    assert ("Packing pictures", 4, 4) in told
    assert {what for what, _, _ in told} == {"Reading files", "Packing pictures"}


def test_numbered_classes_are_in_the_order_of_their_numbers(tmp_path):
    folder = paint(tmp_path / "mine", 3)
    data = pack_of(
        folder, describe=lambda: Described(lambda name: ({"000": "10", "001": "9", "002": "x"}[name[:3]], ()))
    )
    assert data.classes == ("9", "10", "x")


def test_no_usable_picture_names_the_reasons_and_leaves_no_pack(tmp_path, cache):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.py"):
        (folder / name).write_text("text")
    (folder / "d.png").touch()
    with pytest.raises(GanvasError, match=r"Not one of 4 files .* picture: not an image \(3\), empty \(1\)"):
        pack_of(folder)
    assert packs(cache) == []


def test_a_damaged_pack_is_made_again(cache):
    packed("toys-0", items(6), most=6, shape=(4, 4, 3))
    (cache / "toys-0" / "samples.npy").write_bytes((cache / "toys-0" / "samples.npy").read_bytes()[:200])
    assert len(packed("toys-0", items(6), most=6, shape=(4, 4, 3))) == 6
    (cache / "toys-0" / "index.json").write_text("{")
    assert len(packed("toys-0", items(6), most=6, shape=(4, 4, 3))) == 6
    (cache / "toys-0" / "index.json").unlink()
    assert packed("toys-0", items(6), most=6, shape=(4, 4, 3)).samples[5].max() == 5
    assert packs(cache) == ["toys-0"]


@pytest.mark.parametrize("part", ["samples.npy", "index.json"])
def test_no_flipped_bit_of_a_pack_is_ever_seen(cache, part):
    """Sixteen flips all over each file: the pack is made anew, and that is said once."""
    sound = packed("toys-0", items(6), most=6, shape=(4, 4, 3))
    file = cache / "toys-0" / part
    content, samples = file.read_bytes(), sound.samples.copy()
    for place in np.linspace(0, len(content) - 1, 16).astype(int):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        data = packed("toys-0", items(6), most=6, shape=(4, 4, 3))
        np.testing.assert_array_equal(data.samples, samples)
        assert (data.names, data.classes, data.labels.tolist()) == (sound.names, sound.classes, sound.labels.tolist())
        assert data.notes == (pack.MADE_ANEW,) or damaged[place] in b" \n"
        assert packed("toys-0", [], most=6, shape=(4, 4, 3)).notes == ()


@pytest.mark.parametrize("how", ["in place", "renamed over it"])
def test_another_picture_of_the_same_size_and_time_is_seen(tmp_path, how):
    """As `cp -p`, unzip and rsync leave them; a BMP has the same size whatever is in it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in "ab":
        Image.new("RGB", (8, 8), "red").save(folder / f"{name}.bmp")
    assert (pack_of(folder).samples == [255, 0, 0]).all()
    times = (folder / "a.bmp").stat()
    target = folder / "a.bmp" if how == "in place" else tmp_path / "other.bmp"
    Image.new("RGB", (8, 8), "blue").save(target)
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    target.replace(folder / "a.bmp")
    after = (folder / "a.bmp").stat()
    assert (after.st_size, after.st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    assert (pack_of(folder).samples[0] == [0, 0, 255]).all()


def slowly(started):
    for number, item in enumerate(items(1000)):
        if number == 500:
            started.set()
            time.sleep(60)
        yield item


def pack_slowly(started):
    packed("toys-1", slowly(started), most=1000, shape=(4, 4, 3))


def test_a_killed_packing_leaves_no_broken_pack(cache):
    fork = multiprocessing.get_context("fork")
    started = fork.Event()
    process = fork.Process(target=pack_slowly, args=(started,))
    process.start()
    assert started.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (draft,) = cache.glob(".draft-*-toys-1")
    data = packed("toys-1", items(1000), most=1000, shape=(4, 4, 3))
    assert data.labels.tolist() == [0, 1] * 500
    for path in (draft, *draft.iterdir()):  # what it left is removed when it is a day old
        os.utime(path, (1, 1))
    packed("toys-2", items(2), most=2, shape=(4, 4, 3))
    assert packs(cache) == ["toys-1", "toys-2"]


def pack_at_once(barrier, results):
    def waiting():
        yield from items(50)
        barrier.wait(30)  # so that both are writing before either is done

    results.put(int(packed("toys-3", waiting(), most=50, shape=(4, 4, 3)).samples.sum()))


def test_two_processes_may_pack_the_same_at_once(cache):
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(2), fork.Queue()
    processes = [fork.Process(target=pack_at_once, args=(barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    expected = sum(range(50)) * 48
    assert [results.get(timeout=30), results.get(timeout=30)] == [expected, expected]
    for process in processes:
        process.join()
    assert packs(cache) == ["toys-3"]


def test_a_full_disk_is_told_with_path_and_bytes_and_leaves_nothing(cache, monkeypatch):
    told = r"There is no room in the cache .*cache: this needs 480,000 bytes.*GANVAS_CACHE"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(GanvasError, match=told):
            packed("toys-4", items(100, (40, 40, 3)), most=100, shape=(40, 40, 3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert packs(cache) == []
    usage = shutil.disk_usage(cache)._replace(free=400_000)
    monkeypatch.setattr(pack.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(GanvasError, match=told):
        packed("toys-4", items(100, (40, 40, 3)), most=100, shape=(40, 40, 3))
    assert packs(cache) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(GanvasError, match=r"file.cache cannot be written: .*GANVAS_CACHE to a folder that can"):
        packed("toys-5", items(2), most=2, shape=(4, 4, 3))


def test_an_error_while_packing_leaves_nothing(cache):
    def broken():
        yield from items(3)
        raise GanvasError("no more")

    with pytest.raises(GanvasError, match="no more"):
        packed("toys-6", broken(), most=5, shape=(4, 4, 3))
    assert packs(cache) == []


def test_memory_stays_flat(tmp_path):
    """50 pictures of 4 megapixels are 600 MB decoded, but only those under way may be held at once."""
    folder = tmp_path / "mine"
    folder.mkdir()
    Image.new("RGB", (2000, 2000), "teal").save(folder / "000.png", compress_level=1)
    for number in range(1, 50):
        shutil.copy(folder / "000.png", folder / f"{number:03}.png")
    assert peak(lambda: pack_of(folder)) < 60 * min(8, os.cpu_count() or 1) + 40


def test_a_digest_holds_no_more_than_a_part_of_what_is_mapped(tmp_path):
    np.lib.format.open_memmap(tmp_path / "samples.npy", "w+", np.uint8, (60_000, 32, 32, 3)).flush()
    mapped = np.load(tmp_path / "samples.npy", mmap_mode="r")
    assert peak(Dataset(mapped).digest) < 60  # of 176
    assert Dataset(mapped[:100]).digest() == Dataset(np.zeros((100, 32, 32, 3), np.uint8)).digest()
    changed = np.load(tmp_path / "samples.npy", mmap_mode="c")
    changed[:100] = 7
    Dataset(changed[:50]).digest()
    assert (changed[:100] == 7).all()


def peak(work):
    """The MiB by which a process of its own grows at most while it works."""
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()

    def measure():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        results.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)

    process = fork.Process(target=measure)
    process.start()
    grown = results.get(timeout=60)
    process.join()
    return grown


def test_links_are_followed_but_never_in_circles(tmp_path):
    folder = paint(tmp_path / "mine", 2)
    paint(tmp_path / "elsewhere", 1, seed=1)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "broken").symlink_to(tmp_path / "nothing")
    files = open_files(folder)
    assert files.names == ("000.png", "001.png", "linked/000.png")
    assert dict(files.closed) == {
        "broken": "a link to nothing",
        "self": "cannot be read: Too many levels of symbolic links",
    }


def test_broken_links_alone_are_named(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in "ab":
        (tmp_path / "mine" / f"{name}.png").symlink_to(tmp_path / "gone" / f"{name}.png")
    with pytest.raises(GanvasError, match=r"mine holds no files but a.png, a link to nothing"):
        Folder(str(tmp_path / "mine")).open()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(GanvasError, match=r"no folder or file .*link: it is a link to something that is gone"):
        Folder(str(tmp_path / "link")).open()


def test_pipes_and_devices_are_never_opened(tmp_path):
    """Reading one would wait for ever, or never end."""
    folder = paint(tmp_path / "mine", 2)
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    (folder / "zero.png").symlink_to("/dev/zero")
    assert dict(pack_of(folder).skipped) == {"pipe.png": "a pipe or a device", "zero.png": "a pipe or a device"}
    for path in (tmp_path / "pipe", "/dev/zero"):
        for use in (source, stamp, listing, lambda path: read_pictures([path], FRAME)):
            try:
                use(str(path) if use is source else Path(path))
            except GanvasError as error:
                assert "is a pipe or a device" in str(error)  # noqa: PT017 - some only say that it is no zip


def test_runs_of_the_toolkit_and_its_cache_are_no_data(tmp_path, monkeypatch):
    folder = paint(tmp_path / "art", 2)
    paint(folder / "runs" / "one" / "samples", 5)
    paint(folder / "runs" / "notes", 1)
    for name in ("run.json", "recipe.json"):
        (folder / "runs" / "one" / name).write_text("{}")
    monkeypatch.setenv("GANVAS_CACHE", str(folder / "cache"))
    first = pack_of(folder)
    data = pack_of(folder)
    assert first.names == data.names == ("000.png", "001.png", "runs/notes/000.png")
    ((name, reason),) = data.skipped
    assert (name, reason[:21]) == ("runs/one/", "a run of this toolkit")
    shutil.make_archive(str(tmp_path / "art"), "zip", folder)
    assert ("runs/one/", reason) in open_files(tmp_path / "art.zip").closed
    assert "runs/one/samples/000.png" not in open_files(tmp_path / "art.zip").names
    assert len(open_files(folder / "runs" / "one").names) == 7, "asked for by itself it is looked into"


def test_sheets_of_the_toolkit_are_no_data_and_single_samples_are(tmp_path):
    folder = paint(tmp_path / "art", 2)
    drawn = np.zeros((20, 20, 3), np.uint8)
    for name in ("contact.png", "contact.webp", "contact.jpg", "contact.gif", "contact.tif"):
        save_picture(drawn, folder / name)
    save_picture(drawn, folder / "single.png", sheet=False)
    data = pack_of(folder)
    assert data.names == ("000.png", "001.png", "single.png")
    assert {reason for _, reason in data.skipped} == {"a sheet that this toolkit has drawn"}
    assert len(data.skipped) == 5


@pytest.mark.parametrize("place", [6, 4])
def test_a_zip_that_needs_a_version_to_come_is_refused(tmp_path, place):
    shutil.make_archive(str(tmp_path / "mine"), "zip", paint(tmp_path / "mine", 2))
    content = bytearray((tmp_path / "mine.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + place] = 255
    (tmp_path / "mine.zip").write_bytes(content)
    try:
        data = pack_of(tmp_path / "mine.zip")
    except GanvasError as error:
        assert "cannot be read as a zip file: zip file version 25.5" in str(error)  # noqa: PT017 - one of both
    else:
        assert len(data) == 2


def test_hidden_files_are_not_there(tmp_path):
    folder = paint(tmp_path / "mine", 1)
    (folder / ".DS_Store").touch()
    paint(folder / ".cache", 1)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.write(folder / "000.png", "a/000.png")
        archive.write(folder / "000.png", "__MACOSX/a/000.png")
        archive.write(folder / "000.png", "a/._000.png")
    assert open_files(folder).names == ("000.png",)
    assert open_files(tmp_path / "mine.zip").names == ("a/000.png",)


def test_odd_zips_are_read_without_writing_anything(tmp_path, cache):
    picture = paint(tmp_path / "mine", 1) / "000.png"
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(picture, "../../outside.png")
        archive.writestr("/absolute.png", picture.read_bytes())
        archive.write(picture, "back\\slash.png")
        archive.writestr("bomb.png", b"\0" * 10_000_000)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.mkdir("folder.png")
    before = sorted(tmp_path.rglob("*"))
    data = pack_of(tmp_path / "odd.zip")
    assert data.names == ("../../outside.png", "/absolute.png", "back/slash.png")
    assert dict(data.skipped) == {"bomb.png": "not an image", "link.png": "not an image"}
    assert [path for path in sorted(tmp_path.rglob("*")) if cache not in path.parents and path != cache] == before


def test_an_entry_that_says_it_is_huge_is_not_opened(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "huge.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w") as entry,
    ):
        for _ in range(MOST_BYTES // 2**20 + 1):
            entry.write(bytes(2**20))
    paint(tmp_path / "mine", 1)
    with pytest.raises(GanvasError, match=r"larger than 256 MiB \(1\)"):
        pack_of(tmp_path / "huge.zip")


def test_a_damaged_or_encrypted_entry_has_its_reason(tmp_path):
    folder = paint(tmp_path / "mine", 3)
    shutil.make_archive(str(tmp_path / "mine"), "zip", folder)
    content = bytearray((tmp_path / "mine.zip").read_bytes())
    content[120] ^= 0xFF  # in the first picture
    content[content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4) + 8] |= (
        1  # the second is said to be encrypted
    )
    (tmp_path / "mine.zip").write_bytes(content)
    data = pack_of(tmp_path / "mine.zip")
    assert dict(data.skipped) == {"000.png": "damaged", "001.png": "encrypted: unpack the zip, and name the folder"}


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path):
    (tmp_path / "text.zip").write_text("text")
    (tmp_path / "cut.zip").write_bytes(b"PK\x05\x06" + b"\x01" * 16 + b"\0\0")
    with pytest.raises(GanvasError, match=r"There is no folder or file .*nothing"):
        open_files(tmp_path / "nothing")
    with pytest.raises(GanvasError, match=r"text.zip is no folder, no zip file and no picture"):
        open_files(tmp_path / "text.zip")
    with pytest.raises(GanvasError, match=r"cut.zip cannot be read as a zip file"):
        open_files(tmp_path / "cut.zip")


def test_the_cache_is_in_the_usual_place_without_the_variable(monkeypatch):
    monkeypatch.delenv("GANVAS_CACHE")
    assert "ganvas" in str(cache_folder())


def test_the_index_is_plain_json(tmp_path, cache):
    pack_of(paint(tmp_path / "mine"))
    (name,) = packs(cache)
    index = json.loads(Path(cache / name / "index.json").read_text())
    kept = {"names", "classes", "labels", "keywords", "sizes", "skipped", "kinds", "notes", "pack"}
    assert set(index) == kept | {"shape", "samples", "sum"}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM])
def test_what_will_pass_leaves_no_picture_out(tmp_path, monkeypatch, number):
    for shade in range(4):
        Image.new("RGB", (8, 8), (60 * shade, 0, 0)).save(tmp_path / f"{shade}.png")
    read = archives._Folder._read

    def busy(self, name, most=None):
        if name == "2.png":
            raise OSError(number, os.strerror(number))
        return read(self, name, most)

    monkeypatch.setattr(archives._Folder, "_read", busy)
    with pytest.raises(Unreadable, match=r"2\.png cannot be read now: .* Try again"):
        Folder(str(tmp_path), size=8).open()
    monkeypatch.undo()
    assert len(Folder(str(tmp_path), size=8).open()) == 4


@pytest.mark.parametrize("how", ["gone", "another picture"])
def test_a_file_that_changes_while_it_is_packed_is_in_no_pack(tmp_path, monkeypatch, how):
    """The pack is named by what was in the file before, and would be taken for it whenever that is there again."""
    for shade in range(4):
        Image.new("RGB", (8, 8), (60 * shade, 0, 0)).save(tmp_path / f"{shade}.png")
    changed = tmp_path / "2.png"
    content = changed.read_bytes()

    def late(work, given, **options):
        changed.unlink()
        if how != "gone":
            Image.new("RGB", (8, 8), "blue").save(changed)
        return in_parallel(work, given, **options)

    monkeypatch.setattr(pack, "in_parallel", late)
    with pytest.raises(Unreadable, match=r"2\.png .* again when nothing writes to"):
        Folder(str(tmp_path), size=8).open()
    monkeypatch.undo()
    changed.write_bytes(content)
    data = Folder(str(tmp_path), size=8).open()
    assert data.samples[:, 0, 0, 0].tolist() == [0, 60, 120, 180]
    assert not data.skipped


def test_folders_may_lie_within_one_another_however_deep(tmp_path, request):
    """Python allows a thousand calls within one another; here fewer, for pytest could not remove so deep a folder."""
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    folder = tmp_path
    for _ in range(150):
        folder = folder / "d"
        folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (80 * number, 0, 0)).save(folder / f"{number}.png")
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    assert len(open_files(tmp_path).names) == 3
    (tmp_path / "d" / "again").symlink_to(tmp_path)
    assert len(open_files(tmp_path).names) == 3


def test_a_zip_within_the_data_says_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(GanvasError, match=r"a zip within the data: unpack it, or name it alone \(1\)"):
        Folder(str(tmp_path)).open()


def test_tar_files_and_arrays_of_pictures_say_how_to_name_them(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(GanvasError, match=r"Tar shards are named as shards:.*a\.tar\.gz"):
        source(tmp_path / "a.tar.gz").open()
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 8, 3), np.uint8))
    with pytest.raises(GanvasError, match=r"holds numbers \[3, 8, 8, 3\].*ganvas\.Dataset\(array\)"):
        source(tmp_path / "a.npy").open()


def test_transparency_that_is_not_learned_is_told(tmp_path):
    """Of a folder of sprites nothing said that they came to stand on white, or that this can be otherwise."""
    sprite = Image.new("RGBA", (8, 8))
    sprite.paste((200, 0, 0, 255), (2, 2, 6, 6))
    sprite.save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8), "red").save(tmp_path / "b.png")
    data = pack_of(tmp_path)
    assert dict(data.kinds) == {"transparent PNG": 1, "PNG": 1}, "one that is opaque is none"
    assert data.notes == ("1 picture is transparent, and learned on white; --set data.channels=4 learns transparency.",)
    assert Folder(str(tmp_path), size=8, channels=4).open().notes == ()


def test_pages_that_are_not_learned_from_are_told(tmp_path):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    second.save(tmp_path / "b.tif")
    Image.new("I;16", (8, 8), 5000).save(tmp_path / "c.tif", save_all=True, append_images=[Image.new("I;16", (8, 8))])
    data = pack_of(tmp_path)
    assert dict(data.kinds) == {"TIFF, first page": 1, "TIFF": 1, "TIFF, first page of 14 bits": 1}
    assert "2 TIFF files have several pages, of which the first is learned from" in " ".join(data.notes)
    assert data.samples[:2, 0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]
