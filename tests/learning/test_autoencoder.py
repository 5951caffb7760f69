"""Autoencoders: the bound against cases whose evidence is known, learning, determinism, codes, and what a run shows."""

import math
from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from conftest import files
from PIL import Image
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from ganvas import change, find, fit, load, train
from ganvas.core import checkpoint
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.learning.autoencoding import Autoencoding, Variational, divergence, surprise
from ganvas.learning.optimizers import Adam
from ganvas.learning.schedules import Cosine, Linear
from ganvas.models.model import Model
from ganvas.networks.autoencoder import Autoencoder, MLPAutoencoder
from ganvas.networks.mlp import MLPGenerator
from ganvas.runs.curves import charts
from ganvas.runs.film import film
from ganvas.runs.run import Run
from ganvas.training.state import start

NETWORK = Autoencoder(width=8, latent=4)
GAUSSIAN = replace(NETWORK, gaussian=True)


@pytest.fixture(scope="session")
def vae(pictures):
    """A recipe for digits of 8x8, variational."""
    return replace(
        pictures,
        networks={"autoencoder": NETWORK},
        product="autoencoder",
        game=Variational(deviation=0.5),
        optimizer=Adam(rate=2e-3, beta1=0.9),
        batch=16,
        images=160,
    )


@pytest.fixture(scope="session")
def plain(vae):
    """The same, plain."""
    return replace(vae, networks={"autoencoder": GAUSSIAN}, game=Autoencoding())


@pytest.fixture(params=["vae", "followed", "plain", "labels", "points"])
def recipe(request, vae, plain, points):
    """Every way in which the games and networks differ."""
    network = {"autoencoder": MLPAutoencoder(width=16, latent=2)}
    return {
        "vae": vae,
        "followed": replace(vae, game=Variational(beta=Linear(0.0, 2.0))),
        "plain": plain,
        "labels": change(vae, "condition=labels"),
        "points": replace(vae, data=points.data, networks=network),
    }[request.param]


def dice(count, seed=0):
    return Dice(seed, 1, rows=slice(0, count), total=count, device=torch.device("cpu"))


def batch_of(x, **options):
    return Batch(real=x, condition=None, dice=dice(len(x)), progress=0.0, **options)


def after(steps, recipe, **options):
    ticks = list(islice(((tick, tick.terms()) for tick in train(recipe, **options)), steps))
    return {name: value.clone() for name, value in ticks[-1][0].state.tensors().items()}, [terms for _, terms in ticks]


def all_of(recipe):
    data = recipe.data.open()
    return data.take(np.arange(len(data)))


def error(x, y):
    return (x - y).square().mean().item()


def test_the_divergence_is_that_of_gaussians():
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    told = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros(5, 3), 1.0), 1)
    assert torch.allclose(divergence(mean, log_variance), kl_divergence(told, prior), atol=1e-5)
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0.0, 0.0]


def test_the_surprise_is_that_of_a_gaussian():
    x, y = torch.randn(5, 7), torch.randn(5, 7)
    expected = -Normal(y, 0.3).log_prob(x).sum(1)
    assert torch.allclose(surprise((x - y).square().mean(1), torch.tensor(0.09), 7), expected, rtol=1e-5)


class Linear2(nn.Module):
    """x = W z + noise with orthogonal columns, for which a Gaussian of independent numbers is the exact posterior."""

    latent = 2

    def __init__(self, *, off=0.0, wider=1.0):
        super().__init__()
        columns = torch.linalg.qr(torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64))[0]
        self.W, self.off, self.wider = columns * torch.tensor([2.0, 0.7]).double(), off, wider

    def encode(self, x, condition):
        variance = 1 / (1 + self.W.square().sum(0) / 0.25)
        return x @ self.W / 0.25 * variance + self.off, (self.wider * variance).log().expand(len(x), -1)

    def forward(self, z, condition):
        return z.double() @ self.W.T


@pytest.mark.parametrize(("off", "wider"), [(0.0, 1.0), (0.3, 1.0), (0.0, 3.0)])
def test_the_bound_is_tight_where_the_posterior_is_exact(off, wider):
    network, rows = Linear2(off=off, wider=wider), 40_000
    evidence = MultivariateNormal(torch.zeros(5).double(), network.W @ network.W.T + 0.25 * torch.eye(5).double())
    for sample in evidence.sample((3,)):
        (turn,) = Variational(deviation=0.5).turns()
        terms = turn.loss({"autoencoder": network}, batch_of(sample.expand(rows, -1)))
        assert all(term.shape == (rows,) for term in terms.values())
        assert torch.allclose(terms["loss"], terms["reconstruction"] + terms["divergence"])
        bound, spread = -terms["loss"].mean(), 4 * terms["loss"].std() / math.sqrt(rows)
        posterior = kl_divergence(
            Normal(*(part if index == 0 else (part / 2).exp() for index, part in enumerate(encoded(network, sample)))),
            Normal(
                *(part if index == 0 else (part / 2).exp() for index, part in enumerate(encoded(Linear2(), sample)))
            ),
        ).sum()
        assert abs(evidence.log_prob(sample) - posterior - bound) < spread + 1e-9  # Kingma & Welling 2014, eq. 1
        assert (posterior > 0.05) == (off != 0 or wider != 1)


def encoded(network, sample):
    return network.encode(sample[None], None)


def test_without_noise_and_divergence_it_is_an_autoencoder(vae, monkeypatch):
    monkeypatch.setattr(Dice, "normal", lambda self, purpose, *shape: torch.zeros(6, *shape))
    torch.manual_seed(0)
    nets, batch = {"autoencoder": NETWORK.build((1, 8, 8), 0)}, batch_of(torch.rand(6, 1, 8, 8))
    (plain,), (variational,) = (game.turns() for game in (Autoencoding(), Variational(beta=0.0, deviation=1.0)))
    expected = 32 * (plain.loss(nets, batch)["loss"] + math.log(2 * math.pi))
    assert torch.allclose(variational.loss(nets, batch)["loss"], expected)


def test_beta_decides_between_reconstructions_and_codes(vae):
    runs = [
        after(100, replace(vae, game=Variational(beta=beta, deviation=0.5), images=1600)) for beta in (0.0, 1.0, 9.0)
    ]
    last = [
        {name: np.mean([terms[f"autoencoder.{name}"] for terms in run[1][-10:]]) for name in ("error", "divergence")}
        for run in runs
    ]
    assert last[0]["error"] < last[1]["error"] < last[2]["error"]
    assert last[0]["divergence"] > 2 * last[1]["divergence"] > 4 * last[2]["divergence"]


def test_the_deviation_follows_the_error(vae):
    _, rows = after(10, replace(vae, game=Variational()))
    followed = 1.0
    for row in rows:
        assert row["autoencoder.deviation"] == pytest.approx(math.sqrt(followed), rel=1e-5)
        followed += (row["autoencoder.error"] - followed) * (1 - 0.5 ** (16 / 1000))
    assert abs(followed - 1) > 0.01
    _, fixed = after(2, vae)
    assert fixed[-1]["autoencoder.deviation"] == 0.5
    for wrong in (0.0, -1.0, Linear(1.0, 0.0)):
        with pytest.raises(GanvasError, match=r"game\.deviation is above 0"):
            Variational(deviation=wrong)


def test_it_goes_on_bit_for_bit(recipe, tmp_path):
    whole, terms = after(6, recipe)
    part, _ = after(4, recipe)
    checkpoint.write(tmp_path / "000000001", {"state.safetensors": (part, {})})
    rest, terms_of_rest = after(2, recipe, restore=checkpoint.read(tmp_path / "000000001" / "state.safetensors"))
    assert whole.keys() == rest.keys()
    assert all(torch.equal(whole[name], rest[name]) for name in whole)
    assert terms[4:] == terms_of_rest
    other, _ = after(6, recipe, seed=1)
    assert not torch.equal(other["average/decoder.0.weight"], whole["average/decoder.0.weight"])


@pytest.mark.usefixtures("in_float64")
def test_micro_batches_change_nothing(recipe):
    (whole, terms), (split, split_terms) = after(5, recipe), after(5, recipe, micro_batch=5)
    for name, value in whole.items():
        assert torch.allclose(value, split[name], rtol=1e-12, atol=1e-12), name
    for a, b in zip(terms, split_terms, strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12)


MLP = MLPAutoencoder(width=128, latent=4)
LEARNED = {
    "vae": (Variational(deviation=0.5), MLP),
    "followed": (Variational(), MLP),
    "gaussian": (Autoencoding(), replace(MLP, gaussian=True)),
    "bare": (Autoencoding(), MLP),
}


@pytest.fixture(scope="module")
def learned(vae):
    """What each game has learned from five hundred steps, made once: name -> Model."""

    @cache
    def of(name):
        game, network = LEARNED[name]
        *_, last = train(
            replace(
                vae,
                networks={"autoencoder": network},
                game=game,
                optimizer=Adam(rate=Cosine(3e-3, 1e-5), beta1=0.9),
                batch=32,
                images=16_000,
            )
        )
        return Model(last.state.average)

    return of


@pytest.mark.parametrize("name", LEARNED)
def test_reconstructions_beat_the_mean_picture(name, learned, vae):
    x = all_of(vae)
    trivial = error(x, x.mean(0))
    torch.manual_seed(0)
    assert error(x, LEARNED[name][1].build((1, 8, 8), 0).eval().reconstruct(x)) > trivial
    assert error(x, learned(name).network.reconstruct(x)) < 0.5 * trivial


@pytest.mark.parametrize("name", ["vae", "followed", "gaussian"])
def test_samples_of_the_prior_are_like_the_data(name, learned, vae):
    x, made = all_of(vae), learned(name).generate(range(400))
    assert made.shape == (400, 1, 8, 8)
    torch.manual_seed(0)
    noise = (x.mean(0) + x.std(0) * torch.randn(400, 1, 8, 8)).clamp(-1, 1)  # every pixel as likely as it is, no digits
    near, near_of_noise, near_of_mean = (nearest(samples, x) for samples in (made, noise, x.mean(0, keepdim=True)))
    assert near < 0.65 * near_of_noise
    assert near < 0.85 * near_of_mean
    assert made.std(0).mean() > 0.6 * x.std(0).mean()  # nor is it one picture again and again


def nearest(samples, x):
    return torch.cdist(samples.flatten(1), x.flatten(1)).min(1).values.mean()


def test_a_gaussian_changes_what_z_means_and_not_what_is_learned(learned, vae):
    x = all_of(vae)
    fitted, bare = (learned(name).network for name in ("gaussian", "bare"))
    assert error(x, fitted.reconstruct(x)) == pytest.approx(error(x, bare.reconstruct(x)), rel=0.02)
    codes, _ = fitted.encode(x)
    assert codes.mean(0).abs().max() < 0.1
    assert (codes.T.cov() - torch.eye(4)).abs().max() < 0.2
    assert (bare.encode(x)[0].mean(0)).abs().max() > 0.5
    assert nearest(learned("gaussian").generate(range(400)), x) < 0.95 * nearest(
        learned("bare").generate(range(400)), x
    )


@pytest.mark.parametrize("settings", [NETWORK, GAUSSIAN, MLPAutoencoder(width=8, latent=4)], ids=str)
def test_encoding_in_bfloat16_answers_in_float32(settings):
    torch.manual_seed(0)
    network, x = settings.build((1, 16, 16), 0).eval(), torch.rand(3, 1, 16, 16)
    exact = network.encode(x)
    network.precision = torch.bfloat16
    for rough, right in zip(network.encode(x), exact, strict=True):
        assert rough.dtype == torch.float32
        assert 0 < (rough - right).abs().max() < 0.05 * right.abs().max() + 0.02


def test_the_encoder_hears_the_condition():
    torch.manual_seed(0)
    for settings in (NETWORK, MLPAutoencoder(width=8)):
        network, x, label = settings.build((1, 8, 8), 3).eval(), torch.rand(3, 1, 8, 8), torch.eye(3)
        assert not torch.allclose(network.encode(x, label)[0], network.encode(x, label.roll(1, 0))[0])
        with pytest.raises(GanvasError, match="wants a condition vector of 3 numbers"):
            network.encode(x)


def test_only_autoencoders_reconstruct(pictures):
    generator = start(pictures, pictures.data.open()).average
    assert generator.reconstruct(torch.zeros(2, 1, 8, 8)) is None


@pytest.mark.parametrize("game", [Autoencoding(), Variational()])
def test_what_makes_no_codes_is_refused(vae, game):
    recipe = replace(vae, game=game, networks={"autoencoder": MLPGenerator()})
    with pytest.raises(GanvasError, match=r"a network that makes codes of samples too.*'autoencoder=autoencoder'"):
        start(recipe, recipe.data.open())


def test_a_run(recipe, tmp_path):
    run = fit(recipe, out=tmp_path / "run", device="cpu", quiet=True)
    sheets = [f"{images:09}.png" for images in range(0, 161, 32)]
    made = files(run.path / "samples")
    assert sorted(made) == sorted(sheets + [f"reconstructions/{sheet}" for sheet in sheets])
    assert run.newest_sheet.parent.name == "samples"
    page = (run.path / "report.html").read_text()
    assert "originals above their reconstructions" in page
    with Image.open(film(run.path)) as moving:
        assert moving.n_frames == len(sheets)

    model, data = load(run.path), recipe.data.open()
    state = start(recipe, data)
    state.load(run.restore())
    rows = np.arange(20)
    told = model.condition.take(data, rows) if model.condition else None
    for a, b in zip(*(each.encode(data.take(rows), told) for each in (model.network, state.average)), strict=True):
        assert torch.allclose(a, b, atol=1e-6)  # weights lie otherwise in memory, and some processors add in that order
    pairs = [network.reconstruct(data.take(rows), told) for network in (model.network, state.average)]
    assert torch.allclose(*pairs, atol=1e-6)


def test_strips_come_back_as_sheets_do(vae, tmp_path):
    run = fit(vae, out=tmp_path / "run", device="cpu", quiet=True)
    whole = files(run.path / "samples" / "reconstructions")
    other = Run(tmp_path / "other")
    fit(vae, out=other.path, device="cpu", quiet=True, images=80)
    (other.path / "samples" / "reconstructions" / "000000128.png").write_bytes(b"of a run that lost its end")
    fit(vae, out=other.path, device="cpu", quiet=True, images=160)
    again = files(other.path / "samples" / "reconstructions")
    assert again["000000160.png"] == whole["000000160.png"]
    assert b"of a run that lost its end" not in again.values()

    first, last = (
        np.asarray(Image.open(run.path / "samples" / "reconstructions" / name)) for name in sorted(whole)[::5]
    )
    rows = [slice(2 + 66 * row, 66 * (row + 1)) for row in range(8)]
    assert all((first[row] == last[row]).all() for row in rows[::2]), "the originals stay"
    assert not any((first[row] == last[row]).all() for row in rows[1::2])
    originals = np.asarray(vae.data.open().samples)[np.linspace(0, 1796, 32).astype(int)]
    assert (first[2:66, 2:66] == originals[0].repeat(8, 0).repeat(8, 1)[..., 0]).all()


def test_the_two_halves_of_the_bound_are_told_apart():
    terms = {f"autoencoder.{name}": 1.0 for name in ("loss", "reconstruction", "divergence", "error")}
    found = {chart.title: chart for chart in charts([{"images": 10, "terms": terms}])}
    assert list(found) == [
        "Losses", "Reconstruction of the autoencoder", "Divergence of the autoencoder", "Other terms of the autoencoder"
    ]  # fmt: skip
    assert "Near zero the code is not used" in found["Divergence of the autoencoder"].healthy


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_the_recipes_train(name):
    recipe = find(name, "recipe")()
    tick = next(train(replace(recipe, images=recipe.batch)))
    assert math.isfinite(tick.terms()["autoencoder.loss"])
    assert next(train(change(replace(recipe, images=recipe.batch), "condition=labels"))).state.condition.length == 10
