"""Denoising photographs whose mosaic is not where networks learned it.

A network that learned behind a mosaic knows by its place which color a pixel was measured in. So
before it sees a tile whose red lies elsewhere, a row or a column is mirrored beside it, and taken
away again from the result. A mirrored row has the colors that a row there would have.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine.tiles.self_ensemble import mean_of_turns
from flowdenoise.estimation import Phase


def in_phase(
    denoise: Callable[[Tensor], Tensor], noisy: Tensor, phase: Phase, stride: int
) -> Tensor:
    """Denoise an image as if its mosaic began where networks learned it.

    Args:
        denoise: The denoiser of images (B, C, H, W); its result may have fewer channels.
        noisy: The image and whatever belongs to it, (B, C, H, W), sides multiples of the stride.
        phase: Where its red is.
        stride: The number of which the sides of what `denoise` takes are multiples.
    """
    down, across = phase
    if not down and not across:
        return denoise(noisy)
    below, right = (stride - side if side else 0 for side in phase)
    shown = F.pad(noisy, (across, right, down, below), mode="reflect")
    height, width = noisy.shape[2:]
    return denoise(shown)[..., down : down + height, across : across + width]


def self_ensemble_in_phase(
    denoise: Callable[[Tensor], Tensor], noisy: Tensor, phase: Phase, stride: int
) -> Tensor:
    """The mean over the eight ways to turn an image, each with its mosaic as it was learned.

    Args:
        denoise: The denoiser, as `in_phase` takes it.
        noisy: The image, likewise.
        phase: Where its red is.
        stride: Likewise.
    """

    def turned(image: Tensor, way: int) -> Tensor:
        return in_phase(denoise, image, turned_phase(phase, way), stride)

    return mean_of_turns(turned, noisy)


def turned_phase(phase: Phase, way: int) -> Phase:
    """Where red is after an image of even sides was turned in one way, see `images.turns`."""
    down, across = phase
    across ^= way & 1
    down ^= way >> 1 & 1
    return (across, down) if way & 4 else (down, across)
