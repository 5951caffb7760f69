"""A small classifier of labelled pictures, trained once per data set, to count modes and describe digits.

Convolutional networks of this size read MNIST as well as people do. It is trained on shifted, rotated and scaled
pictures, because a GAN's samples are never framed exactly as its data are.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.batch import Kind
from ...core.errors import DoesNotFit
from ...core.files import cache_folder, key, replacing, writing
from ...core.machine import threads
from ...core.pixels import to_float
from ...core.sums import load_tensors, save_tensors
from ...data.dataset import Dataset, Source, Watch, unwatched

__all__ = ["Classifier", "classifier"]

RECIPE = 1
"""To be increased whenever the same data give another classifier, so that older ones are no longer used."""

SIZE = 28  # pixels; pictures of other sizes are resized to this square
WIDTH, FEATURES = 16, 64
BATCH, RATE, DECAY = 128, 4e-3, 5e-2
EPOCHS, LEAST_SEEN, MOST_SEEN = 50, 40_000, 180_000  # epochs, but within this many pictures seen
MOST = 60_000  # pictures used of a larger set, evenly spread
LEAST_WITH, MOST_WORDS = 10, 64  # least pictures with a word, and without it; most words learned
SHIFT, TURN, SCALE = 0.08, 0.2, 0.12  # of the picture's side, in radians, as a factor's logarithm
CHUNK = 500


class Classifier(nn.Module):
    """A classifier: pictures -> the class of each.

    All methods but `forward` take uint8 [N, H, W, C] in [0, 255] or float [N, C, H, W] in [-1, 1], as an array or a
    tensor; sizes other than 28x28 are resized. A classifier of RGB pictures takes gray ones too.

    classes     the names of the classes, in the order of the labels
    channels    1 (gray), 3 (RGB) or 4 (RGBA)
    accuracy    the share of `held_out` pictures, not used in training, that it labels right
    words       whether the classes are words, of which several may apply: each logit is then the log odds of one word,
                and the accuracy is the mean over words of the mean over pictures with and without it
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        accuracy: float = math.nan,
        held_out: int = 0,
        words: bool = False,
    ) -> None:
        super().__init__()
        self.words = words
        self.classes, self.channels, self.accuracy, self.held_out = classes, channels, accuracy, held_out
        layers: list[nn.Module] = []
        before = channels
        for width in (WIDTH, 2 * WIDTH, 4 * WIDTH):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.MaxPool2d(2)]
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]  # after the pooling, a quarter of the work
            before = width
        layers += [nn.Flatten(), nn.Linear(before * (SIZE // 8) ** 2, FEATURES), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(FEATURES, len(classes))

    def forward(self, x: Float[Tensor, "n c h w"]) -> tuple[Tensor, Tensor]:
        """Pictures in [-1, 1] of 28x28 -> (features [N, 64], logits [N, classes]), with gradients."""
        features = self.body(x)
        return features, self.head(features)

    def labels(self, pictures: Tensor | NDArray[np.generic]) -> Int64[Tensor, " n"]:
        """The most likely class of each picture, as an index into `classes`."""
        return self.logits(pictures).argmax(dim=1)

    def logits(self, pictures: Tensor | NDArray[np.generic]) -> Float[Tensor, "n classes"]:
        """Log probabilities of the classes, up to a constant per picture; for words the log odds of each."""
        return torch.cat([logits for _, logits in self._answers(pictures)])

    def features(self, pictures: Tensor | NDArray[np.generic]) -> Float[Tensor, "n 64"]:
        """The features that the last layer takes: 64 non-negative numbers for each picture."""
        return torch.cat([features for features, _ in self._answers(pictures)])

    @torch.no_grad()
    def _answers(self, pictures: Tensor | NDArray[np.generic]) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.head.weight.device
        for first in range(0, max(1, len(pictures)), CHUNK):
            chunk = pictures[first : first + CHUNK]
            chunk = torch.from_numpy(np.array(chunk)) if isinstance(chunk, np.ndarray) else chunk
            features, logits = self(self._prepared(chunk.to(device)))
            yield features.cpu(), logits.cpu()

    def _prepared(self, pictures: Tensor) -> Tensor:
        """Pictures as `forward` takes them.

        Raises:
            DoesNotFit: they have another number of axes or channels, or hold NaN or infinity.
        """
        if pictures.dim() != 4:
            raise DoesNotFit(f"Pictures come as uint8 [N, H, W, C] or float [N, C, H, W], not {list(pictures.shape)}.")
        x = to_float(pictures) if pictures.dtype == torch.uint8 else pictures.float()
        if x.shape[1] == 1 < self.channels:
            x = x.expand(-1, 3, -1, -1)
        if x.shape[1] != self.channels:
            raise DoesNotFit(
                f"This classifier learned pictures of {self.channels} channels and cannot label those of {x.shape[1]}; "
                "give it the channels that it knows, or train one on data with as many as these have."
            )
        if not x.isfinite().all():
            raise DoesNotFit("Some of the pictures hold NaN or infinite numbers and cannot be classified.")
        return _resized(x).clamp(-1, 1)


def classifier(
    data: Source | Dataset, *, held_out: Source | Dataset | None = None, watch: Watch = unwatched
) -> Classifier:
    """The classifier of this data set's classes, or of its words if it has no classes.

    It is trained at the first call, and from then on read from the cache.

    Training sees 40,000 to 180,000 pictures, which takes half a minute to a minute and a half on one core; it is seeded
    and uses one thread, so that the same data give the same weights on the same machine.

    Args:
        data: pictures with labels or words.
        held_out: what to measure its accuracy on, such as the test split; by default a random tenth of `data`, not used
            in training.
        watch: told of the pictures seen.

    Raises:
        DoesNotFit: the data have neither two classes nor a word that tells some from others, are no pictures or fewer
            than 20; or `data` and `held_out` do not both have classes or both words.
    """
    learned, judged = _opened(data, watch), _opened(held_out, watch) if held_out else None
    if judged and learned.classes and judged.classes and judged.classes != learned.classes:
        raise DoesNotFit("What a classifier learns from and what it is judged on have the same classes, in one order.")
    file = cache_folder() / "classifiers" / f"{key(RECIPE, learned.digest(), judged and judged.digest())}.safetensors"
    known = _read(file)
    if known is not None:
        return known
    classes, words = learned.classes or _common(learned), not learned.classes
    if judged and words != (not judged.classes):
        raise DoesNotFit("What a classifier learns from and what it is judged on have both classes, or both words.")
    x, y = _tensors(learned, classes)
    if judged:
        x_judged, y_judged = _tensors(judged, classes)
    else:
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(y)))
        rest = max(1, len(y) // 10)
        x_judged, y_judged, x, y = x[order[:rest]], y[order[:rest]], x[order[rest:]], y[order[rest:]]
    with threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _trained(x, y, Classifier(classes, x.shape[1], words=words), watch)
        network.held_out = len(y_judged)
        network.accuracy = _accuracy(network, x_judged, y_judged)
    _write(file, network)
    return network


def _opened(data: Source | Dataset, watch: Watch) -> Dataset:
    data = data.open(watch) if isinstance(data, Source) else data
    told = len(data.classes) > 1 or (not data.classes and _common(data))
    if data.kind is not Kind.PICTURES or not told or len(data) < 20:
        raise DoesNotFit(
            "A classifier learns from labelled pictures: at least 20 of them and two classes, or words that are on 10 "
            "of them and not on 10 others. In a folder of pictures each class is a folder of its own; digits, mnist "
            "and cifar10 have labels too, and celeba or a metadata.jsonl have words."
        )
    return data


def _common(data: Dataset) -> tuple[str, ...]:
    """The words that tell pictures apart: those on some and not on others, the most common first."""
    counts = Counter(word for words in data.keywords for word in set(words))
    told = [word for word, count in counts.items() if LEAST_WITH <= count <= len(data) - LEAST_WITH]
    return tuple(sorted(told, key=lambda word: (-counts[word], word))[:MOST_WORDS])


def _tensors(data: Dataset, classes: Sequence[str]) -> tuple[Float[Tensor, "n c 28 28"], Tensor]:
    """All pictures, or some of many, evenly spread, as the network takes them; their labels [N] or words [N, K]."""
    rows = np.linspace(0, len(data) - 1, min(len(data), MOST)).round().astype(np.int64)
    chunks = [_resized(data.take(rows[first : first + CHUNK])) for first in range(0, len(rows), CHUNK)]
    if data.labels is None:
        y = torch.tensor([[float(word in data.keywords[row]) for word in classes] for row in rows])
    else:
        y = torch.from_numpy(data.labels[rows])
    return torch.cat(chunks).contiguous(), y


def _accuracy(network: Classifier, x: Tensor, y: Tensor) -> float:
    """The share labelled right; for words the mean over those with both kinds of pictures, each kind counting half."""
    if not network.words:
        return float((network.labels(x) == y).double().mean())
    right = ((network.logits(x) > 0) == (y > 0.5)).double()
    return float(torch.stack([(right * has).sum(0) / has.sum(0) for has in (y, 1 - y)]).mean(0).nanmean())


def _resized(x: Tensor) -> Tensor:
    if x.shape[2:] == (SIZE, SIZE):
        return x
    return F.interpolate(x, (SIZE, SIZE), mode="bilinear", antialias=True)


def _trained(x: Tensor, y: Tensor, network: Classifier, watch: Watch) -> Classifier:
    """AdamW with a one-cycle learning rate (Smith 2018, arXiv:1803.09820), on pictures augmented anew each time."""
    network = _laid_out(network, torch.channels_last).train()  # halves the time
    loss = F.binary_cross_entropy_with_logits if network.words else F.cross_entropy
    steps = min(max(EPOCHS * len(y), LEAST_SEEN), MOST_SEEN) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.2)
    order = torch.empty(0, dtype=torch.int64)
    for step in range(steps):
        watch("Training a classifier", step * BATCH, steps * BATCH)
        while len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(y))])
        rows, order = order[:BATCH], order[BATCH:]
        optimizer.zero_grad()
        loss(network(_moved(x[rows]).contiguous(memory_format=torch.channels_last))[1], y[rows]).backward()
        optimizer.step()
        schedule.step()
    return _laid_out(network, torch.contiguous_format).eval().requires_grad_(False)


def _laid_out(network: Classifier, order: torch.memory_format) -> Classifier:
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=order)
    return network


def _moved(x: Tensor) -> Tensor:
    """Each picture shifted, rotated and scaled a little; the border is repeated where it moves in."""
    turn, scale = TURN * (2 * torch.rand(len(x)) - 1), torch.exp(SCALE * (2 * torch.rand(len(x)) - 1))
    shift = 2 * SHIFT * (2 * torch.rand(len(x), 2) - 1)
    cosine, sine = scale * turn.cos(), scale * turn.sin()
    rows = [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)]
    places = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, places, mode="bilinear", padding_mode="border", align_corners=False)


def _write(file: Path, network: Classifier) -> None:
    about = {
        "of": file.stem,
        "classes": network.classes,
        "channels": network.channels,
        "accuracy": network.accuracy,
        "held_out": network.held_out,
        "words": network.words,
    }
    with writing(file), replacing(file) as draft:
        save_tensors(draft, network.state_dict(), about)


def _read(file: Path) -> Classifier | None:
    """The cached classifier, or None if it is missing or damaged and must be trained anew."""
    with suppress(OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        tensors, about = load_tensors(file)
        if about["of"] != file.stem:
            return None
        network = Classifier(
            tuple(about["classes"]),
            about["channels"],
            accuracy=about["accuracy"],
            held_out=about["held_out"],
            words=about.get("words", False),  # absent in earlier versions
        )
        network.load_state_dict(tensors)
        return network.eval().requires_grad_(False)
    return None
