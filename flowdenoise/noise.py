"""Noise levels, their unit, and noise itself.

`sigma` is the standard deviation of the noise on the scale where white is 1. The scale of 0 to
255 that the literature prints exists at two places only: on the command line and in the labels
of benchmarks, and both convert with `from_255`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from flowdenoise.errors import SigmaError
from flowdenoise.system import random_streams

WHITE = 255.0
"""The value of white in an 8-bit picture: the unit of a sigma on the command line."""


def check_sigma(sigma: float) -> float:
    """Return `sigma` if it is a noise level on the [0, 1] scale.

    Raises:
        SigmaError: It is negative, above 1, or not a number.

    >>> check_sigma(25 / 255)
    0.09803921568627451
    """
    if not math.isfinite(sigma) or sigma < 0:
        raise SigmaError(f"sigma must be a number of at least 0, not {sigma}")
    if sigma > 1:
        raise SigmaError(
            f"sigma is on the scale where white is 1, and {sigma:g} is above it: "
            f"did you mean {sigma:g}/255?"
        )
    return float(sigma)


def from_255(sigma: float) -> float:
    """Convert a noise level from the 0 to 255 scale to the [0, 1] scale.

    Raises:
        SigmaError: It is negative, above 255, or not a number.

    >>> from_255(25.5)
    0.1
    """
    if not math.isfinite(sigma) or not 0 <= sigma <= WHITE:
        raise SigmaError(f"sigma must be a number from 0 to 255, not {sigma}")
    return sigma / WHITE


def to_255(sigma: float) -> float:
    """Convert a noise level from the [0, 1] scale to the 0 to 255 scale."""
    return sigma * WHITE


def add_gaussian(clean: Tensor, sigma: float, *, seed: int) -> Tensor:
    """Add white Gaussian noise, unclipped, from a generator that starts afresh at `seed`.

    Args:
        clean: Any shape, [0, 1].
        sigma: Standard deviation on the [0, 1] scale.
        seed: Same seed and shape, same noise.

    Returns:
        The noisy tensor; values leave [0, 1].
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(clean.shape, generator=generator, dtype=torch.float32)
    return clean + check_sigma(sigma) * noise.to(clean.device, clean.dtype)


def fixed_gaussian(image_key: Tensor, position: Tensor, channels: int) -> Tensor:
    """The one standard normal noise that each pixel of each image has, for ever.

    A real noisy photograph has one realization of its noise. Here it is a function of the image
    and the pixel's place in it, so a patch cut anywhere, in any order, sees the same noise, and
    none of it needs to be stored.

    Args:
        image_key: (B,) int32, from `random_streams.fold(seed, image)`.
        position: (B, H, W) index of each pixel in its image, row by row.
        channels: C.

    Returns:
        (B, C, H, W) float32.
    """
    channel = torch.arange(channels, device=position.device, dtype=torch.int32)
    counter = position.to(torch.int32)[:, None] * channels + channel[None, :, None, None]
    return random_streams.normal(image_key[:, None, None, None], counter)
