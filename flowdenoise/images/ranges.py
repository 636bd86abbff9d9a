"""Black and white of pictures whose type does not tell them.

Sixteen bits may hold the 12 bits of a camera, floats the counts of a microscope or an elevation in
meters. What a network sees as noise depends on what it sees as white, so white is found from the
data where neither the file nor the user tells it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """Set a picture's black and white, which the user or the file tells or the data show.

    Args:
        picture: The decoded picture, whose `range_is_told` is true if its file tells its white.
        black: The black that the user tells, in the file's own units; None leaves it to be found.
        top: The white that the user tells, likewise.

    Raises:
        UsageError: White is not above black.
    """
    if picture.range_is_told or (black is not None and top is not None):
        found = _Found(*picture.span)
    else:
        found = _found(picture)
    return replace(
        picture,
        black=found.black if black is None else black,
        white=found.white if top is None else top,
        range_is_told=picture.range_is_told or top is not None,
        warnings=(*picture.warnings, *found.warnings(black is None, top is None)),
    )


@dataclass(frozen=True)
class _Found:
    """The ends that the data show, and what the user should know of those that were guessed.

    Attributes:
        black, white: The ends.
        why: What the guess was made from.
        black_words, white_words: How each end is put into words; None if it is no guess.
    """

    black: float
    white: float
    why: str = ""
    black_words: str | None = None
    white_words: str | None = None

    def warnings(self, black: bool, top: bool) -> tuple[str, ...]:
        """The warning of the guesses that are used: of black, of white, of both or of none."""
        guesses = []
        if black and self.black_words is not None:
            guesses.append(("black", self.black_words))
        if top and self.white_words is not None:
            guesses.append(("white", self.white_words))
        if not guesses:
            return ()
        (first, value), *more = guesses
        words = [f"{first} is taken to be {value}", *(f"{end} {value}" for end, value in more)]
        return (f"{self.why}: {' and '.join(words)}",)


def _found(picture: Picture) -> _Found:
    """Find black and white in the data."""
    dtype = picture.samples.dtype
    if dtype == np.uint8:
        return _Found(*picture.span)
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
            return _Found(low, high)
    elif high <= low:
        low, high = min(low, 0.0), max(low, 1.0)
    elif _SUNK * high <= low <= _LIFTED * high:
        low = 0.0
    why = f"values go from {least:.4g} to {largest:.4g}"
    return _Found(low, high, why, f"{low:.4g}", f"{high:.4g}")


def _depth_found(largest: float, top: int) -> _Found:
    """The range of the smallest usual depth that holds an integer."""
    for bits in (*_DEPTHS, 16):
        end = min(2**bits - 1, top)
        if 0 < largest <= end < top:
            why = f"no value is above {largest:g}"
            return _Found(0.0, float(end), why, white_words=f"{end}, of {bits} bits")
    return _Found(0.0, float(top))


def _there(picture: Picture) -> Samples:
    """The samples of the pixels that have data."""
    return picture.samples if picture.no_data is None else picture.samples[~picture.no_data]


def missing(samples: Samples, marker: float | None) -> npt.NDArray[np.bool_] | None:
    """Find the pixels that have no data.

    Args:
        samples: The samples, (H, W, C).
        marker: The value that the file states for "no data".

    Returns:
        A mask, (H, W), that is True where any channel is infinite, no number, the marker, or the
        largest number of float32, which many programs use as a marker. None if it is never True.
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
