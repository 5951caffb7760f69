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
    "Dataset": "data.dataset",
    "GanvasError": "core.errors",
    "Model": "models.model",
    "Recipe": "recipes.recipe",
    "Run": "runs.run",
    "change": "recipes.recipe",
    "find": "core.catalog",
    "fit": "training.fit",
    "load": "models.model",
    "names": "core.catalog",
    "part": "core.catalog",
    "plan": "recipes.plan",
    "source": "data.dataset",
    "train": "training.loop",
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
    from .core.catalog import find, names, part
    from .core.errors import GanvasError
    from .data.dataset import Dataset, source
    from .models.model import Model, load
    from .recipes.plan import plan
    from .recipes.recipe import Recipe, change
    from .runs.run import Run
    from .training.fit import fit
    from .training.loop import train


def __getattr__(name: str) -> Any:
    if name == "metrics":  # a module, which is there without an import of its own
        return importlib.import_module(".metrics", __name__)
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'ganvas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
