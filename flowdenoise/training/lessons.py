"""Lessons of photographs: made anew at each step, or made once and kept on the disk.

To make a lesson a camera is simulated, its noise is estimated, and a teacher may be asked. For a
small network that costs two and a half times its own step. A network that learns from a teacher
follows a function of the photograph, so a photograph that it has seen before, with the same noise,
still teaches it: what was made once is written to the disk, in half precision, and learned
from again.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise.images.turns import turn_each
from flowdenoise.optimization.run_folder import writing_to
from flowdenoise.system.atomic import replacing


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


@dataclass(frozen=True)
class KeptLessons:
    """A folder with lessons, a file for each share of a batch.

    Attributes:
        folder: The folder, which is made when the first lesson is kept.
        batches: How many batches there are; the steps take them in turn.
        device: Where lessons are wanted.
    """

    folder: Path
    batches: int
    device: torch.device

    def lessons(
        self, step: int, first: int, count: int, make: Callable[[int], Lessons]
    ) -> Lessons:
        """Samples `first` to `first + count - 1` of a step's batch.

        Args:
            step: The number of the step.
            first: The first sample.
            count: How many samples are wanted.
            make: Makes these samples of the batch of a number, where the disk does not hold them.

        Raises:
            TrainingError: The folder can't be written to.
        """
        batch = step % self.batches
        file = self.folder / f"{batch:06d}-{first}-{count}.npz"
        found = self._read(file)
        if found is None:
            found = make(batch)
            with writing_to(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                with replacing(file) as stream:
                    np.savez(stream, allow_pickle=False, **_packed(found))
        return found

    def _read(self, file: Path) -> Lessons | None:
        """The lessons of a file; None where it is missing or damaged, and will be made again."""
        try:
            with file.open("rb") as stream, np.load(stream) as packed:
                parts = {part.name: packed[part.name] for part in fields(Lessons)}
        except (FileNotFoundError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return None
        parts["noisy"] = np.float32(parts["noisy"]) / 255
        tensors = {name: torch.from_numpy(part) for name, part in parts.items()}
        return Lessons(**{k: tensor.to(self.device).float() for k, tensor in tensors.items()})


def _packed(lessons: Lessons) -> dict[str, npt.NDArray[np.generic]]:
    """Bytes for the file of 8 bits, half precision for what is only learned from."""
    arrays = {part.name: getattr(lessons, part.name).cpu().numpy() for part in fields(lessons)}
    packed = {name: array.astype(np.float16) for name, array in arrays.items()}
    noisy = (255 * arrays["noisy"]).round().astype(np.uint8)
    return {**packed, "noisy": noisy, "contrast": arrays["contrast"]}


def fingerprint(settings: object, tensors: Iterable[Tensor]) -> str:
    """16 hexadecimal digits that differ where settings or tensors do."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in tensors:
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
