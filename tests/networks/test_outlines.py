"""Networks that are only to be compared with a file: their outlines."""

import subprocess
import sys
from dataclasses import dataclass

import torch
from torch import nn

from ganvas.networks.fill import outline
from ganvas.networks.layers import Network, NetworkSettings

EVERY_NETWORK = """
import sys
import torch
import ganvas
from ganvas.core import catalog
from ganvas.core.errors import GanvasError
from ganvas.networks.fill import outline

told = 0
for name in catalog.names("network"):
    for shape in ((3, 64, 64), (1, 32, 32), (3, 16, 16, 16), (2,)):
        for condition in (0, 256, 1792):
            settings = catalog.find(name, "network")()
            try:
                network = settings.build(shape, condition)
            except GanvasError:
                continue
            drawn, whole = outline(settings, shape, condition).state_dict(), network.state_dict()
            assert all(t.is_meta for t in drawn.values()), name
            drawn, whole = ({n: (t.shape, t.dtype) for n, t in each.items()} for each in (drawn, whole))
            assert drawn == whole, name
            told += 1
assert "torch._dynamo" not in sys.modules, "a compiler was imported, which takes over a second"
print(told)
"""


def test_outlines_have_the_weights_of_networks_and_need_no_compiler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVERY_NETWORK], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


@dataclass(frozen=True)
class Odd(NetworkSettings):
    """A network of somebody's own, whose constructor computes."""

    def build(self, shape: tuple[int, ...], condition: int) -> Network:
        network = Network(shape, condition)
        network.register_buffer("grid", torch.arange(3)[:, None] * torch.randn(4))
        network.register_buffer("row", torch.arange(3) * 0.5)
        network.register_buffer("precise", torch.randn(2, dtype=torch.float64) * 2)
        network.register_buffer("square", torch.eye(2, 3) / torch.linspace(1, 2, steps=3))
        network.weight = nn.Parameter(torch.randn((2, 3)))
        nn.init.kaiming_normal_(tensor=network.weight)
        return network


def test_the_outline_of_a_network_whose_constructor_computes() -> None:
    drawn, whole = (made.state_dict() for made in (outline(Odd(), (2,), 0), Odd().build((2,), 0)))
    assert {n: (t.shape, t.dtype) for n, t in drawn.items()} == {n: (t.shape, t.dtype) for n, t in whole.items()}
    assert drawn["grid"].shape == (3, 4)
    assert drawn["row"].is_floating_point()
