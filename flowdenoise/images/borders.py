"""What lies beyond the borders of an image that must be larger than it is."""

from __future__ import annotations

import torch
from torch import Tensor


def mirror(padded: int, length: int) -> Tensor:
    """Indices that extend an axis of any length by reflection without repeating the border.

    >>> mirror(7, 3).tolist()
    [0, 1, 2, 1, 0, 1, 2]
    """
    period = max(1, 2 * (length - 1))
    place = torch.arange(padded) % period
    return torch.where(place < length, place, period - place)
