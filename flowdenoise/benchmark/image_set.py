"""Images to measure on, decoded one by one: clean ones, or pairs.

The fingerprint of an image is a hash of its pixels. So an image in another file format or
compression has the same fingerprint, and an altered image has another.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.data.pairs import pair_name
from flowdenoise.errors import DataError, FlowdenoiseError
from flowdenoise.system.rules import COLORS

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """A clean image, or a pair, decoded.

    Attributes:
        name: The name of the file, without the ending.
        clean: The clean image, (C, H, W), [0, 1], whole multiples of 1/255.
        fingerprint: The sha256 of the pixels.
        noisy: The photograph with noise, like `clean`, if this is a pair.
    """

    name: str
    clean: Tensor
    fingerprint: str
    noisy: Tensor | None = None


class _TooSmallError(DataError):
    """An image is smaller than the square that is to be measured."""


@dataclass(frozen=True)
class ImageSet:
    """Images to measure on.

    Attributes:
        name: The name of the set or the folder.
        gray: Whether the images are measured in gray.
        files: The files of the clean images, in the order of their names.
        known: The fingerprints that the images must have, by name, as far as they are known.
        partners: The photographs with noise of a set of pairs, by the file of the clean image.
        side: The side of the square in the middle of each image that is measured; 0 measures the
            whole image.
        left_out: The names of images that are smaller than this square.
    """

    name: str
    gray: bool
    files: tuple[Path, ...]
    known: Mapping[str, str]
    partners: Mapping[Path, Path] = field(default_factory=dict)
    side: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The word `gray` or `color`."""
        return COLORS[self.channels]

    @property
    def channels(self) -> int:
        """The number of channels, 1 or 3."""
        return 1 if self.gray else 3

    def first(self, limit: int) -> ImageSet:
        """The set cut to its first images; 0 keeps all."""
        return replace(self, files=self.files[:limit] if limit else self.files)

    def listed(self, table: Path | None) -> ImageSet:
        """The set cut to the images that a CSV file names in its column `image`; None keeps all.

        Raises:
            DataError: The file can't be read, has no such column, names no image, one
                twice, or one that the set does not have.
        """
        if table is None:
            return self
        try:
            with table.open(newline="", encoding="utf-8") as file:
                rows = csv.DictReader(file)
                if "image" not in (rows.fieldnames or ()):
                    raise DataError(f"{table} has no column called image")
                names = [row["image"] for row in rows]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"can't read {table}: {error}") from error
        if not names:
            raise DataError(f"{table} names no image")
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise DataError(f"{table} names {twice[0]!r} twice")
        found = {file.name: file for file in self.files}
        missing = [name for name in names if name not in found]
        if missing:
            raise DataError(f"{table} names {missing[0]!r}, which {self.name} lacks")
        files = tuple(found[name] for name in names)
        return replace(self, name=f"{self.name}-{table.stem}", files=files)

    def middle(self, side: int) -> ImageSet:
        """The set cut to the middle of each image, a square of that side; 0 keeps whole images.

        Images that are smaller than the square are left out.

        Raises:
            DataError: All of them are smaller.
        """
        if not side:
            return self
        cut = replace(self, name=f"{self.name}-middle{side}", side=side)
        small = [file for file in self.files if cut._is_too_small(file)]
        if len(small) == len(self.files):
            raise DataError(f"all images of {self.name} are smaller than {side} pixels")
        files = tuple(file for file in self.files if file not in small)
        return replace(cut, files=files, left_out=tuple(self.name_of(file) for file in small))

    def load(self, file: Path) -> Sample:
        """Decode one of the images.

        Raises:
            ImageReadError: The file can't be read.
            DataError: The pixels are not those of the set, or are too few.
        """
        pixels, noisy = images.read_uint8(file, self.channels), None
        name, found = self.name_of(file), fingerprint(pixels)
        if file in self.partners:
            noisy = images.read_uint8(self.partners[file], self.channels)
            found = fingerprint(pixels, noisy)
            if noisy.shape != pixels.shape:
                raise DataError(f"{self.partners[file]} and {file} are of different sizes")
        if found != self.known.get(name, found):
            raise DataError(f"{file} is not {name} of {self.name}: its pixels differ")
        if self.side:
            pixels = self._cut(pixels, file)
            noisy = None if noisy is None else self._cut(noisy, file)
            found = fingerprint(pixels) if noisy is None else fingerprint(pixels, noisy)
        return Sample(name, _tensor(pixels), found, None if noisy is None else _tensor(noisy))

    def name_of(self, file: Path) -> str:
        """The name, in results, of the image or pair of a clean file."""
        return pair_name(file.stem) if file in self.partners else file.stem

    def _is_too_small(self, file: Path) -> bool:
        try:
            self.load(file)
        except _TooSmallError:
            return True
        except FlowdenoiseError:  # its cells will say so
            return False
        return False

    def _cut(self, pixels: Pixels, file: Path) -> Pixels:
        if min(pixels.shape[:2]) < self.side:
            raise _TooSmallError(f"{file} is smaller than {self.side} pixels")
        top, left = ((length - self.side) // 2 for length in pixels.shape[:2])
        return pixels[top : top + self.side, left : left + self.side]


def _tensor(pixels: Pixels) -> Tensor:
    return images.as_floats(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())


def fingerprint(*pictures: Pixels) -> str:
    """The sha256 of the sizes and pixels of an image, or of both images of a pair, (H, W, C)."""
    digest = hashlib.sha256()
    for pixels in pictures:
        digest.update("x".join(str(side) for side in pixels.shape).encode() + b":")
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
