r"""Traces of JPEG in pixels, whatever file they came in.

A decoded JPEG file that was stored as PNG, shown in a screenshot or put into an array looks like
a picture that lost nothing. But in its blocks of 8x8 pixels the cosine coefficients of a frequency
are still near multiples of a step q. If they lie off these by a deviation s,

    mean cos(2 pi x / q) = exp(-2 pi^2 s^2 / q^2)

over the coefficients x (Z. Fan and R. de Queiroz, "Identification of bitmap compression history",
IEEE Transactions on Image Processing 12, 2003). Rounded pixels leave an s below half a level.
Where coefficients spread over most of a step, a picture that never was compressed has a far larger
s at each q, and so has one to which noise was added behind its compression.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

from flowdenoise.images import Picture
from flowdenoise.metrics import luma
from flowdenoise.networks import cosine_transform

_BLOCK = 8
_PATCH = 2 * _BLOCK - 1  # the side of what holds a block at each place of the grid
_MOST, _FEWEST = 512, 48  # patches that are looked at, and blocks that tell
_HIGHEST = 6  # sum of the two indices of a frequency
_STEPS = range(3, 65)  # of quantization
_FAR, _FINE = 256, 4  # the histogram of coefficients reaches so far, with so many bins a level
_ROUNDED = 0.5  # the deviation that rounding pixels leaves is lower
_SPREAD = 0.7  # of a step: coefficients that spread less say nothing of it
_SHARE = 0.25  # of the frequencies: a third have traces at quality 95, and more below it
_WHITE, _TINY = 255, 1e-6


def shows_jpeg(picture: Picture) -> bool:
    """Whether the pixels of a picture come from a JPEG file, wherever its blocks begin.

    Args:
        picture: A picture, color or gray.
    """
    values = _patches(picture)
    if len(values) < _FEWEST:
        return False
    pixels = _WHITE * torch.stack([luma(patch) for patch in values.nan_to_num().clamp(0, 1)])
    ends = ~((values > 0) & (values < 1)).all(1)
    blocks, cut_off = (_at_each_place(planes) for planes in (pixels, ends))
    coefficients = torch.einsum("gpij,fij->gfp", blocks, _waves())
    counts = ~cut_off.flatten(2).any(2) & (blocks.amax((2, 3)) > blocks.amin((2, 3)))
    return bool((_with_steps(coefficients, counts) >= _SHARE).any())


def _patches(picture: Picture) -> Tensor:
    """Places all over a picture, at multiples of 8 pixels, (N, C, 15, 15), about [0, 1]."""
    down, across = ((side - _PATCH) // _BLOCK + 1 for side in (picture.height, picture.width))
    if min(down, across) < 1:
        return torch.empty(0)
    count = min(_MOST, down * across)
    places = (2 * np.arange(count) + 1) * (down * across) // (2 * count)
    rows, columns = _BLOCK * (places // across), _BLOCK * (places % across)
    shifted = np.lib.stride_tricks.sliding_window_view(picture.samples, (_PATCH, _PATCH), (0, 1))
    low, high = picture.span
    with np.errstate(over="ignore", invalid="ignore"):  # infinite values count as cut off
        values = (shifted[rows, columns].astype(np.float64) - low) / (high - low)
        return torch.from_numpy(values.astype(np.float32))


def _at_each_place(patches: Tensor) -> Tensor:
    """The blocks of patches (N, 15, 15), by the 64 places of the grid, (64, N, 8, 8)."""
    return patches.unfold(1, _BLOCK, 1).unfold(2, _BLOCK, 1).flatten(1, 2).transpose(0, 1)


def _with_steps(coefficients: Tensor, counts: Tensor) -> Tensor:
    """The share of frequencies whose coefficients are all near multiples of some step.

    Blocks of one color tell nothing, and where values were cut off the steps are gone.

    Args:
        coefficients: (G, F, N).
        counts: Whether a block counts, (G, N).

    Returns:
        (G,); 0 where too few blocks count.
    """
    weights = counts.float() / counts.sum(1, keepdim=True).clamp(min=1)
    weights = weights[:, None].expand_as(coefficients)
    spread = (weights * coefficients.square()).sum(2).sqrt()
    places = ((coefficients + _FAR) * _FINE).round().long().clamp(0, 2 * _FAR * _FINE)
    shares = coefficients.new_zeros(*places.shape[:2], 2 * _FAR * _FINE + 1)
    steps, cosines = _cosines()
    mean = shares.scatter_add_(2, places, weights) @ cosines
    deviation = steps / (2 * math.pi) * (-2 * mean.clamp(_TINY, 1 - _TINY).log()).sqrt()
    found = (deviation < _ROUNDED) & (_SPREAD * steps < spread[..., None])
    return found.any(2).float().mean(1) * (counts.sum(1) >= _FEWEST)


@functools.cache
def _cosines() -> tuple[Tensor, Tensor]:
    """The steps, (Q,), and the cosines of all bins of the histogram for each, (bins, Q)."""
    steps = torch.tensor(_STEPS, dtype=torch.float32)
    values = torch.arange(-_FAR * _FINE, _FAR * _FINE + 1) / _FINE
    return steps, torch.cos(2 * math.pi * values[:, None] / steps)


@functools.cache
def _waves() -> Tensor:
    """The waves of the cosine transform whose frequencies are looked at, (F, 8, 8)."""
    index = torch.arange(_BLOCK)
    total = (index[:, None] + index).flatten()
    return cosine_transform()[(total >= 1) & (total <= _HIGHEST)]
