"""lightweight-gan's own trainer on a CPU: its networks, losses, augmentation and order of work, with its defaults.

    git clone https://github.com/lucidrains/lightweight-gan
    pip install einops
    python -m benchmarks.leaderboard --data icons --minutes 10 --only lightweight-gan --checkout lightweight-gan

Its source is read from a clone and run with the uses of "cuda" replaced, and with pictures from memory instead of its
loader, which needs torchvision. It neither saves nor draws sheets during training, which saves it that time.
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
NEEDLESS = {  # not needed without blurring and with Adam as the optimizer
    "torchvision": ("transforms",),
    "torchvision.transforms": (),
    "kornia": (),
    "kornia.filters": ("filter2d",),
    "adabelief_pytorch": ("AdaBelief",),
}
COMMAND = {  # the defaults of its command line
    "batch_size": 10,
    "gradient_accumulate_every": 4,
    "attn_res_layers": [32],
    "disc_output_size": 1,
    "aug_types": ["cutout", "translation"],
    "use_aim": False,
}


def learn(checkout: Path, data: Dataset, *, minutes: float, seed: int, samples: int) -> tuple[Tensor, int]:
    """Train for so many minutes of CPU time; returns (samples as uint8 [n, H, W, 3], images seen)."""
    module = _read(checkout)
    torch.manual_seed(seed)
    with TemporaryDirectory() as folder, chdir(folder):
        trainer = module.Trainer(image_size=data.samples.shape[1], **COMMAND)
        trainer.aug_prob = min(0.5, (1e5 - len(data)) * 3e-6)  # what it sets for this number of pictures
        trainer.loader = _batches(data, COMMAND["batch_size"])
        trainer.save = trainer.evaluate = lambda *_, **__: None
        began = time.process_time()
        while time.process_time() - began < 60 * minutes:
            trainer.train()
    gan = trainer.GAN.eval()
    latents = torch.randn(samples, gan.latent_dim)
    with torch.no_grad():  # not its average, which holds the weights after two steps until step 1,000
        made = torch.cat([gan.G(some).clamp(0, 1) for some in latents.split(50)])
    images = trainer.steps * COMMAND["batch_size"] * COMMAND["gradient_accumulate_every"]
    return to_uint8(made * 2 - 1), images


def _read(checkout: Path) -> Any:
    """Its module, changed to run without a GPU and without packages that its defaults do not use."""
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
    """Shuffled pictures as float [batch, 3, H, W] in [0, 1], endlessly."""
    for epoch in count():
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(epoch))
        for rows in order[: len(data) // batch * batch].split(batch):
            yield torch.from_numpy(data.samples[rows.numpy()]).permute(0, 3, 1, 2).float() / 255
