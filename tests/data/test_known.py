"""The well-known data sets, on tiny files in the formats they are published in."""

import gzip
import io
import pickle
import shutil
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import GanvasError
from ganvas.core.files import cache_folder
from ganvas.data.dataset import source
from ganvas.data.sources import cifar10, mnist
from ganvas.data.sources.celeba import Celeba
from ganvas.data.sources.cifar10 import CLASSES, Cifar10
from ganvas.data.sources.mnist import Mnist

DICE = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))


def idx(numbers):
    return struct.pack(f">BBBB{numbers.ndim}i", 0, 0, 8, numbers.ndim, *numbers.shape) + numbers.tobytes()


DIGITS = DICE.integers(0, 256, (30, 28, 28), np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 10


def mnist_folder(folder, *, packed=True, dots=False):
    folder.mkdir()
    for prefix, count in (("train", 30), ("t10k", 20)):
        for kind, numbers in (("images-idx3", DIGITS[:count]), ("labels-idx1", LABELS[:count])):
            name = f"{prefix}-{kind}-ubyte".replace("-idx", ".idx" if dots else "-idx")
            (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(idx(numbers)) if packed else idx(numbers))
    return folder


class TestMnist:
    @pytest.mark.parametrize("packed", [True, False])
    @pytest.mark.parametrize("dots", [True, False])
    def test_all_ways_the_files_are_found(self, tmp_path, packed, dots):
        folder = mnist_folder(tmp_path / "mnist", packed=packed, dots=dots)
        shutil.make_archive(str(tmp_path / "mnist"), "zip", tmp_path, "mnist")
        for path in (folder, tmp_path / "mnist.zip"):
            data = source(str(path)).open()
            np.testing.assert_array_equal(data.samples[:, 2:30, 2:30, 0], DIGITS)
            assert data.samples.sum() == DIGITS.sum()
            np.testing.assert_array_equal(data.labels, LABELS)
            assert data.classes == tuple("0123456789")

    def test_splits_and_sizes(self, tmp_path):
        folder = mnist_folder(tmp_path / "mnist")
        np.testing.assert_array_equal(Mnist(str(folder), size=28).open().samples[..., 0], DIGITS)
        assert len(Mnist(str(folder), split="test").open()) == 20
        assert Mnist(str(folder), size=16, channels=3).open().shape == (3, 16, 16)
        with pytest.raises(GanvasError, match="splits train and test, not 'valid'"):
            Mnist(str(folder), split="valid").open()

    @pytest.mark.parametrize(
        "content",
        [b"", b"\0", b"\0\0\x08\x03", idx(DIGITS)[:-5], gzip.compress(idx(DIGITS))[:-50], idx(LABELS), idx(DIGITS[:7])],
    )
    def test_damaged_files_are_told(self, tmp_path, content):
        folder = mnist_folder(tmp_path / "mnist")
        (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
        with pytest.raises(GanvasError, match="train-images-idx3-ubyte"):
            Mnist(str(folder)).open()

    def test_a_missing_file_is_named(self, tmp_path):
        folder = mnist_folder(tmp_path / "mnist")
        (folder / "t10k-labels-idx1-ubyte.gz").unlink()
        with pytest.raises(GanvasError, match="mnist has no file t10k-labels-idx1-ubyte"):
            Mnist(str(folder), split="test").open()

    def test_without_a_path_it_is_downloaded(self, tmp_path, monkeypatch):
        folder = mnist_folder(tmp_path / "server")

        def download(address, path, **_):
            path.parent.mkdir(parents=True, exist_ok=True)
            return shutil.copy(folder / address.rpartition("/")[2], path)

        monkeypatch.setattr(mnist, "download", download)
        assert len(Mnist().open()) == 30

    def test_offline_it_names_the_way_out(self):
        with pytest.raises(GanvasError, match=r"could not be fetched .*`data='mnist:FOLDER'`"):
            mnist.download(
                "http://127.0.0.1:9/file",
                cache_folder() / "file",
                checksum="md5:0",
                watch=lambda *_: None,
                otherwise="`data='mnist:FOLDER'`",
                pause_seconds=0,
            )


PHOTOS = DICE.integers(0, 256, (60, 32, 32, 3), np.uint8)
BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


def planes(batch):
    return PHOTOS[batch * 10 : batch * 10 + 10].transpose(0, 3, 1, 2).reshape(10, 3072)


def binary(batch):
    return np.concatenate([np.arange(10, dtype=np.uint8)[:, None], planes(batch)], axis=1).tobytes()


def python_two(batch, *, reconstruct=b"cnumpy.core.multiarray\n_reconstruct\n"):
    """A batch as Python 2 pickled it, opcode by opcode, for Python 3 writes bytes in another way."""
    data = planes(batch).tobytes()
    array = reconstruct + b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01K\x0aM\x00\x0c\x86" + dtype + b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in range(10)) + b"e"
    return b"\x80\x02}(U\x04data" + array + state + b"U\x06labels" + labels + b"u."


def archive(path, *, ending, content):
    with tarfile.open(path, "w:gz") as opened:
        for number, name in enumerate(BATCHES):
            info = tarfile.TarInfo(f"cifar-10-batches/{name}{ending}")
            info.size = len(content(number))
            opened.addfile(info, io.BytesIO(content(number)))
    return path


class TestCifar10:
    @pytest.mark.parametrize(("ending", "content"), [(".bin", binary), ("", python_two)])
    def test_archives_and_what_is_unpacked_from_them(self, tmp_path, ending, content):
        path = archive(tmp_path / "cifar-10-some.tar.gz", ending=ending, content=content)
        folder = tmp_path / "unpacked"
        folder.mkdir()
        for number, name in enumerate(BATCHES):
            (folder / f"{name}{ending}").write_bytes(content(number))
        shutil.make_archive(str(tmp_path / "cifar"), "zip", folder)
        for each in (path, folder, tmp_path / "cifar.zip"):
            data = source(str(each)).open()
            assert isinstance(source(str(each)), Cifar10)
            np.testing.assert_array_equal(data.samples, PHOTOS[:50])
            assert data.labels.tolist() == [*range(10)] * 5
            assert data.classes == CLASSES
            np.testing.assert_array_equal(Cifar10(str(each), split="test").open().samples, PHOTOS[50:])

    def test_class_folders(self, tmp_path):
        for split in ("train", "test"):
            for name in ("cat", "dog"):
                (tmp_path / "c" / split / name).mkdir(parents=True)
                Image.fromarray(PHOTOS[0]).save(tmp_path / "c" / split / name / "1.png")
        data = Cifar10(str(tmp_path / "c")).open()
        assert data.names == ("train/cat/1.png", "train/dog/1.png")
        assert data.classes == ("cat", "dog")
        assert len(Cifar10(str(tmp_path / "c" / "test"), split="test").open()) == 2
        with pytest.raises(GanvasError, match=r"neither batches of CIFAR-10 nor .* its classes .* `data='\S+cat'`$"):
            Cifar10(str(tmp_path / "c" / "train" / "cat")).open()

    @pytest.mark.parametrize(
        "content",
        [
            lambda number: pickle.dumps({b"data": np.zeros((10, 3072)).tolist(), b"labels": [0] * 10}),
            lambda number: python_two(number, reconstruct=b"cos\nsystem\n"),
            lambda number: b"cos\nsystem\n(S'touch hacked'\ntR.",
            lambda number: python_two(number)[:-30],
            lambda number: b"\x80\x02}.",
            lambda number: b"",
        ],
    )
    def test_no_other_pickle_is_read(self, tmp_path, monkeypatch, content):
        monkeypatch.chdir(tmp_path)
        path = archive(tmp_path / "cifar-10-python.tar.gz", ending="", content=content)
        with pytest.raises(GanvasError, match="data_batch_1 is no batch of CIFAR-10"):
            Cifar10(str(path)).open()
        assert not (tmp_path / "hacked").exists()

    def test_damaged_and_incomplete_archives_are_told(self, tmp_path):
        path = archive(tmp_path / "cifar-10-binary.tar.gz", ending=".bin", content=binary)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(GanvasError, match="is damaged or cut short"):
            Cifar10(str(path)).open()
        folder = tmp_path / "cifar-10-batches-bin"
        folder.mkdir()
        (folder / "data_batch_1.bin").write_bytes(binary(0))
        with pytest.raises(GanvasError, match="lacks data_batch_2, data_batch_3, data_batch_4, data_batch_5"):
            Cifar10(str(tmp_path)).open()
        for number, name in enumerate(BATCHES):
            (folder / f"{name}.bin").write_bytes(binary(number)[:-1])
        with pytest.raises(GanvasError, match=r"data_batch_1\.bin is no batch"):
            Cifar10(str(folder)).open()
        with pytest.raises(GanvasError, match="There is no folder or file"):
            Cifar10(str(tmp_path / "none")).open()
        with pytest.raises(GanvasError, match="splits train and test"):
            Cifar10(split="valid").open()

    def test_without_a_path_it_is_downloaded(self, tmp_path, monkeypatch):
        path = archive(tmp_path / "binary.tar.gz", ending=".bin", content=binary)
        monkeypatch.setattr(cifar10, "download", lambda *_, **__: path)
        assert len(Cifar10().open()) == 50


class TestCeleba:
    @pytest.fixture
    def folder(self, tmp_path):
        faces = tmp_path / "celeba" / "img_align_celeba"
        faces.mkdir(parents=True)
        for number in range(1, 5):
            Image.new("RGB", (178, 218), (number * 50, 0, 0)).save(faces / f"00000{number}.jpg")
        rows = ["000001.jpg -1  1", "000002.jpg  1 -1", "000003.jpg  1  1", "000004.jpg -1 -1"]
        head = "5_o_Clock_Shadow Brown_Hair"
        (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("\n".join(["4", head, *rows]))
        parts = [f"00000{number}.jpg {split}" for number, split in ((1, 0), (2, 0), (3, 1), (4, 2))]
        (tmp_path / "celeba" / "list_eval_partition.txt").write_text("\n".join(parts))
        return tmp_path / "celeba"

    def test_faces_attributes_and_splits(self, folder):
        data = source(str(folder)).open()
        assert data.shape == (3, 64, 64)
        assert data.sizes == ((178, 178, 178), (218, 218, 218))
        assert data.keywords == (("brown hair",), ("5 o clock shadow",), ("5 o clock shadow", "brown hair"), ())
        assert source(str(folder / "img_align_celeba")).open().keywords == data.keywords
        assert [len(Celeba(str(folder), split=split).open()) for split in ("train", "valid", "test")] == [2, 1, 1]

    def test_a_zip_with_comma_separated_attributes(self, folder):
        shutil.make_archive(str(folder / "img_align_celeba"), "zip", folder, "img_align_celeba")
        shutil.rmtree(folder / "img_align_celeba")
        text = (folder / "list_attr_celeba.txt").read_text().splitlines()
        rows = [",".join(line.split()) for line in text[2:]]
        (folder / "list_attr_celeba.txt").unlink()
        (folder / "list_attr_celeba.csv").write_text("\n".join(["image_id,5_o_Clock_Shadow,Brown_Hair", *rows]))
        for path in (folder, folder / "img_align_celeba.zip"):
            assert source(str(path)).open().keywords[2] == ("5 o clock shadow", "brown hair")

    def test_what_is_missing_is_told(self, folder):
        with pytest.raises(GanvasError, match=r"fetched by hand from https://.*`data='celeba:FOLDER'`"):
            Celeba().open()
        with pytest.raises(GanvasError, match="splits all, train, valid, test, not 'nose'"):
            Celeba(str(folder), split="nose").open()
        (folder / "list_eval_partition.txt").unlink()
        with pytest.raises(GanvasError, match=r"No list_eval_partition.txt in .* has the split train"):
            Celeba(str(folder), split="train").open()
        with pytest.raises(GanvasError, match="There is no folder or file"):
            Celeba(str(folder / "none")).open()
