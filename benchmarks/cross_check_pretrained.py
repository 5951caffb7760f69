"""Ganvas' StyleGAN2 and R3GAN generators against those of their authors, on made-up weights at tiny widths.

    git clone https://github.com/NVlabs/stylegan2-ada-pytorch    # and https://github.com/brownvc/R3GAN
    python -m benchmarks.cross_check_pretrained stylegan2 stylegan2-ada-pytorch [--golden]
    python -m benchmarks.cross_check_pretrained r3gan R3GAN [--golden]

The original runs on the CPU with its own reference operators, in float32 and in float64; its state dict goes through
`ganvas convert`'s translation. `--golden` writes the reference values of tests/models/test_convert.py, which then does
not need the original.

For float64, the originals' requests for float32 are answered with float64; their filters stay in float32, which
represents them exactly.
"""

import argparse
import json
import sys
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from packaging import version
from torch import Tensor, nn

from ganvas.models.convert import translate
from ganvas.networks.layers import Generator

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
COUNT, CLASSES = 2, 3
EVERY = {"stylegan2": 31, "r3gan": 97}  # one in so many values is kept
SHARE = 0.7  # truncation of the truncated samples


def made_up(kind: str, name: str, shape: list[int]) -> Tensor:
    """A weight, float64, the same on every machine, about as large as in a fresh network."""
    values = np.random.default_rng(list(name.encode())).standard_normal(shape)
    if kind == "stylegan2":
        values *= 100 if ".fc" in name else 1  # the mapping network has a learning-rate multiplier of 0.01
    elif len(shape) > 1:
        values /= np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(values))


def inputs(latent: int) -> tuple[Tensor, Tensor]:
    """Inputs z [N, latent] and classes [N, K], float64."""
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((COUNT, latent)))
    return z, torch.eye(CLASSES, dtype=torch.float64)[:COUNT]


def ours(kind: str, tensors: dict[str, Tensor], precision: torch.dtype) -> Generator:
    """The generator that their state dict translates to."""
    found = translate(tensors, kind)
    network = found.settings.build(found.shape, found.classes).to(precision).eval().requires_grad_(False)
    assert isinstance(network, Generator)
    network.load_state_dict(found.tensors)
    return network


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("kind", choices=["stylegan2", "r3gan"])
    options.add_argument("checkout", type=Path, help="a clone of the original repository")
    options.add_argument("--golden", action="store_true", help="write the tests' reference values")
    chosen = options.parse_args()
    torch.set_grad_enabled(False)
    make_importable(chosen.checkout)
    theirs: Any = {"stylegan2": stylegan2, "r3gan": r3gan}[chosen.kind]()
    state = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    weights = {name: made_up(chosen.kind, name, list(shape)) for name, shape in state.items() if not is_filter(name)}
    theirs.load_state_dict(weights, strict=False)
    exact = answers(chosen.kind, theirs, ours(chosen.kind, weights, torch.float32), torch.float32)
    double(theirs)
    theirs.load_state_dict(weights, strict=False)
    fine = answers(chosen.kind, theirs, ours(chosen.kind, weights, torch.float64), torch.float64)
    worst = max(
        *(difference(*pair) / 1e-4 for pair in exact.values()), *(difference(*pair) / 1e-9 for pair in fine.values())
    )
    for name in exact:
        print(
            f"{chosen.kind:10} {name:10} {difference(*exact[name]):.1e} of the scale in float32,"
            f" {difference(*fine[name]):.1e} in float64"
        )
    if chosen.golden:
        write(chosen.kind, {name: shape for name, shape in state.items() if name in weights}, fine)
    if worst > 1:
        sys.exit("Ganvas' generator is not that of its authors.")


def make_importable(checkout: Path) -> None:
    """Make the modules of a clone importable."""
    sys.path.insert(0, str(checkout.resolve()))
    if find_spec("pkg_resources") is None:  # removed from setuptools; the originals need one of its functions
        sys.modules["pkg_resources"] = types.ModuleType("pkg_resources")
        sys.modules["pkg_resources"].parse_version = version.parse


def is_filter(name: str) -> bool:
    return name.endswith(("resample_filter", "Resampler.Kernel"))


def stylegan2() -> nn.Module:
    """Their generator of 32x32 pictures with 16 to 8 channels, 3 mapping layers and 3 classes."""
    from training import networks

    networks.torch = _Torch()
    sizes = {"synthesis_kwargs": {"channel_base": 256, "channel_max": 16, "conv_clamp": 256}}
    return networks.Generator(8, CLASSES, 8, 32, 3, mapping_kwargs={"num_layers": 3}, **sizes).eval()


def r3gan() -> nn.Module:
    """Their generator of 64x64 pictures with 32 to 16 channels, two blocks per stage, groups of 8, and 3 classes."""
    from training import networks

    sizes = {"WidthPerStage": [32, 32, 32, 32, 16], "CardinalityPerStage": [8, 8, 8, 8, 4], "BlocksPerStage": [2] * 5}
    more = {"NoiseDimension": 8, "ConditionEmbeddingDimension": 8, "ExpansionFactor": 2, "FP16Stages": []}
    return networks.Generator(**sizes, **more, c_dim=CLASSES, img_resolution=64).eval()


class _Torch(types.ModuleType):
    """torch, except for what the name float32 stands for."""

    def __init__(self) -> None:
        super().__init__("torch")
        self.float32 = torch.float32

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def double(network: nn.Module) -> None:
    """Make their network compute in float64."""
    network.double()
    for name, filter_ in network.named_buffers():
        if is_filter(name):
            filter_.data = filter_.data.float()
    for module in network.modules():
        if hasattr(module, "DataType"):
            module.DataType = torch.float64
    if isinstance(patched := getattr(sys.modules["training.networks"], "torch", None), _Torch):
        patched.float32 = torch.float64


def answers(kind: str, theirs: nn.Module, mine: Generator, precision: torch.dtype) -> dict[str, tuple[Tensor, Tensor]]:
    """The outputs of both for the same inputs: name -> (theirs, ours)."""
    z, told = (each.to(precision) for each in inputs(mine.latent))
    if kind == "r3gan":
        return {"samples": (theirs(z, told), mine.forward(z, told))}
    made = theirs(z, told, noise_mode="const")
    apart = theirs(z, told, truncation_psi=SHARE, noise_mode="const")
    return {"samples": (made, mine.forward(z, told)), "truncated": (apart, mine.truncated(z, told, SHARE))}


def difference(theirs: Tensor, mine: Tensor) -> float:
    """The largest difference, divided by the standard deviation of theirs."""
    return float((theirs - mine).abs().max() / theirs.std())


def write(kind: str, shapes: dict[str, tuple[int, ...]], found: dict[str, tuple[Tensor, Tensor]]) -> None:
    kept = {
        name: [float(f"{value:.12g}") for value in theirs.flatten()[:: EVERY[kind]].tolist()]
        for name, (theirs, _) in found.items()
    }
    about = {"made_by": "benchmarks.cross_check_pretrained", "torch": torch.__version__, "every": EVERY[kind]}
    (GOLDEN / f"pretrained_{kind}.json").write_text(json.dumps(about | {"shapes": shapes, **kept}) + "\n")


if __name__ == "__main__":
    main()
