r"""What a denoiser leaves of coarse noise, removed where that is fine: in a reduced picture.

A network sees some tens of pixels. Noise that demosaicking and smoothing have made coarse reaches
further, and what is left of it are faint blotches. In a picture reduced by four they are a few
pixels wide, and a denoiser of white noise takes most of them:

    denoised --mean of 4x4--> small -> denoiser -> what it removes --smoothed--> subtracted

The level that it is told is three tenths of what the noise itself would have there, a little more
than what a network leaves, and the finest of what it removes, which is rather detail, stays (tuned
on simulated photographs and on Nam25: docs/experiments/cameras.md).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser

REDUCED = 4
"""How many times smaller the picture is made, which sides of tiles are multiples of."""

_LEFT = 0.3  # of the level of the noise
_LEAST = 0.2 / 255  # a weaker rest is none
_SMOOTHING = (0.15, 0.7, 0.15)  # of what is removed, in the small picture, along both axes


def without_remains(
    denoised: Tensor, maps: Tensor, network: TileDenoiser, luma: float, chroma: float
) -> Tensor:
    """Remove what is left of coarse noise.

    Args:
        denoised: The denoised tiles, (B, C, h, w).
        maps: The coarse levels of brightness and color before, (B, 2, h, w).
        network: A denoiser of white noise in images of C channels.
        luma: The share of the noise of brightness that was to be removed; above 1 counts as 1.
        chroma: The share of the noise of color.
    """
    small = F.avg_pool2d(denoised, REDUCED)
    level = _LEFT / REDUCED * F.avg_pool2d(maps.mean(1, keepdim=True), REDUCED)
    removed = small - network(small, level.clamp(min=_LEAST))
    gray = removed.mean(1, keepdim=True)
    removed = min(1.0, luma) * gray + min(1.0, chroma) * (removed - gray)
    smooth = _smoothed(removed)
    return denoised - F.interpolate(smooth, size=denoised.shape[2:], mode="bilinear")


def _smoothed(planes: Tensor) -> Tensor:
    """Smooth (B, C, h, w) a little, with the border's values repeated."""
    row = planes.new_tensor(_SMOOTHING)
    kernel = (row[:, None] * row).expand(planes.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(planes, (1, 1, 1, 1), mode="replicate"), kernel, groups=planes.shape[1])
