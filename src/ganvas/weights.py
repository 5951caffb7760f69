"""Weights that others published: the tensors of a .safetensors or PyTorch file, by name; nothing is unpickled.

A file of `torch.save` holds a pickle, which is a program. Here that program is not run: `pickletools` lists its
instructions, and the few that a dictionary of tensors needs are followed by hand. Whatever else it asks for is refused.

Since torch 1.6 the file is a zip with `<folder>/data.pkl` and one `<folder>/data/<key>` per storage. Before that, it is
five pickles in a row (a magic number, the format's version, the machine's sizes, the dictionary, the storages' keys)
and then for each key the number of elements (int64) and the elements.
"""

import hashlib
import io
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from .errors import GanvasError

__all__ = ["read_weights", "sha256", "sha256_of"]

MOST_BYTES = 4 * 2**30
MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {
    "torch FloatStorage": torch.float32,
    "torch DoubleStorage": torch.float64,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch LongStorage": torch.int64,
    "torch IntStorage": torch.int32,
    "torch ByteStorage": torch.uint8,
    "torch BoolStorage": torch.bool,
}
DICTIONARY, TENSOR, PARAMETER = (
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
)


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of one file by their names, on the CPU.

    Raises:
        GanvasError: there is no such file, it is damaged, or it holds something else than a dictionary of tensors.
    """
    try:
        if not 0 < file.stat().st_size <= MOST_BYTES:
            raise GanvasError(f"{file} has {file.stat().st_size:,} bytes and cannot be a file of weights.")
        if file.suffix == ".safetensors":
            return load(file.read_bytes())
        return _zipped(file) if zipfile.is_zipfile(file) else _legacy(file)
    except OSError as error:
        raise GanvasError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (SafetensorError, zipfile.BadZipFile, ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        raise GanvasError(
            f"{file} is not a dictionary of tensors as torch.save or safetensors writes it, or is damaged ({error})."
        ) from None


def sha256(file: Path) -> str:
    """Of the file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sha256_of(tensors: dict[str, Tensor]) -> str:
    """Of the tensors' names, types, shapes and values, in the order of the names: the same for every kind of file."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Storage:
    """Some elements in a row; they may be read later than the tensors that refer to them."""

    dtype: torch.dtype
    key: str
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor whose storage is not read yet."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def tensor(self, elements: Tensor) -> Tensor:
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.size, self.stride, strict=True))
        if not 0 <= self.offset <= last < max(1, len(elements)) and 0 not in self.size:
            raise ValueError("a tensor reaches beyond its storage")
        return elements.as_strided(self.size, self.stride, self.offset).clone(memory_format=torch.contiguous_format)


def _zipped(file: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        listing = next((name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")), "")
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise ValueError("it unpacks to more than weights can have")
        folder = listing.removesuffix("data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its bytes are in the order of another kind of machine")
        views = _views(_run(io.BytesIO(archive.read(listing))))

        def elements(storage: _Storage) -> Tensor:
            return _elements(archive.read(f"{folder}data/{storage.key}"), storage)

        return _tensors(views, elements)


def _legacy(file: Path) -> dict[str, Tensor]:
    with file.open("rb") as stream:
        if (_run(stream), _run(stream)) != (MAGIC, 1001):
            raise ValueError("it begins as no file of torch.save does")
        if _run(stream).get("little_endian") is not True:
            raise ValueError("its bytes are in the order of another kind of machine")
        views = _views(_run(stream))
        keys = _run(stream)
        known = {view.storage.key: view.storage for view in views.values()}
        content = {}
        for key in keys:
            storage = known[key]
            if int.from_bytes(stream.read(8), "little") != storage.count:
                raise ValueError("a storage has another length than its tensors say")
            content[key] = _elements(stream.read(storage.count * storage.dtype.itemsize), storage)
    return _tensors(views, lambda storage: content[storage.key])


def _elements(content: bytes, storage: _Storage) -> Tensor:
    if len(content) != storage.count * storage.dtype.itemsize:
        raise ValueError("it is cut short")
    return torch.frombuffer(bytearray(content), dtype=storage.dtype) if content else torch.empty(0, dtype=storage.dtype)


def _views(found: Any) -> dict[str, _View]:
    """The tensors of a dictionary, or of the one under `state_dict` as some keep it."""
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(view, _View) for view in found.values()):
        raise TypeError("it holds other things than tensors")
    return found


def _tensors(views: dict[str, _View], elements: Callable[[_Storage], Tensor]) -> dict[str, Tensor]:
    return {name: view.tensor(elements(view.storage)) for name, view in views.items()}


def _run(stream: io.BytesIO | io.BufferedReader) -> Any:
    """Follow one pickle to its end, as far as a dictionary of tensors needs; nothing is imported and nothing called.

    Raises:
        ValueError: it has an instruction, or asks for an object, that no dictionary of tensors needs.
    """
    stack: list[Any] = []
    marks: list[int] = []
    kept: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        place = marks.pop()
        taken = stack[place:]
        del stack[place:]
        return taken

    argument: Any
    for code, argument, _ in pickletools.genops(stream):
        match code.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                marks.append(len(stack))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[code.name])
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}[code.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(argument)
            case "GLOBAL":
                stack.append(_Name(argument))
            case "BINPUT" | "LONG_BINPUT":
                kept[argument] = stack[-1]
            case "MEMOIZE":
                kept[len(kept)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(kept[argument])
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(code.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPENDS":
                new = since_mark()
                stack[-1].extend(new)
            case "APPEND":
                last = stack.pop()
                stack[-1].append(last)
            case "SETITEMS":
                new = since_mark()
                stack[-1].update(zip(new[::2], new[1::2], strict=True))
            case "SETITEM":
                value, name = stack.pop(), stack.pop()
                stack[-1][name] = value
            case "BUILD":
                stack.pop()  # what `state_dict` notes about itself
            case "BINPERSID":
                stack.append(_storage(stack.pop()))
            case "REDUCE":
                arguments, wanted = stack.pop(), stack.pop()
                stack.append(_made(wanted, arguments))
            case _:
                raise ValueError(f"the instruction {code.name}")
    raise ValueError("it is cut short")


class _Name(str):
    """Something that a pickle wants imported. It stays a name."""

    __slots__ = ()


def _storage(about: Any) -> _Storage:
    word, kind, key, _, count = about[:5]
    if word != "storage" or kind not in TYPES:
        raise ValueError(f"the object {kind}")
    return _Storage(TYPES[kind], key, count)


def _made(wanted: Any, arguments: Any) -> Any:
    if not isinstance(wanted, _Name):
        raise TypeError("it calls what is no name")
    if wanted == DICTIONARY:
        return {}
    if wanted == TENSOR:
        storage, offset, size, stride = arguments[:4]
        return _View(storage, offset, size, stride)
    if wanted == PARAMETER:
        return arguments[0]
    raise ValueError(f"the object {wanted.replace(' ', '.')}")
