"""An autoencoder's codes may lie anywhere; a variational one's lie where samples are drawn, so it can generate.

Two autoencoders of the handwritten digits, with codes of two numbers. They differ in one term of the loss: the price
of exercise 1 (a KL divergence), which keeps each picture's code, now a small Gaussian, close to the standard normal.
"""

import sys

import numpy as np
import torch
from figure import BLUE, GRAY, GREEN, ORANGE, RED, Figure
from torch import nn

from ganvas.core.pixels import grid
from ganvas.data.sources.digits import Digits

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS = (range(3), 2_000) if FULL else (range(1), 500)
DEVIATION = 0.35  # of a pixel from its reconstruction: a smaller one lets the price count less beside the error

data = Digits(size=8).open()
pictures, labels = data.take(np.arange(len(data))).flatten(1), data.labels


class Autoencoder(nn.Module):
    """Encodes 64 pixels as a Gaussian of two numbers, and decodes them."""

    def __init__(self, *, variational):
        super().__init__()
        self.variational = variational
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 4))
        self.decoder = nn.Sequential(
            nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh()
        )

    def loss(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        code = mean + (log_variance / 2).exp() * torch.randn_like(mean) if self.variational else mean
        error = (self.decoder(code) - x).square().sum(1) / (2 * DEVIATION**2)
        price = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return (error + price if self.variational else error).mean()

    @torch.no_grad()
    def codes(self, x):
        return self.encoder(x)[:, :2]

    @torch.no_grad()
    def draw(self, count):
        return self.decoder(torch.randn(count, 2, generator=torch.Generator().manual_seed(0)))


def learned(*, variational, seed):
    torch.manual_seed(seed)
    network = Autoencoder(variational=variational)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        network.loss(pictures[torch.randint(len(pictures), (128,))]).backward()
        optimizer.step()
    return network


def missed(drawn):
    """The mean distance from a real digit to the nearest drawn one; high if some kinds of digits are never drawn."""
    return torch.cdist(pictures, drawn).min(1).values.mean().item()


figure, found = Figure(3, 2, width=380, height=330), {}
for name, variational in (("autoencoder", False), ("variational", True)):
    networks = [learned(variational=variational, seed=seed) for seed in SEEDS]
    found[name] = np.array([missed(network.draw(500)) for network in networks])
    with torch.no_grad():
        back = [(each.decoder(each.codes(pictures)) - pictures).norm(dim=1).mean().item() for each in networks]
    print(f"{name}: what is shown comes back {np.round(back, 2).tolist()} away")
    codes = networks[0].codes(pictures)
    reach = codes.abs().max().item()
    print(f"{name}: a digit is {found[name].round(2).tolist()} from the nearest draw; codes reach to {reach:.1f}")
    panel = figure.panel(f"{name}: codes of 5 of the digits", x="first number of the code", y="second",
                         across=(-reach, reach), up=(-reach, reach))  # fmt: skip
    for digit, ink in enumerate((BLUE, ORANGE, GREEN, RED, GRAY)):
        panel.dots(*codes[labels == digit].T.numpy(), ink, str(digit), size=1.5)
    turn = np.linspace(0, 2 * np.pi, 90)
    panel.line(2 * np.cos(turn), 2 * np.sin(turn), GRAY, "where draws fall", dashed=True)
    with torch.no_grad():
        again = networks[0].decoder(codes[:40])
    pairs = torch.stack([pictures[:40], again], 1).view(-1, 8, 8, 1)
    for title, some in (("shown, and what comes back", pairs), ("drawn", networks[0].draw(80).view(-1, 8, 8, 1))):
        figure.picture(title, grid(((some + 1) * 127.5).numpy().astype(np.uint8), columns=10, gap=1, zoom=1))
figure.save("codes.png")

assert found["variational"].max() < found["autoencoder"].min(), (
    "what the variational one draws comes near to more of the digits"
)
