"""Fitting a picture to a format that holds less than it: what is lost, and its name in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from flowdenoise.errors import ImageWriteError
from flowdenoise.images.canvas import bands
from flowdenoise.images.formats import Format
from flowdenoise.images.picture import Picture, Samples, quantize, white

_PROFILE_COLORS = {b"GRAY": "gray", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "Lab"}
_BITS = {"uint8": "8 bits", "uint16": "16 bits", "float32": "32-bit float"}


def fit(picture: Picture, kind: Format) -> tuple[Picture, tuple[str, ...]]:
    """Reduce a picture to what a format can hold.

    Args:
        picture: Any.
        kind: A format that can be written.

    Returns:
        The picture to encode, and a warning for each loss.

    Raises:
        ImageWriteError: It has too many pixels on a side.
    """
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
    return _fit_profile(picture, warnings), tuple(warnings)


def to_depth(samples: Samples, dtype: npt.DTypeLike) -> Samples:
    """Convert samples (H, W, C) to another type: scaled, clamped to [0, 1] and rounded."""
    if samples.dtype == dtype:
        return samples
    whole = Picture(samples)
    result = np.empty(samples.shape, dtype)
    for rows in bands(whole.height, whole.width):
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
    for rows in bands(picture.height, picture.width):
        opacity = torch.from_numpy(picture.alpha[rows].astype(np.float32) / white(dtype))
        result[rows] = quantize(1 + (picture.tensor(rows) - 1) * opacity, dtype)
    return result


def _fit_profile(picture: Picture, warnings: list[str]) -> Picture:
    """Drop a profile of other colors than the picture's; gray is a case of RGB."""
    profile = picture.metadata.icc_profile
    if profile is None or profile[36:40] != b"acsp":
        return picture
    colors = profile[16:20]
    if colors in ((b"GRAY", b"RGB ") if picture.channels == 1 else (b"RGB ",)):
        return picture
    warnings.append(
        f"the color profile is left out: it is one of {_PROFILE_COLORS.get(colors, 'other')} "
        f"colors, and the picture is {'gray' if picture.channels == 1 else 'RGB'}"
    )
    contents = tuple(item for item in picture.contents if item != "color profile")
    metadata = replace(picture.metadata, icc_profile=None)
    return replace(picture, metadata=metadata, contents=contents)
