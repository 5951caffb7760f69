"""Networks of every kind, as small as they can be made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import pytest
import torch

from ganvas import find
from ganvas.networks import latent
from ganvas.networks.layers import Critic, Generator
from ganvas.networks.sketch import Sketcher

__all__ = ["narrowed", "tiny"]

SETTINGS = {"width": 4, "depth": 2, "blocks": 1, "latent": 6, "cardinality": 2}


@contextmanager
def narrowed() -> Iterator[None]:
    """Makes networks of latents with few channels; no setting does, so that all models share one autoencoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latent, "ENCODER", (4, 8, 8))
        patch.setattr(latent, "DECODER", (8, 8, 8))
        patch.setattr(Sketcher, "WIDTH", 128)
        yield


def tiny(name: str, shape: tuple[int, ...], condition: int = 0, **settings: object) -> Generator | Critic:
    """The network of this name, with these settings beside the tiny ones; always the same weights."""
    part = find(name, "network")
    small = {field.name: SETTINGS[field.name] for field in fields(part) if field.name in SETTINGS}
    torch.manual_seed(0)
    with narrowed():
        network = part(**small | settings).build(shape, condition)
    for module in network.modules():
        if isinstance(module, Sketcher):
            module.STEPS = 2
    return network
