"""How noisy is a picture? Asked of an estimator or of a prior, about crops that stand for it."""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.engine import tiling
from flowdenoise.flow import Glow, likeliest_sigma
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseLevelNet

ESTIMATORS = {1: "noise-level-gray", 3: "noise-level-color"}
"""Shipped estimators of the noise level, by the number of the picture's channels."""

_CROP, _MOST_CROPS = 256, 16  # an estimator sees crops of this side
_PATCHES = 48  # a prior, which is slower, sees patches of its own size


def estimate_sigma(picture: Picture, judge: NoiseLevelNet | Glow, device: torch.device) -> float:
    """The noise level of a picture on the [0, 1] scale.

    Args:
        picture: Any size.
        judge: An estimator, or a prior that is conditioned on the noise level: it is asked at
            which level the picture is likeliest.
        device: Where the judge is.
    """
    if isinstance(judge, Glow):
        patches = crops(picture, judge.config.size, _PATCHES)
        return likeliest_sigma(judge, torch.cat(patches).to(device))
    return judge.estimate([crop.to(device) for crop in crops(picture, _CROP, _MOST_CROPS)])


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
