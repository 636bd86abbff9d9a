"""A few windows of a picture, denoised before all of it, to see what a denoiser will do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine.tiles.discrepancy import keep_constant
from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
from flowdenoise.estimation import CELL, LEARNED, NoiseMaps, Phase, mosaic_phase, without_bars
from flowdenoise.images import Picture

_WINDOW = 192  # side in pixels, about
_MOST = 8  # windows of a photograph
_LEAST_SIDE = 4 * CELL  # of a window that shows enough
_MIDDLE = 1024  # side of what is looked at where noise is the same everywhere


@dataclass(frozen=True)
class Trial:
    """Windows of a photograph before and after denoising.

    Attributes:
        pixels: The windows, (B, C, h, w), about [0, 1].
        denoised: What a denoiser made of them, (B, C, h, w).
        levels: The maps of their noise, (B, 4, h/8, w/8), [0, 1] scale.
    """

    pixels: Tensor
    denoised: Tensor
    levels: Tensor

    @property
    def removed(self) -> Tensor:
        """What was removed, (B, C, h, w)."""
        return self.pixels - self.denoised

    @classmethod
    def of(
        cls,
        picture: Picture,
        maps: NoiseMaps,
        network: TileDenoiser,
        device: torch.device,
        phase: Phase | None = None,
    ) -> Self | None:
        """Denoise a few windows of a photograph; there are none in a very small one.

        Args:
            picture: The photograph.
            maps: The noise maps of all of it.
            network: A denoiser that is told such maps, on the device.
            device: The device that computes.
            phase: Where the red of its mosaic is; None looks for it, as `phase_of` does.
        """
        rows, columns = without_bars(picture.samples)
        picture, maps = picture.part(rows, columns), maps.part(rows, columns)
        places = windows(picture, _MOST)
        if not places:
            return None
        pixels = pixels_of(picture, places, device)
        levels = torch.stack([maps.part(*place).levels for place in places]).to(device)
        coarse = F.interpolate(levels[:, 1::2], size=pixels.shape[2:], mode="bilinear")
        if phase is None:
            phase = mosaic_phase(pixels)
        told = network.told(pixels, coarse, 1.0, 1.0, phase)
        denoised = keep_constant(pixels, told)
        return cls(pixels, denoised, levels)


def windows(picture: Picture, most: int, side: int = _WINDOW) -> list[tuple[slice, slice]]:
    """The rows and columns of windows of one size, all of a few, evenly spread of more.

    Args:
        picture: The picture.
        most: The largest number of windows.
        side: Their height and width in pixels, about.
    """
    if min(picture.height, picture.width) < _LEAST_SIDE:
        return []
    down, across = (max(1, round(length / side)) for length in (picture.height, picture.width))
    high, wide = picture.height // down // CELL * CELL, picture.width // across // CELL * CELL
    count = down * across
    some = min(count, most)
    chosen = [divmod((2 * index + 1) * count // (2 * some), across) for index in range(some)]
    return [
        (slice(row * high, (row + 1) * high), slice(column * wide, (column + 1) * wide))
        for row, column in chosen
    ]


def phase_of(picture: Picture) -> Phase:
    """Where the red of a photograph's mosaic is, by a few windows of it."""
    picture = picture.part(*without_bars(picture.samples))
    places = windows(picture, _MOST)
    if not places:
        return LEARNED
    return mosaic_phase(pixels_of(picture, places, torch.device("cpu")))


def pixels_of(picture: Picture, places: list[tuple[slice, slice]], device: torch.device) -> Tensor:
    """The pixels of windows, (B, C, h, w), on the device."""
    return torch.cat([picture.tensor(*place) for place in places]).to(device)


def middle_of(picture: Picture) -> Tensor:
    """The middle of a picture, at most `_MIDDLE` pixels high and wide, (1, C, h, w)."""
    top, left = (max(side - _MIDDLE, 0) // 2 for side in (picture.height, picture.width))
    return picture.tensor(slice(top, top + _MIDDLE), slice(left, left + _MIDDLE))
