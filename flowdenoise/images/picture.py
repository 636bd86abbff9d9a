"""A decoded picture, and the one place where its samples become a tensor and come back.

Files hold 8-bit, 16-bit or float samples, rows of pixels; networks want float32 planes where
white is 1. A picture stays in the type of its file, and bands of it are converted when they are
needed: as float32, a whole photograph of 100 megapixels would take 1.2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise.errors import ImageError, UsageError
from flowdenoise.images.metadata import Metadata

Samples = npt.NDArray[Any]
"""Samples of a picture: uint8, uint16 or float32."""

_WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}
_ALL = slice(None)


def white(dtype: npt.DTypeLike) -> int:
    """The value of white, and of opaque, in samples of this type.

    Raises:
        UsageError: It is no type that a picture can have.
    """
    name = np.dtype(dtype).name
    if name not in _WHITE:
        raise UsageError(f"samples are {', '.join(_WHITE)}, not {name}")
    return _WHITE[name]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as its file holds it, upright.

    Attributes:
        samples: (H, W, C) uint8, uint16 or float32; C is 1 for gray, 3 for RGB. The camera's
            orientation is applied already.
        alpha: (H, W) of the same type, or None where all is opaque. Not premultiplied.
        metadata: What else is to be carried over to the result.
        format: Of the file it came from: a key of `formats.FORMATS`.
        source_mode: What the file holds, in words: "gray", "palette", "CMYK" ...
        source_bits: Bits per sample (per index of a palette) by the file's header.
        lossless: Whether the file's compression keeps every bit.
        contents: What the file carries besides its pixels, in words: "EXIF", "comment" ...
        warnings: What was lost or changed on reading, in words, a line each.
    """

    samples: Samples
    alpha: Samples | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "PNG"
    source_mode: str = "RGB"
    source_bits: int = 8
    lossless: bool = True
    contents: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        samples, alpha = self.samples, self.alpha
        white(samples.dtype)
        if samples.ndim != 3 or samples.shape[2] not in (1, 3) or not samples.size:
            raise UsageError(f"samples must be (H, W, 1) or (H, W, 3), not {samples.shape}")
        if alpha is not None and (alpha.shape, alpha.dtype) != (samples.shape[:2], samples.dtype):
            raise UsageError("alpha must have the size and the type of the samples")

    @property
    def height(self) -> int:
        """H, in pixels."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """W, in pixels."""
        return int(self.samples.shape[1])

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB; alpha does not count."""
        return int(self.samples.shape[2])

    def tensor(self, rows: slice = _ALL, columns: slice = _ALL) -> Tensor:
        """Convert a band of rows, or a part of it; alpha is not included.

        Returns:
            (1, C, h, w) float32, a copy. [0, 1], but float samples come as they are.
        """
        part = self.samples[rows, columns].transpose(2, 0, 1)
        planes = np.array(part, dtype=np.float32, order="C")
        if (top := white(self.samples.dtype)) != 1:
            planes /= top
        return torch.from_numpy(planes)[None]

    def with_samples(self, samples: Samples) -> Picture:
        """The same picture with other samples; alpha and metadata are carried over.

        Raises:
            UsageError: Size, channels or type differ.
        """
        if (samples.shape, samples.dtype) != (self.samples.shape, self.samples.dtype):
            raise UsageError("new samples must have the shape and the type of the old ones")
        return replace(self, samples=samples)


def quantize(tensor: Tensor, dtype: npt.DTypeLike) -> Samples:
    """Convert a tensor back to samples: clamped to [0, 1] and rounded to the nearest.

    `quantize(picture.tensor(), picture.samples.dtype)` gives back the samples, bit for bit.

    Args:
        tensor: (1, C, h, W) or (C, h, W), on any device.
        dtype: uint8, uint16, or float32: float passes unclamped.

    Returns:
        (h, W, C).

    Raises:
        ImageError: A value is not a number, or infinite.
    """
    top = white(dtype)
    planes = tensor.detach().reshape(tensor.shape[-3:]).to("cpu", torch.float32)
    if not bool(torch.isfinite(planes).all()):
        raise ImageError("a pixel's value is not a finite number and can't be stored")
    if top != 1:
        planes = planes.clamp(0, 1).mul_(top).round_()
    return np.array(planes.permute(1, 2, 0).numpy(), dtype=dtype, order="C")
