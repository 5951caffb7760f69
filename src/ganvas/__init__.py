"""Ganvas: train a GAN on pictures, know how good it is, and use it.

    run = ganvas.fit("icons:portraits", minutes=3)
    ganvas.load(run.path).sample(16, seed=0)

Names are imported on first use, so that `ganvas --help` does not wait for torch.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from .core.version import __version__ as __version__

# Let torch's waiting threads spin briefly, then sleep. Spinning on is several times slower when other work needs the
# cores, and sleeping at once is 1.4 times slower when none does (LOG.md). torch reads these variables once.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"  # in small letters: in Turkish, I is no capital of i
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")

ROOMS = (
    "core",
    "data",
    "metrics",
    "networks",
    "learning",
    "recipes",
    "runs",
    "models",
    "training",
    "latent",
    "evaluation",
)
"""The sub-packages in import order: a file imports only from earlier rooms and from its own."""

_HOMES = {
    "Busy": "core.errors",
    "Dataset": "data.dataset",
    "Diverged": "core.errors",
    "DoesNotFit": "core.errors",
    "GanvasError": "core.errors",
    "Model": "models.model",
    "NotFound": "core.errors",
    "NotInstalled": "core.errors",
    "PassedOver": "core.errors",
    "Recipe": "recipes.recipe",
    "Run": "runs.run",
    "Unreachable": "core.errors",
    "Unreadable": "core.errors",
    "Unwritable": "core.errors",
    "change": "recipes.recipe",
    "compare": "evaluation.compare",
    "doctor": "evaluation.checkup",
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
    "Busy",
    "Dataset",
    "Diverged",
    "DoesNotFit",
    "GanvasError",
    "Model",
    "NotFound",
    "NotInstalled",
    "PassedOver",
    "Recipe",
    "Run",
    "Unreachable",
    "Unreadable",
    "Unwritable",
    "change",
    "compare",
    "doctor",
    "find",
    "fit",
    "load",
    "names",
    "part",
    "plan",
    "source",
    "train",
]

if TYPE_CHECKING:  # for completion in editors
    from . import core as core
    from . import data as data
    from . import evaluation as evaluation
    from . import latent as latent
    from . import learning as learning
    from . import metrics as metrics
    from . import models as models
    from . import networks as networks
    from . import recipes as recipes
    from . import runs as runs
    from . import training as training
    from .core.catalog import find, names, part
    from .core.errors import (
        Busy,
        Diverged,
        DoesNotFit,
        GanvasError,
        NotFound,
        NotInstalled,
        PassedOver,
        Unreachable,
        Unreadable,
        Unwritable,
    )
    from .data.dataset import Dataset, source
    from .evaluation.checkup import doctor
    from .evaluation.compare import compare
    from .models.model import Model, load
    from .recipes.plan import plan
    from .recipes.recipe import Recipe, change
    from .runs.run import Run
    from .training.fit import fit
    from .training.loop import train
else:  # a type checker that saw this would take any name for one of Ganvas's

    def __getattr__(name: str) -> Any:
        if name in ROOMS:
            return importlib.import_module(f".{name}", __name__)
        if name in _HOMES:
            return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        raise AttributeError(f"module 'ganvas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *ROOMS])
