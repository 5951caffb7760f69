"""Hostile model files, state dicts and runs: files whose descriptions lie."""

import base64
import hashlib
import io
import itertools
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load, save, save_file

from ganvas import Run

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, 10**9, 10**20, 1e308, float("nan"), "", "icons", "../../etc", [], [[]], [0], [1, 2, 3],
    {}, {"part": "ring"}, {"part": 5}, {"part": "mlp_generator"}, {"part": "mlp_generator", "width": 10**8},
)  # fmt: skip


def _told(file: Path) -> dict[str, Any]:
    """A model file's description, without its checksums: a stranger omits them or makes them match."""
    with safe_open(file, "pt") as opened:
        told: dict[str, Any] = json.loads(opened.metadata()["ganvas"])
    return {name: value for name, value in told.items() if name not in ("sum", "tensors")}


def _saved(tensors: Mapping[str, torch.Tensor], told: object) -> bytes:
    """A model file with this description."""
    words = told if isinstance(told, str) else json.dumps(told)
    return save(dict(tensors), {"ganvas": words})


def described(good: Path) -> dict[str, bytes]:
    """Descriptions in which each value is replaced by odd ones, and some that lie about size."""
    told, tensors, made = _told(good), load(good.read_bytes()), {}
    for path in _paths(told):
        for odd in ODD:
            changed = json.loads(json.dumps(told))
            inner = changed
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = odd
            made[f"{'.'.join(map(str, path))} = {str(odd)[:30]}"] = _saved(tensors, changed)
    for name, network in _large().items():
        made[name] = _saved(tensors, told | network)
    for name, text in {
        "no JSON": "{",
        "deep": "[" * 100_000,
        "digits": "1" * 5000,
        "list": "[]",
        "word": '"x"',
    }.items():
        made[f"description: {name}"] = _saved(tensors, text)
    return made


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each value of a description; in lists, only to the first."""
    inner = value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    for name, each in inner:
        yield (*before, name)
        yield from _paths(each, (*before, name))


def _large() -> dict[str, dict[str, Any]]:
    """Networks that would take all memory or endless time."""
    parts = {
        "mlp": {"part": "mlp_generator", "width": 10**6, "depth": 200},
        "mlp deep": {"part": "mlp_generator", "width": 1, "depth": 10**9},
        "mlp 20 GB": {"part": "mlp_generator", "width": 70_000, "depth": 3},
        "stylegan2": {"part": "stylegan2_generator", "width": 8192, "base": 2**20, "depth": 100},
        "r3gan": {"part": "r3_generator", "width": 2**20, "blocks": 256},
        "resnet": {"part": "resnet_generator", "width": 30_000},
        "dcgan": {"part": "dcgan_generator", "width": 30_000, "extra": 2**20},
        "tgan": {"part": "tgan_generator", "width": 30_000},
        "autoencoder": {"part": "autoencoder", "width": 30_000, "gaussian": True},
        "a critic": {"part": "resnet_critic", "width": 2},
    }
    made = {name: {"network": network} for name, network in parts.items()}
    shapes = ([3, 2**15, 2**15], [1, 8192, 8192], [10**6, 8, 8], [1, 2**62, 2**62], [1, 10**6, 64, 64], [10**10])
    return made | {f"shape {shape}": {"shape": shape} for shape in shapes}


def headers(good: Path) -> dict[str, bytes]:
    """Headers of safetensors that are truncated, that overlap, or that promise more than there is."""
    content = good.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]

    def packed(changed: object, *, claimed: int | None = None, rest: bytes = body) -> bytes:
        words = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return struct.pack("<Q", len(words) if claimed is None else claimed) + words + rest

    made = {f"cut after {share:.0%}": content[: int(len(content) * share)] for share in (0, 0.01, 0.1, 0.5, 0.9, 0.999)}
    for claimed in (0, 1, length - 1, length + 1, 2**32, 2**63, 2**64 - 1):
        made[f"header of {claimed}"] = packed(header, claimed=claimed)
    first = next(name for name in header if name != "__metadata__")
    changes: dict[str, Any] = {
        "a huge shape": {"shape": [2**40, 2**40]},
        "a shape below 0": {"shape": [-1]},
        "a shape of words": {"shape": "8"},
        "bytes": {"dtype": "U8"},
        "booleans": {"dtype": "BOOL"},
        "an unknown type": {"dtype": "F1"},
        "offsets beyond": {"data_offsets": [0, 2**50]},
        "offsets backwards": {"data_offsets": [100, 4]},
        "all overlap": {"data_offsets": [0, 4]},
        "nothing in it": {"shape": [0, 10**12], "data_offsets": [0, 0]},
    }
    for name, change in changes.items():
        made[name] = packed(header | {first: header[first] | change})
    made |= {
        "metadata of numbers": packed(header | {"__metadata__": {"ganvas": 5}}),
        "metadata of lists": packed(header | {"__metadata__": []}),
        "no body": packed(header, rest=b""),
        "twice the body": packed(header, rest=body * 2),
        "a list": packed([]),
        "not UTF-8": packed(b"\xff\xfe" * 20),
        "deep": packed(b"[" * 100_000),
        "100,000 tensors": packed(
            {str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(10**5)}
        ),
        "a name of 1 MB": packed(header | {"x" * 2**20: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        "empty": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "a pickle": _program(),
    }
    return made


def weights(good: Path) -> dict[str, bytes]:
    """Weights of other shapes, types and names, or that are not finite, under a good description."""
    told, tensors = _told(good), load(good.read_bytes())
    made = {}
    for name, tensor in itertools.islice(tensors.items(), 6):
        made[f"{name} is gone"] = _saved({key: value for key, value in tensors.items() if key != name}, told)
        for what, other in {
            "flat": tensor.flatten().clone(),
            "scalar": torch.zeros(()),
            "empty": torch.zeros(0),
            "whole": tensor.long(),
            "NaN": torch.full_like(tensor, float("nan")) if tensor.is_floating_point() else tensor + 1.5,
            "infinite": tensor * float("inf"),
            "of 8 bits": tensor.to(torch.float8_e4m3fn) if tensor.is_floating_point() else tensor.bool(),
        }.items():
            made[f"{name} is {what}"] = _saved(tensors | {name: other}, told)
    made["no weights"] = _saved({}, told)
    made["one too many"] = _saved(tensors | {"more": torch.zeros(3)}, told)
    words = {"part": "keywords", "words": ["red"], "phrases": ["red"], "table": "AAAA", "variety": 0.5}
    table = base64.b64encode(b"\xff" * 512).decode()
    for name, change in {"short": {}, "of NaN": {"table": table}, "other phrases": {"phrases": ["blue"]}}.items():
        made[f"keywords: table {name}"] = _saved(tensors, told | {"condition": words | change})
    for name, labels in {
        "no shares": {"classes": ["a", "b"], "shares": []},
        "NaN": {"classes": ["a"] * 10, "shares": [float("nan")] * 10},
        "zeros": {"classes": ["a"] * 10, "shares": [0.0] * 10},
        "below 0": {"classes": ["a"] * 10, "shares": [-1.0] * 10},
        "a million": {"classes": [str(n) for n in range(10**6)], "shares": [1e-6] * 10**6},
    }.items():
        made[f"labels: {name}"] = _saved(tensors, told | {"condition": {"part": "labels"} | labels})
    return made


class _Runs:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("executed",)


def _program() -> bytes:
    """A pickle that runs code if it is loaded carelessly."""
    return pickle.dumps(_Runs())


def pickles() -> dict[str, bytes]:
    """State dicts of torch.save that are programs, truncated, compressed, or far larger once loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about tensor types that are deprecated
        made = _saved_by_torch()
    whole, old = made["whole"], made["old and whole"]
    for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95):
        made[f"cut after {share:.0%}"] = whole[: int(len(whole) * share)]
        made[f"old, cut after {share:.0%}"] = old[: int(len(old) * share)]
    for place in range(10, len(whole), len(whole) // 20):
        made[f"byte {place} turned"] = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
    for place in range(0, 400, 20):
        made[f"old, byte {place} turned"] = old[:place] + bytes([old[place] ^ 0x55]) + old[place + 1 :]
    return made


def _saved_by_torch() -> dict[str, bytes]:

    def saved(value: object, **how: Any) -> bytes:
        into = io.BytesIO()
        torch.save(value, into, **how)
        return into.getvalue()

    anchor = "MainLayers.0.Layers.0.Basis"
    small = {anchor: torch.zeros(4, 4, 4)}
    huge = torch.zeros(1).expand(10**6, 10**4)
    return {
        "whole": saved(small),
        "a program": _program(),
        "a program in a dictionary": pickle.dumps({anchor: _Runs()}),
        "a program saved by torch": saved({anchor: _Runs()}, _use_new_zipfile_serialization=True),
        "one number as 40 GB": saved({anchor: huge}),
        "one number as 40 GB, and an embedding": saved(small | {"EmbeddingLayer.weight": huge}),
        "integer keys": saved({0: torch.zeros(2), 1: torch.zeros(3)}),
        "keys of many kinds": saved({None: torch.zeros(2), (1, 2): torch.zeros(3), b"x": torch.zeros(1)}),
        "a scalar": saved({anchor: torch.zeros(())}),
        "scalars": saved({anchor: torch.zeros(()), "EmbeddingLayer.weight": torch.tensor(1.0)}),
        "sparse": saved({anchor: torch.zeros(4, 4).to_sparse()}),
        "sparse and huge": saved({anchor: torch.sparse_coo_tensor(torch.zeros(2, 0), [], (10**9, 10**9))}),
        "meta": saved({anchor: torch.zeros(10**9, 10**3, device="meta")}),
        "quantized": saved({anchor: torch.quantize_per_tensor(torch.zeros(4, 4), 0.1, 0, torch.qint8)}),
        "words": saved({anchor: "weight"}),
        "a list": saved([torch.zeros(3)]),
        "a tensor": saved(torch.zeros(3)),
        "nothing": saved({}),
        "none": saved(None),
        "no JSON": b"{",
        "old and whole": saved(small, _use_new_zipfile_serialization=False),
        "stage 1000000000": saved(small | {"MainLayers.1000000000.Layers.1.x": torch.zeros(1)}),
        "a stage of 5000 digits": saved(small | {f"MainLayers.{'9' * 5000}.Layers.1.x": torch.zeros(1)}),
        "packed": _packed(saved({anchor: torch.zeros(2**26)})),
    }


def _packed(content: bytes) -> bytes:
    """The same archive, compressed: 256 MB of zeros in 256 kB."""
    into = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        for each in whole.infolist():
            packed.writestr(each.filename, whole.read(each))
    return into.getvalue()


def runs() -> dict[str, Callable[[Path], None]]:
    """Runs with a false recipe or checkpoint; checksums are missing or match, as an attacker would do it."""
    made: dict[str, Callable[[Path], None]] = {}
    for odd in ODD:
        for path in (
            ("networks", "generator", "width"),
            ("networks", "critic"),
            ("product",),
            ("batch",),
            ("condition",),
        ):
            made[f"{'.'.join(path)} = {str(odd)[:30]}"] = lambda run, path=path, odd=odd: _changed(run, path, odd)
    for name, change in _large().items():
        if "network" in change:
            made[f"generator {name}"] = lambda run, to=change: _changed(run, ("networks", "generator"), to["network"])
    made["critic of 20 GB"] = lambda run: _changed(run, ("networks", "critic", "width"), 30_000)
    made["no critic"] = lambda run: _restated(run, lambda _: {})
    made["a critic of scalars"] = lambda run: _restated(
        run, lambda tensors: {name: torch.zeros(()) for name in tensors}
    )
    return made


def _changed(run: Path, path: tuple[str, ...], to: object) -> None:
    recipe = Run(run).read("recipe.json")
    inner = recipe
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    (run / "recipe.json").write_text(json.dumps(recipe))
    (run / ".copies" / "recipe.json").unlink()


def _restated(run: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    (newest,) = sorted((run / "checkpoints").iterdir())[-1:]
    file = newest / "state.safetensors"
    save_file(change(load(file.read_bytes())), file)
    known = json.loads((newest / "manifest.json").read_text())
    known["state.safetensors"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (newest / "manifest.json").write_text(json.dumps(known))
