"""Short ways for those who need pixels only, and no file kept as it was."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.images.fitting import to_depth
from flowdenoise.images.picture import Picture, quantize
from flowdenoise.images.reading import read
from flowdenoise.images.writing import write

_LUMA = (299, 587, 114)  # thousandths of R, G and B
_BAND_ROWS = 256


def read_uint8(path: Path, channels: int) -> npt.NDArray[np.uint8]:
    """Decode an image for a corpus: 8 bits, upright, without alpha.

    Color becomes gray by the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B rounded half up,
    as the gray BSD68 images were made.

    Args:
        path: Of the file.
        channels: 3 for RGB, 1 for gray.

    Returns:
        (H, W, channels).

    Raises:
        ImageReadError: It can't be read.
        UsageError: Another number of channels.
    """
    if channels not in (1, 3):
        raise UsageError(f"an image has 1 or 3 channels, not {channels}")
    samples: npt.NDArray[np.uint8] = to_depth(read(path).samples, np.uint8)
    if samples.shape[2] == channels:
        return samples
    if channels == 3:
        return np.repeat(samples, 3, axis=2)
    gray = np.empty((*samples.shape[:2], 1), np.uint8)
    for top in range(0, len(samples), _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        thousandfold = samples[rows].astype(np.uint32) @ np.array(_LUMA, np.uint32)
        gray[rows, :, 0] = (thousandfold + 500) // 1000
    return gray


def write_png(path: Path, tensor: Tensor) -> None:
    """Write a diagnostic picture: 8-bit PNG, whole or not at all.

    Args:
        path: Where to; an existing file is replaced.
        tensor: (C, H, W) or (1, C, H, W), C 1 or 3, clamped to [0, 1].

    Raises:
        ImageWriteError: It can't be written.
        ImageError: A value is not a finite number.
    """
    write(Picture(quantize(tensor, np.uint8)), path, format="PNG")


def jpeg_round_trip(pixels: Tensor, quality: int) -> Tensor:
    """What is left of pixels that were stored as JPEG, color subsampled 4:2:0 as is usual.

    Args:
        pixels: (C, H, W) uint8, C 1 or 3.
        quality: 1 to 100.

    Returns:
        (C, H, W) uint8.
    """
    values = pixels.permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[2] == 1 else values).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    with Image.open(file) as image:
        decoded = np.array(image).reshape(values.shape)
    return torch.from_numpy(decoded).permute(2, 0, 1)
