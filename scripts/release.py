"""Build the wheel and the sdist, and use each in a fresh environment, away from the checkout, as users will.

python scripts/release.py [--keep FOLDER] [--python python3.12 ...]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
USED = (
    ("--version",),
    ("sample", "icons", "--keywords", "red heart", "--count", "4", "--out", "hearts.png"),
    ("train", "ring", "--images", "2000", "--out", "runs/ring", "--device", "cpu"),
    ("sample", "runs/ring", "--count", "64", "--out", "ring.png"),
)


def main() -> None:
    """Read the options, build, and use the packages."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--keep", type=Path, help="where wheel and sdist are to lie")
    options.add_argument("--python", nargs="+", default=[sys.executable])
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = (chosen.keep or Path(folder, "dist")).resolve()
        _built(Path(folder, "build"), out)
        for python in chosen.python:
            for number, package in enumerate(sorted(out.glob("ganvas-*"))):
                _use(package, python, Path(folder, f"{Path(python).name}-{number}"))


def _built(environment: Path, out: Path) -> None:
    venv.create(environment, with_pip=True)
    _run(_program(environment, "python"), "-m", "pip", "install", "-q", "build")
    _run(_program(environment, "python"), "-m", "build", "--outdir", out, ROOT)


def _use(package: Path, python: str, folder: Path) -> None:
    """Install one package in a new environment of this Python, and draw and train with it in an empty folder."""
    folder.mkdir()
    _run(python, "-m", "venv", folder / "environment")
    _run(_program(folder / "environment", "python"), "-m", "pip", "install", "-q", package)
    work = folder / "work"
    work.mkdir()
    for words in USED:
        _run(_program(folder / "environment", "ganvas"), *words, where=work)
    made = sorted(path.name for path in work.iterdir())
    print(f"{package.name} under {python}: {', '.join(made)}")


def _program(environment: Path, name: str) -> Path:
    """The path of a program of an environment."""
    return environment / ("Scripts" if os.name == "nt" else "bin") / name


def _run(*words: str | Path, where: Path | None = None) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GANVAS"))}
    subprocess.run([str(word) for word in words], cwd=where, env=clean, check=True)


if __name__ == "__main__":
    main()
