"""lightweight-gan, by its own trainer and its own settings, on a CPU: the peer of the leaderboard.

    git clone https://github.com/lucidrains/lightweight-gan
    pip install einops kornia adabelief-pytorch tqdm
    python -m benchmarks.leaderboard --data icons --only lightweight_gan --checkout lightweight-gan

Its file asks for a GPU, so its text is read with "cuda" taken out, and nothing else is changed. The settings are those
that its command line has by default, but for its width, which is made for GPUs. In its favour, the pictures lie decoded
in memory, and it neither draws sheets nor saves. Its averaged generator is a copy of an older one in its first 20,000
steps, so the generator itself is sampled.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from ganvas.dataset import Dataset

DEFAULTS = {
    "batch_size": 10,
    "gradient_accumulate_every": 4,
    "attn_res_layers": [32],
    "disc_output_size": 1,
    "aug_types": ["cutout", "translation"],
    "lr": 2e-4,
    "fmap_max": 32,  # 512 by default, at which a step takes more than a minute on one core
    "use_aim": False,
}


def opened(checkout: Path) -> ModuleType:
    """Their module, for the CPU."""
    package = checkout / "lightweight_gan"
    sys.modules["lightweight_gan"] = ModuleType("lightweight_gan")
    sys.modules["lightweight_gan"].__path__ = [str(package)]  # without its __init__, which asks for a GPU
    for name in ("torchvision", "torchvision.transforms"):  # it decodes and draws, neither of which is asked for
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    source = (package / "lightweight_gan.py").read_text()
    source = re.sub(r"^assert torch\.cuda\.is_available.*$", "", source, flags=re.MULTILINE)
    source = re.sub(r"\.cuda\((self\.)?rank\)", "", source)
    source = source.replace("torch.device(f'cuda:{self.rank}')", "torch.device('cpu')")
    module = ModuleType("lightweight_gan_on_a_cpu")
    exec(compile(source, "lightweight_gan.py", "exec"), module.__dict__)
    return module


def batches(data: Dataset, batch: int) -> Iterator[Tensor]:
    """Pictures as it wants them, float [batch, 3, H, W] in [0, 1], in a new order in each epoch, for ever."""
    while True:
        for rows in torch.randperm(len(data)).split(batch)[: len(data) // batch]:
            yield data.take(rows.numpy()) / 2 + 0.5


def train(checkout: Path, data: Dataset, *, minutes: float, seed: int, count: int) -> tuple[Tensor, int]:
    """So many samples, float [count, 3, H, W] in [-1, 1], after these CPU minutes, and the images seen by then."""
    torch.manual_seed(seed)
    peer = opened(checkout)
    augment = min(0.5, max(0.0, (1e5 - len(data)) * 3e-6))  # as it sets it by the number of pictures
    with tempfile.TemporaryDirectory() as folder:
        trainer = peer.Trainer(base_dir=folder, image_size=data.shape[-1], aug_prob=augment, **DEFAULTS)
        trainer.loader = batches(data, trainer.batch_size)
        trainer.save = trainer.evaluate = lambda *_, **__: None
        began = time.process_time()
        while time.process_time() - began < 60 * minutes:
            trainer.train()
    generator = trainer.GAN.G.eval()
    with torch.no_grad():
        made = [generator(torch.randn(100, trainer.latent_dim)) for _ in range(0, count, 100)]
    images = trainer.steps * trainer.batch_size * trainer.gradient_accumulate_every
    return torch.cat(made)[:count].clamp(0, 1) * 2 - 1, images
