import copy

import pytest
import torch
from torch.nn import functional as F

from ganvas.networks import winograd
from ganvas.networks.winograd import Conv3x3


def plain(layer, x):
    return F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)


@pytest.mark.parametrize("shape", [(1, 96, 8, 8), (3, 112, 4, 6), (2, 96, 2, 2), (2, 128, 16, 10)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_it_draws_what_a_convolution_says(shape, order):
    layer, x = Conv3x3(shape[1], 100), torch.randn(shape).to(memory_format=order)
    with torch.no_grad():
        assert layer._draws(x)
        found = layer(x)
    wanted = plain(layer, x)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 2e-5 * wanted.abs().max()


def test_new_weights_are_seen():
    layer, x = Conv3x3(96, 96), torch.randn(1, 96, 4, 4)
    with torch.no_grad():
        before = layer(x)
        layer.weight.mul_(2)
        assert torch.allclose(layer(x), 2 * before - layer.bias[:, None, None], atol=1e-5)
        layer.load_state_dict(Conv3x3(96, 96).state_dict())
        assert torch.allclose(layer(x), plain(layer, x).float(), atol=1e-4)
        layer.half().float()
        assert torch.equal(layer(x), Conv3x3.forward(copy.deepcopy(layer), x))
        twin = copy.deepcopy(layer)
        twin.weight.zero_()
        assert torch.allclose(twin(x), layer.bias[:, None, None].expand(1, 96, 4, 4))
        assert torch.allclose(layer(x), plain(layer, x).float(), atol=1e-4)


def test_whatever_else_is_done_is_torchs(monkeypatch):
    """Learning, odd maps, few channels and lower precision: the last bits of torch's own convolution."""
    monkeypatch.setattr(Conv3x3, "_drawn", None)
    layer, x = Conv3x3(96, 96), torch.randn(1, 96, 4, 4)
    assert layer(x).requires_grad
    with torch.no_grad():
        assert torch.equal(layer(x[..., :3]), F.conv2d(x[..., :3], layer.weight, layer.bias, padding=1))
        few = Conv3x3(winograd.LEAST - 1, 96)
        assert few(x[:, 1:]).shape == (1, 96, 4, 4)
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        with pytest.raises(TypeError):
            layer(x)


def test_state_is_that_of_a_convolution():
    assert set(Conv3x3(8, 8).state_dict()) == {"weight", "bias"}
