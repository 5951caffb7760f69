import importlib.metadata
import io
import json
import re
import shutil
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ganvas import find
from ganvas.core import catalog
from ganvas.core.errors import GanvasError
from ganvas.data.archives import open_files
from ganvas.data.captions import captions
from ganvas.data.dataset import Dataset, source
from ganvas.data.decode import decode
from ganvas.data.sources import folder as folders
from ganvas.data.sources import icons
from ganvas.data.sources.celeba import Celeba
from ganvas.data.sources.cifar10 import Cifar10
from ganvas.data.sources.digits import Digits
from ganvas.data.sources.folder import Folder
from ganvas.data.sources.icons import Icons
from ganvas.data.sources.mnist import Mnist
from ganvas.data.sources.toys import Grid25, Ring
from ganvas.recipes.plan import choose, plan


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))


def paint(folder, names):
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(noise).save(folder / name)
    return folder


class TestDataset:
    def test_pictures_are_taken_as_floats_in_the_shape_of_networks(self):
        samples = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
        data = Dataset(samples)
        assert data.shape == (3, 3, 4)
        taken = data.take(np.array([1, 0, 1]))
        assert taken.shape == (3, 3, 3, 4)
        np.testing.assert_allclose(taken[1, 2, 0, 1], samples[0, 0, 1, 2] / 127.5 - 1, rtol=1e-6)

    def test_points_are_taken_as_they_are(self):
        points = np.arange(8, dtype=np.float32).reshape(4, 2)
        assert Dataset(points).shape == (2,)
        np.testing.assert_array_equal(Dataset(points).take(np.array([2])).numpy(), points[2:3])

    def test_the_summary_counts_everything(self):
        data = Dataset(
            np.zeros((12, 4, 4, 1), np.uint8),
            classes=("cat", "dog", "owl"),
            labels=np.array([0] * 7 + [1] * 5),
            keywords=(*[("soft",)] * 11, ("soft", "loud")),
            skipped=(("a", "damaged"), ("b", "not an image"), ("c", "damaged")),
            sizes=((4, 5, 6), (7, 8, 9)),
        )
        summary = data.summary()
        assert (summary.count, summary.shape, summary.sizes) == (12, (1, 4, 4), ((4, 5, 6), (7, 8, 9)))
        assert summary.classes == {"cat": 7, "dog": 5, "owl": 0}
        assert list(summary.keywords.items()) == [("soft", 12), ("loud", 1)]
        assert summary.rare == 1
        assert list(summary.skipped.items()) == [("damaged", 2), ("not an image", 1)]


class TestSource:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("icons", Icons()),
            ("icons:flags", Icons("flags")),
            ("ring", Ring()),
            ("ring:500", Ring(500)),
            ("digits", Digits()),
            ("mnist:/some/where", Mnist("/some/where")),
            ("mnist:C:\\pictures", Mnist("C:\\pictures")),
            ("folder:a:b", Folder("a:b")),
        ],
    )
    def test_names_with_and_without_a_setting(self, text, expected):
        assert source(text) == expected

    def test_every_part_without_a_needed_setting_is_named_by_its_word(self):
        for name in catalog.names("data"):
            if name not in {"folder", "clips", "parquet", "points", "shards"}:
                assert catalog.name_of(source(name)) == name

    def test_paths_with_colons_and_of_windows_are_paths_if_they_exist(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for name in ("C:\\pictures", "a:b", "icon"):
            paint(tmp_path / name, ["a.png", "b.png"])
            assert source(name) == Folder(name)
        paint(tmp_path / "icons", ["a.png"])
        assert source("icons") == Icons()
        assert source("./icons") == Folder("icons")

    def test_known_sets_are_known_by_their_files(self, tmp_path):
        for name, expected in {
            "a/train-images-idx3-ubyte.gz": Mnist,
            "b/t10k-images.idx3-ubyte": Mnist,
            "c/data_batch_1.bin": Cifar10,
            "d/cifar-10-batches-py/data_batch_1": Cifar10,
            "e/img_align_celeba/000001.jpg": Celeba,
            "f/a.png": Folder,
        }.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True)
            path.touch()
            assert source(str(tmp_path / name[0])) == expected(str(tmp_path / name[0]))
        with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
            archive.writestr("deep/train-images-idx3-ubyte.gz", b"")
        assert isinstance(source(str(tmp_path / "m.zip")), Mnist)
        (tmp_path / "cifar-10-binary.tar.gz").touch()
        assert isinstance(source(str(tmp_path / "cifar-10-binary.tar.gz")), Cifar10)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("iconz", "no folder or file 'iconz', and no data of that name. Did you mean 'icons'?"),
            ("iconz:flags", "Did you mean 'icons'?"),
            ("/no/such/place", "no folder or file '/no/such/place'"),
            ("ring:many", "After ring: comes a whole number, the count, and not 'many'."),
            ("folder", "folder needs a path: write folder:PATH."),
        ],
    )
    def test_what_is_neither_says_so(self, text, message):
        with pytest.raises(GanvasError) as told:
            source(text)
        assert message in str(told.value)


class TestIcons:
    def test_a_subset_is_drawn_on_white_with_names_and_keywords(self):
        data = Icons("hearts").open()
        assert data.shape == (3, 32, 32)
        assert len(data) == 26
        assert data.names[data.names.index("red heart")] == "red heart"
        assert ("red", "heart") in data.keywords
        red = data.samples[data.names.index("red heart")]
        assert (red[0, 0] == 255).all()
        assert red[16, 16].argmax() == 0
        assert red[16, 16, 0] > 200 > 100 > red[16, 16, 2]

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_any_size_and_channel_count(self, channels):
        data = Icons("hearts", size=(24, 16), channels=channels).open()
        assert data.samples.shape[1:] == (16, 24, channels)
        assert (data.samples[:, 0, 0] == ([255] * channels if channels < 4 else 0)).all()

    def test_nothing_is_cut_off(self):
        """The widest drawings, one pixel for each of OpenMoji's units, leave the outermost pixels nearly white."""
        frame = icons.Frame(72, 72, 1)
        for name in ("\U0001f4aa", "\U0001f64c", "\U0001f9d1\u200d\U0001f33e", "\U0001f468\u200d\U0001f3a8"):
            drawn = icons.draw(icons._drawings()[name].read_text(), frame)[..., 0]
            edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
            assert edge.min() > 200

    def test_subsets_hold_what_they_say(self):
        drawings = icons._drawings()
        assert len(drawings) == 4495
        counts = {subset: sum(icons.belongs(each, subset) for each in drawings) for subset in icons.subsets()}
        assert min(counts.values()) > 20
        assert counts["portraits"] > 700
        for each, subset in [
            ("\U0001f468\u200d\U0001f33e", "portraits"),
            ("\U0001f600", "faces"),
            ("\U0001f1e9\U0001f1ea", "flags"),
            ("\U0001f1e9", "symbols"),
            ("\U0001f550", "clocks"),
            ("\U0001f408", "animals"),
        ]:
            assert [name for name in icons.subsets() if name != "people" and icons.belongs(each, name)] == [subset]
        for each in ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f9bd", "\U0001f46b"):
            assert not icons.belongs(each, "portraits")

    @pytest.mark.parametrize(
        ("characters", "name", "keywords"),
        [
            ("\u2764\ufe0f", "red heart", ("red", "heart")),
            ("\U0001f44d\U0001f3fd", "thumbs up medium skin tone", ("thumbs", "up", "medium skin tone")),
            ("\U0001f1e6", "regional indicator symbol letter a", ("regional", "indicator", "symbol", "letter", "a")),
            ("\ue000", "E000", ()),
        ],
    )
    def test_names_and_keywords(self, characters, name, keywords):
        assert icons.name_of_icon(characters) == name
        assert set(icons.words(name)) <= set(keywords)
        assert len(icons.words(name)) >= min(2, len(keywords))

    def test_an_unknown_subset_lists_the_known(self):
        with pytest.raises(
            GanvasError, match=r"no icons called 'flagz'. There are: all, animals, .*, flags, .*, vehicles"
        ):
            Icons("flagz").open()

    def test_missing_packages_are_named(self, monkeypatch):
        def version(name):
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(icons, "version", version)
        with pytest.raises(GanvasError, match=r"pip install 'ganvas\[icons\]'"):
            Icons().open()


class TestFolder:
    def test_sub_folders_are_classes(self, tmp_path):
        folder = paint(tmp_path / "pets", ["cat/1.png", "cat/deep/2.png", "dog/3.png"])
        (folder / "README.md").touch()
        data = Folder(str(folder)).open()
        assert data.names == ("cat/1.png", "cat/deep/2.png", "dog/3.png")
        assert data.classes == ("cat", "dog")
        assert data.labels.tolist() == [0, 0, 1]
        assert data.skipped == (("README.md", "empty"),)

    def test_a_wrapping_folder_is_no_class(self, tmp_path):
        folder = paint(
            tmp_path / "pets", ["archive/data/cat/1.png", "archive/data/dog/2.png", "archive/data/dog/3.png"]
        )
        assert Folder(str(folder)).open().classes == ("cat", "dog")
        assert Folder(str(folder / "archive" / "data" / "dog")).open().classes == ()

    def test_many_pictures_beside_the_folders_leave_no_classes_and_that_is_said(self, tmp_path):
        data = Folder(str(paint(tmp_path / "pets", ["cat/1.png", "dog/2.png", "3.png"])), size=8).open()
        assert data.classes == ()
        assert data.labels is None
        assert len(data) == 3
        (note,) = data.notes
        assert note.startswith("1 of 3 pictures are in no sub-folder, so the 2 sub-folders are not taken as classes.")
        assert f"note: {note}" in str(data.summary())

    def test_a_few_pictures_beside_the_folders_are_left_out(self, tmp_path):
        pets = [f"pets/{kind}/{number}.png" for kind in ("cat", "dog") for number in range(3)]
        data = Folder(str(paint(tmp_path / "data", [*pets, "3.png"])), size=8).open()
        assert data.classes == ("cat", "dog")
        assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert data.skipped == (("3.png", "beside the folders of the classes and in none of them"),)
        assert data.notes == ()

    @pytest.mark.parametrize(
        "names", ["train/ test/", "Training/ Validation/ dev/", "set/train/ set/val/", "train/ test/ 9.png"]
    )
    def test_of_splits_the_one_to_train_on_is_taken(self, tmp_path, names):
        folders = [name for name in names.split() if name.endswith("/")]
        pictures = [
            f"{folder}{kind}/{number}.png" for folder in folders for kind in ("cat", "dog") for number in range(3)
        ]
        data = Folder(
            str(paint(tmp_path / "pets", [*pictures, *(n for n in names.split() if n not in folders)]))
        ).open()
        assert data.classes == ("cat", "dog")
        assert {name.rpartition("/")[0] for name in data.names} == {f"{folders[0]}cat", f"{folders[0]}dog"}
        kept = [(name, reason) for name, reason in data.skipped if reason.startswith("kept for tests")]
        assert sorted(name for name, _ in kept) == sorted(folders[1:])
        assert f"as {folders[0].split('/')[-2]}/ is there to learn from" in kept[0][1]
        assert "(6 files)" in kept[0][1]
        assert Folder(str(tmp_path / "pets" / folders[1])).open().classes == ("cat", "dog")

    @pytest.mark.parametrize(
        "names", ["train/ bus/", "train/ tram/", "test/ val/", "cat/train/ dog/test/", "trainA/ trainB/"]
    )
    def test_other_folders_are_no_splits(self, tmp_path, names):
        pictures = [f"{folder}{number}.png" for folder in names.split() for number in range(2)]
        data = Folder(str(paint(tmp_path / "mine", pictures))).open()
        assert data.classes == tuple(sorted(folder.split("/")[0] for folder in names.split()))
        assert len(data) == 4

    @pytest.mark.parametrize(("taken", "copies"), [("PNG", "SVG"), ("pack/png", "pack/webp"), ("png", "jpg gif")])
    def test_of_formats_one_is_taken(self, tmp_path, taken, copies):
        """A pack of icons is learned once, and its formats are no classes."""
        pictures = [
            f"{folder}/{kind}/{number}" for folder in (taken, *copies.split()) for kind in "ab" for number in range(3)
        ]
        data = Folder(str(paint(tmp_path / "icons", [f"{name}.png" for name in pictures]))).open()
        assert data.classes == ("a", "b")
        assert {name.rpartition("/")[0] for name in data.names} == {f"{taken}/a", f"{taken}/b"}
        why = f"what {taken.rpartition('/')[2]}/ has in another format: name it by itself to use it (6 files)"
        assert sorted(data.skipped) == [(f"{copy}/", why) for copy in sorted(copies.split())]

    def test_formats_of_other_pictures_are_all_taken(self, tmp_path):
        pictures = ["png/1.png", "png/2.png", "png/3.png", "gif/3.gif", "gif/4.gif", "gif/5.gif"]
        assert Folder(str(paint(tmp_path / "mine", pictures))).open().classes == ("gif", "png")

    @pytest.mark.parametrize("ending", ["jfif", "JPE", "jpeg_large", ""])
    def test_what_a_name_ends_in_says_nothing(self, tmp_path, ending):
        dice = np.random.default_rng(0)
        for number, kind in enumerate(["cat", "cat", "dog"]):
            (tmp_path / kind).mkdir(exist_ok=True)
            content = io.BytesIO()
            Image.fromarray(dice.integers(0, 256, (20, 20, 3), np.uint8)).save(content, "JPEG")
            (tmp_path / kind / f"{number}.{ending}".rstrip(".")).write_bytes(content.getvalue())
            (tmp_path / kind / f"{number}.txt").write_text("a word")
        paint(tmp_path, ["dog/7.png"])
        data = Folder(str(tmp_path)).open()
        assert data.classes == ("cat", "dog")
        assert data.skipped == ()
        assert data.keywords == (("a", "word"),) * 3 + ((),)
        assert data.kinds == (("JPEG", 3), ("PNG", 1))
        assert not Folder(str(tmp_path)).drawn()
        single = tmp_path / "cat" / f"0.{ending}".rstrip(".")
        with pytest.raises(GanvasError, match="is a single picture"):
            Folder(str(single)).open()
        assert len(Folder(str(single), size=8, across=2).open()) == 9

    def test_names_are_one_however_their_accents_are_stored(self, tmp_path):
        """As a Mac and a Linux machine store them: a letter and its accent as two characters, or as one."""
        two, one = "Ka\u0308se", "K\u00e4se"
        for folder, shade in ((two, 0), (one, 1), ("Brot", 2)):
            paint(tmp_path / "mine" / folder, [f"{shade}.png", f"e\u0301{shade}.png"])
        table = [{"file_name": f"{one}/\u00e91.png", "text": "Cafe\u0301"}]
        (tmp_path / "mine" / "metadata.jsonl").write_text(json.dumps(table[0]))
        data = Folder(str(tmp_path / "mine")).open()
        assert data.classes == ("Brot", one)
        assert len(data) == 6
        assert ("caf\u00e9",) in data.keywords

    def test_a_zip_and_stylegan_labels(self, tmp_path):
        folder = paint(tmp_path / "stylegan", ["00000/img0.png", "00000/img1.png", "00001/img2.png"])
        labels = [["00000/img0.png", 10], ["00000/img1.png", 9], ["00001/img2.png", 10]]
        (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
        shutil.make_archive(str(tmp_path / "stylegan"), "zip", folder)
        for path in (folder, tmp_path / "stylegan.zip"):
            data = Folder(str(path)).open()
            assert data.classes == ("9", "10")
            assert data.labels.tolist() == [1, 0, 1]
            assert data.skipped == ()

    @pytest.mark.parametrize("around", ["", "wrapped/"])
    @pytest.mark.parametrize("suffix", [".png", ".jpg"])
    @pytest.mark.parametrize(
        ("labels", "classes"),
        [
            ([0.0, 1.0, 1.0], ("0", "1")),
            (["sun", "moon", " moon"], ("moon", "sun")),
            ([[1, 0, 0], [0, 0, 1], [0, 0, 1.0]], ("0", "2")),
            ([[10], [9], [9]], ("9", "10")),
        ],
    )
    def test_labels_are_numbers_names_or_ones_among_zeros(self, tmp_path, around, suffix, labels, classes):
        """Also where the pictures have another ending by now, and in a zip with a folder around it all."""
        paint(tmp_path / "mine" / around, ["0/a.png", "0/b.png", "1/c.png"])
        pairs = [[f"{name}{suffix}", label] for name, label in zip(["0/a", "0/b", "1/c"], labels, strict=True)]
        for told in (pairs, dict(pairs)):
            (tmp_path / "mine" / around / "dataset.json").write_text(json.dumps({"labels": told}))
            shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path / "mine")
            for path in (tmp_path / "mine", tmp_path / "mine.zip"):
                data = Folder(str(path)).open()
                assert data.classes == classes
                assert data.labels[1] == data.labels[2] != data.labels[0]
                assert data.skipped == ()

    @pytest.mark.parametrize(
        ("labels", "skipped"),
        [
            ([(f"{n}.png", n % 2) for n in range(9)], ("9.png", "no label in dataset.json")),
            ([("0.png", 0), ("1.png", 1)], ("dataset.json", "it has labels for 2 of 10 pictures; .* 0.png")),
            ([(f"x{n}.png", n % 2) for n in range(10)], ("dataset.json", "labels for 0 of 10 pictures; .* x0.png")),
            ([(f"{n}.png", 5) for n in range(10)], ("dataset.json", "all pictures have the one label '5'")),
            (
                [(f"{n}.png", [0.2, 0.8]) for n in range(10)],
                ("dataset.json", "a label is one class, .* not as in .*0.8"),
            ),
            ([(f"{n}.png", None) for n in range(10)], ("dataset.json", "a label is one class, .* not as in .*null")),
            (
                [(f"{n}.png", n % 2 == 0) for n in range(10)],
                ("dataset.json", "a label is one class, .* not as in .*true"),
            ),
            ({}, ("dataset.json", "no labels in it")),
        ],
    )
    def test_labels_that_do_not_fit_are_named(self, tmp_path, labels, skipped):
        folder = paint(tmp_path / "mine", [f"{number}.png" for number in range(10)])
        (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
        data = Folder(str(folder)).open()
        ((name, reason),) = data.skipped
        assert name == skipped[0]
        assert re.search(skipped[1], reason), reason
        assert data.classes == (("0", "1") if name == "9.png" else ())
        assert len(data) == (9 if name == "9.png" else 10)

    @pytest.mark.parametrize(
        ("name", "head", "line"),
        [
            ("metadata.csv", "file_name,label,text\n", "{}.png,{},red\n"),
            ("metadata.csv", "file_name;class\n", "{}.png;{}\n"),
            ("metadata.jsonl", "", '{{"file_name": "{}.png", "label": "{}"}}\n'),
            ("metadata.jsonl", "", '{{"file_name": "{}.png", "label": {}}}\n'),
        ],
    )
    def test_classes_from_a_column_of_a_table(self, tmp_path, name, head, line):
        folder = paint(tmp_path / "mine", [f"a/{number}.png" for number in range(10)])
        paint(folder, ["b/10.png"])
        animals = ("4", "7") if "{}}" in line else ("cat", "dog")
        lines = [line.format(f"a/{number}", animals[number % 2]) for number in range(10)]
        (folder / name).write_text(head + "".join(lines))
        data = Folder(str(folder)).open()
        assert data.classes == animals
        assert [data.classes[each] for each in data.labels] == [animals[int(each[2:-4]) % 2] for each in data.names]
        assert data.skipped == (("b/10.png", f"no label in {name}"),)
        assert data.keywords[:1] == ((("red",),) if "text" in head else ())

    def test_classes_from_the_tables_of_several_folders(self, tmp_path):
        folder = paint(tmp_path / "mine", [f"{place}/{number}.png" for place in "ab" for number in range(3)])
        for place in "ab":
            rows = "".join(f"{number}.png,{'cat' if number else 'dog'}\n" for number in range(3))
            (folder / place / "metadata.csv").write_text("file_name,label\n" + rows)
        data = Folder(str(folder)).open()
        assert (data.classes, data.skipped) == (("cat", "dog"), ())
        assert list(data.labels) == [1, 0, 0] * 2

    @pytest.mark.parametrize(
        ("labels", "told", "classes"),
        [
            ([*"ab", *[""] * 10], r"labels for 2 of 12 pictures", ("f", "g")),
            (["a"] * 12, r"all pictures have the one label 'a'", ("f", "g")),
            ([f"animal {number}" for number in range(12)], r"12 labels for 12 pictures are names", ("f", "g")),
        ],
    )
    def test_a_column_that_makes_no_classes_is_told_and_folders_make_them(self, tmp_path, labels, told, classes):
        names = [f"{'fg'[number % 2]}/{number}.png" for number in range(12)]
        folder = paint(tmp_path / "mine", names)
        rows = "".join(f"{name},{label}\n" for name, label in zip(names, labels, strict=True))
        (folder / "metadata.csv").write_text("file_name,label\n" + rows)
        data = Folder(str(folder)).open()
        ((name, reason),) = data.skipped
        assert name == "metadata.csv"
        assert re.search(told, reason), reason
        assert (data.classes, len(data)) == (classes, 12)

    def test_the_folders_of_a_data_set_without_labels_are_no_classes(self, tmp_path):
        folder = paint(tmp_path / "mine", ["00000/a.png", "00000/b.png", "00001/c.png"])
        (folder / "dataset.json").write_text('{"labels": null}')
        data = Folder(str(folder)).open()
        assert (data.classes, data.skipped) == ((), ())
        (folder / "dataset.json").unlink()
        assert Folder(str(folder)).open().classes == ("00000", "00001")

    @pytest.mark.parametrize(
        "text", ["{", '{"labels": null}', "[]", '{"labels": [1]}', "[" * 100_000, '{"labels": NaN}']
    )
    def test_a_strange_dataset_json_names_no_classes(self, tmp_path, text):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        (folder / "dataset.json").write_text(text)
        assert Folder(str(folder)).open().classes == ()

    def test_keywords_from_a_table_of_json_lines(self, tmp_path):
        folder = paint(tmp_path / "mine", ["train/a.png", "train/b.png", "train/c.png", "train/d.png"])
        rows = [
            {"file_name": "a.png", "keywords": ["Red", " cat "]},
            {"file": "b.png", "text": "a blue dog"},
            {"file_name": "c.png", "text": "very soft, loud; loud"},
        ]
        lines = [*map(json.dumps, rows), "{broken", "", "[1]", '{"file_name": null}']
        (folder / "train" / "metadata.jsonl").write_text("\n".join(lines))
        data = Folder(str(folder)).open()
        assert data.keywords == (("red", "cat"), ("a", "blue", "dog"), ("very soft", "loud"), ())
        assert data.skipped == (("train/metadata.jsonl", "2 of its lines cannot be read, the first is line 4"),)

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ('"text": NaN', ()),
            ('"text": null', ()),
            ('"text": Infinity', ()),
            ('"text": true', ()),
            ('"text": {"red": 1}', ()),
            ('"text": 7', ("7",)),
            ('"keywords": ["red", null, NaN, "", false, 3]', ("red", "3")),
            ('"keywords": NaN, "text": "red"', ("red",)),
            ('"keywords": [], "text": "red"', ("red",)),
            ('"keywords": ["\\ud83d red"]', ("\N{REPLACEMENT CHARACTER} red",)),
        ],
    )
    def test_what_is_no_word_becomes_none(self, tmp_path, told, words):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        rows = [f'{{"file_name": "a.png", {told}}}', '{"file_name": "b.png", "text": "blue"}']
        (folder / "metadata.jsonl").write_text("\n".join(rows))
        assert Folder(str(folder)).open().keywords == (words, ("blue",))

    @pytest.mark.parametrize(
        ("table", "wrong"),
        [
            ("file_name, keywords\na.png, red\n./b.png,blue", ""),
            ("File_Name ;Keywords \na.png;red\nb.png;blue\n", ""),
            ('file_name,note,text\na.png,"' + "x" * 200_000 + '",red\nb.png,,blue', ""),
            ("file_name\ttext\r\na.png\tred\r\n\r\nb.png\tblue\r\n", ""),
            ('file_name,text\na.png,"red"x\nb.png,blue', "line 2: "),
        ],
    )
    @pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_tables_as_people_write_them(self, tmp_path, table, wrong, coding):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        (folder / "metadata.csv").write_bytes(table.encode(coding))
        data = Folder(str(folder)).open()
        assert [words[0].rstrip("x") for words in data.keywords] == ["red", "blue"]
        assert [reason[: len(wrong)] for _, reason in data.skipped] == ([wrong] if wrong else [])

    def test_a_row_without_words_does_not_hide_the_text_beside_the_picture(self, tmp_path):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        (folder / "metadata.csv").write_text("file_name,keywords\na.png,\nb.png,blue\n")
        (folder / "a.txt").write_text("red")
        (folder / "b.txt").write_text("green")
        assert Folder(str(folder)).open().keywords == (("red",), ("blue",))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b'file_name,text\na.png,"red\n' + b"x.png,blue\n" * 60, "line 62: unexpected end of data"),
            (b"file_name,text\na.png,caf\xe9", "it is not UTF-8, so that some letters are lost"),
            (b"", "no line of it can be read"),
        ],
    )
    def test_what_is_lost_of_a_table_is_said(self, tmp_path, content, reason):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        (folder / "metadata.csv").write_bytes(content)
        assert Folder(str(folder)).open().skipped == (("metadata.csv", reason),)

    @pytest.mark.parametrize(
        ("name", "first", "other"),
        [
            ("metadata.csv", "file_name,text\na.png,red\n", ",\n"),
            ("metadata.csv", "file_name,text\na.png,red\n", "x.png,blue\n"),
            ("metadata.jsonl", '{"file_name": "a.png", "text": "red"}\n', "{}\n"),
            ("metadata.jsonl", '{"file_name": "a.png", "text": "red"}\n', f"[{'[],' * 400_000}[]]\n"),
        ],
    )
    def test_a_table_of_any_lines_takes_hardly_more_memory_than_its_text(self, tmp_path, name, first, other):
        """In a zip it takes a thousandth of that: lists of all lines took a hundred times the text."""
        folder = paint(tmp_path / "pictures", ["a.png", "b.png"])
        (folder / name).write_text(first + other * (600_000 // len(other) or 1))
        found = open_files(folder)
        tracemalloc.start()
        told = captions(found, ["a.png", "b.png"])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (told.of("a.png"), told.of("b.png")) == (("red",), ())
        assert peak < 1.5e7, "lists took 2.2e7 and more"

    def test_keywords_from_comma_separated_values_and_from_texts(self, tmp_path):
        folder = paint(tmp_path / "mine", ["a.png", "b.png", "c.jpg"])
        (folder / "metadata.csv").write_text('\ufefffile_name,text\na.png,"red, cat"\n', encoding="utf-8")
        (folder / "b.txt").write_text("blue dog")
        (folder / "notes.txt").write_text("of something else")
        data = Folder(str(folder)).open()
        assert data.keywords == (("red", "cat"), ("blue", "dog"), ())
        assert data.skipped == (("notes.txt", "not an image"),)

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("metadata.jsonl", "{broken", "no line of it can be read"),
            ("metadata.jsonl", '{"filename": "a.png", "tags": ["red"]}', "none of its 1 .*; it has filename, tags"),
            ("metadata.csv", "file_name,text\na.jpg,red\nb.jpg,blue", "none of its 2 .*; it has file_name, text"),
            ("metadata.csv", "file_name,caption\na.png,red", "nothing in .*; it has file_name, caption"),
            ("dataset.json", '{"labels": {}}', "no labels in it"),
            ("dataset.json", '{"labels": ', "it is no JSON"),
            ("dataset.json", '[["a.png", 1]]', "no labels in it"),
        ],
    )
    def test_a_table_that_says_nothing_is_named_with_the_reason(self, name, text, reason, tmp_path):
        folder = paint(tmp_path / "pictures", ["a.png", "b.png"])
        (folder / name).write_text(text)
        ((file, found),) = Folder(str(folder)).open().skipped
        assert file == name
        assert re.search(reason, found), found

    def test_tables_may_be_separated_by_semicolons_and_tell_of_some_pictures_only(self, tmp_path):
        folder = paint(tmp_path / "pictures", ["a.png", "b.png"])
        (folder / "metadata.csv").write_text("file_name;keywords\na.png;Red fish!, fish\n")
        data = Folder(str(folder)).open()
        assert data.keywords == (("red fish!", "fish"), ())
        assert data.skipped == ()
        summary = data.summary()
        assert summary.keywords == {"red": 1, "fish": 1}, "as they are learned"
        assert "1 have no keywords" in str(summary)

    def test_changed_keywords_are_seen(self, tmp_path):
        folder = paint(tmp_path / "mine", ["a.png", "b.png"])
        (folder / "a.txt").write_text("red")
        assert Folder(str(folder)).open().keywords == (("red",), ())
        (folder / "a.txt").write_text("blue")
        assert Folder(str(folder)).open().keywords == (("blue",), ())

    def test_frame_settings_reach_the_pictures(self, tmp_path):
        folder = tmp_path / "mine"
        folder.mkdir()
        for name in "ab":
            Image.new("RGB", (40, 10), "blue").save(folder / f"{name}.png")
        data = Folder(str(folder), size=(16, 16), background="red", fit="pad").open()
        assert data.samples[0, 0, 0].tolist() == [255, 0, 0]
        data = Folder(str(folder), size=(16, 16), channels=4, background="red", fit="pad").open()
        assert data.samples[0, 8, 8].tolist() == [0, 0, 255, 255]
        assert data.samples[0, 0, 0].tolist() == [0, 0, 0, 0]

    def test_small_pictures_that_are_enlarged_are_told(self, tmp_path):
        """Sprites of 16x16 and six colours had 281 at the default size, and nothing said that it is not theirs."""
        for number in range(3):
            Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number}.png")
        (note,) = Folder(str(tmp_path)).open().notes
        assert note.startswith("Most pictures are smaller than 32x32 (median 16x16) and are enlarged")
        for size in (16, (16, 24), 8):
            assert Folder(str(tmp_path), size=size).open().notes == ()

    def test_a_look_at_many_pictures_takes_few_of_them(self, tmp_path, monkeypatch):
        paint(tmp_path, [f"{number}.png" for number in range(127)])
        looked = []
        monkeypatch.setattr(folders, "decode", lambda file, frame: looked.append(file) or decode(file, frame))
        assert not Folder(str(tmp_path)).drawn()
        assert len(looked) == 64

    def test_drawings_are_told_from_photographs_and_trained_by_another_recipe(self, tmp_path):
        noise, flat = tmp_path / "noise", tmp_path / "flat"
        paint(noise, [f"{number}.png" for number in range(9)])
        flat.mkdir()
        for shade in range(9):
            Image.new("RGB", (40, 30), (20 * shade, 90, 40)).save(flat / f"{shade}.png")
        for folder in (noise, flat):
            (folder / "broken.png").write_bytes(b"none")
        assert [Folder(str(folder)).drawn() for folder in (noise, flat)] == [False, True]
        assert [plan(str(folder)) for folder in (noise, flat)] == [
            replace(find(name, "recipe")(), data=Folder(str(folder), size=32))
            for name, folder in (("photos", noise), ("icons", flat))
        ]
        assert plan(str(noise / "0.png"), settings=["data.across=2"]).data == Folder(str(noise / "0.png"), across=2)
        assert choose("sngan", str(noise)).name == "sngan"
        known = {"icons:flags": "icons", "cifar10:PLACE": "photos", "celeba": "photos", "ring": "ring"}
        assert {name: choose(name).name for name in known} == known

    def test_what_cannot_be_trained_on_says_why(self, tmp_path):
        empty = tmp_path / "empty"
        empty.mkdir()
        single = paint(tmp_path / "single", ["a.png"])
        (single / "b.png").write_text("text")
        texts = tmp_path / "texts"
        texts.mkdir()
        for name in "ab":
            (texts / f"{name}.py").write_text("text")
        for path, message in [
            (tmp_path / "none", "There is no folder or file"),
            (empty, "holds no files at all"),
            (single, "holds a single usable picture, a.png. A GAN needs at least 2 pictures"),
            (single / "a.png", "a.png is a single picture. A GAN needs at least 2 pictures"),
            (texts, "Not one of 2 files can be used as a picture: not an image (2)"),
        ]:
            with pytest.raises(GanvasError) as told:
                Folder(str(path)).open()
            assert message in str(told.value)


class TestToys:
    @pytest.mark.parametrize(("toy", "modes", "reach"), [(Ring(20_000), 8, 1.0), (Grid25(20_000), 25, 4.0)])
    def test_points_lie_about_their_modes(self, toy, modes, reach):
        points = toy.open().samples
        assert points.shape == (20_000, 2)
        assert points.dtype == np.float32
        assert toy.modes.shape == (modes, 2)
        assert np.abs(toy.modes).max() == pytest.approx(reach)
        distances = np.linalg.norm(points[:, None] - toy.modes[None], axis=-1)
        nearest = distances.argmin(axis=1)
        assert np.bincount(nearest, minlength=modes).min() > 0.85 * 20_000 / modes
        deviations = (points - toy.modes[nearest]).std(axis=0)
        np.testing.assert_allclose(deviations, toy.deviation, rtol=0.03)

    def test_they_are_the_same_at_every_call(self):
        np.testing.assert_array_equal(Ring(100).open().samples, Ring(100).open().samples)


class TestDigits:
    def test_ink_is_brightness_exactly(self):
        sklearn = pytest.importorskip("sklearn.datasets").load_digits()
        data = Digits(size=8).open()
        np.testing.assert_array_equal(data.samples[..., 0], np.rint(sklearn.images * 255 / 16))
        np.testing.assert_array_equal(data.labels, sklearn.target)
        assert data.classes == tuple("0123456789")
        assert (data.samples.min(), data.samples.max()) == (0, 255)

    def test_they_are_enlarged_smoothly(self):
        data = Digits().open()
        assert data.samples.shape == (1797, 32, 32, 1)
        steps = np.abs(np.diff(data.samples.astype(int), axis=2))
        assert steps.max() < 130
        assert Digits(size=16, channels=3).open().shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("samples", "more", "wanted"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), {}, "hold no samples"),
        (np.zeros((4, 8, 8, 3), np.float32), {}, "float32 [4, 8, 8, 3] cannot be learned from: pictures are uint8"),
        (np.zeros((4, 3, 8, 8), np.uint8), {}, "uint8 [4, 3, 8, 8] cannot be learned from"),
        (np.zeros((2, 2), np.float32), {"classes": ("a",), "labels": np.array([0, 7])}, "from 0 to 7, but there are 1"),
        (np.full((4, 2), np.nan, np.float32), {}, "some of these are NaN"),
        (
            np.zeros((4, 2), np.float32),
            {"classes": ("a",), "labels": np.zeros(3, int)},
            "one for each of the 4 samples",
        ),
        (np.zeros((4, 2), np.float32), {"classes": ("a",), "labels": np.zeros(4)}, "Labels are whole numbers"),
        (np.zeros((4, 2), np.float32), {"keywords": (("a",),)}, "give a name, and keywords, for each or for none"),
        (np.zeros((4, 2), np.float32), {"names": ("a", "b")}, "give a name, and keywords, for each or for none"),
    ],
)
def test_data_that_no_network_could_be_shown(samples, more, wanted):
    with pytest.raises(GanvasError, match=re.escape(wanted)):
        Dataset(samples, **more)


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ("samples are a NumPy array, not a list", {"samples": [np.zeros((8, 8, 3), np.uint8)]}),
        ("samples are a NumPy array, not a Tensor", {"samples": torch.zeros(2, 8, 8, 3, dtype=torch.uint8)}),
        ("labels are a NumPy array, not a list", {"labels": [0, 1], "classes": ("a", "b")}),
        ("a tuple of words for each sample", {"keywords": ("red fish", "key")}),
        ("1 to 4 channels", {"samples": np.zeros((2, 8, 8, 5), np.uint8)}),
        ("cannot be learned from", {"samples": np.zeros((2, 0, 8, 3), np.uint8)}),
    ],
)
def test_what_is_given_from_memory_is_refused_in_words_if_it_is_another_thing(words, about):
    """The letters of a text were taken for keywords, and nothing for a picture."""
    with pytest.raises(GanvasError, match=words):
        Dataset(**{"samples": np.zeros((2, 8, 8, 3), np.uint8)} | about)


@pytest.mark.parametrize("kind", [">i8", "uint32", "int8"])
def test_labels_may_be_whole_numbers_of_any_kind(kind):
    """Torch took no other order of bytes, and compared no uint32."""
    held = Dataset(np.zeros((3, 2), np.float32), classes=("a", "b"), labels=np.array([0, 1, 0], kind))
    assert (torch.from_numpy(held.labels) == 1).tolist() == [False, True, False]
