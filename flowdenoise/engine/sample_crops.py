"""Crops of a picture that stand for the whole of it, for what need not see every pixel."""

from __future__ import annotations

from torch import Tensor

from flowdenoise.engine import tiling
from flowdenoise.images import Picture


def crops(picture: Picture, side: int, most: int) -> list[Tensor]:
    """Square crops spread evenly over a picture, all of it where it is small.

    At the borders crops overlap; a picture smaller than a crop is mirrored.

    Args:
        picture: Any size.
        side: Of the crops.
        most: No more crops than this.

    Returns:
        Each (1, C, side, side) float32.
    """
    height, width = picture.samples.shape[:2]
    rows, columns = (-(-length // side) for length in (height, width))
    places = [(row * side, column * side) for row in range(rows) for column in range(columns)]
    result = []
    for top, left in places[:: -(-len(places) // most)]:
        top, left = min(top, max(0, height - side)), min(left, max(0, width - side))
        crop = picture.tensor(slice(top, top + side))[..., left : left + side]
        down, across = (tiling.mirror(side, length) for length in crop.shape[-2:])
        result.append(crop[:, :, down][..., across])
    return result
