"""A newcomer's walk: what README (the site's *Start*) says, line by line, in a fresh environment; it fails if one does.

    python tests/walk.py             as it is written: every package anew, minutes as they are given; half an hour
    python tests/walk.py --short     trainings of seconds, and packages shared with the Python that runs this; .ci/run

Code blocks without a language are lines for a terminal, those of Python are programs. FOLDER and PICTURES, which stand
for somebody's own, are folders of that name here. Left out is what never ends or runs this: the studio and the tests.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "README.md"
LEFT_OUT = ("python -m pytest", "ganvas studio")
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


def steps(text: str) -> Iterator[tuple[str, str]]:
    """("sh", line) for each line of a terminal and ("python", program) for each program of a page, in their order."""
    for language, code in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language == "python":
            yield language, code
        elif not language:
            lines = [line for line in code.splitlines() if re.match(r"(ganvas|pip|python) ", line)]
            yield from (("sh", line) for line in lines if not any(each in line for each in LEFT_OUT))


def shortened(code: str) -> str:
    """The same with trainings of seconds."""
    code = re.sub(r"--minutes \S+", "--minutes .05", code)
    return re.sub(r"\bminutes=[\d.]+", "minutes=0.05", code).replace("images=20_000", "images=1_280")


def made_by(line: str) -> list[str]:
    """The files that a line of a terminal says it makes."""
    words = shlex.split(line, comments=True)
    files = [after for word, after in pairwise(words) if word in {"--out", "--sheet", "--neighbours"}]
    if "train" in words:
        run = "runs/" + words[words.index("train") + 1].replace(":", "-")
        files += [f"{run}/report.html", f"{run}/samples", f"{run}/checkpoints"]
    return files


def clone(to: Path) -> None:
    """Copy what git knows or would come to know, as it is now."""
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
    """A new virtual environment, and the variables under which its programs are found first."""
    venv.create(folder, with_pip=True)
    found = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GANVAS"))}
    if shared:
        inside = next(folder.glob("lib/python*/site-packages"))
        (inside / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = os.pathsep.join([str(folder / "bin"), found["PATH"]])
    return found | {"VIRTUAL_ENV": str(folder), "PATH": path, "GANVAS_CACHE": str(folder / "cache")}


def walk(folder: Path, *, short: bool) -> int:
    """Do every step, and say how long each took; the number of those that failed."""
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
        ended = "no longer true" if done.returncode or missing else "done"
        print(f"{ended:>14} {time.monotonic() - began:6.1f} s  {code.splitlines()[0]}", flush=True)
        if ended != "done":
            failed += 1
            print(done.stdout[-3_000:] + "".join(f"\nThere is no {file}." for file in missing), flush=True)
        if number == 0:
            python = shutil.which("python", path=variables["PATH"])
            subprocess.run([python, "-c", DRAW], cwd=folder / "clone", env=variables, check=True)
    return failed


def main() -> None:
    """Read the options and walk."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true", help="trainings of seconds, shared packages")
    short = options.parse_args().short
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(min(walk(Path(folder), short=short), 1))


if __name__ == "__main__":
    main()
