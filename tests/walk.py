"""A newcomer's walk: runs the pages line by line as they are written, and fails if a line does.

    python tests/walk.py             README in a fresh environment, with every package installed anew; half an hour
    python tests/walk.py --short     trainings of seconds, and packages shared with the Python that runs this
    python tests/walk.py --docs      the pages of docs/, each by itself, in this process, with trainings of seconds
    python tests/walk.py PAGE...     these of them

Code blocks without a language, or of bash, are lines for a terminal; of console blocks, the lines after a $ are; Python
blocks are programs. FOLDER, PICTURES, FILE and the like stand for the reader's own files and are made beforehand under
these names, as are the runs that pages of docs/ mention. ELSEWHERE lists what is not run, and why.
"""

import argparse
import contextlib
import io
import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import traceback
import venv
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"
LEFT_OUT = ("python -m pytest", "ganvas studio")
"""Lines of README that are not run: one runs this file, the other never ends."""
ELSEWHERE = {
    "pip install": "they change this environment; the extras they name are in pyproject.toml: tests/test_docs.py",
    "ganvas studio": "never ends: tests/studio/server",
    "tensorboard": "never ends; what it reads is there: tests/training/test_status.py",
    "hf:user/name": "needs Hugging Face; with one that stands in for it: tests/models/test_hub.py",
    "soft_hinge": "installs a package of one's own; each kind of one is begun and tested: tests/cli/test_new.py",
    "python docs_src/": "every program at its short length: tests/test_docs.py",
    "--nnodes=": "needs several machines; several processes of one: tests/training/test_ranks.py",
    "torchrun --nproc": "two processes at the length of tests: tests/training/test_ranks.py",
}
"""Part of a line of docs/ that is not run here -> why not, and the tests that cover it instead."""
DRAW = """
from pathlib import Path
from PIL import Image, ImageDraw
for folder, count in (("FOLDER", 60), ("PICTURES", 12)):
    Path(folder).mkdir(exist_ok=True)
    for number in range(count):
        picture = Image.new("RGB", (80, 60 + number % 9), "white")
        ImageDraw.Draw(picture).ellipse((5, 5, 30 + number % 37, 45), fill=(3 * number, 80, 255 - 4 * number))
        picture.save(f"{folder}/{number}.png")
"""
QUICK = {
    "project": "--steps 4 --starts 1",
    "inspect": "--count 40",
    "quiz": "--count 40",
    "evaluate": "--count 100",
    "compare": "--count 100",
    "attributes": "--count 100",
    "train idea_icons": "--set width=8 --set blocks=2 --set critic.blocks=1 --set batch=8 --set sheets=1",
}
"""Command -> options that make it take seconds, for pages of docs/."""
BEFORE = """
```
ganvas train icons:portraits
ganvas train digits
ganvas train FOLDER --size 32 --out runs/faces
ganvas train FOLDER --from runs/faces --out runs/cartoons
```
"""
"""The runs that the pages of docs/ mention."""


def lines(text: str) -> Iterator[tuple[str, str]]:
    """("sh", line) for each line of a terminal and ("python", program) for each program of a page, in order."""
    for language, code in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language == "python":
            yield language, code
        elif language in {"", "bash", "console"}:
            begun = "$ " if language == "console" else ""
            whole = code.replace("\\\n", " ").splitlines()
            found = [line.removeprefix(begun) for line in whole if line.startswith(begun)]
            yield from (("sh", line) for line in found if line.strip() and not line.startswith("#"))


def steps(text: str, without: Iterable[str] = LEFT_OUT) -> Iterator[tuple[str, str]]:
    """The same, without lines for a terminal that contain one of these strings."""
    return (each for each in lines(text) if each[0] == "python" or not any(part in each[1] for part in without))


def shortened(code: str) -> str:
    """The same code, with trainings of seconds."""
    code = re.sub(r"\bminutes=[\d.]+", "minutes=0.05", code).replace("images=20_000", "images=1_280")
    code = re.sub(r"--(minutes|images) \S+", "--minutes .05", code)
    return code if "--minutes" in code else re.sub(r"(ganvas train +\S+)", r"\1 --minutes .05", code)


def quick(code: str) -> str:
    """A line for a terminal, with trainings, searches and measurements of seconds."""
    code = shortened(code)
    for command, options in QUICK.items():
        code = re.sub(rf"^ganvas {command} ", f"ganvas {command} {options} ", code)
    return code


def made_by(line: str) -> list[str]:
    """The files that a line for a terminal should make."""
    words = shlex.split(line, comments=True)
    given = dict(pairwise(words))
    files = [given[word] for word in ("--out", "--to", "--sheet", "--neighbours") if word in given]
    if "--separate" in words:  # a folder instead of a file
        files[0] = str(Path(files[0]).with_suffix(""))
    if "train" in words:
        ties = {"--data": "-", "--from": "-from-"}
        of = "".join(tie + Path(given[word]).name for word, tie in ties.items() if word in given)
        run = given.get("--out", "runs/" + given["train"].replace(":", "-") + of)
        files += [f"{run}/report.html", f"{run}/samples", f"{run}/checkpoints"]
    return files


def clone(to: Path) -> None:
    """Copy the files that git tracks or would add, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)


def environment(folder: Path, *, shared: bool) -> dict[str, str]:
    """Make a virtual environment; returns variables under which its programs are found first."""
    venv.create(folder, with_pip=True)
    found = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GANVAS"))}
    if shared:
        inside = next(folder.glob("lib/python*/site-packages"))
        (inside / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = os.pathsep.join([str(folder / "bin"), found["PATH"]])
    return found | {"VIRTUAL_ENV": str(folder), "PATH": path, "GANVAS_CACHE": str(folder / "cache")}


def told(code: str, seconds: float, said: str, missing: list[str], *, well: bool) -> bool:
    """Print how a step went and, if it failed, its output; returns whether it went well."""
    well = well and not missing
    print(f"{'done' if well else 'no longer true':>14} {seconds:6.1f} s  {code.splitlines()[0]}", flush=True)
    if not well:
        print(said[-3_000:] + "".join(f"\nThere is no {file}." for file in missing), flush=True)
    return well


def walk(folder: Path, *, short: bool) -> int:
    """Run every step and print how long each took; returns the number of those that failed."""
    clone(folder / "clone")
    variables, failed = environment(folder / "environment", shared=short), 0
    for number, (kind, code) in enumerate(steps(PAGE.read_text())):
        code = shortened(code) if short else code
        command = ["bash", "-c", code] if kind == "sh" else ["python", "-W", "ignore", "-c", code]
        command[0] = shutil.which(command[0], path=variables["PATH"]) or command[0]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=folder / "clone", env=variables, stdin=subprocess.DEVNULL, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        missing = [] if kind == "python" else [file for file in made_by(code) if not (folder / "clone" / file).exists()]
        failed += not told(code, time.monotonic() - began, done.stdout, missing, well=not done.returncode)
        if number == 0:
            python = shutil.which("python", path=variables["PATH"])
            subprocess.run([python, "-c", DRAW], cwd=folder / "clone", env=variables, check=True)
    return failed


def ready() -> None:
    """Make in this folder what the pages of docs/ take for granted: the reader's files and folders."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models")]
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from test_convert import published

    exec(DRAW, {})
    for number in range(60):
        animal, colour = ("cat", "red") if number % 2 else ("dog", "blue")
        home = Path("FOLDER", animal)
        home.mkdir(exist_ok=True)
        picture = Path("FOLDER", f"{number}.png").rename(home / f"{number}.png")
        (home / f"{number}.txt").write_text(f"{colour} {animal}")
        if number < 24:
            first, *others = [Image.open(picture).rotate(15 * turn) for turn in range(16)]
            first.save(home / f"moving-{number}.gif", save_all=True, append_images=others)
    for name in ("PICTURE", "PICTURE.png"):
        shutil.copyfile("PICTURES/0.png", name)
    Path("WORDS.md").write_text("Portraits of a model that was trained for seconds.\n")
    theirs = {name: value.float().contiguous().clone() for name, value in published("stylegan2").items()}
    for name in ("FILE.safetensors", "ffhq.safetensors"):
        save_file(theirs, name)
    Path("network.pkl").write_bytes(pickle.dumps({"G_ema": torch.nn.Linear(2, 2)}))
    Path("faces").mkdir()
    for part in range(64):
        shard(
            Path("faces", f"part-{part:03}.tar"), {"0.png": Path("PICTURE").read_bytes(), "0.cls": b"%d" % (part % 2)}
        )


def shard(file: Path, contents: dict[str, bytes]) -> None:
    """Write a tar file of these members."""
    with tarfile.open(file, "w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def said_by(kind: str, code: str) -> tuple[str, bool]:
    """Run a step in this process; returns its output and whether it went well."""
    from ganvas.cli.app import main as ganvas

    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        try:
            if kind == "python":
                exec(code, {})
                return heard.getvalue(), True
            sys.argv = shlex.split(code, comments=True)
            if sys.argv[0] != "ganvas":
                return f"{sys.argv[0]} is not done here: ELSEWHERE says of such lines which tests see to them.", False
            ganvas()
        except SystemExit as end:
            said = heard.getvalue()
            return said, not end.code or "not yet" in said  # the answer to an exercise that is not filled in
        except Exception:
            return heard.getvalue() + traceback.format_exc(), False
    return heard.getvalue(), True


def walk_docs(folder: Path, pages: list[Path]) -> int:
    """Run every step of these pages, each page in a folder of its own; returns the number of those that failed."""
    failed = 0
    (folder / "ready").mkdir()
    os.chdir(folder / "ready")
    ready()
    for page in [None, *pages]:
        text = page.read_text() if page else BEFORE
        if page:
            shutil.copytree(folder / "ready", folder / page.stem)
            os.chdir(folder / page.stem)
        for kind, code in steps(text, ELSEWHERE):
            code = quick(code)
            began = time.process_time()
            said, well = said_by(kind, code)
            missing = [] if kind == "python" else [file for file in made_by(code) if not Path(file).exists()]
            failed += not told(code, time.process_time() - began, said, missing, well=well)
    return failed


def main() -> None:
    """Read the options and walk."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true", help="trainings of seconds, shared packages")
    options.add_argument("--docs", action="store_true", help="all pages of docs/, in this process")
    options.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="these pages of docs/, in this process")
    asked = options.parse_args()
    pages = [page.resolve() for page in asked.pages] or sorted((ROOT / "docs").rglob("*.md"))
    with tempfile.TemporaryDirectory() as folder:
        if asked.docs or asked.pages:
            os.environ["GANVAS_CACHE"] = f"{folder}/cache"
            failed = walk_docs(Path(folder), pages)
            os.chdir(ROOT)
        else:
            failed = walk(Path(folder), short=asked.short)
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
