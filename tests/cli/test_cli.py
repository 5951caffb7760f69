"""Every command does what it says in words that a person wants to read, and refuses in one line."""

import ast
import json
import re
from pathlib import Path

import pytest
import torch
from conftest import files
from PIL import Image

import ganvas as package
from ganvas import Run, load
from ganvas.cli.options import as_options

TINY = ["--device", "cpu", "--set", "batch=8", "--set", "generator.width=2", "--set", "critic.width=2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, points, pictures):
    """Two finished runs: runs/digits and runs/ring below this folder."""
    from dataclasses import replace

    from ganvas import fit

    folder = tmp_path_factory.mktemp("cli")
    for name, recipe in (("digits", pictures), ("ring", points)):
        fit(replace(recipe, images=4 * recipe.batch), out=folder / "runs" / name, device="cpu", quiet=True)
    return folder / "runs"


def test_train(ganvas, tmp_path):
    words = ["train", "digits", "--size", 8, "--images", 32, *TINY]
    code, out, err = ganvas(*words)
    assert code == 0, err
    assert out.startswith("32 images in ")
    for told in (
        "finished",
        "runs/digits-8/samples/000000032.png",
        "report.html",
        "ganvas sample runs/digits-8",
        "film",
    ):
        assert told in out
    assert "32 of 32 images (100%)" in err
    run = Run(tmp_path / "runs" / "digits-8")
    assert run.recipe.data.size == 8
    before = files(run.path / "checkpoints")
    code, again, _ = ganvas(*words)
    assert (code, again) == (0, out)
    assert files(run.path / "checkpoints") == before
    assert ganvas("train", "runs/digits-8", "--images", 48, "--device", "cpu")[0] == 0
    assert run.images == 48


def test_train_on_a_folder_of_pictures(ganvas, tmp_path):
    (tmp_path / "my photos").mkdir()
    for index in range(5):
        Image.new("RGB", (20, 30), (40 * index, 0, 0)).save(tmp_path / "my photos" / f"{index}.png")
    (tmp_path / "my photos" / "broken.png").write_bytes(b"no picture")
    code, _, err = ganvas("train", "my photos", "--size", "16x24", "--images", 16, "--seed", 3, *TINY)
    assert code == 0, err
    assert err.startswith("The recipe for my photos is icons")
    assert "`--from icons-base`, at 64x64" in err.splitlines()[0]
    assert "1 file was skipped" in err
    run = Run(tmp_path / "runs" / "my-photos-16x24-seed3")
    assert run.about["data"]["shape"] == [3, 24, 16]
    assert run.about["data"]["skipped"][0][0] == "broken.png"
    assert load(run.path).shape == (3, 24, 16)


def test_transparency_is_not_sent_to_a_model_of_three_channels(ganvas, tmp_path):
    (tmp_path / "sprites").mkdir()
    for index in range(3):
        Image.new("RGBA", (8, 8), (80 * index, 0, 0, 255)).save(tmp_path / "sprites" / f"{index}.png")
    words = ("train", "sprites", "--set", "data.channels=4", "--images", 16)
    code, _, err = ganvas(*words, "--size", 8, *TINY)
    assert (code, "--from" in err) == (0, False), err
    code, _, err = ganvas(*words, "--from", "icons-base")
    told = "here are 64x64 RGBA: say --set data.channels=3, or take data of the same kind"
    assert (code, told in " ".join(err.split())) == (1, True), err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there(ganvas):
    assert "This machine has no device 'cuda'" in ganvas("compare", "digits", "digits", "--device", "cuda")[2]


def test_dry_run(ganvas, tmp_path):
    words = ["train", "icons:flags", "--dry-run", "--size", "64x96", "--images", 5000, "--set", "game.r1=cosine(1, 0)"]
    code, out, _ = ganvas(*words)
    assert code == 0
    assert "data           icons(subset='flags', size=(64, 96), channels=3)" in out
    assert "images         5,000" in out
    assert "r1=cosine(start=1.0, end=0.0, over=1.0)" in out
    assert not list(tmp_path.iterdir())
    assert ganvas("train", "digits", "--images", 64, "--seed", 7, "--out", "begun")[0] == 0
    assert "digits(" in ganvas("train", "begun", "--dry-run")[1]
    code, _, said = ganvas("train", "begun", "--dry-run", "--set", "width=8")
    assert (code, "continues with its own recipe" in said) == (1, True)
    assert "how fast this machine trains it" in ganvas("train", "digits", "--dry-run", "--minutes", 3)[1]
    assert "ring(count=30)" in ganvas("train", "ring", "--data", "ring:30", "--dry-run")[1]
    assert ganvas("train", "--data", "ring:30", "--dry-run")[1] == ganvas("train", "ring:30", "--dry-run")[1]
    assert ganvas("train", "--dry-run")[1] == ganvas("train", "icons", "--dry-run")[1]
    assert "The recipe for digits:8 is icons" in ganvas("train", "digits:8", "--dry-run")[2]


def test_who_names_nothing_is_told_what_is_trained(ganvas):
    for words in ((), ("--data", "ring")):
        told = "Nothing is named to train on, so this is the recipe icons." in ganvas("train", "--dry-run", *words)[2]
        assert told == (not words)


def test_sample(ganvas, trained, tmp_path):
    code, out, _ = ganvas("sample", trained / "digits", "--count", 6, "--columns", 3)
    assert (code, out) == (0, "6 samples in samples.png\n")
    with Image.open(tmp_path / "samples.png") as sheet:
        assert sheet.size == (3 * 66 + 2, 2 * 66 + 2)
    code, out, _ = ganvas("sample", trained / "digits", "--count", 2, "--seed", 7, "--separate", "--out", "some")
    assert (code, out) == (0, "2 samples in some\n")
    assert sorted(files(tmp_path / "some")) == ["seed-0007.png", "seed-0008.png"]
    assert ganvas("sample", trained / "ring", "--out", "points.jpg")[0] == 0
    with Image.open(tmp_path / "points.jpg") as plot:
        assert plot.size == (512, 512)


def test_film_and_report(ganvas, trained, tmp_path):
    code, out, _ = ganvas("film", trained / "ring", "--out", "ring.gif")
    assert (code, out) == (0, "the film is ring.gif\n")
    with Image.open(tmp_path / "ring.gif") as film:
        assert film.n_frames == 5
    (trained / "ring" / "report.html").unlink()
    code, out, _ = ganvas("report", trained / "ring")
    assert (code, out) == (0, f"the report is {trained / 'ring' / 'report.html'}\n")
    assert (trained / "ring" / "report.html").exists()


def test_data(ganvas, tmp_path):
    code, out, _ = ganvas("data", "digits", "--size", 8)
    assert code == 0
    assert "1797" in out.replace(",", "")
    assert "contact sheet: contact.png" in out
    with Image.open(tmp_path / "contact.png") as sheet:
        assert sheet.size == (10 * 66 + 2, 10 * 66 + 2)
    assert ganvas("data", "ring", "--out", "ring.png")[0] == 0


def test_a_folder_that_is_called_like_something_known_is_pointed_out(ganvas, tmp_path):
    for name in ("clips", "digits", "mlp_gan"):
        (tmp_path / name).mkdir()
    told = "{0} is taken as a name that Ganvas knows. For the file or folder of that name here, write ./{0}."
    assert told.format("digits") in ganvas("data", "digits", "--size", 8)[2]
    words = ("--images", 64, "--set", "batch=32", "--set", "measure_images=0", "--set", "generator.width=8")
    assert told.format("mlp_gan") in ganvas("train", "mlp_gan", *words)[2]
    assert told.format("digits") in ganvas("train", "mlp_gan", "--data", "digits", *words, "--out", "r")[2]
    assert told.format("clips") in ganvas("train", "moving_digits", "--data", "clips")[2], "a folder of clips, perhaps"
    assert "digits is taken as" not in ganvas("train", "mlp_gan", "--data", "digits:8", *words, "--out", "x")[2]


def test_a_run_folder_inside_of_the_data_is_said_and_left_out(ganvas, tmp_path):
    for shade in range(8):
        Image.new("RGB", (8, 8), (30 * shade, 0, 0)).save(tmp_path / f"{shade}.png")
    words = ("train", ".", "--size", 8, "--images", 32, "--set", "batch=8", "--set", "measure_images=0")
    code, _, err = ganvas(*words, "--set", "generator.width=2", "--set", "critic.width=2")
    assert code == 0, err
    assert "note: the run folder runs/8 is inside the data, and left out of them; use --out to put it elsewhere" in err
    code, out, err = ganvas("data", ".")
    assert "8 pictures, taken as" in out
    assert "a run of this toolkit" in err
    code, out, err = ganvas("data", ".")
    assert "8 pictures, taken as" in out
    assert "a sheet that this toolkit has drawn (1)\n    contact.png" in err


LONG = "x" * 300


@pytest.mark.parametrize("words", [("data", LONG), ("train", LONG), ("data", "ring", "--out", f"{LONG}.png")])
def test_a_name_that_the_system_does_not_take_is_one_sentence(ganvas, words):
    code, out, err = ganvas(*words)
    assert (code, out) == (1, "")
    assert "File name too long" in err
    assert len(err.splitlines()) == 1


def test_a_folder_that_may_not_be_entered_is_one_sentence(ganvas, tmp_path, monkeypatch):
    """Root may enter any, so the system's answer is made up."""

    def closed(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", closed)
    code, _, err = ganvas("data", "closed/mine")
    assert (code, err) == (1, "ganvas: closed/mine cannot be looked at: Permission denied.\n")


def test_list_and_show(ganvas):
    code, out, _ = ganvas("list")
    assert code == 0
    assert {"recipe", "data", "network", "loss", "game", "optimizer", "schedule"} <= set(out.splitlines())
    assert ganvas("list", "losses")[1] == ganvas("list", "loss")[1]
    assert "nonsaturating " in ganvas("list", "losses")[1]
    assert "width: int = 64" in ganvas("show", "dcgan_critic")[1]
    shown = ganvas("show", "dcgan")[1]
    assert "Radford et al. 2016" in shown
    assert "generator = dcgan_generator(width=64" in shown


def test_without_words_it_helps(ganvas):
    for words in ((), ("--help",), ("train", "-h"), ("sample", "--help")):
        code, out, _ = ganvas(*words)
        assert code in {0, 2}
        assert "Usage:" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("train nowhere", r"There is no folder or file 'nowhere'"),
        ("train rinng", r"Did you mean 'ring'?"),
        ("train ring --minutes 0", r"--minutes takes a positive number, not 0.0"),
        ("train ring --minutes -3", r"--minutes takes a positive number, not -3.0"),
        ("train ring --minutes nan", r"--minutes takes a positive number, not nan"),
        ("train ring --minutes 1 --images 5", r"Give --images or --minutes, not both"),
        ("train ring --images 0", r"--images takes a whole number from 1, not 0"),
        ("train ring --images -5", r"--images takes a whole number from 1, not -5"),
        ("train ring --seed -1", r"--seed"),
        ("train digits --size abc", r"--size is a number of pixels such as 64"),
        ("train digits --size 0", r"--size is a number of pixels such as 64"),
        ("train digits --size 8x8x8", r"--size is a number of pixels such as 64"),
        ("train digits --size 33 --images 8", r"Pictures of 33x33 cannot be grown by doubling; --size 32x32 can"),
        ("train ring --size 8", r"--size is for pictures; this source holds points"),
        ("train ring --device nope", r"This machine has no device 'nope'"),
        ("train ring --device cuda:77", r"This machine has no device 'cuda:77'"),
        ("train ring --set batch", r"A setting is NAME=VALUE"),
        ("train ring --set batch=-3", r"batch must be at least 1, not -3"),
        ("train ring --set generator=dcgan_generator", r"makes pictures, and these samples of shape (2,) are points"),
        ("train digits --data ring", r"are points: take the recipe ring"),
        ("train icons:nothing", r"There are no icons called 'nothing'"),
        ("sample nowhere", r"There is no nowhere; give a run folder such as runs/icons"),
        ("sample .", r". holds no finished checkpoint yet"),
        ("sample RUN --count 0", r"--count is from 1 to"),
        ("sample RUN --seed -1", r"seeds are whole numbers from 0"),
        ("sample RUN --columns -1", r"--columns is at least 1"),
        ("sample RUN --out a.xyz", r"Cannot write a.xyz"),
        ("film nowhere", r"There is no nowhere"),
        ("film RUN --out a.avi", r"A film ends in .gif, .webp or .mp4, not 'a.avi'"),
        ("report nowhere", r"There is no nowhere"),
        ("data nowhere", r"There is no folder or file 'nowhere'"),
        ("data digits --size 8 --out a.xyz", r"Cannot write a.xyz"),
        ("list colours", r"There is no kind of part called 'colours'. There are: recipe, data"),
        ("show dcgann", r"Did you mean 'dcgan'?"),
    ],
)
def test_what_is_refused(words, told, ganvas, trained, tmp_path):
    code, out, err = ganvas(*[trained / "digits" if word == "RUN" else word for word in words.split()])
    assert code == 1, (out, err)
    assert told in err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("ganvas: ")
    assert out == ""
    assert not (tmp_path / "runs").exists(), "nothing is left behind"


def test_the_log_is_what_other_tools_read(trained):
    rows = [json.loads(line) for line in (trained / "ring" / "log.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [16, 32, 48, 64]
    assert all(set(row) - {"signs", "sum"} == {"images", "seconds", "images_per_second", "terms"} for row in rows)


def test_what_functions_say_of_their_arguments_is_said_of_options():
    text = "leave out `held_out=`, or `size=(64, 96)`, `settings=['game.r1=0']`, `data='my (pictures)'`, `adapt=True`."
    assert as_options(text) == (
        "leave out --held-out, or --size 64x96, --set game.r1=0, --data my (pictures), --adapt."
    )
    assert as_options("`auto=True` and `rescue=False`") == "--auto and --no-rescue"


def test_no_message_of_a_function_names_an_option():
    """Who calls fit() has no --minutes; the command line says its own names."""
    for file in Path(package.__file__).parent.rglob("*.py"):
        if file.parent.name in ("cli", "studio"):  # the two doors speak to people
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None:
                said = ast.unparse(node.exc)
                assert not re.search(r"(?<![\w-])--[a-z]", said) or "`ganvas " in said, f"{file.name}: {said}"


def test_the_version(ganvas):
    assert ganvas("--version") == (0, f"ganvas {package.__version__}\n", "")
