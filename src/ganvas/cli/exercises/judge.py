"""The program that runs one check on one file: `python -m ganvas.cli.exercises.judge NAME FILE VERDICT SECONDS`.

It runs in a process of its own, because the file is a learner's program: it may never end, or may end the process. What
the program prints goes to the terminal; the verdict goes to the file VERDICT, as JSON.
"""

import ast
import json
import runpy
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .answer import Wrong
from .crowds import check_bayes, check_earth, check_mismatch, check_modes
from .gradients import check_penalty, check_steer, check_step
from .numbers import (
    check_auc,
    check_critic_loss,
    check_entropy,
    check_frechet,
    check_generator_loss,
    check_inception,
    check_kl,
    check_wasserstein,
)
from .shapes import check_block, check_condition, check_frames

__all__ = ["CHECKS", "verdict"]

CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "kl": check_kl,
    "entropy": check_entropy,
    "critic_loss": check_critic_loss,
    "generator_loss": check_generator_loss,
    "step": check_step,
    "wasserstein": check_wasserstein,
    "penalty": check_penalty,
    "block": check_block,
    "condition": check_condition,
    "steer": check_steer,
    "frames": check_frames,
    "frechet": check_frechet,
    "inception": check_inception,
    "auc": check_auc,
    "bayes": check_bayes,
    "earth": check_earth,
    "modes": check_modes,
    "mismatch": check_mismatch,
}
"""The check of each exercise, by its name; a check gets the globals of the learner's file."""


def verdict(name: str, file: Path, begun: str) -> str | None:
    """A sentence that says what is wrong with a learner's file; None if nothing is.

    Args:
        name: name of the exercise.
        file: the learner's file.
        begun: the text that the learner got; the file has to define the same functions.
    """
    asked = [each.name for each in ast.parse(begun).body if isinstance(each, ast.FunctionDef)]
    try:
        given = runpy.run_path(str(file))
        for each in asked:
            if not callable(given.get(each)):
                return f"There is no function `{each}` in the file any more; the check needs it under this name."
        CHECKS[name](given)
    except Wrong as wrong:
        return str(wrong)
    except SyntaxError as error:
        return f"Python cannot read the file: line {error.lineno}, {error.msg}."
    except Exception as error:
        line = _line(error, file)
        if isinstance(error, NotImplementedError) and _frames(error)[-1].filename == str(file):
            return f"Line {line} is still the hole: replace `raise NotImplementedError` with your own lines."
        at = f"Line {line} of your file raises" if line else "What your code returned cannot be used:"
        return f"{at} {type(error).__name__}: {error}"
    return None


def _line(error: BaseException, file: Path) -> int | None:
    """The innermost line of the learner's file in the traceback; None if there is none."""
    return next((frame.lineno for frame in reversed(_frames(error)) if frame.filename == str(file)), None)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


if __name__ == "__main__":
    from .exercise import exercise

    _name, _file, _verdict, _seconds = sys.argv[1:]
    with suppress(ImportError):  # on Windows the clock alone counts
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (int(_seconds), int(_seconds) + 5))
    _found = verdict(_name, Path(_file), exercise(_name).begun)
    Path(_verdict).write_text(json.dumps({"wrong": _found}), encoding="utf-8")
