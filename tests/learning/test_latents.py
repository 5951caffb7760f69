"""Learning in latents: the terms of the three games in closed form, and that they play like all others."""

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ganvas import find, train
from ganvas.core import checkpoint
from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset
from ganvas.learning.conditions import Labels
from ganvas.learning.latents import Distillation, FlowMatching, Reconstruction, difference, unlike
from ganvas.learning.phrases import Phrases
from ganvas.networks.latent import LatentAutoencoder, LatentCritic, LatentGenerator, sphere
from ganvas.recipes.recipe import change
from ganvas.training.state import start

pytestmark = pytest.mark.usefixtures("narrow")

WORDS = ("red", "blue", "circle", "square")
SMALL = {"width": 8, "blocks": 2}


def drawings(count=12, side=16):
    """Pictures of two colours under two words each."""
    samples = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    return Dataset(samples, keywords=tuple((WORDS[row % 2], WORDS[2 + row % 3 % 2]) for row in range(count)))


def dice(count=6, draw=1):
    return Dice(0, draw, rows=slice(0, count), total=count, device=torch.device("cpu"))


def batch(real, condition=None, **more):
    return Batch(real=real, condition=condition, dice=dice(len(real)), progress=more.pop("progress", 0.0), **more)


def play(game, player, nets, seen):
    (turn,) = (turn for turn in game.turns() if turn.player == player)
    return turn.loss(nets, seen)


def test_guidance_is_refused_where_no_sample_is_told_nothing():
    """It goes away from what is drawn for no condition, and with classes nothing ever learns that."""
    recipe, labels = find("idea_flow")(), np.arange(12) % 2
    data = Dataset(drawings().samples, classes=("x", "y"), labels=labels)
    small = replace(recipe.networks["generator"], width=8, blocks=1)
    recipe = replace(recipe, networks={**recipe.networks, "generator": small}, condition=Labels())
    with pytest.raises(GanvasError, match="guidance=1"):
        start(recipe, data)
    start(change(recipe, "guidance=1"), data)
    start(replace(recipe, condition=Phrases(required=False)), data)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 9, 5), (1, 2, 2, 2), (3, 1, 1, 1), (2, 1, 1, 7)])
def test_difference_is_what_its_sentence_says(shape):
    x, y = (torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in (0, 1))
    expected = np.zeros(shape[0])
    for row, off in enumerate((x - y).numpy()):
        for _ in range(3):
            c, h, w = off.shape
            expected[row] += np.abs(off).mean()
            if h > 1:
                expected[row] += np.mean(
                    [abs(off[k, i + 1, j] - off[k, i, j]) for k in range(c) for i in range(h - 1) for j in range(w)]
                )
            if w > 1:
                expected[row] += np.mean(
                    [abs(off[k, i, j + 1] - off[k, i, j]) for k in range(c) for i in range(h) for j in range(w - 1)]
                )
            if min(h, w) > 1:
                off = off[:, : h // 2 * 2, : w // 2 * 2].reshape(c, h // 2, 2, w // 2, 2).mean((2, 4))
    assert difference(x, y).numpy() == pytest.approx(expected, rel=1e-12)
    assert not difference(x, x).any()


def test_a_perfect_autoencoder_has_nothing_to_lose():
    real = torch.rand(6, 3, 8, 8) * 2 - 1
    perfect = SimpleNamespace(latents=lambda x: x.flatten(2), decode=lambda latents: latents.unflatten(2, (8, 8)))
    assert not play(Reconstruction(noise=0.0), "autoencoder", {"autoencoder": perfect}, batch(real))["loss"].any()
    noisy = play(Reconstruction(noise=0.3), "autoencoder", {"autoencoder": perfect}, batch(real))["loss"]
    assert (noisy > 0).all()
    deaf = SimpleNamespace(latents=perfect.latents, decode=lambda latents: real)
    assert not play(Reconstruction(noise=0.3), "autoencoder", {"autoencoder": deaf}, batch(real))["loss"].any()


def test_what_flow_matching_wants_of_two_points():
    """Of latents a and -a, equally likely, E[x | y at t] = a tanh(t a.y / (1 - t)^2), and nothing does better."""
    point = torch.randn(4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) / 8
    count = 4000
    signs = torch.where(torch.arange(count) % 2 == 0, 1.0, -1.0).double()
    latents = signs[:, None, None] * point

    def mean_error(scale):
        def clean(noisy, condition, time):
            lean = time * (noisy * point).sum((1, 2)) / (1 - time) ** 2
            return scale * torch.tanh(lean)[:, None, None] * point

        nets = {"autoencoder": SimpleNamespace(latents=lambda x: x), "generator": SimpleNamespace(clean=clean)}
        terms = play(FlowMatching(centre=0.0, detail=0.0), "generator", nets, batch(latents))
        assert torch.equal(terms["loss"], terms["error"])
        return float(terms["loss"].mean())

    best = mean_error(1.0)
    assert 0 < best < float(point.square().mean())
    assert all(mean_error(scale) > best for scale in (0.0, 0.8, 1.25))


def test_flow_matching_weighs_by_the_noise_that_is_left():
    latents = torch.randn(6, 4, 16)
    seen = []

    def clean(noisy, condition, time):
        seen.append((noisy, time))
        return torch.zeros_like(noisy)

    nets = {"autoencoder": SimpleNamespace(latents=lambda x: x), "generator": SimpleNamespace(clean=clean)}
    terms = play(FlowMatching(centre=-0.5, detail=2.0), "generator", nets, batch(latents))
    ((noisy, time),) = seen
    z = dice().normal("z", 4, 16)
    assert torch.allclose(time, torch.sigmoid(dice().normal("time") - 0.5))
    assert torch.allclose(noisy, (1 - time)[:, None, None] * z + time[:, None, None] * latents)
    assert torch.allclose(terms["loss"], latents.square().mean((1, 2)) / (1 - time).clamp(min=0.1) ** 2)


@pytest.fixture
def players():
    """A generator that is its own teacher, a critic and an autoencoder, and a batch for them."""
    data = drawings()
    told = Phrases(places=3).of(data)
    torch.manual_seed(0)
    networks = {
        "generator": LatentGenerator(**SMALL),
        "critic": LatentCritic(**SMALL),
        "teacher": LatentGenerator(**SMALL),
        "autoencoder": LatentAutoencoder(),
    }
    nets = {name: each.build((3, 16, 16), told.length) for name, each in networks.items()}
    nets["teacher"].load_state_dict(nets["generator"].state_dict())
    rows = np.arange(6)
    seen = batch(data.take(rows), told.take(data, rows), other=lambda: told.take(data, np.roll(rows, 1)), made={})
    return nets, seen


def test_a_generator_that_is_its_teacher_is_like_it(players):
    nets, seen = players
    terms = play(Distillation(), "generator", nets, seen)
    assert terms["likeness"].abs().max() < 1e-5  # they draw by other sums
    ends = nets["teacher"].latents(dice().normal("z", 64).unflatten(1, (4, 16)), seen.condition)
    assert torch.equal(seen.made["ends"], ends)
    time = torch.sigmoid(1.2 * dice().normal("times of fakes") + 1.0)
    time = torch.where(dice().uniform("times of fakes, clear") < 0.25, 1.0, time)[:, None, None]
    veiled = (1 - time) * dice().normal("veil", 4, 16) + time * ends
    logits = nets["critic"].judge(veiled, seen.condition, time.flatten())
    assert torch.allclose(terms["loss"], 0.25 * F.softplus(-logits))


def test_a_generator_beside_its_teacher_is_drawn_to_it(players):
    nets, seen = players
    with torch.no_grad():
        nets["generator"].outward.bias.add_(1.0)
    terms = play(Distillation(likeness=1.0), "generator", nets, seen)
    fake, end, decode = seen.made["fakes"], seen.made["ends"], nets["autoencoder"].decode
    apart = (fake - end).abs().mean((1, 2)) + (fake - end).square().mean((1, 2)) / 2
    assert torch.allclose(terms["likeness"], apart + difference(decode(fake), decode(end)) / 2)
    (slope,) = torch.autograd.grad(terms["likeness"].sum(), nets["generator"].outward.bias)
    assert slope.norm() > 0


def test_what_the_critic_learns(players):
    """To tell the teacher's latents, or the data's, from the generator's, to refuse others' words, not to tremble."""
    nets, seen = players
    judge = nets["critic"].judge
    for real in (0.0, 1.0):
        seen = replace(seen, dice=dice(), made={})
        terms = play(Distillation(real=real, still=0.0), "critic", nets, seen)
        time = torch.sigmoid(1.2 * dice().normal("times") + 1.0)
        time = torch.where(dice().uniform("times, clear") < 0.25, 1.0, time)
        shown = nets["autoencoder"].latents(seen.real) if real else seen.made["ends"]
        shown, fake = (
            torch.lerp(dice().normal(f"veil {name}", 4, 16), latents, time[:, None, None])
            for name, latents in (("real", shown), ("fake", seen.made["fakes"]))
        )
        logits = judge(shown, seen.condition, time), judge(fake, seen.condition, time)
        assert torch.allclose(terms["real"], logits[0], atol=1e-6)
        assert torch.allclose(terms["loss"], F.softplus(-logits[0]) + F.softplus(logits[1]), atol=1e-6)
        wrong = (seen.other() != seen.condition).any(1)
        assert wrong.any()
        refused = F.softplus(judge(shown, seen.other(), time))
        assert torch.allclose(terms["mismatch"], 0.5 * wrong * refused, atol=1e-6)
        assert "still" not in terms
    assert (play(Distillation(), "critic", nets, seen)["still"] > 0).all()
    assert "mismatch" not in play(Distillation(), "critic", nets, replace(seen, condition=None, other=lambda: None))


def test_words_of_nobody_are_not_refused(players):
    nets, seen = players
    silent = replace(seen, other=lambda: torch.zeros_like(seen.condition))
    assert not play(Distillation(), "critic", nets, silent)["mismatch"].any()


@pytest.mark.parametrize(
    ("game", "nets", "missing"),
    [
        (Reconstruction(), {}, "autoencoder that is a latent_autoencoder"),
        (FlowMatching(), {"autoencoder": SimpleNamespace(latents=0)}, "generator that is a latent_generator"),
        (Distillation(), {"autoencoder": SimpleNamespace(latents=0)}, "generator that is a latent_generator"),
    ],
)
def test_other_networks_cannot_play(game, nets, missing):
    with pytest.raises(GanvasError, match=missing):
        game.check(nets)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Reconstruction(noise=-0.1),
        lambda: FlowMatching(detail=-1.0),
        lambda: Distillation(real=1.5),
        lambda: Distillation(still=-1.0),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(GanvasError, match="takes a number from 0"):
        wrong()


@pytest.fixture(
    params=["idea_autoencoder", "idea_flow", "idea_sketch", "idea_drawing", "idea_icons", "idea_icons, refined"]
)
def recipe(request):
    """Each of the five, small, and the last in another way."""
    name, _, refined = request.param.partition(", ")
    found = find(name, "recipe")()
    networks = {
        name: replace(
            network, **{key: value for key, value in (SMALL | {"sketch": 8}).items() if hasattr(network, key)}
        )
        for name, network in found.networks.items()
    }
    if "teacher" in networks:
        networks["teacher"] = replace(networks["teacher"], steps=2)
    if refined:
        networks["generator"] = replace(networks["generator"], refinements=1)
        found = replace(found, game=replace(found.game, refined=1.0))
    return replace(found, networks=networks, batch=4, images=100, bfloat16=())


def after(steps, recipe, **options):
    ticks = list(islice(((tick, tick.terms()) for tick in train(recipe, drawings(), **options)), steps))
    tensors = {name: value.clone() for name, value in ticks[-1][0].state.tensors().items()}
    return tensors, [terms for _, terms in ticks]


def test_it_goes_on_bit_for_bit(recipe, tmp_path):
    whole, terms = after(3, recipe)
    part, _ = after(2, recipe)
    checkpoint.write(tmp_path / "000000001", {"state.safetensors": (part, {})})
    rest, terms_of_rest = after(1, recipe, restore=checkpoint.read(tmp_path / "000000001" / "state.safetensors"))
    assert whole.keys() == rest.keys()
    assert all(torch.equal(whole[name], rest[name]) for name in whole)
    assert terms[2:] == terms_of_rest


@pytest.mark.usefixtures("in_float64")
def test_micro_batches_change_nothing(recipe, monkeypatch):
    told = Phrases.take
    monkeypatch.setattr(Phrases, "take", lambda self, *rows: told(self, *rows).double())
    (whole, terms), (split, split_terms) = after(2, recipe), after(2, recipe, micro_batch=3)
    for name, value in whole.items():
        assert torch.allclose(value, split[name], rtol=1e-12, atol=1e-12), name
    for a, b in zip(terms, split_terms, strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12)


def test_what_learns_nothing_itself_stays_as_it_was(recipe):
    before, after_it = after(1, recipe)[0], after(3, recipe)[0]
    for name in recipe.frozen:
        assert all(torch.equal(before[key], after_it[key]) for key in before if key.startswith(f"{name}/"))
    taught = [key for key in before if key.startswith(f"{recipe.product}/")]
    assert any(not torch.equal(before[key], after_it[key]) for key in taught)


def test_every_way_to_ask_answers_in_float32():
    """In bfloat16, too, and close to the exact answer."""
    torch.manual_seed(0)
    x, told, time = torch.rand(3, 3, 16, 16) * 2 - 1, torch.randn(3, 5), torch.rand(3)
    noise = torch.randn(3, 4, 16)
    autoencoder = LatentAutoencoder(large=True).build((3, 16, 16), 0).eval()
    generator = LatentGenerator(**SMALL, steps=2, guidance=2.0).build((3, 16, 16), 5).eval()
    critic = LatentCritic(**SMALL).build((3, 16, 16), 5).eval()
    for network, ask in (
        (autoencoder, lambda: autoencoder.latents(x)),
        (autoencoder, lambda: autoencoder.decode(sphere(noise))),
        (autoencoder, lambda: autoencoder.decode(sphere(noise), large=True)),
        (autoencoder, lambda: autoencoder.encode(x)[0]),
        (generator, lambda: generator.clean(noise, told, time)),
        (generator, lambda: generator.latents(noise, told)),
        (critic, lambda: critic.judge(noise, told, time)),
    ):
        exact = ask()
        network.precision = torch.bfloat16
        rough = ask()
        network.precision = torch.float32
        assert exact.dtype == rough.dtype == torch.float32
        assert 0 < (rough - exact).abs().max() < 0.05 * exact.abs().max() + 0.02


def test_latents_stay_on_the_sphere():
    latents = sphere(torch.randn(2, 4, 16) * 3)
    assert torch.allclose(latents.square().mean(-1), torch.ones(2, 4), atol=1e-3)
    assert torch.allclose(sphere(latents), latents, atol=1e-3)
    assert not sphere(torch.zeros(1, 4, 16)).any()


def test_a_flow_leads_to_what_it_expects():
    """If it expects the same wherever it is, it gets there in any number of steps; guidance goes beyond the words."""
    generator = LatentGenerator(**SMALL).build((3, 16, 16), 4)
    told, noise = torch.ones(2, 4), torch.randn(2, 4, 16)
    plain, asked = torch.randn(4, 16), torch.randn(4, 16)
    generator.clean = lambda noisy, condition, time: plain + condition.any(1)[:, None, None] * asked
    for steps in (1, 2, 7):
        assert torch.allclose(
            generator.flow(noise, told, steps=steps, guidance=1.0), sphere((plain + asked).expand(2, -1, -1)), atol=1e-5
        )
        far = sphere((plain + 3 * asked).expand(2, -1, -1))
        assert torch.allclose(generator.flow(noise, told, steps=steps, guidance=3.0), far, atol=1e-5)


def test_refinements_lead_from_drawings_under_noise():
    """The first step sees z at the time 0; each refinement what was drawn, half covered with z in another order."""
    generator = LatentGenerator(**SMALL, refinements=2).build((3, 16, 16), 4)
    told, noise, seen = torch.ones(2, 4), torch.randn(2, 4, 16), []
    drawn, end = torch.randn(2, 4, 16), torch.randn(2, 4, 16)

    def clean(noisy, condition, time):
        seen.append((noisy, condition, time))
        return drawn if len(seen) == 1 else end

    generator.clean = clean
    assert torch.allclose(generator.latents(noise, told), sphere(end), atol=1e-6)
    veil = torch.cat([noise[..., 8:], noise[..., :8]], -1)
    half = (sphere(drawn) + veil) / 2
    wanted = [(noise, 0.0), (half, 0.5), ((half + end) / 2, 0.75)]
    for (noisy, condition, time), (x, at) in zip(seen, wanted, strict=True):
        assert torch.allclose(noisy, x, atol=1e-6)
        assert condition is told
        assert (time == at).all()
    seen.clear()
    assert torch.equal(generator.once(noise, told), sphere(drawn))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"refinements": -1}, "refinements must be at least 0"),
        ({"refinements": 1_000_000}, "refinements must be at most"),
        ({"steps": 2, "refinements": 1}, "takes no refinements"),
        ({"sketch": -1}, "sketch must be at least 0"),
    ],
)
def test_steps_that_are_none_are_refused(settings, said):
    with pytest.raises(GanvasError, match=said):
        LatentGenerator(**settings)


def test_refining_is_learned_from_a_teacher_that_is_guided_less_the_clearer_it_sees():
    real, told = torch.rand(6, 3, 16, 16), torch.ones(6, 4)
    drawn, answer, wanted = (torch.randn(6, 4, 16) for _ in range(3))
    said, taught = {}, {}

    def clean(noisy, condition, time):
        said.update(noisy=noisy, time=time)
        return answer

    def guided(noisy, condition, time, far):
        taught.update(noisy=noisy, time=time, far=far)
        return wanted

    nets = {
        "generator": SimpleNamespace(
            once=lambda noise, condition: drawn, clean=clean, latent=64, places=lambda z: z.unflatten(1, (4, 16))
        ),
        "critic": SimpleNamespace(judge=lambda latents, condition, time: torch.zeros(6)),
        "teacher": SimpleNamespace(guided=guided),
    }
    game = Distillation(likeness=0.0, real=1.0, refined=2.0)
    assert game.taught
    terms = play(game, "generator", nets, batch(real, told))
    assert torch.allclose(terms["refined"], 2 * unlike(sphere(answer), sphere(wanted)))
    assert torch.equal(said["noisy"], taught["noisy"])
    time = taught["time"]
    assert ((time >= 0.35) & (time < 0.75)).all()
    veil = (said["noisy"] - time[:, None, None] * drawn) / (1 - time)[:, None, None]
    assert 0.8 < float(veil.std()) < 1.2
    assert torch.allclose(taught["far"].flatten(), (1 + 4 / 0.3 * (0.6 - time)).clamp(min=1))
    assert "refined" not in play(Distillation(likeness=0.0, real=1.0), "generator", nets, batch(real, told))


def test_one_size_alone_does_not_draw_twice_as_large():
    autoencoder = LatentAutoencoder().build((3, 16, 16), 0)
    with pytest.raises(GanvasError, match="has one size alone"):
        autoencoder.decode(torch.randn(1, 4, 16), large=True)
    large = LatentAutoencoder(large=True).build((3, 16, 16), 0)
    assert large.decode(torch.randn(1, 4, 16), large=True).shape == (1, 3, 32, 32)
