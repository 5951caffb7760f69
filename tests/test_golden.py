"""Loss curves of the first steps, kept in tests/golden: a change that is meant to be neutral leaves them as they are.

`pytest tests/test_golden.py --update-golden` writes them anew; the diff then belongs to the change that explains it.
"""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from ganvas import find, train
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Minimax, Relativistic
from ganvas.learning.optimizers import Adam
from ganvas.learning.schedules import Cosine, Linear
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.r3gan import R3Critic, R3Generator

STEPS = 12
RELATIVE, ABSOLUTE = 2e-4, 2e-6
"""Between the instruction sets of one processor (AVX512, AVX2, SSE4) every value of every curve was seen to stay within
a thirtieth of that; a neutral change may add up in another order."""
BRIEF = {"ring": 3}
"""Steps that are compared where fewer than all: between makes of processors, differences of the last bit in the recipe
`ring`, which is made of switches, grow twentyfold in each step."""


def curves(points, pictures):
    r3gan = {
        "generator": R3Generator(width=8, blocks=1, cardinality=4, latent=4),
        "critic": R3Critic(width=8, blocks=1, cardinality=4),
    }
    dcgan = {"generator": DCGANGenerator(width=4, latent=4), "critic": DCGANCritic(width=4)}
    return {
        "ring": replace(find("ring", "recipe")(), images=256 * STEPS),
        "points_lazy": replace(points, game=Adversarial(Minimax(), r1=0.5, lazy=4, critic_plays=2), images=16 * STEPS),
        "digits_resnet": replace(pictures, mirror=True, images=8 * STEPS),
        "digits_dcgan": replace(pictures, networks=dcgan, game=Adversarial(), images=8 * STEPS),
        "digits_r3gan": replace(
            pictures,
            networks=r3gan,
            game=Adversarial(Relativistic(), r1=Cosine(1.0, 0.1), r2=Linear(1.0, 0.1)),
            optimizer=Adam(rate=Cosine(1e-3, 1e-4), beta1=0.0, beta2=Cosine(0.9, 0.99)),
            images=8 * STEPS,
        ),
    }


@pytest.mark.parametrize("name", ["ring", "points_lazy", "digits_resnet", "digits_dcgan", "digits_r3gan"])
def test_the_curve_is_as_it_was(name, points, pictures, request):
    recipe = curves(points, pictures)[name]
    rows = [
        {term: float(f"{value:.7g}") for term, value in tick.terms().items()} for tick in islice(train(recipe), STEPS)
    ]
    file = Path(__file__).parent / "golden" / f"{name}.json"
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    known = json.loads(file.read_text())
    assert len(rows) == len(known) == STEPS
    for step, (row, expected) in islice(enumerate(zip(rows, known, strict=True)), BRIEF.get(name)):
        assert row == pytest.approx(expected, rel=RELATIVE, abs=ABSOLUTE), f"step {step}"
