"""A drawing of noise maps: where a picture is how noisy, and how that goes with brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from flowdenoise import noise
from flowdenoise.estimation.noise_maps import NoiseMaps

if TYPE_CHECKING:
    from flowdenoise.images.drawing import Sheet

_SIDE, _GAP, _TITLE = 360, 24, 26  # of a panel, between panels, and above them, in pixels
_SHADES = np.array(
    [(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64
)  # from no noise to the most
_INK = {"brightness": (40, 40, 40), "color": (188, 55, 84)}


def draw(maps: NoiseMaps) -> Sheet:
    """Draw the fine maps of brightness and color, and both levels by brightness.

    Args:
        maps: The maps of a picture.
    """
    from flowdenoise.images.drawing import Sheet

    levels = {name: noise.to_255(1) * maps.levels[i].numpy() for name, i in _ROWS.items()}
    most = max(1.0, *(float(np.quantile(level, 0.99)) for level in levels.values()))
    sheet = Sheet(3 * _SIDE + 4 * _GAP, _SIDE + 2 * _GAP + 2 * _TITLE)
    for column, (name, level) in enumerate(levels.items()):
        left = _GAP + column * (_SIDE + _GAP)
        sheet.text(f"noise of {name}, 0 to {most:.1f} of 255", left, 4, _SIDE)
        sheet.paste(_shaded(level, most), left, _TITLE)
    _scale(sheet, most)
    _curves(sheet, maps, 3 * _GAP + 2 * _SIDE, most)
    return sheet


_ROWS = {"brightness": 0, "color": 2}
"""The maps that are drawn, by their rows in `networks.MAPS`."""


def _shaded(level: npt.NDArray[np.floating], most: float) -> npt.NDArray[np.uint8]:
    """A map as a picture that fits a panel, (h, w, 3)."""
    height, width = level.shape
    scale = _SIDE / max(height, width)
    rows, columns = (
        (np.arange(max(1, round(side * scale))) / scale).astype(int).clip(0, side - 1)
        for side in (height, width)
    )
    place = (level[rows][:, columns] / most).clip(0, 1) * (len(_SHADES) - 1)
    stops = np.arange(len(_SHADES))
    shades = [np.interp(place, stops, _SHADES[:, channel]) for channel in range(3)]
    return np.stack(shades, 2).round().astype(np.uint8)


def _scale(sheet: Sheet, most: float) -> None:
    """The bar below the maps that says which shade is which level."""
    top, width = _TITLE + _SIDE + _GAP // 2, 2 * _SIDE + _GAP
    ramp = np.broadcast_to(np.linspace(0, most, width, dtype=np.float32), (12, width))
    stretched = _shaded(ramp[:, :: max(1, width // _SIDE)], most)
    sheet.paste(stretched, _GAP, top)
    sheet.text("0", _GAP, top + 14, 30)
    sheet.text(f"{most:.1f}", _GAP + stretched.shape[1] - 30, top + 14, 30)


def _curves(sheet: Sheet, maps: NoiseMaps, left: int, most: float) -> None:
    """Levels by brightness, black at the left and white at the right."""
    bottom = _TITLE + _SIDE
    sheet.text("noise by brightness, black to white", left, 4, _SIDE)
    sheet.line([(left, _TITLE), (left, bottom), (left + _SIDE, bottom)], color=(0, 0, 0))
    rows = maps.by_brightness()
    highest = max(most, *(noise.to_255(level) for row in rows for level in row[1:]))
    for index, name in enumerate(_ROWS, start=1):
        points = [
            (left + row[0] * _SIDE, bottom - noise.to_255(row[index]) / highest * (_SIDE - 20))
            for row in rows
        ]
        sheet.line(points, color=_INK[name], thickness=3)
        sheet.text(name, left + (index - 1) * _SIDE // 2, bottom + 8, _SIDE // 2)
        under = left + (2 * index - 1) * _SIDE // 4
        sheet.line(
            [(under - 30, bottom + 30), (under + 30, bottom + 30)], color=_INK[name], thickness=3
        )
    sheet.text(f"{highest:.1f}", left + 4, _TITLE, 40)
