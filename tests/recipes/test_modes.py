"""The benchmark of modes: networks side by side are the networks they were made from, and its tables are right."""

import json
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from benchmarks import modes
from benchmarks.side_by_side import SideBySide
from ganvas import find, train
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.plane import FourierCritic, StepGenerator

sys.path.insert(0, str(Path(__file__).parents[2]))  # also where pytest was not started as a module


NETWORKS = [
    StepGenerator(width=5, depth=2, extent=4.0),
    MLPGenerator(width=5, depth=2, latent=3),
    FourierCritic(width=5, depth=2, features=3, extent=4.0),
    FourierCritic(width=5, depth=2, features=3, spectral=True),
    MLPCritic(width=5, depth=2),
]


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
def test_each_member_is_the_network_it_was_made_from(settings):
    torch.manual_seed(0)
    alone = [settings.build((2,), 0) for _ in range(3)]
    torch.manual_seed(0)
    together = SideBySide(settings, 3).build((2,), 0)
    x = torch.randn(3 * 4, getattr(alone[0], "latent", 2), requires_grad=True)
    for _ in range(3):
        answer = together(x)
        expected = [network(rows) for network, rows in zip(alone, x.chunk(3), strict=True)]
        torch.testing.assert_close(answer, torch.cat(expected), rtol=1e-4, atol=1e-5)
        (slope,) = torch.autograd.grad(answer.square().sum(), x, create_graph=True)
        weights = [weight for weight in together.parameters() if weight.dim() == 3 and weight.shape[1] > 1]
        gradients = torch.autograd.grad(slope.square().sum(), weights)
        for member, network in enumerate(alone):
            (slope,) = torch.autograd.grad(expected[member].square().sum(), x, create_graph=True)
            own = [weight for weight in network.parameters() if weight.dim() == 2 and len(weight) > 1]
            found = torch.autograd.grad(slope.square().sum(), own)
            for a, b in zip(gradients, found, strict=False):
                torch.testing.assert_close(a[member], b, rtol=1e-3, atol=1e-3 * b.abs().max().item())
        together.settle()
        for network in alone:
            network.settle()


@pytest.mark.parametrize("name", modes.LOSSES)
def test_every_loss_is_trained_for_as_many_images_with_as_large_networks(name):
    recipe, alone = modes.recipe_of("grid25", modes.LOSSES[name], 2), find("grid25", "recipe")()
    assert (recipe.batch, recipe.images) == (2 * alone.batch, 2 * alone.images)
    recipe = replace(recipe, data=replace(recipe.data, count=1000))
    ticks = list(islice(train(recipe), 2))
    assert all(torch.isfinite(torch.tensor(list(tick.terms().values()))).all() for tick in ticks)
    together, single = ticks[0].state.networks, next(train(replace(alone, data=recipe.data))).state.networks
    for player in together:
        sizes = [sum(weight.numel() for weight in nets[player].parameters()) for nets in (together, single)]
        assert sizes[0] == 2 * sizes[1]
    figures = modes.judge(recipe, ticks[-1].state.average, 2)
    assert len(figures) == 2
    assert figures[0] != figures[1]


def test_the_tables_are_written_from_the_results(tmp_path, monkeypatch):
    page, file = tmp_path / "modes.md", tmp_path / "modes.jsonl"
    page.write_text(f"Before.\n\n{modes.BEGIN}\nold\n{modes.END}\n\nAfter.\n")
    member = {"modes": 25.0, "high_quality": 0.5, "reverse_kl": 0.0}
    lines = [
        {"data": "grid25", "loss": "minimax", "cpu_seconds": 20, "members": [member | {"modes": 3.0}]},
        {"data": "grid25", "loss": "minimax", "cpu_seconds": 20, "members": [member, member | {"modes": 24.0}]},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(modes, "PAGE", page)
    monkeypatch.setattr(modes, "FILE", file)
    modes.write_page()
    text = page.read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert "24.5 (24.0 to 25.0) | 50.0% (50.0% to 50.0%) | 0.000 (0.000 to 0.000) | 2 | 10 |" in text
    assert text.count("not run yet") == 2 * len(modes.LOSSES) - 1
