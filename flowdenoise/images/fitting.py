"""Fitting a picture to a format that holds less than the picture; each loss is put into words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from flowdenoise.errors import ImageWriteError
from flowdenoise.images.canvas import bands
from flowdenoise.images.formats import Format
from flowdenoise.images.metadata import sized
from flowdenoise.images.picture import Picture, Samples, quantize, white

_PROFILE_COLORS = {b"GRAY": "gray", b"RGB ": "RGB", b"CMYK": "CMYK", b"Lab ": "Lab"}
_BITS = {
    "uint8": "8 bits",
    "uint16": "16 bits",
    "uint32": "32 bits",
    "int8": "8 bits with sign",
    "int16": "16 bits with sign",
    "int32": "32 bits with sign",
    "float16": "16-bit float",
    "float32": "32-bit float",
    "float64": "64-bit float",
}
_STATED = ("uint8", "uint16", "float16", "float32", "float64")  # types in which white is stated


def fit(picture: Picture, kind: Format) -> tuple[Picture, tuple[str, ...]]:
    """Reduce a picture to what a format can hold, and let its metadata state its size.

    Args:
        picture: The picture.
        kind: A format that can be written.

    Returns:
        The picture to encode, and a warning for each loss.

    Raises:
        ImageWriteError: The picture has more pixels on a side than the format can hold.
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
    metadata = sized(picture.metadata, picture.width, picture.height)
    picture, lost = _fit_profile(replace(picture, metadata=metadata))
    return picture, (*warnings, *lost)


def to_depth(picture: Picture, dtype: npt.DTypeLike) -> Picture:
    """Convert a picture to another type: it is scaled, cut off at black and white, and rounded.

    Where white was only guessed from dark data, white is that of the old type, so that the picture
    stays as dark as other programs show it.
    """
    low, high = picture.span
    if not picture.range_is_told and picture.samples.dtype.name in _STATED:
        high = max(high, white(picture.samples.dtype))
    plain = replace(picture, black=low, white=high)
    samples = np.empty(picture.samples.shape, dtype)
    for rows in bands(picture.height, picture.width):
        samples[rows] = quantize(plain.tensor(rows), dtype)
    if picture.no_data is not None:
        samples[picture.no_data] = 0
    alpha = picture.alpha
    if alpha is not None:
        opacity = Picture(alpha[..., None], white=high if picture.is_packed else None)
        alpha = to_depth(replace(opacity, range_is_told=True), dtype).samples[..., 0]
    return Picture(
        samples,
        alpha,
        picture.metadata,
        format=picture.format,
        source_mode=picture.source_mode,
        lossless=picture.lossless,
        contents=picture.contents,
    )


def _fit_depth(picture: Picture, kind: Format) -> tuple[Picture, list[str]]:
    name = picture.samples.dtype.name
    if name in kind.dtypes and (kind.odd_depths or not picture.is_packed):
        return picture, []
    deepest = kind.dtypes[-1]
    bits = f"{picture.source_bits} bits" if picture.is_packed else _BITS[name]
    warning = f"{kind.name} holds no {bits}: they become {_BITS[deepest]}"
    if name not in ("uint8", "uint16"):
        low, high = picture.span
        warning += f", and values below {low:.4g} or above {high:.4g} are cut off"
    return to_depth(picture, deepest), [warning]


def _on_white(picture: Picture) -> Samples:
    """The picture as it looks on white paper."""
    import torch

    if picture.alpha is None:
        return picture.samples
    dtype = picture.samples.dtype
    result = np.empty_like(picture.samples)
    for rows in bands(picture.height, picture.width):
        opacity = torch.from_numpy(picture.alpha[rows].astype(np.float32) / white(dtype))
        result[rows] = quantize(1 + (picture.tensor(rows) - 1) * opacity, dtype)
    return result


def _fit_profile(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """Drop a profile of other colors than the picture's, with a warning; gray is a case of RGB."""
    profile = picture.metadata.icc_profile
    if profile is None or profile[36:40] != b"acsp":
        return picture, ()
    colors = profile[16:20]
    if colors in ((b"GRAY", b"RGB ") if picture.channels == 1 else (b"RGB ",)):
        return picture, ()
    warning = (
        f"the color profile is left out: it is one of {_PROFILE_COLORS.get(colors, 'other')} "
        f"colors, and the picture is {'gray' if picture.channels == 1 else 'RGB'}"
    )
    contents = tuple(item for item in picture.contents if item != "color profile")
    metadata = replace(picture.metadata, icc_profile=None)
    return replace(picture, metadata=metadata, contents=contents), (warning,)
