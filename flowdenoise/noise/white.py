"""White Gaussian noise: drawn from a seed, or the one noise that an image always has."""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.noise.levels import check_sigma
from flowdenoise.system import random_streams


def add_gaussian(clean: Tensor, sigma: float, *, seed: int) -> Tensor:
    """Add white Gaussian noise, unclipped, from a generator that starts afresh at `seed`.

    Args:
        clean: A tensor of any shape, [0, 1].
        sigma: The standard deviation on the [0, 1] scale.
        seed: The seed; the same seed and shape give the same noise.

    Returns:
        The noisy tensor, whose values may lie beyond [0, 1].

    Raises:
        SigmaError: The level is negative, above 1, or not a number.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(clean.shape, generator=generator, dtype=torch.float32)
    return clean + check_sigma(sigma) * noise.to(clean.device, clean.dtype)


def fixed_gaussian(image_key: Tensor, position: Tensor, channels: int) -> Tensor:
    """The one standard normal noise that each pixel of each image always has.

    A real noisy photograph has one realization of its noise. Here it is a function of the image
    and the pixel's place in it, so a patch cut anywhere, in any order, sees the same noise, and
    none of it needs to be stored.

    Args:
        image_key: The key of each image, (B,) int32, from `random_streams.fold(seed, image)`.
        position: The index of each pixel in its image, row by row, (B, H, W).
        channels: The number of channels C.

    Returns:
        (B, C, H, W) float32.
    """
    channel = torch.arange(channels, device=position.device, dtype=torch.int32)
    counter = position.to(torch.int32)[:, None] * channels + channel[None, :, None, None]
    return random_streams.normal(image_key[:, None, None, None], counter)
