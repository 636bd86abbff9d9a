"""Texture of a soft picture, which is taken for coarse noise, seen at half the size.

Photographs are often soft at their own pixels: out of focus, smoothed, or enlarged. Their texture
has no finest detail, as coarse noise has none, and the estimators of noise maps learned from
pictures that are sharp. At half the size a soft picture is sharp, and its texture is seen for what
it is. Coarse noise is weaker there, but still noise.

    windows --means of 2x2 pixels--> estimator -> probability that they are clean

A sharp picture that is full of coarse detail may hide weak noise at half the size, so that only a
soft one is asked: its finest detail is weak beside the next coarser.

The numbers were chosen on clean photographs of docs/heldout.csv that were enlarged, on Nam25 and
on simulated cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine.trial.windows import pixels_of, windows
from flowdenoise.estimation import CELL, Estimators, NoiseMaps, varies, without_bars
from flowdenoise.images import Picture
from flowdenoise.metrics import luma
from flowdenoise.networks import NoiseMapNet, band_energies

_GRAIN = 1.6  # of texture that is taken for noise in a soft picture; usually 2
_SOFT, _SOFT_IN_GRAY = 3.2, 3.7  # the level of detail over that of the finest; of white noise, 1
_CLEAN, _CLEAN_IN_GRAY = 0.42, 0.5  # the probabilities at half the size
_SIDE, _MOST = 256, 48  # of windows in pixels, about, and their number
_WHITE, _TINY = 255, 1e-6
_TELLING = 0.98  # of the cells of a window that tells


@dataclass(frozen=True)
class SoftTexture:
    """What tells the texture of a soft picture from coarse noise.

    Attributes:
        estimators: The estimators of noise maps, for color pictures and for gray ones.
        device: The device that computes.
    """

    estimators: Estimators
    device: torch.device

    @torch.no_grad()
    def was_taken(self, picture: Picture, maps: NoiseMaps) -> bool:
        """Whether it was taken for the noise that was found.

        Args:
            picture: A picture, color or gray.
            maps: The maps of its noise.
        """
        if maps.kind != "camera" or maps.grain < _GRAIN or not self.estimators.know_cameras_in(1):
            return False
        rows, columns = without_bars(picture.samples)
        picture = picture.part(rows, columns)
        places = windows(picture, _MOST, _SIDE)
        pixels = pixels_of(picture, places, self.device) if places else torch.empty(0)
        telling = [window for window in pixels if _tells(window)]
        in_color = picture.channels > 1
        soft = _SOFT if in_color else _SOFT_IN_GRAY
        if not telling or _softness(pixels := torch.stack(telling)) < soft:
            return False
        half = _halved(pixels)
        in_gray = _clean(self.estimators.camera(1), _brightness(half))
        if not in_color:
            return in_gray >= _CLEAN_IN_GRAY
        return min(in_gray, _clean(self.estimators.camera(picture.channels), half)) >= _CLEAN


def _tells(window: Tensor) -> bool:
    """Whether hardly any cell of a window (C, H, W) is of one color."""
    return float(varies(window[None]).float().mean()) >= _TELLING


def _softness(pixels: Tensor) -> float:
    """The level of the detail of brightness, over that of the finest."""
    finest, detail, _ = band_energies(pixels)[:, 0].mean((0, 2, 3)).sqrt().tolist()
    return float(detail / max(finest, _TINY))


def _halved(pixels: Tensor) -> Tensor:
    """Windows (B, C, H, W) at half the size, in 8 bits, as the estimators learned."""
    half = _in_8_bits(F.avg_pool2d(pixels, 2))
    high, wide = (side // CELL * CELL for side in half.shape[2:])
    return half[..., :high, :wide]


def _clean(net: NoiseMapNet, pixels: Tensor) -> float:
    """The probability that the picture of these windows is clean."""
    return float(torch.softmax(net(pixels).kind.mean(0), 0)[0])


def _brightness(colors: Tensor) -> Tensor:
    """The luma of windows, (B, 1, H, W), in 8 bits."""
    return _in_8_bits(torch.stack([luma(window)[None] for window in colors]))


def _in_8_bits(pixels: Tensor) -> Tensor:
    return (pixels * _WHITE).round() / _WHITE
