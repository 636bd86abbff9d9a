"""What storing a picture does to it: 8 bits, and JPEG."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from flowdenoise.noise.levels import WHITE

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:2:2, repeated", "4:2:0, repeated")
"""How JPEG holds color: in full, halved across, or halved both ways.

What is halved is interpolated when a file is read; some programs repeat it instead."""


def truncated(noisy: Tensor) -> Tensor:
    """Clip values of any shape to [0, 1] and cut them off to 8 bits, as the paper's code does."""
    return noisy.clamp(0, 1).mul_(WHITE).floor_().div_(WHITE)


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

    if subsampling > 2:
        return _repeated(pixels, quality, (1, 2) if subsampling == 3 else (2, 2))
    factor = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    )[subsampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]


def _repeated(pixels: np.ndarray, quality: int, factors: tuple[int, int]) -> np.ndarray:
    """The same with color that is reduced by factors, down and across, and then repeated.

    OpenCV always interpolates color, so each plane is compressed as a picture of its own.
    """
    import cv2

    down, across = factors
    height, width = pixels.shape[:2]
    brightness, *colors = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
    planes = [_gray_jpeg(brightness, quality)]
    for color in colors:
        size = (-(-width // across), -(-height // down))
        reduced = _gray_jpeg(cv2.resize(color, size, interpolation=cv2.INTER_AREA), quality)
        planes.append(reduced.repeat(down, 0).repeat(across, 1)[:height, :width])
    return np.asarray(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2RGB))


def _gray_jpeg(plane: np.ndarray, quality: int) -> np.ndarray:
    import cv2

    data = cv2.imencode(".jpg", plane, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
