"""What a picture shows of its noise, tile by tile.

The estimator looks at tiles of the size that it was trained with; of a large picture at some of
them, evenly spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.estimation.noise_floor import SQUARES, is_inside, squares_of
from flowdenoise.images import Picture
from flowdenoise.images.borders import mirror
from flowdenoise.networks import KINDS, MAPS, NoiseMapNet
from flowdenoise.system.side_by_side import in_order

CELL = NoiseMapNet.stride
"""The side of a cell of the maps, in pixels."""

TILES = 192
"""About the number of tiles of a large picture that the estimator looks at: 3 megapixels."""

_TILE = 128  # side in pixels; what the estimator was trained with
_BAND = 16 * CELL  # rows whose brightness is taken together


@dataclass(frozen=True)
class Evidence:
    """What whole tiles show, which reach beyond the picture; zeros where none was looked at.

    Attributes:
        levels: The maps of the estimator, (4, h, w).
        squares: The squares that `noise_floor.squares_of` gives, (5, h, w).
        brightness: The mean of each cell of the picture itself, (h, w).
        telling: Whether a cell was looked at and is not of one color, (h, w).
        inside: Whether a telling cell has no values at the ends of the range, (h, w).
        burnt: Whether a cell that was looked at is of one color at an end of the range, (h, w).
        kinds: The logits of `networks.KINDS`, (tiles, 3), row by row.
        seen: Whether a tile was looked at, (tiles,).
        tile: The rows and the columns of cells in a tile.
    """

    levels: Tensor
    squares: Tensor
    brightness: Tensor
    telling: Tensor
    inside: Tensor
    burnt: Tensor
    kinds: Tensor
    seen: Tensor
    tile: tuple[int, int]


def look(
    picture: Picture,
    net: NoiseMapNet,
    device: torch.device,
    threads: int = 1,
    tiles: int = TILES,
) -> Evidence:
    """Look at the tiles of a picture.

    Args:
        picture: A picture, color or gray.
        net: The estimator for pictures of as many channels, on the device.
        device: The device that computes.
        threads: The number of threads that compute, among which rows of tiles are divided.
        tiles: The number of tiles to look at, about.
    """
    height, width = picture.height, picture.width
    down, across = (max(1, round(side / _TILE)) for side in (height, width))
    high, wide = CELL * -(-height // (down * CELL)), CELL * -(-width // (across * CELL))
    size = (high // CELL, wide // CELL)
    columns = torch.split(mirror(across * wide, width), wide)
    rows = torch.split(mirror(down * high, height), high)
    maps = torch.zeros(len(MAPS) + SQUARES, down * size[0], across * size[1])
    telling = torch.zeros(2, *maps.shape[1:], dtype=torch.bool)
    kinds = torch.zeros(down, across, len(KINDS))
    seen = _spread(down, across, tiles)

    def looked_at(row: int) -> tuple[int, list[int], _Shown]:
        wanted = seen[row].nonzero()[:, 0].tolist()
        tiles = [_tile(picture, rows[row], columns[column]) for column in wanted]
        return row, wanted, _of_tiles(torch.cat(tiles).to(device), net)

    some = seen.any(1).nonzero()[:, 0].tolist()
    for row, wanted, shown in in_order(looked_at, some, len(some), threads):
        kinds[row, wanted] = shown.kinds.cpu()
        band = slice(row * size[0], (row + 1) * size[0])
        for column, own, told in zip(wanted, shown.maps.cpu(), shown.telling.cpu(), strict=True):
            part = slice(column * size[1], (column + 1) * size[1])
            maps[:, band, part], telling[:, band, part] = own, told
    looked = seen.repeat_interleave(size[0], 0).repeat_interleave(size[1], 1)
    return Evidence(
        levels=maps[: len(MAPS)],
        squares=maps[len(MAPS) :],
        brightness=_brightness(picture, threads),
        telling=telling[0],
        inside=telling[0] & telling[1],
        burnt=~telling[0] & ~telling[1] & looked,
        kinds=kinds.flatten(0, 1),
        seen=seen.flatten(),
        tile=size,
    )


def _tile(picture: Picture, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels at rows and columns, some of which may be mirrored, (1, C, h, w)."""
    top, left = int(rows.min()), int(columns.min())
    part = picture.tensor(slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1))
    return part[:, :, rows - top][..., columns - left]


class _Shown(NamedTuple):
    """What tiles show.

    Attributes:
        maps: The maps of the estimator and the squares, (B, 9, h, w).
        telling: Whether a cell varies, and whether it is inside the range, (B, 2, h, w).
        kinds: The logits of the kinds, (B, 3).
    """

    maps: Tensor
    telling: Tensor
    kinds: Tensor


def _of_tiles(tiles: Tensor, net: NoiseMapNet) -> _Shown:
    levels, kinds = net(tiles)
    told = torch.cat([varies(tiles), is_inside(tiles)], 1)
    return _Shown(torch.cat([levels, squares_of(tiles)], 1), told, kinds)


def _brightness(picture: Picture, threads: int) -> Tensor:
    """The mean of each cell of a picture, (h, w), [0, 1] scale."""

    def of_band(top: int) -> Tensor:
        band = picture.tensor(slice(top, top + _BAND)).mean(1)
        return F.avg_pool2d(band, CELL, ceil_mode=True)[0]

    tops = range(0, picture.height, _BAND)
    return torch.cat(list(in_order(of_band, tops, len(tops), threads)))


def _spread(down: int, across: int, tiles: int) -> Tensor:
    """Which tiles the estimator looks at, (down, across): all of a few, about as many of more."""
    step = max(1, round(down * across / tiles))
    shift = round(0.38 * step)  # rows are shifted against each other, about by the golden ratio
    place = torch.arange(across) + max(1, shift) * torch.arange(down)[:, None]
    return place % step == 0


def varies(pixels: Tensor) -> Tensor:
    """Whether a cell is not of one color, (B, 1, h, w); the others say nothing about noise."""
    spread = F.max_pool2d(pixels, CELL) + F.max_pool2d(-pixels, CELL)
    return (spread > 0).any(1, keepdim=True)
