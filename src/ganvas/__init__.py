"""Ganvas: train a GAN on pictures, know how good it is, and use it.

    run = ganvas.fit("icons:portraits", minutes=3)
    ganvas.load(run.path).sample(16, seed=0)

Names are imported on first use, so that `ganvas --help` need not wait for torch.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Threads of torch that wait for each other sleep instead of spinning, which is several times faster on a machine that
# has other work too (LOG.md). Read once, when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Dataset": "dataset",
    "GanvasError": "errors",
    "Model": "sample",
    "Recipe": "recipe",
    "Run": "run",
    "change": "recipe",
    "find": "catalog",
    "fit": "fitting",
    "load": "sample",
    "names": "catalog",
    "part": "catalog",
    "plan": "planning",
    "source": "dataset",
    "train": "training",
}

__all__ = [
    "Dataset",
    "GanvasError",
    "Model",
    "Recipe",
    "Run",
    "change",
    "find",
    "fit",
    "load",
    "names",
    "part",
    "plan",
    "source",
    "train",
]

if TYPE_CHECKING:
    from .catalog import find, names, part
    from .dataset import Dataset, source
    from .errors import GanvasError
    from .fitting import fit
    from .planning import plan
    from .recipe import Recipe, change
    from .run import Run
    from .sample import Model, load
    from .training import train


def __getattr__(name: str) -> Any:
    if name == "metrics":  # a module, which is there without an import of its own
        return importlib.import_module(".metrics", __name__)
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'ganvas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
