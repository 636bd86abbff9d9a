"""Images to measure on: a named set, fetched or in a folder that stands in for it, or any folder.

Some sets are pairs: a photograph with noise, and the truth, mostly the mean of many shots. The
ends of the files' names tell which is which (`catalog.PAIR_ENDS`).

An image is known by its fingerprint, a hash of its pixels, so that the same image in another file
format or compression is the same image, and an altered one is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.benchmark.catalog import PAIR_ENDS, SETS, NamedSet, find_set, fingerprints
from flowdenoise.data.download import StageReport, download, fetch_archive
from flowdenoise.errors import DataError, ImageReadError
from flowdenoise.system.cache import cache_folder
from flowdenoise.system.rules import COLORS

_SEEN = "fingerprints.json"


Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """A clean image, or a pair, decoded.

    Attributes:
        name: Of its file, without the ending.
        clean: (C, H, W), [0, 1], whole 255ths.
        fingerprint: sha256 of its pixels.
        noisy: The photograph with noise, like `clean`, if this is a pair.
    """

    name: str
    clean: Tensor
    fingerprint: str
    noisy: Tensor | None = None


@dataclass(frozen=True)
class ImageSet:
    """Images to measure on.

    Attributes:
        name: Of the set or the folder.
        gray: Whether they are measured in gray.
        files: Of the clean images, in the order of their names.
        known: What the fingerprints must be, by name, as far as that is known.
        partners: The photographs with noise of a set of pairs, by the file of the clean image.
        side: Only the middle of each image is measured, a square of this side; 0 is all of it.
    """

    name: str
    gray: bool
    files: tuple[Path, ...]
    known: Mapping[str, str]
    partners: Mapping[Path, Path] = field(default_factory=dict)
    side: int = 0

    @property
    def kind(self) -> str:
        """`gray` or `color`."""
        return COLORS[self.channels]

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
        """What results call the image, or pair, of a clean file."""
        return _pair_name(file.stem, PAIR_ENDS.values()) if file in self.partners else file.stem

    def _cut(self, pixels: Pixels, file: Path) -> Pixels:
        if min(pixels.shape[:2]) < self.side:
            raise DataError(f"{file} is smaller than {self.side} pixels")
        top, left = ((length - self.side) // 2 for length in pixels.shape[:2])
        return pixels[top : top + self.side, left : left + self.side]


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)


def fingerprint(*pictures: Pixels) -> str:
    """The sha256 of the sizes and pixels of an image, or of both of a pair, (H, W, C) uint8."""
    digest = hashlib.sha256()
    for pixels in pictures:
        digest.update("x".join(str(side) for side in pixels.shape).encode() + b":")
        digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def open_set(
    name: str,
    *,
    data_dir: Path | None = None,
    gray: bool = False,
    report: StageReport | None = None,
) -> ImageSet:
    """Find the images of a named set, or of a folder, and check that they are what they should be.

    Args:
        name: A key of `catalog.SETS`, or a folder of clean images or of pairs.
        data_dir: A folder that holds the set, or a sub-folder of its name that does; None
            fetches a named set into the cache.
        gray: Measure a color set, or a folder, in gray. A folder of nothing but gray images
            always is; gray ones among color ones are measured as color.
        report: Told about downloads.

    Raises:
        UsageError: There is neither a set nor a folder of that name.
        DataError: Images are missing, altered, or can't be fetched.
    """
    if name not in SETS:
        for folder in (Path(name), *((data_dir / name,) if data_dir else ())):
            if folder.is_dir():
                return _open_folder(folder, gray)
    entry = find_set(name)
    folder = _fetch(entry, report) if data_dir is None else _beneath(data_dir, entry)
    own = _match(entry, folder)
    known = fingerprints(entry.name)
    if not known and data_dir is None:
        known = _first_seen(own, folder)
    own = replace(own, known=known)
    for file in own.files if known else ():
        own.load(file)
    return replace(own, gray=True, known={}) if gray and not entry.gray else own


def _open_folder(folder: Path, gray: bool) -> ImageSet:
    files = [file for file in sorted(folder.iterdir()) if images.looks_like_image(file)]
    if not files:
        raise DataError(f"no images in {folder}")
    stems = [file.stem for file in files]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    if twice:
        raise DataError(f"{folder} has several images called {min(twice)}: name them apart")
    pairs = _pairs(files)
    alone = [file for file in files if file not in pairs and file not in pairs.values()]
    if pairs and alone:
        raise DataError(f"{folder} has pairs, and {alone[0].name}, which has no partner")
    clean = tuple(pairs or files)
    return ImageSet(folder.resolve().name, gray or all(map(_is_gray, clean)), clean, {}, pairs)


def _pairs(files: Iterable[Path]) -> dict[Path, Path]:
    """The photographs with noise by the files of their clean partners."""
    by_stem = {file.stem: file for file in files}
    found = {}
    for stem, file in by_stem.items():
        for noisy_end, clean_end in PAIR_ENDS.items():
            partner = by_stem.get(stem.removesuffix(noisy_end) + clean_end)
            if stem.endswith(noisy_end) and partner is not None:
                found[partner] = file
    return dict(sorted(found.items()))


def _pair_name(stem: str, ends: Iterable[str]) -> str:
    return next((stem.removesuffix(end) for end in ends if stem.endswith(end)), stem)


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


def _match(entry: NamedSet, folder: Path) -> ImageSet:
    """A set in a folder, at any depth and in any format, in the set's order."""
    every = [file for file in sorted(folder.rglob("*")) if images.looks_like_image(file)]
    pairs = _pairs(every) if entry.noisy else {}
    found: dict[str, Path] = {}
    for file in pairs or every:
        name = _pair_name(file.stem, PAIR_ENDS.values()) if entry.noisy else file.stem
        found.setdefault(name, file)
    names = entry.names or tuple(sorted(found))
    missing = [name for name in names if name not in found]
    if missing or len(names) != entry.count:
        lacking = len(missing) or entry.count - len(names)
        first = f", {missing[0]} first" if missing else ""
        raise DataError(
            f"{folder} lacks {lacking} of the {entry.count} images of {entry.name}{first}; "
            f"they are at {entry.source}"
        )
    files = tuple(found[name] for name in names)
    partners = {file: pairs[file] for file in files if file in pairs}
    return ImageSet(entry.name, entry.gray, files, {}, partners)


def _fetch(entry: NamedSet, report: StageReport | None) -> Path:
    """The folder of a set in the cache, filled if need be."""
    folder = cache_folder() / "sets" / entry.name
    try:
        if entry.archive is not None:
            suffix = entry.clean.partition("{}")[2]
            return fetch_archive(
                entry.archive,
                folder,
                members=lambda name: name.endswith(suffix),
                report=report,
            )
        names = entry.names
        if entry.listing is not None:
            names = entry.listed(download(entry.listing, folder / "listing.json").read_bytes())
        remotes = entry.remotes(names)
        for number, (name, remote) in enumerate(remotes.items(), start=1):
            stage = f"downloading {entry.name}, image {number} of {len(remotes)}"
            if not (folder / name).is_file():
                download(remote, folder / name, report=report and partial(report, stage))
    except DataError as error:
        raise DataError(
            f"{entry.name} can't be fetched ({error}): get its {entry.count} images from "
            f"{entry.source} and name their folder as `data_dir`"
        ) from error
    return folder


def _first_seen(own: ImageSet, folder: Path) -> Mapping[str, str]:
    """The fingerprints of a fetched set as they were when it was first complete."""
    record = folder / _SEEN
    if record.is_file():
        try:
            seen: dict[str, str] = json.loads(record.read_text("utf-8"))
        except ValueError as error:
            raise DataError(f"{record} is damaged: remove it") from error
        return seen
    seen = {own.name_of(file): own.load(file).fingerprint for file in own.files}
    images.write_bytes(record, json.dumps(seen, indent=0).encode())
    return seen
