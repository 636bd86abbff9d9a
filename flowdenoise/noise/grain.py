"""The grain of film: noise of brightness, coarse, strongest in middle tones.

A scan of film, and the grain that programs add to digital photographs, are not what a sensor
measures: the noise is one of the picture as it is seen, often without any color.
"""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.noise.smoothing import blur_each
from flowdenoise.system.random_streams import Draws, Stream


def add_grain(
    pictures: Tensor, levels: Tensor, draws: Draws, noise: int, *, widest: float
) -> Tensor:
    """Add grain of film.

    Args:
        pictures: The pictures, (B, C, H, W) in [0, 1].
        levels: The deviation of the noise in middle gray, [0, 1] scale, (B,).
        draws: The random numbers of each picture: width, color and how the grain depends on
            brightness.
        noise: The stream of the noise itself.
        widest: The largest deviation of the blur that makes grains, in pixels; the least is 0.

    Returns:
        The noisy pictures, (B, C, H, W), neither clipped nor rounded.
    """
    channels, height, width = pictures.shape[1:]
    own = draws.normal(noise, (channels, height, width))
    shared = draws.normal(noise + 8, (1, height, width))
    color = (2 * draws.uniform(Stream.GRAIN_COLOR) - 1).clamp(min=0)[:, None, None, None]
    grains = (1 - color).sqrt() * shared + color.sqrt() * own
    grains = blur_each(grains, widest * draws.uniform(Stream.GRAIN_WIDTH))
    grains = grains / grains.square().mean((1, 2, 3), keepdim=True).sqrt()
    middle = (4 * pictures * (1 - pictures)).clamp(min=0)
    power = draws.uniform(Stream.GRAIN_TONE)[:, None, None, None]
    strength = torch.where(middle > 0, middle.clamp(min=1e-6).pow(power), 0.0)
    return pictures + levels[:, None, None, None] * strength.expand_as(pictures) * grains
