"""What a sensor adds to light: photon and read noise, independent from value to value.

Its variance is a x + b for a raw value x on the scale where white is 1. The gain a grows with the
sensitivity that is set, and with how small the pixels are. Photons are counted, so their noise is
Poisson's: a value that few of them made is often a little too low and now and then far too high.
Its third moment is a^2 x; that of read noise, which is normal, is zero. Numbers with a variance
and a third moment come from normal ones by the cube of Wilson and Hilferty.

A. Foi et al., "Practical Poissonian-Gaussian noise modeling and fitting for single-image
raw-data", IEEE TIP 2008; E. B. Wilson and M. M. Hilferty, "The distribution of chi-square",
Proceedings of the National Academy of Sciences 17, 1931.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from flowdenoise.system import random_streams
from flowdenoise.system.random_streams import Stream

Sensor = Literal["small", "large"]

GAINS: dict[Sensor, tuple[tuple[float, float], ...]] = {
    "small": ((100, 2e-4), (25600, 5.12e-2)),
    "large": ((100, 3.4e-6), (1600, 3.7e-5), (6400, 1.4e-4), (25600, 4.2e-4)),
}
"""The usual gain a by ISO, between which it is interpolated.

Those of large sensors are medians over the published noise laws of 374 models of cameras, of the
green channel (`docs/photographs.md`). A pixel of a phone holds some 5,000 electrons at ISO 100,
and its gain is one over that, in proportion to the ISO.
"""

_ALL = slice(None)


def gain_at(sensor: Sensor, iso: float) -> float:
    """Interpolate the usual gain at a sensitivity, between logarithms.

    Args:
        sensor: The kind of sensor.
        iso: The sensitivity; beyond the ends of the table the gain goes on in a straight line.
    """
    table = GAINS[sensor]
    step = next((i for i, (end, _) in enumerate(table[1:-1]) if iso < end), len(table) - 2)
    (low, less), (high, more) = table[step : step + 2]
    return float(less * (more / less) ** (math.log(iso / low) / math.log(high / low)))


def read_variance(shot: Tensor, deviation: Tensor | float = 0.0) -> Tensor:
    """The constant part b of the variance that usually goes with a gain a.

    log b = 2.18 log a + 1.2, with a standard deviation of 0.3, in units of which `deviation` is.
    """
    return (2.18 * shot.log() + 1.2 + 0.3 * torch.as_tensor(deviation)).exp()


def variance(raw: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """The variance a x + b of the noise of raw values x, (B, 3, H, W), with a and b (B,)."""
    return shot[:, None, None, None] * raw.clamp(min=0) + read[:, None, None, None]


def third_moment(raw: Tensor, shot: Tensor) -> Tensor:
    """The third central moment a^2 x of the noise of raw values x, (B, 3, H, W), with a (B,)."""
    return shot[:, None, None, None].square() * raw.clamp(min=0)


def skewed(unit: Tensor, variance: Tensor, third: Tensor) -> Tensor:
    """Make normal numbers into noise of a variance and a third moment, with a mean of zero.

    Args:
        unit: Standard normal numbers.
        variance: The variances, of the same shape, above 0.
        third: The third central moments, of the same shape. The skewness, third / variance^1.5,
            is at most some 0.6 for what a sensor adds; far above 1 the moments are not met.
    """
    deviation = variance.sqrt()
    sixth = third / (6 * variance * deviation)
    place = unit - sixth
    return deviation * place * (1 + sixth * place + (sixth * place).square() / 3)


def noise(unit: Tensor, raw: Tensor, shot: Tensor, read: Tensor) -> Tensor:
    """The noise of raw values x, (B, 3, H, W), from normal numbers, with a and b (B,)."""
    return skewed(unit, variance(raw, shot, read), third_moment(raw, shot))


def unit_noise(keys: Tensor, size: tuple[int, int], rows: slice = _ALL) -> Tensor:
    """Draw the standard normal numbers behind the noise of a photograph, (B, 3, h, W).

    Args:
        keys: The keys, (B,) int32; the same key gives the same noise.
        size: The height and width of the whole photograph.
        rows: Those that are wanted; each has its own numbers, whichever are asked for.
    """
    height, width = size
    first, last, _ = rows.indices(height)
    whole = torch.arange(3 * height, device=keys.device).view(3, height)[:, first:last]
    places = width * whole[..., None] + torch.arange(width, device=keys.device)
    folded = random_streams.fold(keys, Stream.CAMERA_NOISE)
    return random_streams.normal(folded[:, None, None, None], places[None])
