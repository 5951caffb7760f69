"""What is said of the machine."""

import pytest
import torch

from ganvas.core import machine


def test_one_name_with_other_instructions_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(machine, "has_bfloat16", lambda _: False)
    plain = machine.describe(cpu)
    monkeypatch.setattr(machine, "has_bfloat16", lambda _: True)
    assert plain["instructions"] == "AVX512"
    assert machine.describe(cpu) == plain | {"instructions": "AVX512 with bfloat16"}
