"""Batches that are made once and kept on the disk, to be learned from again and again.

To make a batch of simulated photographs costs several times what a small network needs to learn
from it. Where one that was seen before still teaches something, it is made once.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from flowdenoise.optimization.run_folder import writing_to
from flowdenoise.system.atomic import replacing

T = TypeVar("T")
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Kept(Generic[T]):
    """A folder with batches, a file for each share of one.

    Attributes:
        folder: The folder, which is made when the first share is kept.
        batches: How many batches there are; the steps take them in turn.
        pack: Turns a share into named arrays.
        unpack: Turns them back.
    """

    folder: Path
    batches: int
    pack: Callable[[T], Arrays]
    unpack: Callable[[Arrays], T]

    def share(self, step: int, first: int, count: int, make: Callable[[int], T]) -> T:
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
                    np.savez(stream, allow_pickle=False, **self.pack(found))
        return found

    def _read(self, file: Path) -> T | None:
        """The share of a file; None where it is missing or damaged, and will be made again."""
        try:
            with file.open("rb") as stream, np.load(stream) as packed:
                return self.unpack(packed)
        except (FileNotFoundError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return None


def fingerprint(settings: object, tensors: Iterable[Tensor]) -> str:
    """16 hexadecimal digits that differ where settings or tensors do."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in tensors:
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
