"""Lessons of photographs: what a denoiser of photographs sees, and what it learns from.

To make one a camera is simulated, its noise is estimated, and a teacher may be asked. For a
small network that costs two and a half times its own step. A network that learns from a teacher
follows a function of the photograph, so a photograph that it has seen before, with the same noise,
still teaches it: what was made once can be kept, in half precision (`training.kept`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from flowdenoise.images.turns import turn_each
from flowdenoise.training.kept import Arrays, Kept


@dataclass(frozen=True)
class CameraPatches:
    """Simulated photographs, and what is to be learned from them.

    Attributes:
        noisy: (B, 3, P, P) sRGB as a file of 8 bits holds it.
        target: (B, 3, P, P) linear light, unclipped.
        weight: (B, 3, P, P) of squared errors in linear light, from the input alone.
        contrast: (B,) of the tone curve between the two.
    """

    noisy: Tensor
    target: Tensor
    weight: Tensor
    contrast: Tensor

    def joined(self, others: CameraPatches, which: Tensor) -> CameraPatches:
        """These and others in one batch, in which the others are where `which`, (B,), is true."""
        order = torch.argsort(which.long(), stable=True).argsort()
        parts = {
            part.name: torch.cat([getattr(one, part.name) for one in (self, others)])[order]
            for part in fields(CameraPatches)
        }
        return CameraPatches(**parts)


@dataclass(frozen=True)
class Lessons(CameraPatches):
    """What a denoiser of photographs sees in one step, and what it learns from.

    Attributes:
        maps: (B, 2, P, P), the noise of brightness and color that the denoiser is told.
    """

    maps: Tensor

    def turned(self, ways: Tensor) -> Self:
        """The same with each patch turned in its own way, (B,), see `images.turns`."""
        planes = {"noisy": self.noisy, "target": self.target, "weight": self.weight}
        planes["maps"] = self.maps
        return replace(self, **{name: turn_each(one, ways) for name, one in planes.items()})


def kept_lessons(folder: Path, batches: int, device: torch.device) -> Kept[Lessons]:
    """The place where lessons are kept.

    Args:
        folder: A folder for all lessons that are made in one way.
        batches: How many batches there are.
        device: Where lessons are wanted.
    """

    def unpack(packed: Arrays) -> Lessons:
        parts = {part.name: packed[part.name] for part in fields(Lessons)}
        parts["noisy"] = parts["noisy"].astype(np.float32) / 255
        tensors = {name: torch.from_numpy(part) for name, part in parts.items()}
        return Lessons(**{name: one.to(device).float() for name, one in tensors.items()})

    return Kept(folder, batches, _packed, unpack)


def _packed(lessons: Lessons) -> Arrays:
    """Bytes for the file of 8 bits, half precision for what is only learned from."""
    arrays = {part.name: getattr(lessons, part.name).cpu().numpy() for part in fields(lessons)}
    packed = {name: array.astype(np.float16) for name, array in arrays.items()}
    noisy = (255 * arrays["noisy"]).round().astype(np.uint8)
    return {**packed, "noisy": noisy, "contrast": arrays["contrast"]}
