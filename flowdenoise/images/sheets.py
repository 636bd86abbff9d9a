"""Pictures made of pictures: the removed noise, before and after, a sheet of many pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.images import Picture

NOISE_GAIN = 4.0
"""The contrast of the picture of removed noise, which is mid-gray where nothing was removed."""

_WIDEST = 1600  # pixels of the before/after picture
_ZOOM = 4
_GAP = 8


def noise_picture(before: Picture, after: Picture) -> Tensor:
    """Draw the removed noise, amplified around mid-gray, (C, H, W) in [0, 1]."""
    difference = before.tensor()[0].sub_(after.tensor()[0])
    return difference.mul_(NOISE_GAIN).add_(0.5).clamp_(0, 1)


def before_after(before: Picture, after: Picture) -> Tensor:
    """Lay before and after side by side, and under each its most detailed part enlarged.

    Returns:
        The picture, (C, H, W) in [0, 1].
    """
    pair = [_fit(picture.tensor()[0].clamp(0, 1), _WIDEST // 2) for picture in (before, after)]
    width = pair[0].shape[-1]
    side = max(1, min(width // _ZOOM, before.samples.shape[0], before.samples.shape[1]))
    top, left = _most_detailed(after.tensor()[0], side)
    crops = [
        _enlarge(picture.tensor(slice(top, top + side))[0, :, :, left : left + side], width)
        for picture in (before, after)
    ]
    return _join([_join(pair, 2), _join(crops, 2)], 1)


def _fit(image: Tensor, widest: int) -> Tensor:
    """Shrink an image by area averaging to at most `widest` pixels on each side."""
    height, width = image.shape[-2:]
    factor = max(height, width) / widest
    if factor <= 1:
        return image
    size = (max(1, round(height / factor)), max(1, round(width / factor)))
    return F.interpolate(image[None], size, mode="area")[0]


def _enlarge(crop: Tensor, width: int) -> Tensor:
    """Enlarge a crop to `width` columns without smoothing, so that its pixels are visible."""
    height = max(1, round(crop.shape[-2] * width / crop.shape[-1]))
    return F.interpolate(crop.clamp(0, 1)[None], (height, width), mode="nearest")[0]


def _most_detailed(image: Tensor, side: int) -> tuple[int, int]:
    """The top left corner of the square of that side that has the most contrast."""
    luma = image.mean(0)[None, None]
    step = max(1, side // 2)
    mean = F.avg_pool2d(luma, side, step)
    variance = F.avg_pool2d(luma.square(), side, step) - mean.square()
    place = int(variance.argmax())
    row, column = divmod(place, variance.shape[-1])
    return row * step, column * step


def _join(images: list[Tensor], dim: int) -> Tensor:
    """Join pictures side by side (dim 2) or one above the other (dim 1), with white gaps."""
    shape = list(images[0].shape)
    shape[dim] = _GAP
    gap = torch.ones(shape)
    parts: list[Tensor] = []
    for image in images:
        parts += [image, gap]
    return torch.cat(parts[:-1], dim)


def sheet(pictures: Tensor, columns: int) -> Tensor:
    """Lay pictures (B, C, H, W) out on one, (C, rows * H, columns * W)."""
    batch, channels, height, width = pictures.shape
    rows = -(-batch // columns)
    missing = pictures.new_zeros(rows * columns - batch, channels, height, width)
    grid = torch.cat([pictures, missing]).view(rows, columns, channels, height, width)
    return grid.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)
