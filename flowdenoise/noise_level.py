"""How noisy is a picture? A small network that has seen many pictures with noise of known level.

Each neighborhood gives a vector of evidence and says how much it is to be trusted: a patch of sky
tells the noise level, grass does not. The trust-weighted mean over the whole picture is turned
into one level. So the estimate of a large picture can be made from crops, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.errors import UsageError


@dataclass(frozen=True)
class NoiseLevelConfig:
    """Sizes of a `NoiseLevelNet`.

    Attributes:
        image_channels: 3 for color, 1 for gray.
        channels: Width of all layers.
        blocks: Residual blocks.
    """

    image_channels: int = 3
    channels: int = 32
    blocks: int = 2

    def __post_init__(self) -> None:
        if min(self.image_channels, self.channels, self.blocks) < 1:
            raise UsageError("sizes of a NoiseLevelNet must be positive")


class NoiseLevelNet(nn.Module):
    """The estimator.

    Args:
        config: Its sizes.
    """

    stride = 4
    """Sizes of crops must be multiples of this."""

    def __init__(self, config: NoiseLevelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.fine = nn.Conv2d(4 * config.image_channels, width, 3, padding=1)
        self.down = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for _ in range(config.blocks)
        )
        self.trust = nn.Conv2d(width, 1, 1)
        self.level = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def evidence(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """What crops say, ready to be added up.

        Args:
            noisy: (B, C, H, W), about [0, 1]; H and W multiples of 4.

        Returns:
            The trust-weighted sum of evidence, (B, width), and the sum of trust, (B, 1).
        """
        features = F.relu(self.fine(F.pixel_unshuffle(noisy - 0.5, 2)))
        features = F.relu(self.down(features))
        for block in self.blocks:
            features = F.relu(features + block(features))
        trust = F.softplus(self.trust(features).float()) + 1e-6
        return (features.float() * trust).sum((2, 3)), trust.sum((2, 3))

    def conclude(self, evidence: Tensor, trust: Tensor) -> Tensor:
        """The level on the scale of `to_scale`, (B,), from sums of evidence and trust."""
        level: Tensor = self.level(evidence / trust)
        return level.squeeze(1)

    def forward(self, noisy: Tensor) -> Tensor:
        """The level of each crop by itself, (B,), on the scale of `to_scale`."""
        return self.conclude(*self.evidence(noisy))


def to_scale(sigma: Tensor) -> Tensor:
    """The scale on which levels are learned: log(1 + 255 sigma)."""
    return torch.log1p(sigma * 255)


def from_scale(level: Tensor) -> Tensor:
    """Undo `to_scale`; never negative."""
    return torch.expm1(level.clamp(min=0)) / 255


@torch.no_grad()
def estimate_sigma(net: NoiseLevelNet, crops: list[Tensor]) -> float:
    """The noise level of one picture from crops of it.

    Args:
        net: The estimator.
        crops: Each (1, C, H, W), about [0, 1]; sides multiples of 4.

    Returns:
        sigma on the [0, 1] scale.
    """
    sums = [net.evidence(crop) for crop in crops]
    evidence = torch.stack([part[0] for part in sums]).sum(0)
    trust = torch.stack([part[1] for part in sums]).sum(0)
    return float(from_scale(net.conclude(evidence, trust)))
