"""An upright picture while it is decoded: each stored pixel goes straight to its final place.

A decoder hands out the rows as the file stores them. Turning the whole picture afterwards would
hold two copies of it at once, so it is turned band by band.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from flowdenoise.images.picture import Samples

BAND_PIXELS = 2**19
"""The number of pixels that are converted at a time."""

_TURNS = {  # orientation: how the stored picture becomes upright (transpose, then flip)
    1: (False, False, False),
    2: (False, False, True),  # columns
    3: (False, True, True),
    4: (False, True, False),  # rows
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def bands(height: int, width: int) -> Iterator[slice]:
    """Cut a picture's rows into bands of about `BAND_PIXELS`."""
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


class Canvas:
    """An upright picture that is filled in the order in which the file stores its pixels.

    Args:
        height, width: The sides of the picture as it is stored.
        channels: The number of channels, 1 or 3.
        dtype: The type of the samples.
        alpha: Whether there is an alpha channel.
        orientation: The turn that makes the stored pixels upright, 1 to 8.
    """

    def __init__(
        self,
        height: int,
        width: int,
        channels: int,
        dtype: npt.DTypeLike,
        *,
        alpha: bool = False,
        orientation: int = 1,
    ) -> None:
        turn = _TURNS[orientation]
        size = (width, height) if turn[0] else (height, width)
        self.samples: Samples = np.empty((*size, channels), dtype)
        self.alpha: Samples | None = np.empty(size, dtype) if alpha else None
        self.stored = _stored(self.samples, turn)
        self.stored_alpha = None if self.alpha is None else _stored(self.alpha, turn)

    def fill(self, rows: slice, columns: slice, values: Samples) -> None:
        """Put stored pixels in place: (h, w), or (h, w, C), or (h, w, C + 1) with alpha last."""
        channels = self.stored.shape[2]
        values = values.reshape(*values.shape[:2], -1)
        self.stored[rows, columns] = values[..., :channels]
        if self.stored_alpha is not None:
            self.stored_alpha[rows, columns] = values[..., channels]


def _stored(upright: Samples, turn: tuple[bool, bool, bool]) -> Samples:
    """A view of upright pixels in the order in which the file stores them."""
    transposed, rows_flipped, columns_flipped = turn
    view = upright[::-1] if rows_flipped else upright
    view = view[:, ::-1] if columns_flipped else view
    return view.swapaxes(0, 1) if transposed else view
