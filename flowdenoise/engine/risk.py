"""Stein's unbiased risk estimate, locally: how much of what a denoiser removes is noise.

A denoiser that has not learned a picture may take structure for noise, and where noise is weak,
this structure may have no more energy than the noise. What tells them apart is that a removal of
noise follows the noise, and a removal of structure does not. Let n be the noise and
`r = noisy - denoised`. Of all multiples of r, the one that leaves the least error |n - g r|^2 is

    g = <n, r> / |r|^2

The noise is not known, but if it is Gaussian, the expectation of <n, r> is sigma^2 times the
divergence of r with respect to the noisy image (C. Stein, "Estimation of the mean of a
multivariate normal distribution", Annals of Statistics 1981). A probe b of random signs gives it
as <b, dr>, where dr is the derivative of r along b (S. Ramani, T. Blu and M. Unser, "Monte-Carlo
SURE", IEEE Transactions on Image Processing 2008). The sums are taken over the window around each
pixel, for brightness and color apart.

A file can't hold noise beyond black or white. A value at an end does not move with the noise, so
its probe is 0; and integrating by parts, which is how Stein's formula comes about, leaves a term
at the end: `sigma E|n / sigma| r` for each value at black, and its negative at white.

This takes a second evaluation of the denoiser, and float32, because a derivative is a difference
of nearly equal numbers. So it is done where noise is weak; where it is stronger, a bound on the
energy of the removal is enough (`flowdenoise.engine.tiles.discrepancy`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from flowdenoise.engine.tiles.discrepancy import energy_bound, window_mean
from flowdenoise.system.random_streams import Stream, fold, uniform

WEAK = 10 / 255
"""The noise level below which the risk is estimated."""

_STEP = 0.1  # times the noise level is the length of the probe
_LEAST_STEP = 1e-4  # a shorter one has too few digits in float32
_DEVIATIONS = 1.5  # by which the energy of a removal may exceed what is expected, by chance
_CUT_OFF = math.sqrt(2 / math.pi)  # mean of |n| / sigma: by so much noise is cut off at an end
_PERIOD = 16  # of the signs, in pixels: a part of a picture begins at a multiple of it
_SALT = 94  # found by search: with it, signs of neighbors correlate by less than 0.1
_LEAST = 1e-12  # a smaller energy is none


def is_weak(sigma: float) -> bool:
    """Whether the risk is estimated for noise of this level, on the [0, 1] scale."""
    return 0 < sigma < WEAK


def with_probe(rows: Tensor, top: int) -> Tensor:
    """Append the probe to some rows of an image, so that it is cut into tiles with them.

    A sign is a function of its place alone, so tiles that share a pixel share its sign; and signs
    repeat, so a part of a picture that is denoised alone has those of the whole. Values at the
    ends of the range get 0: noise that was cut off there moves nothing.

    Args:
        rows: (B, C, H, W), about [0, 1].
        top: The number of the first row in the image.

    Returns:
        (B, 2 C, H, W): the rows and their signs, each -1, 0 or 1.
    """
    channels, height, width = rows.shape[1:]
    channel = torch.arange(channels).reshape(-1, 1, 1)
    row = torch.arange(top, top + height).reshape(-1, 1) % _PERIOD
    drawn = uniform(fold(Stream.PROBE, _SALT, channel, row), torch.arange(width) % _PERIOD)
    signs = torch.where(drawn < 0.5, -1.0, 1.0).to(rows)
    return torch.cat([rows, signs * ((rows != 0) & (rows != 1))], 1)


def with_least_risk(
    denoise: Callable[[Tensor], Tensor], rows: Tensor, levels: Sequence[float]
) -> Tensor:
    """Denoise as far as that lowers the expected error.

    Args:
        denoise: Any continuous function from (B, C, H, W) to the same shape, in float32.
        rows: The noisy image and its probe, (B, 2 C, H, W): see `with_probe`.
        levels: The noise level on the [0, 1] scale, one for all channels or one for each.

    Returns:
        (B, C, H, W): between the noisy image and what `denoise` makes of it.
    """
    noisy, signs = torch.chunk(rows, 2, 1)
    sigma = noisy.new_tensor(levels).reshape(1, -1, 1, 1)
    step = max(_STEP * min(levels), _LEAST_STEP)
    moved = noisy + step * signs
    removed = noisy - denoise(noisy)
    change = (moved - denoise(moved) - removed) / step
    ends = (noisy == 0).to(noisy) - (noisy == 1).to(noisy)

    def kept(part: Tensor, along: Tensor, components: int) -> Tensor:
        expected = sigma**2 * signs * along + _CUT_OFF * sigma * ends * part
        product = window_mean(expected.sum(1, keepdim=True))
        energy = window_mean(part.square().sum(1, keepdim=True)).clamp(min=_LEAST)
        return (energy_bound(components, _DEVIATIONS) * product / energy).clamp(0, 1) * part

    channels = noisy.shape[1]
    if channels == 1:
        return noisy - kept(removed, change, 1)
    gray, gray_change = (planes.mean(1, keepdim=True) for planes in (removed, change))
    gray, gray_change = gray.expand_as(noisy), gray_change.expand_as(noisy)
    color = kept(removed - gray, change - gray_change, channels - 1)
    return noisy - kept(gray, gray_change, 1) - color
