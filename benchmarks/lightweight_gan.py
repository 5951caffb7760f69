"""lightweight-gan's own trainer on a CPU: its networks, losses, augmentation and order of work, with its defaults.

    git clone https://github.com/lucidrains/lightweight-gan
    pip install einops
    python -m benchmarks.leaderboard --data icons --minutes 10 --only lightweight-gan --checkout lightweight-gan

Its text is read from a clone and run with "cuda" taken out of it, and with pictures from memory in place of its loader,
which needs torchvision. It neither saves nor draws sheets on the way, which its minutes are spared.
"""

import importlib
import sys
import time
import types
from collections.abc import Iterator
from contextlib import chdir
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ganvas.core.pixels import to_uint8
from ganvas.data.dataset import Dataset

__all__ = ["learn"]

ON_CPU = {
    "assert torch.cuda.is_available()": "assert True",
    "f'cuda:{self.rank}'": "'cpu'",
    ".cuda(self.rank)": ".cpu()",
    ".cuda(rank)": ".cpu()",
}
NEEDLESS = {  # where nothing is blurred, and Adam is the optimizer
    "torchvision": ("transforms",),
    "torchvision.transforms": (),
    "kornia": (),
    "kornia.filters": ("filter2d",),
    "adabelief_pytorch": ("AdaBelief",),
}
COMMAND = {  # what its command line has where nothing is said
    "batch_size": 10,
    "gradient_accumulate_every": 4,
    "attn_res_layers": [32],
    "disc_output_size": 1,
    "aug_types": ["cutout", "translation"],
    "use_aim": False,
}


def learn(checkout: Path, data: Dataset, *, minutes: float, seed: int, samples: int) -> tuple[Tensor, int]:
    """Train until so many minutes of processor time are spent; (samples as uint8 [n, H, W, 3], images seen)."""
    module = _read(checkout)
    torch.manual_seed(seed)
    with TemporaryDirectory() as folder, chdir(folder):
        trainer = module.Trainer(image_size=data.samples.shape[1], **COMMAND)
        trainer.aug_prob = min(0.5, (1e5 - len(data)) * 3e-6)  # as it sets it for the number of pictures
        trainer.loader = _batches(data, COMMAND["batch_size"])
        trainer.save = trainer.evaluate = lambda *_, **__: None
        began = time.process_time()
        while time.process_time() - began < 60 * minutes:
            trainer.train()
    gan = trainer.GAN.eval()
    latents = torch.randn(samples, gan.latent_dim)
    with torch.no_grad():  # not its average, which is of the weights after two steps until there were a thousand
        made = torch.cat([gan.G(some).clamp(0, 1) for some in latents.split(50)])
    images = trainer.steps * COMMAND["batch_size"] * COMMAND["gradient_accumulate_every"]
    return to_uint8(made * 2 - 1), images


def _read(checkout: Path) -> Any:
    """Its module, made to run without a GPU and without what its defaults do not use."""
    sys.path.insert(0, str(checkout.resolve()))
    for name, parts in NEEDLESS.items():
        sys.modules.setdefault(name, types.ModuleType(name)).__dict__.update(dict.fromkeys(parts))
    text = (checkout / "lightweight_gan" / "lightweight_gan.py").read_text()
    for gpu, cpu in ON_CPU.items():
        text = text.replace(gpu, cpu)
    sys.modules["lightweight_gan"] = package = ModuleType("lightweight_gan")
    package.__path__ = [str(checkout.resolve() / "lightweight_gan")]
    importlib.import_module("lightweight_gan.diff_augment")
    module = ModuleType("lightweight_gan.lightweight_gan")
    exec(compile(text, str(checkout), "exec"), module.__dict__)
    return module


def _batches(data: Dataset, batch: int) -> Iterator[Tensor]:
    """Shuffled pictures as float [batch, 3, H, W] in [0, 1], for ever."""
    for epoch in count():
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(epoch))
        for rows in order[: len(data) // batch * batch].split(batch):
            yield torch.from_numpy(data.samples[rows.numpy()]).permute(0, 3, 1, 2).float() / 255
