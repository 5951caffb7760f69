"""Icons on a device: drawn once on many cores, then sampled, tinted and described at random without synchronising."""

import hashlib
import io
import json
import lzma
import os
import tempfile
from collections.abc import Iterable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .prepare import MANY, PALETTE, SLOTS

FLAT = 8  # standard deviation of pixels below which a picture counts as empty
BLACK = 0.3  # share of icons of one colour that are tinted black
LOUD = 16.0  # length of a word's vector
SHARED = Path("/dev/shm")  # shared memory as a folder, if there is one
MARGIN = 4  # pixels of 64 around an icon
TOLD = torch.tensor([0.9, 0.7, 0.75, 0.5] + [0.85] * 5 + [0.3] * 8)
PLAIN = torch.tensor([1.0, 0.9, 0.5, 0.3] + [0.0] * 13)
"""Probability of telling each word, in the order of `_CANDIDATES`; PLAIN when only noun, style and colour are told."""

FIRST = torch.tensor([0.0, 1, 2, 3] + [4.0] * 5 + [9.0] * 8)
_CANDIDATES = ("noun", "style", "colours", "named", "tags")
OTHERS = 4  # index of the first candidate that is neither noun nor style nor colour


class Drawn(NamedTuple):
    """Icons of one kind: coverage [N, S, S] of those of one colour, or colours [N, S, S, 3], and their rows."""

    pictures: np.ndarray
    rows: np.ndarray


def draw(carry: Path, size: int, *, most: int = 0, cores: int | None = None, cache: Path | None = None) -> list[Drawn]:
    """Draw all icons, or `most` of them, unless the cache folder has them; returns those of one colour first."""
    icons = carry / "icons.jsonl.xz"
    with lzma.open(icons, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    known = hashlib.sha256(icons.read_bytes()).hexdigest()[:12]
    mono = np.load(carry / "meta.npz")["mono"]
    chosen = np.sort(np.random.default_rng(0).permutation(len(lines))[: most or None])
    folder = cache or (SHARED if SHARED.is_dir() else Path(tempfile.gettempdir()))
    kinds, jobs = [], []
    for kind in (True, False):
        rows = chosen[mono[chosen] == kind]
        shape = (len(rows), size, size) + (() if kind else (3,))
        if not len(rows):
            raise SystemExit(f"No icon of {'one colour' if kind else 'many colours'} is among these; both are learned.")
        file_ = folder / f"icons-{known}-{size}-{len(chosen)}-{'mono' if kind else 'colour'}.u8"
        kinds.append((file_, shape, rows))
        if not file_.with_suffix(".done").exists():
            np.memmap(file_, np.uint8, "w+", shape=shape)
            step = 400 if kind else 150
            jobs += [
                ([lines[row] for row in rows[at : at + step]], file_, shape, at, kind)
                for at in range(0, len(rows), step)
            ]
    jobs.sort(key=lambda job: job[-1])  # those of many colours take longest, so they go first
    if cores == 1:
        for job in jobs:
            _draw_some(job)
    elif jobs:
        with get_context("fork").Pool(cores or os.cpu_count()) as pool:
            for _ in pool.imap_unordered(_draw_some, jobs):
                pass
    for file_, _, _ in kinds:
        file_.with_suffix(".done").touch()
    return [Drawn(np.memmap(file_, np.uint8, "r", shape=shape), rows) for file_, shape, rows in kinds]


def _draw_some(job: tuple[Sequence[str], Path, tuple[int, ...], int, bool]) -> None:
    lines, file, shape, first, mono = job
    out = np.memmap(file, np.uint8, "r+", shape=shape)
    for place, line in enumerate(lines, first):
        try:
            picture = drawn(*json.loads(line)[:2], size=shape[1])
            out[place] = 255 - np.asarray(picture.convert("L")) if mono else np.asarray(picture.convert("RGB"))
        except BaseException:  # resvg panics on a few filters, and a panic is not an Exception
            out[place] = 0 if mono else 255


def drawn(fit: Sequence[float], svg: str, *, size: int) -> Image.Image:
    import resvg_py

    x, y, side = fit
    edge = side * MARGIN / (64 - 2 * MARGIN)
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{size}" '
        f'height="{size}" viewBox="{x - edge} {y - edge} {side + 2 * edge} {side + 2 * edge}">'
        f"{svg.replace('currentColor', '#000')}</svg>"
    )
    png = resvg_py.svg_to_bytes(svg_string=text, background="white", skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png)))


class Described(NamedTuple):
    """Descriptions of icons as word numbers, [N, SLOTS], and which icons they describe.

    `mono` [N] says of which kind, `rows` [N] which icon of that kind; `tints` [N, 3] are the colours of those of one.
    """

    told: Tensor
    mono: Tensor
    rows: Tensor
    tints: Tensor


class Shown(NamedTuple):
    """Pictures [N, 3, S, S] in [-1, 1] of icons, with the fields of `Described`."""

    pictures: Tensor
    told: Tensor
    mono: Tensor
    rows: Tensor
    tints: Tensor


class Half:
    """The icons of one kind on the device."""

    def __init__(self, drawn: Drawn, meta: Any, device: torch.device) -> None:
        self.pictures = torch.from_numpy(np.array(drawn.pictures)).to(device)
        seen = torch.cat([part.flatten(1).float().std(1) > FLAT for part in self.pictures.split(2000)]).cpu().numpy()
        weight = meta["weight"][drawn.rows] * seen
        self.ends = torch.from_numpy(np.cumsum(weight) / weight.sum()).float().to(device)
        candidates = np.concatenate([meta[name] for name in _CANDIDATES], 1)[drawn.rows]
        self.candidates = torch.from_numpy(candidates.astype(np.int64)).to(device)
        self.flips = torch.from_numpy(meta["flip"][drawn.rows]).to(device)

    def __len__(self) -> int:
        return len(self.ends)

    def weights(self) -> Tensor:
        """The probability of each icon; the sum is 1."""
        return self.ends.double().diff(prepend=self.ends.new_zeros(1))

    def some(self, count: int) -> Tensor:
        """Rows sampled by weight."""
        return torch.searchsorted(self.ends, torch.rand(count, device=self.ends.device)).clamp(max=len(self) - 1)


class Corpus:
    """All icons: a fixed share of each batch has one colour, which is chosen each time."""

    def __init__(self, carry: Path, drawn: list[Drawn], device: torch.device) -> None:
        meta = np.load(carry / "meta.npz")
        self.device, self.words = device, [str(word) for word in meta["words"]]
        self.places = {word: place + 1 for place, word in enumerate(self.words)}
        self.table = torch.from_numpy(meta["table"]).float().to(device) * LOUD
        self.share = float(meta["weight"][meta["mono"]].sum() / meta["weight"].sum())
        self.mono, self.coloured = (Half(each, meta, device) for each in drawn)
        numbers = [[int(code[at : at + 2], 16) for at in (0, 2, 4)] for code in PALETTE.values()]
        self.palette = torch.tensor(numbers, device=device).float() / 255
        self.names = torch.tensor([self.places[name] for name in PALETTE], device=device)
        self.told_, self.plain, self.first = (each.to(device) for each in (TOLD, PLAIN, FIRST))
        asked = json.loads((carry / "condition.json").read_text(encoding="utf-8"))
        self.kinds = torch.zeros(len(self.words) + 1, MANY, dtype=torch.long, device=device)
        for thing, *kinds in (each.split()[: MANY + 1] for each in asked["kinds"]):
            self.kinds[self.places[thing], : len(kinds)] = torch.tensor([self.places[kind] for kind in kinds])

    def favour(self, power: float, nouns: Iterable[str] = (), at_least: float = 0.0) -> None:
        """Weigh nouns by their number of icons to this power, and raise some nouns to at least a share of all.

        `prepare` has weighed all nouns by the fourth root.
        """
        halves = ((self.mono, self.share), (self.coloured, 1 - self.share))
        known = torch.cat([half.candidates[:, 0] for half, _ in halves])
        more = torch.bincount(known, minlength=len(self.words) + 1).double() ** (power - 0.25)
        weights = [share * half.weights() * more[half.candidates[:, 0]] for half, share in halves]
        wanted = torch.tensor([self.places[noun] for noun in nouns if noun in self.places], device=known.device)
        these = [torch.isin(half.candidates[:, 0], wanted) for half, _ in halves]
        of_these = sum(each[found].sum() for each, found in zip(weights, these, strict=True))
        of_others = sum(each.sum() for each in weights) - of_these
        if of_these:
            raised = max(1.0, float(at_least / (1 - at_least) * of_others / of_these))
            weights = [torch.where(found, raised * each, each) for each, found in zip(weights, these, strict=True)]
        self.share = float(weights[0].sum() / sum(each.sum() for each in weights))
        for (half, _), each in zip(halves, weights, strict=True):
            half.ends = (each.cumsum(0) / each.sum()).float()

    def described(self, count: int) -> Described:
        """So many icons sampled by weight, those of one colour first."""
        first = round(count * self.share)
        found = []
        for half, few in ((self.mono, first), (self.coloured, count - first)):
            rows, mono = half.some(few), half is self.mono
            colour, tint = self.tints(few) if mono else (None, rows.new_zeros(few, 3).float())
            told = self.told(half, rows, colour, nothing=0.03, plain=0.7, kind=0.5)
            found.append(Described(told, torch.full_like(rows, mono, dtype=torch.bool), rows, tint))
        return Described(*(torch.cat(each) for each in zip(*found, strict=True)))

    def some(self, count: int) -> Shown:
        """The same with their pictures, some of them mirrored."""
        described, found = self.described(count), []
        for half, these in ((self.mono, described.mono), (self.coloured, ~described.mono)):
            rows, coin = described.rows[these], torch.rand(int(these.sum()), device=self.device) < 0.5
            tint = described.tints[these] if half is self.mono else None
            found.append(self.pictures(half, rows, tint, coin & half.flips[rows]))
        return Shown(torch.cat(found), *described)

    def tints(self, count: int) -> tuple[Tensor, Tensor]:
        """Random colours by number and as [N, 3] in [0, 1], each varied a little; the last number is black."""
        black = torch.rand(count, device=self.device) < BLACK
        chosen = torch.randint(0, len(PALETTE) - 1, (count,), device=self.device)
        chosen = torch.where(black, len(PALETTE) - 1, chosen)
        near = self.palette[chosen] + (torch.rand(count, 3, device=self.device) - 0.5) * 0.08
        gray = torch.rand(count, 1, device=self.device) * 0.14
        return chosen, torch.where(black[:, None], gray, near).clamp(0, 1)

    @staticmethod
    def pictures(half: Half, rows: Tensor, tint: Tensor | None = None, flip: Tensor | None = None) -> Tensor:
        """Pictures [N, 3, S, S] in [-1, 1]; those of one colour in their tint."""
        held = half.pictures[rows].float() / 255
        x = held.permute(0, 3, 1, 2) if tint is None else 1 - held[:, None] * (1 - tint[:, :, None, None])
        if flip is not None:
            x = torch.where(flip[:, None, None, None], x.flip(-1), x)
        return (x * 2 - 1).contiguous(memory_format=torch.channels_last)

    def told(
        self,
        half: Half,
        rows: Tensor,
        colour: Tensor | None,
        *,
        nothing: float = 0.1,
        plain: float = 0.0,
        kind: float = 0.0,
    ) -> Tensor:
        """Random descriptions [N, SLOTS] of these rows, as word numbers.

        A share `plain` tells only noun, style and colour; a share `kind` of these, if the icon is of one of the noun's
        kinds, tells the kind too. A share `nothing` tells no words.
        """
        words, count = half.candidates[rows].clone(), len(rows)
        share = self.told_.expand(count, -1)
        alone = torch.rand(count, 1, device=self.device) < plain
        share = torch.where(alone, self.plain, share).clone()
        if kind:
            are = (words[:, OTHERS:, None] == self.kinds[words[:, 0], None]).any(2) & (words[:, OTHERS:] > 0)
            one = (torch.rand(are.shape, device=self.device) * are).argmax(1, keepdim=True)
            here = alone & are.any(1, keepdim=True) & (torch.rand(count, 1, device=self.device) < kind)
            share.scatter_(1, OTHERS + one, torch.where(here, 1.0, share.gather(1, OTHERS + one)))
        if colour is not None:
            words[:, 2] = self.names[colour]
            share[:, 2] = torch.where(colour == len(PALETTE) - 1, 0.35, 0.85) * (0.7 if plain else 1.0)
        kept = (torch.rand(words.shape, device=self.device) < share) & (words > 0)
        kept &= torch.rand(count, 1, device=self.device) >= nothing
        order = torch.where(kept, self.first + torch.rand(words.shape, device=self.device), 100.0)
        found, places = order.topk(SLOTS, largest=False)
        return torch.where(found < 99, words.gather(1, places), 0)

    def condition(self, told: Tensor) -> Tensor:
        """Descriptions as the networks' input, [N, SLOTS * 256]."""
        return self.table[told].flatten(1)

    def asked(self, text: str) -> Tensor:
        """The word numbers [SLOTS] of a user's text."""
        numbers = [self.places[word] for word in text.split()]
        return torch.tensor(numbers + [0] * (SLOTS - len(numbers)), device=self.device)
