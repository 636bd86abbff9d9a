"""The noise floor of a picture: its quietest places hold all of its noise, and little else.

Texture differs from place to place, noise does not. So among places of one brightness the quietest
ones tell. Where noise covers a picture, hardly any of them has less energy than the noise, and the
lower end of the distribution of their energies is sharp. A clean picture has soft, flat and sharp
places, with all energies down to nothing. Regular patterns have a sharp end, too: one that is
sharper than chance allows.

An estimator that has learned can take noise for texture, where a camera has left brightness alone
its noise, for instance, or where grains are wide. What it can't see in a single tile, the floor of
the whole picture shows: texture whose floor is as even as that of noise is finer than grain.

That the least textured places tell the level of noise at each brightness is an old idea: C. Liu et
al., "Automatic estimation and removal of noise from a single image", IEEE TPAMI 2008. The numbers
below were chosen on Nam25, `bsds500-val32` and simulated cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.networks import FLOOR, NoiseMapNet, around, band_energies

SQUARES = 5
"""The number of squares that `squares_of` gives for a cell."""

_LARGE = 1200  # cells of a picture, 277x277 pixels: in a smaller one texture may be everywhere
_SMALL = 250  # 127x127 pixels: from there weak noise tells that is coarser than such texture
_STRONG_IF_SMALL, _COARSE_IF_SMALL, _SHARP_IF_SMALL = 4 / 255, 0.5, 0.3  # likewise
_ENOUGH = 100  # cells of a brightness that tell of its floor
_COVERED = 0.14  # of all cells: so many must be of such a brightness
_QUANTILES = (0.03, 0.1, 0.25, 0.5)
_WEAKEST, _STRONG = 1 / 255, 10 / 255  # a weaker floor may be that of compression
_SHARP, _SHARPEST = 0.34, 0.1  # the logarithm of the last quartile over the last percents
_SHARP_IF_NOISY = 0.38  # where the picture is known to be noisy
_SHARP_IF_STRONG = 0.3  # so strong a floor is more often that of grass or fur
_EVEN = 0.5  # the logarithm of the median over the last tenth
_COARSE = 1.7  # the logarithm of the coarse over the fine level
_GRAIN = (1.2, 2.2)  # likewise, of grain, which is coarser than texture that is as even
_SHARP_GRAIN, _EVEN_GRAIN, _WEAKEST_GRAIN = 0.4, 0.45, 2 / 255
_STEP = 0.2 / 255  # added to levels before their logarithms are taken
_FEW = 60  # cells of a brightness, about, below which those of all count as much
_TINT = 0.2  # of the level of brightness: no denoiser has learned noise with less color
_FROM_TENTH = (1.2, 1.4, 1.45, 1.7)  # the level of each map of pure noise, over its last tenth


@dataclass(frozen=True)
class NoiseFloor:
    """What the quietest places of a picture say of its noise.

    Attributes:
        levels: The level of each of `networks.MAPS` by brightness, (bands, 4), [0, 1] scale.
        is_noise: Whether noise covers the picture.
        agrees: Whether noise covers it if other signs say that it is noisy.
        is_grain: Whether coarse noise covers it, which an estimator may take for texture.
    """

    levels: Tensor
    is_noise: bool
    agrees: bool
    is_grain: bool


def squares_of(tiles: Tensor) -> Tensor:
    """The squares of the levels of `networks.MAPS` that tiles would have if all were noise.

    Args:
        tiles: The tiles, (B, C, h, w), about [0, 1]; the sides are multiples of 8.

    Returns:
        (B, 5, h/8, w/8): the four squares, and the energy of the finest detail of brightness.
    """
    energies = band_energies(tiles)
    finest, middle, coarsest = energies.unbind(2)
    # The coarser scales have few values in a cell: their means are taken over 3x3 cells.
    middle, coarsest = (
        F.avg_pool2d(e, 3, 1, 1, count_include_pad=False) for e in (middle, coarsest)
    )
    fine = (48 * finest + 12 * middle + 4 * coarsest) / 64  # the shares of values at each scale
    maps = torch.stack([fine, coarsest], 2).flatten(1, 2)
    return torch.cat([maps, energies[:, :1, 0]], 1)


def is_inside(pixels: Tensor) -> Tensor:
    """Whether a cell has no value at an end of the range, where noise is cut off, (B, 1, h, w)."""
    ends = ((pixels <= 0) | (pixels >= 1)).any(1, keepdim=True)
    return F.max_pool2d(ends.float(), NoiseMapNet.stride) == 0


def noise_floor(
    squares: Tensor,
    bands: Tensor,
    telling: Tensor,
    count: int,
    looked: float = 1.0,
    *,
    channels: int,
) -> NoiseFloor | None:
    """Find the noise floor.

    Args:
        squares: The squares from `squares_of`, (5, h, w).
        bands: The band of brightness of each cell, (h, w), below `count`.
        telling: Whether a cell tells of noise, (h, w).
        count: The number of bands.
        looked: The share of the cells that was looked at.
        channels: The number of channels of the picture. Noise that is mixed to gray has about a
            third of the variance that the brightness of the color picture has.

    Returns:
        The floor; None where too few cells tell.
    """
    levels, own = squares[:, telling].sqrt(), bands[telling]
    if levels.shape[1] < _ENOUGH:
        return None
    factors = levels.new_tensor(_FROM_TENTH if channels > 1 else 2 * _FROM_TENTH[:2])
    usual = factors * quantiles(levels[:4], 0.1)
    as_in_color = (3 / channels) ** 0.5
    rows, seen = usual.expand(count, -1).clone(), []
    for band in torch.unique(own):
        here = levels[:, own == band]
        cells = here.shape[1]
        tenths = quantiles(here[:4], 0.1)
        least = factors * tenths
        rows[band] = ((cells * least.log() + _FEW * usual.log()) / (cells + _FEW)).exp()
        if cells >= _ENOUGH:
            ends = quantiles(here[4], _QUANTILES)
            alike = as_in_color * torch.cat([ends, tenths[1:2]])
            seen.append(torch.cat([levels.new_tensor([cells]), alike]))
    covered = sum(float(row[0]) for row in seen) >= _COVERED * looked * telling.numel()
    end = _LowerEnd.of(torch.stack(seen)) if seen and covered else None
    if end is None or not (telling.numel() >= _LARGE or end.tells_if_small(telling.numel())):
        return NoiseFloor(rows, is_noise=False, agrees=False, is_grain=False)
    return NoiseFloor(rows, end.is_noise(_SHARP), end.is_noise(_SHARP_IF_NOISY), end.is_grain)


def quantiles(values: Tensor, shares: float | tuple[float, ...]) -> Tensor:
    """The quantiles of values (..., N) on the processor, (shares, ...).

    NumPy need not sort all of them and takes a sixth of the time of `Tensor.quantile`.
    """
    found = np.quantile(values.numpy(), shares, axis=-1)
    return torch.from_numpy(np.asarray(found, dtype=np.float32))


@dataclass(frozen=True)
class _LowerEnd:
    """The lower end of the distribution of energies in the bands of brightness.

    Attributes:
        floor: The level of the last tenth of the finest detail.
        sharp: The logarithm of its last quartile over its last percents.
        even: The logarithm of its median over its last tenth.
        coarse: The logarithm of the last tenth of the coarse level over that.
    """

    floor: float
    sharp: float
    even: float
    coarse: float

    @classmethod
    def of(cls, bands: Tensor) -> _LowerEnd:
        """The medians over places, as those that tell little must not count like the others.

        A band that is cut off at black, or that holds little but texture, tells less.

        Args:
            bands: For each band of brightness the number of cells, the quantiles of the finest
                level, and the last tenth of the coarse level, (N, 6).
        """
        logs = (bands[:, 1:] + _STEP).log()

        def median(values: Tensor) -> float:
            ordered, places = values.sort()
            reached = bands[places, 0].cumsum(0)
            return float(ordered[int((reached < reached[-1] / 2).sum())])

        return cls(
            median(bands[:, 2]),
            median(logs[:, 2] - logs[:, 0]),
            median(logs[:, 3] - logs[:, 1]),
            median(logs[:, 4] - logs[:, 1]),
        )

    def tells_if_small(self, cells: int) -> bool:
        """Whether it is weak, and coarser than texture, which may be everywhere.

        Args:
            cells: The number of cells of the picture.
        """
        weak = self.floor < _STRONG_IF_SMALL and self.sharp <= _SHARP_IF_SMALL
        return cells >= _SMALL and weak and self.coarse >= _COARSE_IF_SMALL

    def is_noise(self, most: float) -> bool:
        """Whether it is that of noise, as most places have it.

        Args:
            most: The bound of `sharp`.
        """
        return (
            self.floor >= _WEAKEST
            and min(self.sharp, self.even) >= _SHARPEST
            and self.sharp <= (most if self.floor < _STRONG else _SHARP_IF_STRONG)
            and self.even <= _EVEN
            and self.coarse <= _COARSE
        )

    @property
    def is_grain(self) -> bool:
        """Whether it is that of coarse noise, as film and cameras that smooth have it.

        Of 564 pictures without noise five are so, and what a denoiser would remove of them tells.
        """
        return (
            self.floor >= _WEAKEST_GRAIN
            and min(self.sharp, self.even) >= _SHARPEST
            and self.sharp <= _SHARP_GRAIN
            and self.even <= _EVEN_GRAIN
            and _GRAIN[0] <= self.coarse <= _GRAIN[1]
        )


def raised(levels: Tensor, floor: NoiseFloor, bands: Tensor, share: float) -> Tensor:
    """Bring estimated levels closer to the floor.

    Args:
        levels: The maps, (4, h, w).
        floor: The noise floor.
        bands: The band of brightness of each cell, (h, w).
        share: How far, in logarithms: 0 leaves the levels, 1 takes those of the floor.
    """
    brightness, color = floor.levels.chunk(2, 1)
    tinted = torch.cat([brightness, torch.maximum(color, _TINT * brightness)], 1)
    own = tinted[bands].permute(2, 0, 1)
    smooth = around(own[None])[0]
    return (levels * (smooth / levels).pow(share)).clamp(min=FLOOR)
