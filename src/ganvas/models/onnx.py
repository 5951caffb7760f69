"""Export a generator as one ONNX file, to draw in a browser, on a phone or in a program without torch.

difference = export(load("icons"), Path("icons.onnx"))

session = onnxruntime.InferenceSession("icons.onnx")
(pictures,) = session.run(None, {"z": z, "condition": condition})    # float32 in [-1, 1]
"""

import json
import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core import files
from ..core.errors import DoesNotFit, GanvasError, NotInstalled
from ..networks.layers import Generator
from ..recipes.settings import to_json
from .model import Model, inputs

__all__ = ["export"]

TRIALS = (1, 5)  # batch sizes to compare: a graph with a fixed batch size fails at one of them
TOLERANCE = 2e-3  # a quarter of the 1/127.5 between two of 256 levels


def export(model: Model, path: Path, *, of: str = "", digest: str = "") -> float:
    """Write the generator as ONNX, after checking that the file draws what the model draws.

    The file takes `z` float32 [n, latent], standard normal, and for a conditional model `condition` float32 [n, K], a
    row of which is `model.described("red heart")`. It returns `samples` float32 [n, *shape]; pictures are in [-1, 1],
    channels first. Its metadata hold, as JSON under "ganvas", the lengths of z and condition, the shape, the names of
    the classes, and what `exported` needs to draw as the model does.

    Args:
        model: any kind of model.
        path: ends in .onnx.
        of: the SHA-256 of the model's file.
        digest: the model's `latent.places.fingerprint`.

    Returns:
        The largest difference between its samples and the model's.

    Raises:
        NotInstalled, DoesNotFit or Unwritable: a package of the extra `export` is missing, or `path` does not end in
            .onnx or cannot be written.
        GanvasError: the file draws something else.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise NotInstalled(f"ONNX files are written with {error.name}: pip install 'ganvas[export]'.") from None
    if path.suffix != ".onnx":
        raise DoesNotFit(f"{path} should end in .onnx.")
    trials = [_trial(model, count) for count in TRIALS]
    with files.writing(path), TemporaryDirectory(prefix="ganvas-") as folder:
        draft = Path(folder) / path.name
        _write(model.network, trials[-1], draft)
        drawn = onnx.load(draft)
        onnx.helper.set_model_props(drawn, {"ganvas": json.dumps(_about(model) | {"of": of, "digest": digest})})
        session = onnxruntime.InferenceSession(drawn.SerializeToString(), providers=["CPUExecutionProvider"])
        difference = max(_difference(model, session, trial) for trial in trials)
        if not difference < TOLERANCE:
            raise GanvasError(
                f"The exported generator draws something else, {difference:.2g} away at its furthest, so it was not "
                "kept. Please report this with the network's name."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, drawn.SerializeToString())
    return difference


class _Finished(nn.Module):
    """The generator's complete sampling, as one module."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.network.generate(z, condition)


def _trial(model: Model, count: int) -> dict[str, Tensor]:
    """The inputs of a batch of this size, from the first seeds."""
    trial, seeds = {"z": inputs(range(count), model.network.latent)}, range(count)
    return trial | ({"condition": model.condition.draw(seeds)} if model.condition else {})


def _write(network: Generator, trial: dict[str, Tensor], file: Path) -> None:
    batch, log = {0: torch.export.Dim("n")}, logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about torch's own code
        log.setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                _Finished(network).eval(),
                tuple(trial.values()),
                file,
                input_names=list(trial),
                output_names=["samples"],
                dynamic_shapes=[batch for _ in trial],
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        finally:
            log.setLevel(level)


def _about(model: Model) -> dict[str, object]:
    classes = getattr(model.condition, "classes", None)
    about = {"latent": model.network.latent, "condition": model.network.condition, "shape": model.shape}
    about |= {"doubles": model.doubles, "told": to_json(model.condition)}
    return about | ({"classes": classes} if classes else {})


def _difference(model: Model, session: Any, trial: dict[str, Tensor]) -> float:
    (drawn,) = session.run(None, {name: value.numpy() for name, value in trial.items()})
    expected = model.make(trial["z"], trial.get("condition")).numpy()
    return float(np.abs(drawn - expected).max())
