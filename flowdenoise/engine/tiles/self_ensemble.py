"""The self-ensemble: the mean of a denoiser's results for an image in eight turns."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from flowdenoise.images.turns import WAYS, turn, turn_back


def self_ensemble(denoise: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Denoise the eight turned and mirrored versions of an image, and average the results.

    Each result is turned back first. Pictures are as likely one way as another, so the best
    estimate turns with the image. A network that deviates from this errs, and the mean removes
    most of that error. (Timofte et al., "Seven ways to improve example-based single
    image super resolution", CVPR 2016.)

    Args:
        denoise: The denoiser of images (B, C, H, W) of any H and W; its result may have fewer
            channels.
        noisy: The image and whatever must turn with it, (B, C, H, W).
    """
    return mean_of_turns(lambda turned, _: denoise(turned), noisy)


def mean_of_turns(denoise: Callable[[Tensor, int], Tensor], noisy: Tensor) -> Tensor:
    """The same with a denoiser that is told in which way its image was turned."""
    turned = (turn_back(denoise(turn(noisy, way), way), way) for way in WAYS)
    return functools.reduce(torch.add, turned) / len(WAYS)
