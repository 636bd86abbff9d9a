"""A photograph that nobody took, of any size, for measuring time and memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SIDE = 1024  # the scene repeats after so many pixels


def photograph(height: int, width: int, *, sigma_255: float = 15.0) -> npt.NDArray[np.uint8]:
    """Draw gradients, edges and texture, with noise; the same one each time.

    Args:
        height: The height, in pixels.
        width: The width, in pixels.
        sigma_255: The noise level on the scale of 0 to 255.

    Returns:
        The photograph, (height, width, 3).
    """
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    rings = 0.5 + 0.3 * np.sin(60 * np.hypot(x - 0.4, y - 0.6) ** 1.5)
    planes = [np.where(x + 0.7 * y > 0.9, 0.75, rings), 0.2 + 0.5 * y, 0.3 + 0.4 * rings * x]
    noise = np.random.default_rng(0).normal(0, sigma_255, (_SIDE, _SIDE, 3))
    scene = (255 * np.stack(planes, axis=2) + noise).clip(0, 255).round().astype(np.uint8)
    down, across = -(-height // _SIDE), -(-width // _SIDE)
    return np.tile(scene, (down, across, 1))[:height, :width]
