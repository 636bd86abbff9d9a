"""Fitting a picture to a format that holds less than it: what is lost, and its name in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from flowdenoise.errors import ImageWriteError
from flowdenoise.images.decoding import BAND_PIXELS
from flowdenoise.images.formats import FORMATS, Format
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture, Samples, quantize, white

_BITS = {"uint8": "8 bits", "uint16": "16 bits", "float32": "32-bit float"}
_JPEG_SEGMENT = 65_500  # bytes of EXIF or XMP, less the segment's own head


def fit(picture: Picture, name: str) -> tuple[Picture, tuple[str, ...]]:
    """Reduce a picture to what a format can hold.

    Args:
        picture: Any.
        name: A key of `FORMATS` that can be written.

    Returns:
        The picture to encode, and a warning for each loss.

    Raises:
        ImageWriteError: It has too many pixels on a side.
    """
    kind = FORMATS[name]
    if max(picture.width, picture.height) > kind.longest_side:
        raise ImageWriteError(
            f"{kind.name} ends at {kind.longest_side} pixels a side, "
            f"and the picture has {picture.width}x{picture.height}"
        )
    picture, warnings = _fit_depth(picture, kind)
    if picture.alpha is not None and not kind.alpha:
        warnings.append(f"{kind.name} has no transparency: the picture is laid on white")
        picture = replace(picture, samples=_on_white(picture), alpha=None)
    if picture.channels == 1 and not kind.gray:
        warnings.append(f"{kind.name} has no gray pictures: it is written as color")
        picture = replace(picture, samples=np.repeat(picture.samples, 3, axis=2))
    metadata = _fit_metadata(picture.metadata, kind, warnings)
    return replace(picture, metadata=metadata), tuple(warnings)


def to_depth(samples: Samples, dtype: npt.DTypeLike) -> Samples:
    """Convert samples (H, W, C) to another type: scaled, clamped to [0, 1] and rounded."""
    if samples.dtype == dtype:
        return samples
    whole = Picture(samples)
    result = np.empty(samples.shape, dtype)
    step = max(1, BAND_PIXELS // whole.width)
    for top in range(0, whole.height, step):
        rows = slice(top, top + step)
        result[rows] = quantize(whole.tensor(rows), dtype)
    return result


def _fit_depth(picture: Picture, kind: Format) -> tuple[Picture, list[str]]:
    name = picture.samples.dtype.name
    if name in kind.dtypes:
        return picture, []
    deepest = kind.dtypes[-1]
    warning = f"{kind.name} holds no {_BITS[name]}: they become {_BITS[deepest]}"
    if name == "float32":
        warning += ", and values below 0 or above 1 are cut off"
    alpha = picture.alpha
    if alpha is not None:
        alpha = to_depth(alpha[..., None], deepest)[..., 0]
    samples = to_depth(picture.samples, deepest)
    return replace(picture, samples=samples, alpha=alpha), [warning]


def _on_white(picture: Picture) -> Samples:
    """The picture as it looks on white paper."""
    if picture.alpha is None:
        return picture.samples
    dtype = picture.samples.dtype
    result = np.empty_like(picture.samples)
    step = max(1, BAND_PIXELS // picture.width)
    for top in range(0, picture.height, step):
        rows = slice(top, top + step)
        opacity = torch.from_numpy(picture.alpha[rows].astype(np.float32) / white(dtype))
        result[rows] = quantize(1 + (picture.tensor(rows) - 1) * opacity, dtype)
    return result


def _fit_metadata(metadata: Metadata, kind: Format, warnings: list[str]) -> Metadata:
    """Drop what the format has no place for, and add what is dropped to `warnings`."""
    lost = []
    if metadata.exif is not None and not kind.exif:
        lost.append("EXIF")
        metadata = replace(metadata, exif=None)
    if metadata.icc_profile is not None and not kind.icc_profile:
        lost.append("color profile")
        metadata = replace(metadata, icc_profile=None)
    if metadata.xmp is not None and not kind.xmp:
        lost.append("XMP")
        metadata = replace(metadata, xmp=None)
    if metadata.dpi is not None and not kind.dpi:
        lost.append("resolution (dpi)")
        metadata = replace(metadata, dpi=None)
    if kind.name != "PNG" and any(
        name in (b"cHRM", b"gAMA", b"cICP") for name, _ in metadata.png_color
    ):
        lost.append("PNG's own statement of its colors")
    if kind.name == "JPEG" and len(metadata.exif or b"") > _JPEG_SEGMENT:
        lost.append("EXIF (too long)")
        metadata = replace(metadata, exif=None)
    if kind.name == "JPEG" and len(metadata.xmp or b"") > _JPEG_SEGMENT - 64:
        lost.append("XMP (too long)")
        metadata = replace(metadata, xmp=None)
    if lost:
        warnings.append(f"{kind.name} has no place for: {', '.join(lost)}")
    return metadata
