"""The eight ways to turn and mirror an image: it is mirrored, flipped, transposed, or several.

A way is a number from 0 to 7 whose bits stand for these three.
"""

from __future__ import annotations

import torch
from torch import Tensor

WAYS = range(8)
HALF_TURN = 3
"""The way that is mirrored and flipped, which is a half turn."""


def turn(images: Tensor, way: int) -> Tensor:
    """Turn images (..., H, W) in one way; half of the ways exchange H and W."""
    images = images.flip(-1) if way & 1 else images
    images = images.flip(-2) if way & 2 else images
    return images.transpose(-1, -2) if way & 4 else images


def turn_back(images: Tensor, way: int) -> Tensor:
    """Undo `turn`."""
    images = images.transpose(-1, -2) if way & 4 else images
    images = images.flip(-2) if way & 2 else images
    return images.flip(-1) if way & 1 else images


def turn_each(images: Tensor, ways: Tensor) -> Tensor:
    """Turn square images (B, C, N, N), each in its own way, (B,) integers, on any device."""
    for bit in (1, 2, 4):
        chosen = (ways & bit).bool().view(-1, 1, 1, 1)
        images = torch.where(chosen, turn(images, bit), images)
    return images


def turn_back_each(images: Tensor, ways: Tensor) -> Tensor:
    """Undo `turn_each`."""
    for bit in (4, 2, 1):
        chosen = (ways & bit).bool().view(-1, 1, 1, 1)
        images = torch.where(chosen, turn_back(images, bit), images)
    return images
