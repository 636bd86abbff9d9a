"""Figures of merit of one result."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from flowdenoise import metrics
from flowdenoise.errors import UsageError


@dataclass(frozen=True)
class Merit:
    """Full-reference figures of merit of one image.

    Attributes:
        psnr: The PSNR in dB.
        ssim: The structural similarity, 1 for equal images.
        gmsd: The gradient magnitude similarity deviation: 0 for equal images, less is better.
    """

    psnr: float
    ssim: float
    gmsd: float


def measure(output: Tensor, clean: Tensor) -> Merit:
    """Compute all figures of merit.

    Args:
        output: The image, (C, H, W), from `Protocol.finish`; SSIM needs 11 pixels a side.
        clean: The clean image, like `output`.

    Raises:
        UsageError: The image is too small.
    """
    if min(clean.shape[-2:]) < 11:
        raise UsageError("SSIM needs an image of at least 11 pixels a side")
    return Merit(
        metrics.psnr(output, clean), metrics.ssim(output, clean), metrics.gmsd(output, clean)
    )
