"""The local discrepancy: what is removed may nowhere have more energy than the noise has.

Noise of a known level has a known energy in every small window. A denoiser that takes away more
there takes structure with it, which it has not learned: fine lines in saturated color, text, a
test chart. Morozov's discrepancy principle says how far to follow a denoiser; here it is asked
around each pixel. With the removal `r = noisy - denoised` in units of the noise, and its mean
energy `e` over a window, the multiple of `r` that leaves the least error is `1 / e`, where `r`
holds all of the noise. So

    result = noisy - g r        g = min(1, (bound / e)^2)

The bound is 1 plus a few standard deviations of the energy that noise has in a window, so that
noise alone stays below it; the square makes up for this slack where `e` is large. Brightness,
color and both together each have a bound, and the least share counts.

Without noise the bound is zero: the result is the input, bit for bit.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

RADIUS = 4
"""How far, in pixels, a removal has influence on what its neighborhood may lose."""

_BOX = RADIUS + 1  # the window is a box of boxes of this side: a pyramid, 9x9
_SAMPLES = 54  # independent values that vary as much as the mean over the window
_DEVIATIONS = 4  # by which the energy of pure noise may exceed its mean
_LEAST = 1e-7  # a level below this is no noise


def keep_structure(noisy: Tensor, denoised: Tensor, sigma: Tensor | float) -> Tensor:
    """Take back what a denoiser removed beyond what noise of that level can be.

    Args:
        noisy: (B, C, H, W), about [0, 1].
        denoised: The denoiser's output, (B, C, H, W).
        sigma: The noise level on the [0, 1] scale: a number, or a tensor that broadcasts to
            `noisy`, with a level for each image, channel or pixel; (B, 2, H, W) holds levels of
            brightness and of color.

    Returns:
        (B, C, H, W): `denoised` where it removes no more than noise, `noisy` where the level is 0.
    """
    level = torch.as_tensor(sigma, device=noisy.device, dtype=noisy.dtype)
    channels = noisy.shape[1]
    apart = level.ndim == 4 and level.shape[1] == 2
    of_gray, of_color = (level[:, :1], level[:, 1:]) if apart else (level, level)
    removed = noisy - denoised
    scaled = removed / of_gray.clamp(min=_LEAST)
    if channels == 1:
        return noisy - of_gray * _share(window_mean(scaled.square()), 1) * scaled
    gray = mean = scaled.mean(1, keepdim=True)  # times the root of C, the part of the gray axis
    if apart:
        scaled = removed / of_color.clamp(min=_LEAST)
        mean = scaled.mean(1, keepdim=True)
    color = scaled - mean
    energies = [channels * gray.square(), color.square().sum(1, keepdim=True)]
    bright, colorful = torch.chunk(window_mean(torch.cat(energies, 1)), 2, 1)
    both = _share(bright + colorful, channels)
    gray = torch.minimum(_share(bright, 1), both) * gray
    color = torch.minimum(_share(colorful, channels - 1), both) * color
    return noisy - of_gray * gray - of_color * color


def keep_constant(noisy: Tensor, denoised: Tensor) -> Tensor:
    """Leave areas that are constant as they are: black bars, burnt-out white, a flat background.

    Args:
        noisy: (B, C, H, W).
        denoised: The denoiser's output, (B, C, H, W).

    Returns:
        (B, C, H, W): `noisy` where a pixel lies in 3x3 equal ones, `denoised` elsewhere.
    """
    if min(noisy.shape[-2:]) < 3 or not bool(_middles(noisy[:, :1]).any()):
        return denoised
    constant = F.max_pool2d(F.pad(_middles(noisy).float(), (2, 2, 2, 2)), 3, 1) > 0
    return torch.where(constant, noisy, denoised)


def _middles(planes: Tensor) -> Tensor:
    """Which pixels are the middle of 3x3 equal ones, (B, 1, H - 2, W - 2)."""
    right = (planes[..., 1:] == planes[..., :-1]).all(1, keepdim=True)
    down = (planes[..., 1:, :] == planes[..., :-1, :]).all(1, keepdim=True)[..., 1:-1]
    rows = right[..., 1:] & right[..., :-1]  # three in a row are the same
    middles = rows[..., 2:, :] & rows[..., 1:-1, :] & rows[..., :-2, :]
    return middles & down[..., 1:, :] & down[..., :-1, :]


def energy_bound(components: int, deviations: float) -> float:
    """What the mean energy of noise in a window may reach by chance, in units of its expectation.

    Args:
        components: The number of independent values that a pixel has.
        deviations: The number of standard deviations that it may lie above its expectation.
    """
    return 1 + deviations * math.sqrt(2 / (_SAMPLES * components))


def _share(energy: Tensor, components: int) -> Tensor:
    """The share of a removal that is believed, from its energy summed over its components."""
    bound = energy_bound(components, _DEVIATIONS)
    return (bound / (energy / components).clamp(min=bound)).square()


def window_mean(planes: Tensor) -> Tensor:
    """The mean over the part of each pixel's window that lies in the image, (B, C, H, W)."""
    for axis in (-1, -2):
        ones = planes.new_ones(planes.shape[axis])
        count = _pyramid(ones, -1)
        planes = _pyramid(planes, axis)
        planes /= count if axis == -1 else count[:, None]
    return planes


def _pyramid(planes: Tensor, axis: int) -> Tensor:
    """Sums of sums of neighbors along an axis, with zeros beyond its ends.

    Adding shifted planes is many times as fast as pooling on a processor, and gives the same
    bits wherever a tile begins.
    """
    length = planes.shape[axis]
    shape = list(planes.shape)
    shape[axis] = RADIUS
    edge = planes.new_zeros(shape)
    padded = torch.cat([edge, planes, edge], axis)
    for size in (length + RADIUS, length):
        total = padded.narrow(axis, 0, size) + padded.narrow(axis, 1, size)
        for start in range(2, _BOX):
            total += padded.narrow(axis, start, size)
        padded = total
    return padded
