"""Sketches: what latents are along a few axes, and a flow in these under words."""

import pytest
import torch

from ganvas.core.errors import DoesNotFit
from ganvas.networks.latent import LatentGenerator, sphere
from ganvas.networks.sketch import Sketcher

PLACES, CHANNELS, WORD = 4, 16, 256


def sketcher(numbers=3, condition=2 * WORD):
    """One with axes that lie askew, a mean, and deviations."""
    torch.manual_seed(0)
    found = Sketcher(numbers, PLACES, CHANNELS, condition).requires_grad_(False)
    askew, _ = torch.linalg.qr(torch.randn(PLACES * CHANNELS, numbers))
    found.get_buffer("axes").copy_(askew.T)
    found.get_buffer("mean").normal_()
    found.get_buffer("deviation").uniform_(0.5, 2)
    return found


def test_a_sketch_is_what_latents_are_along_the_axes():
    known = sketcher()
    latents = torch.randn(5, PLACES, CHANNELS)
    rough = known.latents(known.sketches(latents))
    assert torch.allclose(known.sketches(rough), known.sketches(latents), atol=1e-5)
    left = (latents - rough).flatten(1) @ known.get_buffer("axes").T
    assert left.abs().max() < 1e-5
    assert (latents - rough).abs().max() > 0.5
    one = torch.tensor([[1.0, 0, 0]])
    along = (known.latents(one) - known.latents(0 * one)).flatten()
    assert torch.allclose(along, known.get_buffer("axes")[0] * known.get_buffer("deviation")[0], atol=1e-6)


def test_noise_begins_where_it_lies_along_the_axes_and_is_led_in_straight_lines(monkeypatch):
    known, noise, seen = sketcher(), torch.randn(2, PLACES, CHANNELS), []
    end = torch.randn(2, 3)

    def clean(noisy, described, time):
        seen.append((noisy, float(time[0])))
        return end

    monkeypatch.setattr(known, "clean", clean)
    assert torch.allclose(known(noise, None), known.latents(end), atol=1e-5)
    begun = 0.8 * noise.flatten(1) @ known.get_buffer("axes").T
    assert [time for _, time in seen] == [step / 8 for step in range(8)]
    for noisy, time in seen:
        assert torch.allclose(noisy, (1 - time) * begun + time * end, atol=1e-5)


def test_guidance_leads_away_from_what_there_is_without_words(monkeypatch):
    known, noise, told = sketcher(), torch.randn(2, PLACES, CHANNELS), torch.randn(2, 2 * WORD)
    plain, asked = torch.randn(3), torch.randn(3)

    def clean(noisy, described, time):
        untold = (described == known.told.bias).all(1, keepdim=True)
        return plain + ~untold * asked + 0 * noisy

    monkeypatch.setattr(known, "clean", clean)
    for guidance in (1.0, 2.5):
        known.guidance = guidance
        wanted = known.latents((plain + guidance * asked).expand(2, -1))
        assert torch.allclose(known(noise, told), wanted, atol=1e-5)
    assert torch.allclose(known.described(0 * told)[0], known.told.bias)
    assert LatentGenerator(width=16, blocks=1, sketch=3, guidance=2.5).build((3, 16, 16), 4).sketcher.guidance == 2.5


def test_words_are_heard_in_any_order_and_places_without_one_are_not():
    known = sketcher(condition=3 * WORD)
    a, b, nothing = torch.randn(WORD), torch.randn(WORD), torch.zeros(WORD)
    told = torch.stack([torch.cat(each) for each in ((a, b, nothing), (nothing, b, a), (a, nothing, nothing))])
    first, second, one = known.described(told)
    assert torch.allclose(first, second, atol=1e-5)
    assert (first - one).abs().max() > 1e-3
    twice = known.described(torch.cat([a, a, nothing])[None])[0]  # words add up as their number's root does
    assert torch.allclose(twice - known.told.bias, 2**0.5 * (one - known.told.bias), atol=1e-5)
    untold = known.described(torch.zeros(1, 3 * WORD))
    assert torch.allclose(untold[0], known.told.bias, atol=1e-6)
    assert sketcher(condition=10).described(torch.randn(2, 10)).shape == (2, 512)


def test_a_generator_draws_from_sketches_half_covered_with_noise(monkeypatch):
    generator = LatentGenerator(width=16, blocks=1, sketch=3).build((3, 16, 16), WORD)
    generator.sketcher = sketcher(condition=WORD)
    told, noise, seen = torch.randn(2, WORD), torch.randn(2, PLACES, CHANNELS), []
    drawn = torch.randn(2, PLACES, CHANNELS)

    def clean(noisy, condition, time):
        seen.append((noisy, time))
        return drawn

    monkeypatch.setattr(generator, "clean", clean)
    assert torch.equal(generator.once(noise, told), sphere(drawn))
    [(noisy, time)] = seen
    assert torch.allclose(noisy, (generator.sketcher(noise, told) + noise) / 2, atol=1e-6)
    assert time.tolist() == [0.5, 0.5]


def test_what_is_drawn_teaches_no_sketches_and_noise_is_found_through_them():
    generator = LatentGenerator(width=16, blocks=1, sketch=3).build((3, 16, 16), WORD)
    noise, told = torch.randn(2, PLACES * CHANNELS), torch.randn(2, WORD)
    generator(noise, told).sum().backward()
    learned = {name.split(".")[0] for name, value in generator.named_parameters() if value.grad is not None}
    assert learned == {"body", "outward"}
    generator.finished = lambda sketched, noise, condition: sketched
    noise.requires_grad_()
    (slope,) = torch.autograd.grad(generator.once(generator.places(noise), told).square().sum(), noise)
    assert slope.abs().max() > 0


def test_sketches_lie_in_the_file_of_a_generator():
    generator = LatentGenerator(width=16, blocks=1, sketch=3).build((3, 16, 16), WORD)
    assert {"sketcher.axes", "sketcher.mean", "sketcher.deviation"} <= generator.state_dict().keys()
    again = LatentGenerator(width=16, blocks=1, sketch=3).build((3, 16, 16), WORD)
    assert again.adopt("generator", {"generator": generator.state_dict()}) == []
    assert all(value.equal(generator.state_dict()[name]) for name, value in again.state_dict().items())


def test_axes_are_those_along_which_latents_differ_most():
    torch.manual_seed(0)
    latents = (torch.randn(500, PLACES * CHANNELS) * torch.linspace(3, 0.1, 64) + 1).unflatten(1, (PLACES, CHANNELS))
    found = Sketcher(3, PLACES, CHANNELS, 0)
    assert not found.known
    share = found.look(latents)
    assert found.known
    flat = latents.flatten(1) - latents.flatten(1).mean(0)
    _, deviations, axes = torch.linalg.svd(flat, full_matrices=False)
    assert torch.allclose((found.get_buffer("axes") * axes[:3]).sum(1).abs(), torch.ones(3), atol=1e-4)
    assert share == pytest.approx(float(deviations[:3].square().sum() / deviations.square().sum()), rel=1e-4)
    known = found.sketches(latents)
    assert torch.allclose(known.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(known.std(0, correction=0), torch.ones(3), atol=1e-4)


def test_a_flow_of_several_steps_begins_with_a_sketch_too(monkeypatch):
    generator = LatentGenerator(width=16, blocks=1, steps=3, sketch=3).build((3, 16, 16), WORD)
    generator.sketcher = sketcher(condition=WORD)
    told, noise, seen = torch.randn(2, WORD), torch.randn(2, PLACES, CHANNELS), []
    monkeypatch.setattr(generator, "clean", lambda x, _, time: seen.append((x, time.tolist())) or 0 * x)
    generator.latents(noise, told)
    assert [time for _, time in seen] == [[0.5, 0.5], [0.75, 0.75]]
    assert torch.allclose(seen[0][0], (generator.sketcher(noise, told) + noise) / 2, atol=1e-6)


def test_a_sketch_of_all_that_there_is_is_refused():
    with pytest.raises(DoesNotFit, match="no rougher than latents of 64"):
        LatentGenerator(sketch=65).build((3, 16, 16), 4)
