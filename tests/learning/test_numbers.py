"""Closed forms, known values and conventions: what the formulas must give to the last digit."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganvas import find, names
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.core.pixels import to_float, to_uint8
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.ema import Average
from ganvas.learning.losses import Minimax, Nonsaturating, Relativistic, Wasserstein
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.penalties import clip_weights, interpolate, slope, squared_gradient
from ganvas.learning.schedules import Cosine, Linear, at
from ganvas.networks.layers import Critic, Dropout, Network, spectrally_normalised
from ganvas.networks.strided import Resample


def sigma(x):
    return 1 / (1 + math.exp(-x))


FORMULAS = {
    "minimax": (lambda r, f: -math.log(sigma(r)) - math.log(1 - sigma(f)), lambda r, f: math.log(1 - sigma(f))),
    "nonsaturating": (lambda r, f: -math.log(sigma(r)) - math.log(1 - sigma(f)), lambda r, f: -math.log(sigma(f))),
    "least_squares": (lambda r, f: ((r - 1) ** 2 + f**2) / 2, lambda r, f: (f - 1) ** 2 / 2),
    "hinge": (lambda r, f: max(0, 1 - r) + max(0, 1 + f), lambda r, f: -f),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "relativistic": (lambda r, f: -math.log(sigma(r - f)), lambda r, f: -math.log(sigma(f - r))),
}
"""Loss -> (critic, generator), as the papers write them, on D = sigma(logit)."""

REAL = torch.tensor([-3.0, -0.5, 0.0, 1.25, 4.0], dtype=torch.float64)
FAKE = torch.tensor([2.5, 0.75, 0.0, -1.5, -3.5], dtype=torch.float64)


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_are_their_formulas(name):
    loss = find(name, "loss")()
    for ours, formula in zip((loss.critic(REAL, FAKE), loss.generator(FAKE, REAL)), FORMULAS[name], strict=True):
        expected = [formula(real, fake) for real, fake in zip(REAL.tolist(), FAKE.tolist(), strict=True)]
        assert torch.allclose(ours, torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", names("loss"))
def test_gradients_of_losses(name):
    loss = find(name, "loss")()
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss.critic, (real, fake))
    assert torch.autograd.gradcheck(lambda fake: loss.generator(fake, REAL if loss.paired else None), (fake,))


def test_every_loss_has_its_formula():
    assert FORMULAS.keys() == set(names("loss"))


@pytest.mark.parametrize("loss", [Minimax(smoothing=0.1), Nonsaturating(smoothing=0.1)])
def test_label_smoothing_is_one_sided(loss):
    """The cross-entropy of D with labels of 0.9 for reals and 0 for fakes; the critic is content at D(x) = 0.9."""
    for real, fake, ours in zip(REAL.tolist(), FAKE.tolist(), loss.critic(REAL, FAKE).tolist(), strict=True):
        d, g = sigma(real), sigma(fake)
        assert ours == pytest.approx(-0.9 * math.log(d) - 0.1 * math.log(1 - d) - math.log(1 - g), rel=1e-12)
    best = torch.tensor([math.log(0.9 / 0.1)], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss.critic(best, FAKE[:1]).sum(), best)
    assert abs(slope.item()) < 1e-12
    with pytest.raises(GanvasError, match=r"smoothing takes a number from 0 to below 0\.5, not 0\.5"):
        type(loss)(smoothing=0.5)


def test_only_minimax_saturates():
    sure_of_fakes = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
    (flat,) = torch.autograd.grad(Minimax().generator(sure_of_fakes).sum(), sure_of_fakes)
    (steep,) = torch.autograd.grad(Nonsaturating().generator(sure_of_fakes).sum(), sure_of_fakes)
    assert -1e-8 < flat.item() < 0
    assert steep.item() == pytest.approx(-1, abs=1e-8)


def test_the_relativistic_loss_needs_reals():
    with pytest.raises(ValueError, match="compares with reals"):
        Relativistic().generator(FAKE)


def test_squared_gradient_of_a_linear_critic_is_its_weight():
    critic = nn.Linear(3, 1, dtype=torch.float64)
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    penalty = squared_gradient(critic(x).squeeze(1), x)
    assert torch.allclose(penalty, critic.weight.square().sum().expand(5))
    penalty.sum().backward()
    assert torch.allclose(critic.weight.grad, 5 * 2 * critic.weight)


def test_squared_gradient_against_finite_differences():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 1)).double()
    x = torch.randn(3, 4, dtype=torch.float64)
    step = 1e-6 * torch.eye(4, dtype=torch.float64)
    slopes = (critic(x[:, None] + step) - critic(x[:, None] - step)).squeeze(2) / 2e-6
    expected = slopes.square().sum(1)
    watched = x.clone().requires_grad_()
    assert torch.allclose(squared_gradient(critic(watched).squeeze(1), watched), expected, rtol=1e-7)


def test_squared_gradient_can_be_learned_from():
    torch.manual_seed(0)
    weight = torch.randn(4, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, x: squared_gradient((x @ w).tanh(), x), (weight, x))


def batch_of(samples):
    return Batch(samples, None, dice_of(rows=slice(len(samples)), total=len(samples)), progress=0.5)


def test_penalties_are_weighted_by_half_of_gamma():
    """With the critic w.x, R1 and R2 are gamma/2 |w|^2 whatever the samples are."""
    critic = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    nets = {"critic": Judging(critic), "generator": Doubled()}
    batch = batch_of(torch.randn(5, 2))
    for lazy in (1, 16):
        game = Adversarial(Nonsaturating(), r1=Linear(2.0, 4.0), r2=5.0, lazy=lazy)
        terms = {name: term for turn in game.turns() for name, term in turn.loss(nets, batch).items()}
        size = critic[0].weight.square().sum()
        assert torch.allclose(terms["r1"], 3 / 2 * size.expand(5))
        assert torch.allclose(terms["r2"], 5 / 2 * size.expand(5))
        assert [turn.every for turn in game.turns()] == ([1, 1] if lazy == 1 else [16, 1, 1])


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4), (1, 3, 4, 4)])
def test_the_gradient_penalty_of_a_linear_critic(shape):
    """With the critic w.x it is weight (|w| - 1)^2 wherever it is measured, and what is watched is |w|."""
    critic = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 1), nn.Flatten(0))
    nets = {"critic": Judging(critic), "generator": lambda z, _: z.new_ones(1).expand(5, *shape)}
    nets["generator"].__dict__["latent"] = 2
    game = Adversarial(Wasserstein(), gradient_penalty=10.0)
    terms = game.turns()[0].loss(nets, batch_of(torch.randn(5, *shape)))
    size = critic[1].weight.norm()
    assert torch.allclose(terms["gradient_penalty"], (10 * (size - 1).square()).expand(5))
    assert torch.allclose(terms["slope"], size.expand(5))
    assert not terms["slope"].requires_grad


def test_slope_against_finite_differences():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(4, 8), nn.Softplus(), nn.Linear(8, 1)).double()
    x = torch.randn(3, 4, dtype=torch.float64)
    step = 1e-6 * torch.eye(4, dtype=torch.float64)
    expected = ((critic(x[:, None] + step) - critic(x[:, None] - step)).squeeze(2) / 2e-6).norm(dim=1)
    watched = x.clone().requires_grad_()
    assert torch.allclose(slope(critic(watched).squeeze(1), watched), expected, rtol=1e-7)
    weight = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, x: (slope((x @ w).tanh(), x) - 1).square(), (weight, watched))


def test_the_penalty_itself_against_finite_differences():
    """Its gradient with respect to every weight of a small convolutional critic in float64."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(1, 2, 4, 2, 1), nn.InstanceNorm2d(2), nn.Softplus(), nn.Flatten(), nn.Linear(8, 1))
    critic.double()
    x = torch.randn(3, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    weights = list(critic.parameters())

    def penalty():
        return (slope(critic(x).squeeze(1), x) - 1).square().mean()

    for weight, gradient in zip(weights, torch.autograd.grad(penalty(), weights, allow_unused=True), strict=True):
        numbers, flat = [], weight.data.view(-1)
        for place in range(len(flat)):
            held, ends = flat[place].item(), []
            for step in (1e-6, -1e-6):
                flat[place] = held + step
                ends.append(penalty().item())
            flat[place] = held
            numbers.append((ends[0] - ends[1]) / 2e-6)
        expected = torch.tensor(numbers, dtype=torch.float64)
        found = torch.zeros_like(expected) if gradient is None else gradient.flatten()
        assert torch.allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_a_slope_of_zero_is_no_accident():
    x = torch.zeros(2, 3, requires_grad=True)
    weight = torch.zeros(3, requires_grad=True)
    steepness = slope(x @ weight, x)
    assert steepness.tolist() == [0, 0]
    (gradient,) = torch.autograd.grad((steepness - 1).square().sum(), weight)
    assert gradient.isfinite().all()


def test_interpolates_lie_between():
    real, fake = torch.full((3, 2, 2), 4.0), torch.full((3, 2, 2), 2.0)
    between = interpolate(real, fake, torch.tensor([0.0, 0.25, 1.0]))
    assert between[:, 0, 0].tolist() == [2.0, 2.5, 4.0]
    assert (between == between[:, :1, :1]).all()


def test_clipping():
    network = nn.Linear(50, 50)
    before = network.weight.detach().clone()
    clip_weights(network, 0.05)
    assert torch.equal(network.weight, before.clamp(-0.05, 0.05))
    assert network.bias.abs().max() <= 0.05


def test_noise_on_all_that_the_critic_sees():
    seen = []
    nets = {"critic": Judging(lambda x: seen.append(x.detach()) or x.flatten(1).sum(1)), "generator": Doubled()}
    samples = torch.zeros(4000, 2)
    turns = Adversarial(noise=Linear(0.4, 0.0)).turns()
    batch = batch_of(samples)
    for turn in turns:
        turn.loss(nets, batch)
    real, fake, again = seen
    assert real.std() == pytest.approx(0.2, rel=0.05)  # half of the schedule has passed
    assert (fake - again).std() == pytest.approx(0.2 * math.sqrt(2), rel=0.05)  # new noise on the same fakes
    assert abs(torch.corrcoef(torch.stack([real.flatten(), (fake - again).flatten()]))[0, 1]) < 0.06
    seen.clear()
    Adversarial(noise=Linear(0.4, 0.0)).turns()[0].loss(nets, replace(batch, progress=1.0))
    assert not seen[0].any()


def dice_of(draw=1, rows=slice(4), total=4):
    return Dice(0, draw, rows=rows, total=total, device=torch.device("cpu"))


def test_dice_of_one_purpose_do_not_move_those_of_another():
    plain, other = dice_of(), dice_of()
    other.uniform("noise", 7)
    assert torch.equal(plain.normal("z", 3), other.normal("z", 3))
    assert not torch.equal(dice_of().normal("z", 3), dice_of().normal("y", 3))
    assert not torch.equal(dice_of().normal("z", 3), dice_of(draw=2).normal("z", 3))
    twice = dice_of()
    assert not torch.equal(twice.normal("z", 3), twice.normal("z", 3))


def test_dice_are_rolled_for_the_whole_batch():
    whole = dice_of().uniform("z", 2)
    parts = [dice_of(rows=slice(0, 1)).uniform("z", 2), dice_of(rows=slice(1, 4)).uniform("z", 2)]
    assert torch.equal(torch.cat(parts), whole)


def test_dropout_rolls_the_dice_at_hand():
    layer, x = Dropout(0.25), torch.ones(4, 500)
    with dice_of().at_hand():
        dropped = layer(x)
        assert not torch.equal(layer(x), dropped)
    with dice_of().at_hand():
        assert torch.equal(layer(x), dropped)
    assert set(dropped.unique().tolist()) == {0.0, float(torch.tensor(1.0) / 0.75)}
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.04)
    assert not torch.equal(layer(x), x), "without dice it is torch's"
    assert torch.equal(layer.eval()(x), x)
    with pytest.raises(GanvasError, match="dropout takes a share from 0 to below 1, not 1"):
        Dropout(1.0)


@pytest.mark.parametrize("make", [lambda: nn.Linear(6, 9), lambda: nn.Conv2d(3, 5, 4)])
def test_spectral_normalisation(make):
    """The largest singular value is 1 by the SVD, also after the weight has moved and the iteration has followed."""
    torch.manual_seed(0)
    layer = make()
    network = Held(spectrally_normalised(layer))
    original = layer.parametrizations.weight.original
    for _ in range(2):
        for _ in range(300):
            network.settle()
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-4)
        before = layer.weight.detach().clone()
        assert torch.equal(layer.weight, before), "asking changes nothing"
        original.data.add_(torch.randn_like(original))
    assert layer.weight.requires_grad


class Held(Network):
    """A network of one layer."""

    def __init__(self, layer):
        super().__init__((1,), 0)
        self.layer = layer


class Judging(Critic):
    """Any function of samples as a critic."""

    def __init__(self, function):
        super().__init__((), 0)
        self.function = function

    def forward(self, x, condition):
        return self.function(x)


class Doubled:
    latent = 2

    def __call__(self, z, condition):
        return 2 * z


@pytest.mark.parametrize("schedule", [Linear(3.0, 1.0), Cosine(3.0, 1.0)])
def test_schedules(schedule):
    assert (at(schedule, 0.0), at(schedule, 0.5), at(schedule, 1.0)) == pytest.approx((3.0, 2.0, 1.0), abs=1e-15)
    early = type(schedule)(3.0, 1.0, over=0.25)
    assert (early(0.0), early(0.125), early(0.25), early(0.9)) == pytest.approx((3.0, 2.0, 1.0, 1.0), abs=1e-15)
    values = [schedule(step / 100) for step in range(101)]
    assert values == sorted(values, reverse=True)
    assert at(0.7, 0.3) == 0.7


def test_a_cosine_is_flat_at_both_ends():
    assert Cosine(1.0, 0.0)(0.01) > 0.999
    assert Linear(1.0, 0.0)(0.01) == pytest.approx(0.99)
    assert Cosine(1.0, 0.0)(0.25) == pytest.approx((1 + math.sqrt(0.5)) / 2)


def test_adam_is_that_of_torch():
    torch.manual_seed(0)
    ours = nn.Linear(3, 2)
    theirs = nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    settings = Adam(rate=Linear(1e-2, 0.0), beta1=0.3, beta2=Linear(0.9, 0.99), epsilon=1e-6)
    optimizer, reference = settings.build(ours), torch.optim.Adam(theirs.parameters(), eps=1e-6)
    for step in range(5):
        settings.schedule(optimizer, step / 5)
        reference.param_groups[0].update(lr=1e-2 * (1 - step / 5), betas=(0.3, 0.9 + 0.09 * step / 5))
        x = torch.randn(4, 3)
        for network, each in ((ours, optimizer), (theirs, reference)):
            each.zero_grad()
            network(x).square().sum().backward()
            each.step()
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-6, atol=1e-8)


def test_rmsprop_is_that_of_torch():
    torch.manual_seed(0)
    ours = nn.Linear(3, 2)
    theirs = nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    settings = Rmsprop(rate=Linear(1e-2, 0.0))
    optimizer, reference = settings.build(ours), torch.optim.RMSprop(theirs.parameters())
    for step in range(5):
        settings.schedule(optimizer, step / 5)
        reference.param_groups[0].update(lr=1e-2 * (1 - step / 5))
        x = torch.randn(4, 3)
        for network, each in ((ours, optimizer), (theirs, reference)):
            each.zero_grad()
            network(x).square().sum().backward()
            each.step()
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-6, atol=1e-8)


def test_the_average_is_its_closed_form():
    """keep^5 start + sum of keep^(4-i) (1-keep) weight[i], where keep = 0.5^(batch/halflife)."""
    settings = Average(halflife_images=64, rampup=1e9)
    network = nn.Linear(1, 1, bias=False).double()
    average = settings.start(network)
    assert not average.training
    assert not average.weight.requires_grad
    start, weights = network.weight.item(), [float(value) for value in range(5)]
    for value in weights:
        network.weight.data.fill_(value)
        settings.follow(average, network, images=1, batch=16, progress=0.0)
    keep = 0.5 ** (16 / 64)
    expected = keep**5 * start + sum(keep ** (4 - i) * (1 - keep) * value for i, value in enumerate(weights))
    assert average.weight.item() == pytest.approx(expected, rel=1e-12)


def test_the_average_forgets_its_beginning():
    settings = Average(halflife_images=1000, rampup=0.5)
    network = nn.Linear(1, 1, bias=False).double()
    average = settings.start(network)
    network.weight.data.fill_(8.0)
    settings.follow(average, network, images=0, batch=16, progress=0.0)
    assert average.weight.item() == 8.0  # nothing has been seen: the half-life is 0
    network.weight.data.fill_(0.0)
    settings.follow(average, network, images=32, batch=16, progress=0.0)
    assert average.weight.item() == pytest.approx(4.0)  # half of 32 images is one batch of 16
    settings.follow(average, network, images=10**9, batch=1000, progress=1.0)
    assert average.weight.item() == pytest.approx(2.0)  # not more than 1000


def test_the_half_life_of_the_average_follows_a_schedule():
    settings = Average(halflife_images=Linear(0.0, 64.0), rampup=1e9)
    network = nn.Linear(1, 1, bias=False).double()
    average = settings.start(network)
    network.weight.data.fill_(8.0)
    for progress, expected in [(0.0, 8.0), (0.25, 4.0), (0.5, 4.0 * 0.5**0.5)]:
        settings.follow(average, network, images=1, batch=16, progress=progress)
        assert average.weight.item() == pytest.approx(expected, rel=1e-12)
        network.weight.data.fill_(0.0)


def test_the_average_of_buffers():
    network = nn.BatchNorm1d(2).double()
    average = Average(halflife_images=16, rampup=1e9).start(network)
    network.running_mean += 1
    network.num_batches_tracked += 7
    Average(halflife_images=16, rampup=1e9).follow(average, network, images=1, batch=16, progress=0.0)
    assert average.running_mean.tolist() == [0.5, 0.5]
    assert average.num_batches_tracked == 7


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_round_trip(channels):
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(2, 1, 1, channels)
    real = to_float(every)
    assert real.shape == (2, channels, 16, 16)
    assert torch.equal(to_uint8(real), every)
    assert (real.min(), real.max()) == (-1.0, 1.0)
    assert torch.equal(to_uint8(real * (1 + 1e-4)), every)  # rounded, not cut off
    assert torch.equal(to_uint8(torch.full((1, 1, 1, 2), 7.0)), torch.full((1, 1, 2, 1), 255, dtype=torch.uint8))
    assert to_uint8(torch.full((1, 1, 1, 1), -7.0)).item() == 0


def test_pixels_keep_their_axes():
    picture = torch.zeros(1, 2, 3, 3, dtype=torch.uint8)  # 2 high, 3 wide
    picture[0, 1, 2] = torch.tensor([10, 20, 30])
    assert np.allclose(to_float(picture)[0, :, 1, 2] * 127.5 + 127.5, [10, 20, 30])


@pytest.mark.parametrize(("up", "size"), [(True, (12, 16)), (False, (3, 4))])
def test_resampling_keeps_a_constant(up, size):
    constant = torch.full((2, 3, 6, 8), 0.7)
    resampled = Resample(up=up)(constant)
    assert resampled.shape == (2, 3, *size)
    assert torch.allclose(resampled[:, :, 1:-1, 1:-1], torch.tensor(0.7))
    assert (resampled[:, :, 0] < 0.7).all()  # outside the picture is zero


def test_resampling_up_and_down():
    """Up is [1, 3, 3, 1] / 4 in each direction and down is / 8; one after the other they keep mean and place."""
    dot = torch.zeros(1, 1, 8, 8)
    dot[0, 0, 4, 4] = 1.0
    up = Resample(up=True)(dot)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    assert torch.allclose(up[0, 0, 7:11, 7:11], torch.outer(line, line))
    assert up.sum().item() == pytest.approx(4.0)
    assert up.count_nonzero() == 16
    both = Resample(up=False)(up)
    assert both.shape == dot.shape
    assert both.sum().item() == pytest.approx(1.0)
    assert torch.allclose(both, both.transpose(2, 3))
    centre = both[0, 0, 3:6, 3:6]
    assert torch.allclose(centre, centre.flip(0).flip(1))  # it does not shift
