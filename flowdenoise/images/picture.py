"""A decoded picture; only here do its samples become a tensor and come back.

Files hold rows of pixels, integers of 8 to 32 bits or floats. Networks take float32 planes in
which black is 0 and white is 1. A picture stays in the type and the units of its file, and bands
of it are converted when they are needed: as float32, a whole photograph of 100 megapixels would
take 1.2 GB.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from flowdenoise.errors import ImageError, UsageError
from flowdenoise.images.metadata import Metadata

if TYPE_CHECKING:
    from torch import Tensor

Samples = npt.NDArray[Any]
"""The samples of a picture, of one of the types in `DTYPES`."""

DTYPES = {
    "uint8": 255,
    "uint16": 65535,
    "uint32": 2**32 - 1,
    "int8": 127,
    "int16": 32767,
    "int32": 2**31 - 1,
    "float16": 1,
    "float32": 1,
    "float64": 1,
}
"""The types that samples can have, each with its white unless another is told."""

_QUANTIZED = ("uint8", "uint16", "float32")
_ALL = slice(None)


def white(dtype: npt.DTypeLike) -> int:
    """The value of white, and of opaque, in samples of this type.

    Raises:
        UsageError: Samples of a picture can't have this type.
    """
    name = np.dtype(dtype).name
    if name not in DTYPES:
        raise UsageError(f"samples are {', '.join(DTYPES)}, not {name}")
    return DTYPES[name]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as its file holds it, upright.

    Attributes:
        samples: The samples, (H, W, C), of a type in `DTYPES`; C is 1 for gray, 3 for RGB. The
            camera's orientation is applied already.
        alpha: The opacity, (H, W), of the same type and not premultiplied; None if all is opaque.
        metadata: The metadata that are carried over to the result.
        format: The format of the file that it came from, a key of `formats.FORMATS`.
        source_mode: The kind of colors in the file, in words: "gray", "palette", "CMYK" ...
        source_bits: The bits per sample (per index of a palette) according to the file's header.
        lossless: Whether the compression of its file, or of one before that, kept every bit.
        black, white: The samples that are 0 and 1 to a network; None takes the white of the type.
            Values beyond them are possible.
        range_is_told: Whether the file or the user tells white; else it was found in the data.
        no_data: True, (H, W), where a sample is infinite, no number, or marked as missing; None
            if there is no such pixel.
        pages: The number of pages of the file, this one included.
        contents: The names of what the file carries besides its pixels: "EXIF", "comment" ...
        warnings: What was lost or changed on reading, a line each.
    """

    samples: Samples
    alpha: Samples | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "PNG"
    source_mode: str = "RGB"
    source_bits: int = 8
    lossless: bool = True
    black: float = 0.0
    white: float | None = None
    range_is_told: bool = False
    no_data: npt.NDArray[np.bool_] | None = None
    pages: int = 1
    contents: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        samples, alpha = self.samples, self.alpha
        white(samples.dtype)
        if samples.ndim != 3 or samples.shape[2] not in (1, 3) or not samples.size:
            raise UsageError(f"samples must be (H, W, 1) or (H, W, 3), not {samples.shape}")
        if alpha is not None and (alpha.shape, alpha.dtype) != (samples.shape[:2], samples.dtype):
            raise UsageError("alpha must have the size and the type of the samples")
        if self.no_data is not None and self.no_data.shape != samples.shape[:2]:
            raise UsageError("the map of missing data must have the size of the samples")
        low, high = self.span
        if not -math.inf < low < high < math.inf:
            raise UsageError(f"white must be above black: they are {high:g} and {low:g}")

    @property
    def height(self) -> int:
        """The height H, in pixels."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """The width W, in pixels."""
        return int(self.samples.shape[1])

    @property
    def channels(self) -> int:
        """The number of channels without alpha: 1 for gray, 3 for RGB."""
        return int(self.samples.shape[2])

    @property
    def is_packed(self) -> bool:
        """Whether samples have 9 to 15 bits according to the file's header."""
        return self.samples.dtype == np.uint16 and 8 < self.source_bits < 16

    @property
    def span(self) -> tuple[float, float]:
        """The samples that are black and white."""
        top = white(self.samples.dtype) if self.white is None else self.white
        return self.black, float(top)

    def tensor(self, rows: slice = _ALL, columns: slice = _ALL) -> Tensor:
        """Convert a band of rows, or a part of it; alpha is not included.

        Pixels without data get the mean of the picture.

        Returns:
            A copy, (1, C, h, w) float32, in which black is 0 and white is 1.
        """
        import torch

        part = self.samples[rows, columns].transpose(2, 0, 1)
        wide = self.samples.dtype.itemsize >= 4 and self.samples.dtype != np.float32
        planes: npt.NDArray[np.floating[Any]]
        planes = np.array(part, dtype=np.float64 if wide else np.float32, order="C")
        if self.no_data is not None:
            planes[:, self.no_data[rows, columns]] = self._mean[:, None]
        black, top = self.span
        with np.errstate(over="ignore", invalid="ignore"):  # `samples_of` refuses what comes of it
            if black:
                planes -= black
            if top - black != 1:
                planes /= top - black
            return torch.from_numpy(planes.astype(np.float32, copy=False))[None]

    def samples_of(self, tensor: Tensor, rows: slice = _ALL) -> Samples:
        """Convert a denoised band back to the picture's own type and units.

        Integers are rounded. Values beyond the ends of the type are cut off. Pixels without data
        keep the picture's own samples.

        Args:
            tensor: The rows of the band, (1, C, h, W) or (C, h, W), on any device.
            rows: The place of the band in the picture.

        Returns:
            The samples, (h, W, C).

        Raises:
            ImageError: A value is not a number, or infinite.
        """
        dtype = self.samples.dtype
        black, top = self.span
        if (black, top) == (0, white(dtype)) and dtype.name in _QUANTIZED:
            values = quantize(tensor, dtype)
        else:
            planes = _finite_planes(tensor).numpy().astype(np.float64) * (top - black) + black
            planes = (planes if dtype.kind == "f" else np.rint(planes)).clip(*self._limits)
            values = np.array(planes.transpose(1, 2, 0), dtype=dtype, order="C")
        return values if self.no_data is None else self._with_holes(values, rows)

    @property
    def _limits(self) -> tuple[float, float]:
        """The least and the largest number that the file can hold."""
        if self.is_packed:
            return 0, 2**self.source_bits - 1
        dtype = self.samples.dtype
        info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        return float(info.min), float(info.max)

    @functools.cached_property
    def _mean(self) -> npt.NDArray[np.float64]:
        """The mean of each channel where there is data."""
        there = self.samples if self.no_data is None else self.samples[~self.no_data]
        return np.asarray(there.reshape(-1, self.channels).mean(axis=0, dtype=np.float64))

    def _with_holes(self, values: Samples, rows: slice) -> Samples:
        """Put the picture's own samples where there is no data."""
        if self.no_data is not None:
            holes = self.no_data[rows]
            values[holes] = self.samples[rows][holes]
        return values

    def part(self, rows: slice, columns: slice) -> Picture:
        """A part of the picture, a view; black and white are those of the whole."""
        planes = (self.alpha, self.no_data)
        alpha, no_data = (None if plane is None else plane[rows, columns] for plane in planes)
        return replace(
            self, samples=self.samples[rows, columns], alpha=alpha, no_data=no_data, pages=1
        )

    def shows(self, samples: Samples) -> bool:
        """Whether the picture has these samples; what is no number counts as equal to itself."""
        holes = self.samples.dtype.kind == "f"
        return len(self.samples) == len(samples) and all(
            np.array_equal(*rows, equal_nan=holes)  # row by row, for the sake of memory
            for rows in zip(self.samples, samples, strict=True)
        )

    def with_samples(self, samples: Samples) -> Picture:
        """The same picture with other samples; all else is carried over.

        Raises:
            UsageError: Size, channels or type differ.
        """
        if (samples.shape, samples.dtype) != (self.samples.shape, self.samples.dtype):
            raise UsageError("new samples must have the shape and the type of the old ones")
        return replace(self, samples=samples)


def as_floats(values: Tensor) -> Tensor:
    """Convert values of 8 bits, of any shape, to float32 in [0, 1]."""
    return values.float() / DTYPES["uint8"]


def quantize(tensor: Tensor, dtype: npt.DTypeLike) -> Samples:
    """Convert a tensor back to samples: clamp it to [0, 1] and round to the nearest.

    `quantize(picture.tensor(), picture.samples.dtype)` gives back the samples, bit for bit.

    Args:
        tensor: The tensor, (1, C, h, W) or (C, h, W), on any device.
        dtype: The type of the samples, uint8, uint16 or float32; floats are not clamped.

    Returns:
        The samples, (h, W, C).

    Raises:
        ImageError: A value is not a number, or infinite.
    """
    top = white(dtype)
    planes = _finite_planes(tensor)
    if top != 1:
        planes = planes.clamp(0, 1).mul_(top).round_()
    return np.array(planes.permute(1, 2, 0).numpy(), dtype=dtype, order="C")


def _finite_planes(tensor: Tensor) -> Tensor:
    planes = tensor.detach().reshape(tensor.shape[-3:]).cpu().float()
    if not math.isfinite(sum(map(float, planes.aminmax()))):
        raise ImageError("a pixel's value is not a finite number and can't be stored")
    return planes
