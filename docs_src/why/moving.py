"""A critic that sees single frames cannot know whether a clip moves well; one that sees the whole clip can.

Both learn to tell clips of gliding digits from the same clips with their frames shuffled. Every single frame is real in
both cases, so the critic of frames can only guess.
"""

import sys

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure
from torch.nn.functional import softplus

from ganvas.core.pixels import grid, to_uint8
from ganvas.data.sources.clips import MovingDigits
from ganvas.metrics.auc import auc
from ganvas.networks.video import TGANCritic, TGANFrameCritic

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS, EVERY = (range(3), 150, 10) if FULL else (range(1), 40, 10)

data = MovingDigits(count=600, size=32).open()
clips = data.take(np.arange(len(data)))  # [N, 1, 16, 32, 32]
dice = torch.Generator().manual_seed(0)
mixed = torch.stack([clip[:, torch.randperm(16, generator=dice)] for clip in clips])
learned, tested = slice(0, 400), slice(400, 600)


def learn(settings, seed):
    """The share of new pairs that a critic orders correctly, every EVERY steps: 1 is perfect, .5 is guessing."""
    torch.manual_seed(seed)
    critic = settings.build(data.shape, 0)
    optimizer = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.99))
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            with torch.no_grad():
                scores = critic.eval()(clips[tested], None), critic(mixed[tested], None)
            yield auc(*scores).value
        rows = torch.randint(400, (16,))
        optimizer.zero_grad()
        critic.train()
        loss = (
            softplus(-critic(clips[learned][rows], None)).mean() + softplus(critic(mixed[learned][rows], None)).mean()
        )
        loss.backward()
        optimizer.step()


figure, found = Figure(2, width=430, height=300), {}
shown = np.concatenate([to_uint8(some[:3, :, ::2].movedim(2, 1).flatten(0, 1)).numpy() for some in (clips, mixed)])
figure.picture("Clips, and the same out of order", grid(shown, columns=8, gap=2, zoom=1))
panel = figure.panel("Pairs of new clips that are ordered rightly", x="steps of the critic", y="share",
                     across=(0, STEPS), up=(0.3, 1.05))  # fmt: skip
panel.line((0, STEPS), (0.5, 0.5), GRAY, "guessing", dashed=True)
for name, settings, ink in (
    ("whole clips", TGANCritic(width=8), BLUE),
    ("single frames", TGANFrameCritic(width=8), ORANGE),
):
    runs = [list(learn(settings, seed)) for seed in SEEDS]
    for index, run in enumerate(runs):
        panel.line(np.arange(len(run)) * EVERY, run, ink, "" if index else name)
    found[name] = np.array([run[-1] for run in runs])
    print(f"a critic of {name} orders {found[name].round(2).tolist()} of the pairs")
figure.save("moving.png")

assert found["single frames"].max() < 0.65, "a frame does not tell whether its clip is in order"
assert found["whole clips"].min() > (0.9 if FULL else 0.7), "a clip does"
