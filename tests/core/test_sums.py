"""Of what is kept with a sum, no flipped bit is read as something else."""

import json
import random

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file

from ganvas.core.sums import load_tensors, proven, save_tensors, sealed, summed, unsealed

VALUE = {"images": 64, "terms": {"loss": 0.1 + 0.2, "none": None}, "names": ("a", "猫", "\x00"), "far": float("inf")}


def test_what_was_summed_comes_back():
    assert proven(json.loads(json.dumps(summed(VALUE)))) == VALUE | {"names": ["a", "猫", "\x00"]}
    assert proven({"images": 64}) == {"images": 64}, "as older versions wrote it"
    assert proven(summed(VALUE) | {"images": 65}) is None
    assert proven(summed(VALUE) | {"more": 1}) is None


def test_every_flipped_bit_is_seen_or_changes_nothing():
    text = json.dumps(summed(VALUE), indent=1).encode()
    seen = 0
    for place in range(8 * len(text)):
        changed = bytearray(text)
        changed[place // 8] ^= 1 << place % 8
        try:
            found = proven(json.loads(changed))
        except ValueError:
            found = None
        seen += found is None
        assert found in (None, json.loads(json.dumps(VALUE))), bytes(changed)
    assert seen > 7 * len(text)


def test_tensors_and_what_they_are(tmp_path):
    file = tmp_path / "a.safetensors"
    tensors = {"a": torch.arange(40.0).reshape(5, 8).T, "b": torch.ones(3, 2, dtype=torch.int64)}
    save_tensors(file, tensors, {"of": "digits", "count": 3})
    found, about = load_tensors(file)
    assert about == {"of": "digits", "count": 3}
    assert all(found[name].equal(tensors[name]) for name in tensors)
    good, dice = file.read_bytes(), random.Random(0)
    for _ in range(300):
        changed = bytearray(good)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        file.write_bytes(changed)
        try:
            found, about = load_tensors(file)
        except (ValueError, KeyError, OSError, SafetensorError):
            continue
        assert about == {"of": "digits", "count": 3}
        assert all(found[name].equal(tensors[name]) for name in tensors)
    with pytest.raises((FileNotFoundError, SafetensorError)):
        load_tensors(tmp_path / "none")


def test_a_seal_tells_of_every_flipped_bit_and_its_absence_of_none(tmp_path):
    file = tmp_path / "a.safetensors"
    tensors = {"a": torch.arange(12.0).reshape(3, 4), "b": torch.ones(2, dtype=torch.bfloat16)}
    save_file(tensors, file, sealed({"of": "digits"}, tensors))

    def found():
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
        held = load(file.read_bytes())
        return unsealed(metadata, held)["of"], held

    good, seen = file.read_bytes(), 0
    for place in range(8 * len(good)):
        changed = bytearray(good)
        changed[place // 8] ^= 1 << place % 8
        file.write_bytes(changed)
        try:
            of, held = found()
        except (ValueError, KeyError, OSError, SafetensorError):
            seen += 1
            continue
        assert of == "digits"
        assert all(held[name].equal(tensors[name]) for name in tensors)
    assert seen > 7 * len(good)
    save_file(tensors, file, {"ganvas": json.dumps({"of": "digits"})})
    assert found()[0] == "digits", "as older versions wrote it"
