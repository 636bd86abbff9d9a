"""What a picture shows of its noise, tile by tile.

The estimator looks at tiles of the size that it was trained with; of a large picture at some of
them, evenly spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine import tiling
from flowdenoise.engine.noise_floor import is_inside, squares_of
from flowdenoise.images import Picture
from flowdenoise.networks import KINDS, MAPS, Noise, NoiseMapNet

CELL = NoiseMapNet.stride
"""The side of a cell of the maps, in pixels."""

_TILE = 128  # side in pixels; what the estimator was trained with
_MOST_TILES = 192  # that the estimator looks at, three megapixels


@dataclass(frozen=True)
class Evidence:
    """What whole tiles show, which reach beyond the picture; zeros where none was looked at.

    Attributes:
        levels: The maps of the estimator, (4, h, w).
        squares: The squares that `noise_floor.squares_of` gives, (5, h, w).
        brightness: The mean of each cell, (h, w).
        telling: Whether a cell was looked at and is not of one color, (h, w).
        inside: Whether a telling cell has no values at the ends of the range, (h, w).
        kinds: The logits of `networks.KINDS`, (tiles, 3), row by row.
        seen: Whether a tile was looked at, (tiles,).
        tile: The rows and the columns of cells in a tile.
    """

    levels: Tensor
    squares: Tensor
    brightness: Tensor
    telling: Tensor
    inside: Tensor
    kinds: Tensor
    seen: Tensor
    tile: tuple[int, int]


def look(picture: Picture, net: NoiseMapNet | None, device: torch.device) -> Evidence:
    """Look at the tiles of a picture.

    Args:
        picture: A picture, color or gray.
        net: The estimator for color pictures, on the device; without it, there are no levels and
            no kinds.
        device: The device that computes.
    """
    height, width = picture.height, picture.width
    down, across = (max(1, round(side / _TILE)) for side in (height, width))
    high, wide = CELL * -(-height // (down * CELL)), CELL * -(-width // (across * CELL))
    columns, places = tiling.mirror(across * wide, width), tiling.mirror(down * high, height)
    maps, telling, kinds = [], [], []
    seen = _spread(down, across)
    for wanted, place in zip(seen, torch.split(places, high), strict=True):
        first = int(place.min())
        band = picture.tensor(slice(first, int(place.max()) + 1)).expand(-1, 3, -1, -1)
        band = band[:, :, place - first][..., columns].to(device)
        tiles = torch.cat(torch.split(band, wide, 3))
        found = _estimated(net, tiles, wanted)
        squares = torch.zeros_like(found.levels[:, :1]).repeat(1, 5, 1, 1)
        squares[wanted] = squares_of(tiles[wanted])
        brightness = F.avg_pool2d(tiles.mean(1, keepdim=True), CELL)
        maps.append(_side_by_side(torch.cat([found.levels, squares, brightness], 1)).cpu())
        told = torch.cat([_varies(tiles), is_inside(tiles)], 1) & wanted[:, None, None, None]
        telling.append(_side_by_side(told).cpu())
        kinds.append(found.kind.cpu())
    planes, varies = torch.cat(maps, 1), torch.cat(telling, 1)
    return Evidence(
        levels=planes[:4],
        squares=planes[4:9],
        brightness=planes[9],
        telling=varies[0],
        inside=varies[0] & varies[1],
        kinds=torch.cat(kinds),
        seen=seen.flatten(),
        tile=(high // CELL, wide // CELL),
    )


def _side_by_side(tiles: Tensor) -> Tensor:
    """Maps of the tiles of a row, (B, N, h, w), as one, (N, h, B w)."""
    return torch.cat(list(tiles), 2)


def _spread(down: int, across: int) -> Tensor:
    """Which tiles the estimator looks at, (down, across): all of a few, about as many of more."""
    step = math.ceil(down * across / _MOST_TILES)
    shift = round(0.38 * step)  # rows are shifted against each other, about by the golden ratio
    place = torch.arange(across) + max(1, shift) * torch.arange(down)[:, None]
    return place % step == 0


def _estimated(net: NoiseMapNet | None, tiles: Tensor, wanted: Tensor) -> Noise:
    """The noise of tiles (B, 3, h, w), of which some are wanted, (B,); zeros for the others."""
    count, _, height, width = tiles.shape
    levels = tiles.new_zeros(count, len(MAPS), height // CELL, width // CELL)
    kinds = tiles.new_zeros(count, len(KINDS))
    if net is not None and wanted.any():
        found = net(tiles[wanted])
        levels[wanted], kinds[wanted] = found.levels, found.kind
    return Noise(levels, kinds)


def _varies(pixels: Tensor) -> Tensor:
    """Whether a cell is not of one color, (B, 1, h, w); the others say nothing about noise."""
    spread = F.max_pool2d(pixels, CELL) + F.max_pool2d(-pixels, CELL)
    return (spread > 0).any(1, keepdim=True)
