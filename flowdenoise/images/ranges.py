"""Black and white of pictures whose type doesn't say: sensors' depths, counts, physical units.

A camera's 12 bits may lie in 16, a microscope's counts in floats, an elevation in meters. What a
network sees as white decides what it sees as noise, so it is found from the data where neither
the file nor the user tells.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from flowdenoise.images.picture import Picture, Samples, white

_DEPTHS = (10, 12, 14)  # bits, of sensors
_SHARE = 1e-4  # of the values at either end that are taken for outliers
_HIGHLIGHTS = 0.01  # share of float values that may lie above a white of 1
_DARK = 1 / 16  # floats that end below are in units of their own
_LIFTED = 0.5  # values that begin above this share of their end begin at black
_SUNK = -0.05  # and those that begin below this share do, too
_MOST = 1 << 22  # values that are looked at


def with_range(picture: Picture, black: float | None, top: float | None) -> Picture:
    """Set a picture's black and white: as told, as its file says, or as its data show.

    Args:
        picture: As it was decoded; `range_is_told` where its file says what white is.
        black: As the user tells, in the file's own units; None is to find it.
        top: White, likewise.

    Raises:
        UsageError: White is not above black.
    """
    warnings: tuple[str, ...] = ()
    if picture.range_is_told or (black is not None and top is not None):
        found = picture.span
    else:
        found, warnings = _found(picture)
    low = found[0] if black is None else black
    high = found[1] if top is None else top
    told = picture.range_is_told or black is not None or top is not None
    if black is not None or top is not None:
        warnings = ()
    return replace(
        picture,
        black=low,
        white=high,
        range_is_told=told,
        warnings=(*picture.warnings, *warnings),
    )


def _found(picture: Picture) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Black and white by the data, and what is to be said about it."""
    dtype = picture.samples.dtype
    if dtype == np.uint8:
        return picture.span, ()
    if dtype == np.uint16:
        return _depth_found(float(_there(picture).max()), white(dtype))
    there = _there(picture).reshape(-1)
    values = there[:: -(-there.size // _MOST)]
    least, largest = float(values.min()), float(values.max())
    if dtype.kind != "f" and least >= 0 and largest < 2**16:
        return _depth_found(largest, white(dtype))
    low, high = (float(q) for q in np.quantile(values, (_SHARE, 1 - _SHARE)))
    if dtype.kind == "f" and high > _DARK and np.mean(values > 1) <= _HIGHLIGHTS:
        low, high = 0.0, 1.0
        if least >= 0 and largest <= 1:
            return (low, high), ()
    elif high <= low:
        low, high = min(low, 0.0), max(low, 1.0)
    elif _SUNK * high <= low <= _LIFTED * high:
        low = 0.0
    words = f"values go from {least:.4g} to {largest:.4g}"
    return (low, high), (f"{words}: black is taken to be {low:.4g} and white {high:.4g}",)


def _depth_found(largest: float, top: int) -> tuple[tuple[float, float], tuple[str, ...]]:
    """The range of the fewest usual bits that hold an integer."""
    for bits in (*_DEPTHS, 16):
        end = min(2**bits - 1, top)
        if 0 < largest <= end < top:
            warning = f"no value is above {largest:g}: white is taken to be {end}, of {bits} bits"
            return (0.0, float(end)), (warning,)
    return (0.0, float(top)), ()


def _there(picture: Picture) -> Samples:
    """The samples where there is data."""
    return picture.samples if picture.no_data is None else picture.samples[~picture.no_data]


def missing(samples: Samples, marker: float | None) -> npt.NDArray[np.bool_] | None:
    """Where a picture has no data.

    Args:
        samples: (H, W, C).
        marker: The value that its file states for "no data".

    Returns:
        (H, W), True where any channel is infinite, no number, the marker, or the end of what
        float32 can hold, which stands for it where nothing is stated. None where nothing is.
    """
    if samples.dtype.kind != "f" and marker is None:
        return None
    holes = np.zeros(samples.shape[:2], np.bool_)
    for channel in range(samples.shape[2]):
        values = samples[..., channel]
        if samples.dtype.kind == "f":
            holes |= ~np.isfinite(values)
            holes |= np.abs(values) >= np.finfo(np.float32).max
        if marker is not None:
            holes |= values == np.asarray(marker).astype(samples.dtype)
    return holes if holes.any() else None
