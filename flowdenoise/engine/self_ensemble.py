"""The mean over what a denoiser makes of an image in each of eight turns."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from flowdenoise.images.turns import WAYS, turn, turn_back


def self_ensemble(denoise: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Mean over the eight versions of an image that turning and mirroring give, each undone.

    Pictures are as likely one way as another, so the best estimate turns with the image. What a
    network lacks of that is error, and the mean takes most of it out. (Timofte et al., "Seven
    ways to improve example-based single image super resolution", CVPR 2016.)

    Args:
        denoise: Of (B, C, H, W), whatever H and W; the result may have fewer channels.
        noisy: (B, C, H, W), the image and whatever must turn with it.
    """
    turned = (turn_back(denoise(turn(noisy, way)), way) for way in WAYS)
    return functools.reduce(torch.add, turned) / len(WAYS)
