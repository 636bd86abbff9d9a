"""What storing a picture does to it: 8 bits, and JPEG."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from flowdenoise.noise.levels import WHITE

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
"""How JPEG holds color: in full, halved across, or halved both ways."""


def compress(picture: Tensor, quality: Tensor, subsampling: Tensor) -> Tensor:
    """Round to 8 bits and, where the quality is at most 100, compress as JPEG.

    Args:
        picture: The pictures, (B, 3, H, W) in [0, 1].
        quality: The JPEG quality, (B,); above 100 leaves a picture uncompressed.
        subsampling: How JPEG holds color, (B,), indices of `SUBSAMPLINGS`.

    Returns:
        The pictures as they come back from their files, (B, 3, H, W) in [0, 1].
    """
    whole = (picture.clamp(0, 1) * WHITE).round_().to(torch.uint8)
    pixels = whole.permute(0, 2, 3, 1).cpu().numpy()
    out = np.empty_like(pixels)
    for index, (one, q, held) in enumerate(
        zip(pixels, quality.tolist(), subsampling.tolist(), strict=True)
    ):
        out[index] = one if q > 100 else _jpeg(one, int(q), int(held))
    return torch.from_numpy(out).permute(0, 3, 1, 2).to(picture.device).float().div_(WHITE)


def _jpeg(pixels: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    """Write pixels (H, W, 3) uint8 as JPEG, and read them again."""
    import cv2

    factor = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    )[subsampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
