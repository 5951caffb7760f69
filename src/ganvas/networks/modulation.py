"""Self-modulation: norms whose scale and shift depend on z (Chen et al. 2019, arXiv:1810.01365)."""

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import BatchNorm

__all__ = ["ModulatedNorm", "Style"]

STYLE = 128  # length of the vector that modulates the norms


class Style(nn.Linear):
    """z and the condition [N, inputs] -> the style [N, 128] that all norms of a generator share."""

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs, STYLE)

    def forward(self, z: Tensor) -> Tensor:
        """[N, inputs] -> [N, 128]."""
        return F.leaky_relu(super().forward(z), 0.2)


class ModulatedNorm(BatchNorm):
    """Batch norm; if `modulated`, scale and shift are computed from the style and start near 1 and 0."""

    def __init__(self, channels: int, *, modulated: bool) -> None:
        super().__init__(channels, affine=not modulated)
        self.follow = nn.Linear(STYLE, 2 * channels) if modulated else None
        if self.follow:
            nn.init.normal_(self.follow.weight, 0.0, 0.02)
            nn.init.zeros_(self.follow.bias)

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """[N, C, H, W] and the style [N, 128] -> [N, C, H, W]."""
        x = super().forward(x)
        if self.follow is None:
            return x
        scale, shift = self.follow(style)[:, :, None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift
