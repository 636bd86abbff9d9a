"""The eight ways to turn and mirror an image, and the mean over what a denoiser makes of each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def self_ensemble(denoise: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Mean over the eight versions of an image that turning and mirroring give, each undone.

    Pictures are as likely one way as another, so the best estimate turns with the image. What a
    network lacks of that is error, and the mean takes most of it out. (Timofte et al., "Seven
    ways to improve example-based single image super resolution", CVPR 2016.)

    Args:
        denoise: Of (B, C, H, W), whatever H and W.
        noisy: (B, C, H, W).
    """
    total = torch.zeros_like(noisy)
    for mirrored in (False, True):
        image = noisy.flip(-1) if mirrored else noisy
        for quarter in range(4):
            turned = denoise(torch.rot90(image, quarter, (-2, -1)))
            back = torch.rot90(turned, -quarter, (-2, -1))
            total += back.flip(-1) if mirrored else back
    return total / 8
