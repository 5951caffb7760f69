"""Checks for exercises about shapes: what lies along which axis, and what comes out of a module."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from .answer import Wrong, expect, near

__all__ = ["check_block", "check_condition", "check_frames"]

Given = Mapping[str, Any]
NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm, nn.LayerNorm)


def check_block(given: Given) -> None:
    """Check `block` by what comes out, so that it may be written in any way; norms are recognised by their type."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inner, last = given["block"](6, 4), given["block"](6, 3, last=True)
        x = torch.randn(5, 6, 4, 4)
    for module, outputs, name in ((inner, 4, "A block"), (last, 3, "The last block")):
        if not isinstance(module, nn.Module):
            raise Wrong(
                f"{name} is of the type {type(module).__name__}: return a module, such as `nn.Sequential(...)`."
            )
        _check_shape(module, x, outputs, name)
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []  # normalisations, what goes into them, what comes out
    for each in inner.modules():
        if isinstance(each, NORMS):
            each.register_forward_hook(lambda norm, given, gives: seen.append((norm, given[0].clone(), gives.clone())))
    found, end = inner(x).detach(), last(20 * x).detach()
    if not seen:
        raise Wrong("There is no normalisation in a block: the convolution should be followed by an `nn.BatchNorm2d`.")
    norm, before, after = seen[-1]
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm):
        raise Wrong(f"The normalisation of a block is `{type(norm).__name__}`: that of a DCGAN is over the batch, "
                    "`nn.BatchNorm2d`.")  # fmt: skip
    if _normed(last):
        raise Wrong("The last block has a normalisation: it would force the same mean and contrast on every batch of "
                    "pictures. Leave it out there.")  # fmt: skip
    if found.min() < -1e-3:
        mean = float(found.mean((0, 2, 3)).abs().max())
        raise Wrong("The ReLU comes before the normalisation in a block: normalise "
                    "first." if mean < 1e-3 and _relu(inner)
                    else "Values below 0 come out of a block: it should end with a ReLU.")  # fmt: skip
    if after.shape != found.shape:
        raise Wrong("The normalisation is not the last step before the ReLU in a block: the transposed convolution "
                    "comes first, then the normalisation, then the ReLU.")  # fmt: skip
    if before.min() >= 0:
        raise Wrong("There is a ReLU also before the normalisation in a block: there should be only the one after it.")
    if end.max() > 1 + 1e-5 or end.min() < -1 - 1e-5:
        raise Wrong("Values outside [-1, 1] come out of the last block: it should end with a tanh.")
    if end.min() >= 0:
        raise Wrong("The last block gives nothing below 0: pixels lie between -1 and 1, so it should end with a tanh, "
                    "no sigmoid and no ReLU.")  # fmt: skip
    a, b = 0.3 * x, 0.3 * x.roll(1, 0)
    one, other, both, none = (last(of).detach().double().atanh() for of in (a, b, a + b, 0 * x))
    if (one + other - both - none).abs().max() > 1e-3 * one.abs().max():  # the convolution alone adds up
        raise Wrong("What ends the last block is no tanh, but another function that stays between -1 and 1.")
    if found.max() <= 1:
        raise Wrong("A tanh or a sigmoid ends every block: only the last should have a tanh, the others a ReLU.")
    if not near(found, after.relu()):
        raise Wrong("What follows the normalisation in a block is no ReLU: that leaves numbers above 0 as they are, "
                    "and makes 0 of all others.")  # fmt: skip


def _check_shape(module: nn.Module, x: Tensor, outputs: int, name: str) -> None:
    out = module(x)
    if out.shape[-2:] == (4, 4):
        raise Wrong(f"{name} leaves the picture as large as it is: it should double width and height, which a "
                    "transposed convolution with a stride of 2 does.")  # fmt: skip
    if out.shape[-2:] == (2, 2):
        raise Wrong(f"{name} halves the picture, like a convolution does: `nn.ConvTranspose2d` goes the other way.")
    if out.shape[-2:] != (8, 8):
        raise Wrong(f"{name} makes {out.shape[-2]} x {out.shape[-1]} pixels from 4 x 4, but should make 8 x 8: look at "
                    "kernel, stride and padding.")  # fmt: skip
    if out.shape != (5, outputs, 8, 8):
        raise Wrong(f"{name} gives {out.shape[1]} channels, but should give {outputs}: that number is `outputs`.")


def _normed(module: nn.Module) -> bool:
    return any(isinstance(each, NORMS) for each in module.modules())


def _relu(module: nn.Module) -> bool:
    return any(isinstance(each, nn.ReLU | nn.LeakyReLU) for each in module.modules())


def check_condition(given: Given) -> None:
    """Check both functions on labels without the highest class, which shows if the width is guessed from them."""
    z, pictures = torch.arange(15.0).view(5, 3) / 7, torch.arange(120.0).view(5, 2, 3, 4) / 50
    labels = torch.tensor([0, 2, 1, 2, 0])
    hot = one_hot(labels, 4).float()
    column, guessed = labels[:, None].float(), one_hot(labels, 3).float()
    one_too_low = torch.roll(hot, 1, 1)
    wrong = {
        "The label is appended as one number, as if class 2 were twice class 1: give each class a place of its own "
        "(one-hot).":
            torch.cat([z, column], 1),
        "The class comes before z: it should come after it.": torch.cat([hot, z], 1),
        "There are as many places as classes in this batch: use `classes`, since a batch need not have all of them.":
            torch.cat([z, guessed], 1),
        "z is missing: this is the class alone.": hot,
        "The ones are one place too far to the right: labels begin with 0.": torch.cat([z, one_too_low], 1),
    }  # fmt: skip
    found = given["with_class"](z, labels, 4)
    expect(found, torch.cat([z, hot], 1), wrong, what="The generator's input")
    if found.dtype != torch.float32:
        raise Wrong(f"The generator's input is {found.dtype}, but networks take float32: convert the one-hot vectors.")
    planes = hot[:, :, None, None].expand(5, 4, 3, 4)
    wrong = {
        "The class comes before the picture: its planes should come after the channels.":
            torch.cat([planes, pictures], 1),
        "One plane holds the label as a number: give each class a plane of its own.":
            torch.cat([pictures, column[:, :, None, None].expand(5, 1, 3, 4)], 1),
        "There are as many planes as classes in this batch: use `classes`.":
            torch.cat([pictures, guessed[:, :, None, None].expand(5, 3, 3, 4)], 1),
        "The numbers are out of their order: each plane should have one value everywhere. Add two axes with "
        "`[:, :, None, None]`, then use `expand` or `repeat` rather than `view` or `reshape`.":
            torch.cat([pictures, hot.repeat(1, 12).view(5, 4, 3, 4)], 1),
        "The class is added to the pixels of the pictures: it should get channels of its own.":
            pictures + column[:, :, None, None],
        "The pictures are missing: these are the planes alone.": planes,
    }  # fmt: skip
    found = given["with_planes"](pictures, labels, 4)
    expect(found, torch.cat([pictures, planes], 1), wrong, what="The critic's input")
    if found.dtype != torch.float32:
        raise Wrong(f"The critic's input is {found.dtype}, but networks take float32: convert the one-hot vectors.")


def check_frames(given: Given) -> None:
    """Check both functions on axes of different sizes, so that no two can be confused."""
    clips = torch.arange(2 * 3 * 4 * 5 * 6.0).view(2, 3, 4, 5, 6)
    ordered = clips.permute(0, 2, 1, 3, 4)
    wrong = {
        "The numbers are only divided anew, so that a frame holds pieces of several: channels come before time in "
        "memory. First move the time axis before the channels: look up `transpose` and `permute`.":
            clips.reshape(8, 3, 5, 6),
        "The frames come moment by moment, the first of every clip and then the second: all frames of the first clip "
        "should come first.":
            clips.permute(2, 0, 1, 3, 4).reshape(8, 3, 5, 6),
        "Clips and time are still two axes: `flatten` can join them.": ordered,
        "Channels and time are joined: each frame should be a picture of its own.": clips.reshape(2, 12, 5, 6),
        "Clips and channels are joined: clips and time should be.": clips.reshape(6, 4, 5, 6),
        "Only the first frame of each clip is there: all T are needed.": clips[:, :, 0],
        "Height and width have changed places.": ordered.transpose(-1, -2).reshape(8, 3, 6, 5),
    }  # fmt: skip
    expect(given["frames"](clips), ordered.reshape(8, 3, 5, 6), wrong, what="The batch of frames")
    scores = torch.tensor([1.0, 2, 3, 4, 10, 20, 30, 40])
    wrong = {
        "The scores are taken moment by moment: they come clip by clip, so the first T belong to the first clip.":
            scores.view(4, 2).mean(0),
        "This is the mean over clips at each moment: a clip's score is the mean over its own frames.":
            scores.view(2, 4).mean(0),
        "This is one number for all: each clip has a score of its own.": scores.mean(),
        "The scores of a clip are added up: take their mean.": scores.view(2, 4).sum(1),
        "The scores are grouped by N: group them by T, so that there are N groups.": scores.view(4, 2).mean(1),
        "The scores are a column, [N, 1]: the shape should be [N].": scores.view(2, 4).mean(1, keepdim=True),
    }  # fmt: skip
    expect(given["score_of_clips"](scores, 4), scores.view(2, 4).mean(1), wrong, what="The scores of clips")
