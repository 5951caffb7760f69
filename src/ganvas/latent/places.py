"""Points in latent space: the input of a generator for one picture, given by a seed or a small file.

Such a file holds the result of `ganvas project` for a picture, and can be used wherever a seed can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor

from ..core import files
from ..core.errors import DoesNotFit, NotFound, Unreadable
from ..core.seeds import is_whole
from ..core.sums import sealed, unsealed
from ..core.tensors import write_safetensors
from ..core.weights import sha256_of
from ..models.model import Model, inputs
from ..models.place import ENDING
from ..networks.layers import Generator

__all__ = ["ENDING", "Latent", "Start", "fingerprint", "moved", "places", "read_start"]


@dataclass(frozen=True, eq=False)
class Latent:
    """A point in the latent space of one model: z [L], the condition [K] or None, and the model's fingerprint.

    `words` are those that the condition came from, if any; asking for the same words again keeps the condition.
    """

    z: Float[Tensor, " l"]
    condition: Float[Tensor, " k"] | None
    model: str
    words: str = ""

    def save(self, path: str | Path) -> Path:
        """Write it to a .safetensors file.

        Raises:
            Unwritable: `path` cannot be written.
        """
        path = Path(path)
        tensors = {"z": self.z} | ({} if self.condition is None else {"condition": self.condition})
        with files.writing(path), files.replacing(path) as draft:
            write_safetensors(tensors, draft, sealed({"model": self.model, "words": self.words}, tensors))
        return path

    @classmethod
    def read(cls, path: str | Path) -> "Latent":
        """Read a file by `save`.

        Raises:
            NotFound or Unreadable: there is no such file, or it holds no latent.
        """
        path = Path(path)
        try:
            with safe_open(files.plain(path), "pt") as opened:
                told = opened.metadata() or {}
            tensors = load(path.read_bytes())
            about = unsealed(told, tensors)
            return cls(tensors["z"], tensors.get("condition"), about["model"], str(about.get("words", "")))
        except OSError:
            raise NotFound(f"There is no file {path}; `ganvas project MODEL PICTURE` writes one.") from None
        except (KeyError, TypeError, SafetensorError, ValueError):
            raise Unreadable(f"{path} is no latent that `ganvas project` wrote, or is damaged.") from None


Start = int | Latent
"""A seed, or a point that was found."""


def read_start(word: str) -> Start:
    """A seed, or the latent in the file of this name.

    Raises:
        DoesNotFit: it is neither a whole number from 0 nor the name of a .safetensors file.
        NotFound or Unreadable: there is no such file, or it holds no latent.
    """
    if is_whole(word):
        return int(word)
    if word.endswith(ENDING):
        return Latent.read(files.expanded(word))
    raise DoesNotFit(f"A seed is a whole number from 0, or a {ENDING} that `ganvas project` wrote, not {word!r}.")


def places(
    model: Model, starts: Sequence[tuple[Start, str | None]]
) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n k"] | None]:
    """The network's input for each (start, label): z [N, latent] and conditions [N, K].

    A label replaces the condition of a seed, or the one found with a latent.

    Raises:
        NotFound: the model does not know a label.
        DoesNotFit: a latent belongs to another model, a seed is below 0, or the model takes no label.
    """
    found = [_place(model, start, label) for start, label in starts]
    conditions = [condition for _, condition in found if condition is not None]
    return torch.cat([z for z, _ in found]), torch.cat(conditions) if conditions else None


def _place(model: Model, start: Start, label: str | None) -> tuple[Tensor, Tensor | None]:
    if isinstance(start, Latent):
        if start.model != fingerprint(model.network):
            raise DoesNotFit("This latent is of another model, or of this one before it was trained on: project anew.")
        asked = None if label and label == start.words else model.described(label)
        conditions = start.condition if asked is None else asked
        return start.z[None], None if conditions is None else conditions[None]
    if start < 0:
        raise DoesNotFit(f"A seed is a whole number from 0, not {start}.")
    conditions = model.condition_for(label, [start])
    if conditions is None and model.condition is not None:
        conditions = model.condition.draw([start])
    return inputs([start], model.network.latent), conditions


def moved(
    model: Model, z: Float[Tensor, "n l"], conditions: Float[Tensor, "n k"] | None, by: Float[Tensor, "*n v"]
) -> tuple[Float[Tensor, "n l"], Float[Tensor, "n k"] | None]:
    """Move z by the first L numbers of `by`, and the condition by the others."""
    latent = z.shape[1]
    if conditions is not None and model.condition is not None and by.shape[-1] > latent:
        conditions = model.condition.moved(conditions, by[..., latent:])
    return z + by[..., :latent], conditions


_known: "WeakKeyDictionary[Generator, tuple[tuple[tuple[int, int], ...], str]]" = WeakKeyDictionary()


def fingerprint(network: Generator) -> str:
    """The SHA-256 of a network's weights by their values, which identifies it.

    It is cached until a weight is written to, because each latent is compared with it whenever it is drawn.
    """
    state = network.state_dict()
    held = tuple((tensor.data_ptr(), tensor._version) for tensor in state.values())
    if network not in _known or _known[network][0] != held:
        _known[network] = held, sha256_of({f"{index:06}": tensor for index, tensor in enumerate(state.values())})
    return _known[network][1]
