"""A generator as one ONNX file, with which a browser, a phone or a program without torch draws.

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

TRIALS = (1, 5)  # samples at once: a graph made for a fixed number fails one of them
TOLERANCE = 2e-3  # a quarter of the 1/127.5 between two of 256 shades


def export(model: Model, path: Path, *, of: str = "", digest: str = "") -> float:
    """Write the generator as ONNX, and draw with the file what the model draws, before it gets its name.

    The file takes `z` float32 [n, latent], standard normal, and if the model is told something `condition` float32
    [n, K], a row of which is `model.described("red heart")`; it gives `samples` float32 [n, *shape], those of pictures
    in [-1, 1] with channels first. Its metadata hold as JSON under "ganvas" the lengths of z and condition, the shape,
    the names of the classes, and what `exported` has to know to draw with it as the model does.

    Args:
        model: of whatever kind.
        path: ends in .onnx.
        of: the SHA-256 of the model's file.
        digest: the model's `latent.places.fingerprint`.

    Returns:
        The greatest difference between its samples and those of the model.

    Raises:
        NotInstalled, DoesNotFit or Unwritable: the packages of the extra `export` are missing, `path` is no .onnx file
            or cannot be written, or
            the file draws something else.
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
    """The generator as it is sampled, in one call."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.network.generate(z, condition)


def _trial(model: Model, count: int) -> dict[str, Tensor]:
    """What so many samples are made of."""
    trial, seeds = {"z": inputs(range(count), model.network.latent)}, range(count)
    return trial | ({"condition": model.condition.draw(seeds)} if model.condition else {})


def _write(network: Generator, trial: dict[str, Tensor], file: Path) -> None:
    batch, log = {0: torch.export.Dim("n")}, logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they speak of torch's own code
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
