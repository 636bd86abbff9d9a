"""The noise level as channels of a network's input, as FFDNet has it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def sigma_maps(sigma: Tensor | float, features: Tensor, channels: int, unshuffle: int) -> Tensor:
    """Make maps of the noise level at the resolution of an image that is folded.

    Args:
        sigma: The noise level on the [0, 1] scale: a number, (B,), or maps that broadcast to
            (B, channels, H, W).
        features: The folded image, (B, F, h, w).
        channels: The number of maps that the network takes.
        unshuffle: The factor of the folding, H / h.

    Returns:
        The maps, (B, channels, h, w), of the type of `features`.
    """
    batch, _, height, width = features.shape
    level = torch.as_tensor(sigma, device=features.device, dtype=features.dtype)
    if level.ndim < 4:
        level = level.reshape(-1, 1, 1, 1)
    if level.shape[-2:] != (1, 1):
        level = F.avg_pool2d(level, unshuffle)
    return level.expand(batch, channels, height, width)
