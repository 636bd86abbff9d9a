"""Images to measure on: a named set, fetched or in a folder that stands in for it, or any folder.

An image is known by its fingerprint, a hash of its pixels, so that the same image in another
file format or compression is the same image, and an altered one is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.benchmark.catalog import SETS, NamedSet, find_set, fingerprints
from flowdenoise.data.download import StageReport, download, fetch_archive
from flowdenoise.errors import DataError, ImageReadError
from flowdenoise.system.cache import cache_folder

_SEEN = "fingerprints.json"


@dataclass(frozen=True)
class Sample:
    """A clean image, decoded.

    Attributes:
        name: Of its file, without the ending.
        clean: (C, H, W), [0, 1], whole 255ths.
        fingerprint: sha256 of its pixels.
    """

    name: str
    clean: Tensor
    fingerprint: str


@dataclass(frozen=True)
class ImageSet:
    """Images to measure on.

    Attributes:
        name: Of the set or the folder.
        gray: Whether they are measured in gray.
        files: In the order of their names.
        known: What the fingerprints must be, by name, as far as that is known.
        side: Only the middle of each image is measured, a square of this side; 0 is all of it.
    """

    name: str
    gray: bool
    files: tuple[Path, ...]
    known: Mapping[str, str]
    side: int = 0

    @property
    def kind(self) -> str:
        """`gray` or `color`."""
        return "gray" if self.gray else "color"

    @property
    def channels(self) -> int:
        """1 or 3."""
        return 1 if self.gray else 3

    def first(self, limit: int) -> ImageSet:
        """The set cut to its first images; 0 is all."""
        return replace(self, files=self.files[:limit] if limit else self.files)

    def middle(self, side: int) -> ImageSet:
        """The set of the images' middles, squares of that side; 0 is the whole images."""
        return replace(self, name=f"{self.name}-middle{side}", side=side) if side else self

    def load(self, file: Path) -> Sample:
        """Decode one of the images.

        Raises:
            ImageReadError: It can't be read.
            DataError: Its pixels are not those of the set, or are fewer than are wanted.
        """
        pixels = images.read_uint8(file, self.channels)
        found = fingerprint(pixels)
        if found != self.known.get(file.stem, found):
            raise DataError(f"{file} is not {file.stem} of {self.name}: its pixels differ")
        if self.side:
            pixels = self._cut(pixels, file)
            found = fingerprint(pixels)
        clean = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)
        return Sample(file.stem, clean, found)

    def _cut(self, pixels: npt.NDArray[np.uint8], file: Path) -> npt.NDArray[np.uint8]:
        if min(pixels.shape[:2]) < self.side:
            raise DataError(f"{file} is smaller than {self.side} pixels")
        top, left = ((length - self.side) // 2 for length in pixels.shape[:2])
        return pixels[top : top + self.side, left : left + self.side]


def fingerprint(pixels: npt.NDArray[np.uint8]) -> str:
    """The sha256 of an image's size and pixels, (H, W, C) uint8."""
    head = "x".join(str(side) for side in pixels.shape).encode()
    return hashlib.sha256(head + b":" + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def open_set(
    name: str,
    *,
    data_dir: Path | None = None,
    gray: bool = False,
    report: StageReport | None = None,
) -> ImageSet:
    """Find the images of a named set, or of a folder, and check that they are what they should be.

    Args:
        name: A key of `catalog.SETS`, or a folder of clean images.
        data_dir: A folder that holds the named set, or a sub-folder of its name that does; None
            fetches it into the cache.
        gray: Measure a color set, or a folder, in gray. A folder of nothing but gray images
            always is; gray ones among color ones are measured as color.
        report: Told about downloads.

    Raises:
        UsageError: There is neither a set nor a folder of that name.
        DataError: Images are missing, altered, or can't be fetched.
    """
    if name not in SETS and Path(name).is_dir():
        return _open_folder(Path(name), gray)
    entry = find_set(name)
    folder = _fetch(entry, report) if data_dir is None else _beneath(data_dir, entry)
    files = _match(entry, folder)
    known = fingerprints(entry.name)
    if not known and data_dir is None:
        known = _first_seen(entry, folder, files)
    own = ImageSet(entry.name, entry.gray, files, known)
    for file in files if known else ():
        own.load(file)
    return ImageSet(entry.name, entry.gray or gray, files, known if entry.gray or not gray else {})


def _open_folder(folder: Path, gray: bool) -> ImageSet:
    files = tuple(file for file in sorted(folder.iterdir()) if images.looks_like_image(file))
    if not files:
        raise DataError(f"no images in {folder}")
    twice = {file.stem for file in files if sum(other.stem == file.stem for other in files) > 1}
    if twice:
        raise DataError(f"{folder} has several images called {min(twice)}: name them apart")
    return ImageSet(folder.resolve().name, gray or all(map(_is_gray, files)), files, {})


def _is_gray(file: Path) -> bool:
    try:
        return images.read(file).channels == 1
    except ImageReadError:  # its cells of the table will say so
        return True


def _beneath(data_dir: Path, entry: NamedSet) -> Path:
    """The folder of a set in a folder of sets, or the folder itself."""
    if not data_dir.is_dir():
        raise DataError(f"there is no folder {data_dir}")
    below = data_dir / entry.name
    return below if below.is_dir() else data_dir


def _match(entry: NamedSet, folder: Path) -> tuple[Path, ...]:
    """The files of a set in a folder, at any depth and in any format, in the set's order."""
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        if images.looks_like_image(file):
            found.setdefault(file.stem, file)
    missing = [name for name in entry.names if name not in found]
    if missing:
        raise DataError(
            f"{folder} lacks {len(missing)} of the {len(entry.names)} images of {entry.name}, "
            f"{missing[0]} first; they are at {entry.source}"
        )
    return tuple(found[name] for name in entry.names)


def _fetch(entry: NamedSet, report: StageReport | None) -> Path:
    """The folder of a set in the cache, filled if need be."""
    folder = cache_folder() / "sets" / entry.name
    try:
        if entry.archive is not None:
            return fetch_archive(
                entry.archive,
                folder,
                members=lambda name: name.endswith(entry.suffix),
                report=report,
            )
        remotes = entry.remotes()
        for number, (name, remote) in enumerate(remotes.items(), start=1):
            stage = f"downloading {entry.name}, image {number} of {len(remotes)}"
            target = folder / f"{name}{entry.suffix}"
            if not target.is_file():
                download(remote, target, report=report and partial(report, stage))
    except DataError as error:
        raise DataError(
            f"{entry.name} can't be fetched ({error}): get its {len(entry.names)} images from "
            f"{entry.source} and name their folder by --data-dir"
        ) from error
    return folder


def _first_seen(entry: NamedSet, folder: Path, files: tuple[Path, ...]) -> Mapping[str, str]:
    """The fingerprints of a fetched set as they were when it was first complete."""
    record = folder / _SEEN
    if record.is_file():
        try:
            seen: dict[str, str] = json.loads(record.read_text("utf-8"))
        except ValueError as error:
            raise DataError(f"{record} is damaged: remove it") from error
        return seen
    fresh = ImageSet(entry.name, entry.gray, files, {})
    seen = {file.stem: fresh.load(file).fingerprint for file in files}
    images.write_bytes(record, json.dumps(seen, indent=0).encode())
    return seen
