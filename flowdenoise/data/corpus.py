"""A corpus: many decoded images in one tensor of bytes, so that cutting a patch is indexing.

Decoding a JPEG costs far more than a training step's share of it. All images are decoded once
and their pixels are laid end to end in one (pixels, channels) uint8 tensor, on the training device
where they fit, otherwise in a memory-mapped file that the operating system pages in as needed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.errors import DataError, ImageError
from flowdenoise.images import Found
from flowdenoise.system.atomic import replacing
from flowdenoise.system.cache import exclusive
from flowdenoise.system.paths import is_named, real
from flowdenoise.system.typed import from_json

OnSkip = Callable[[Path, str], None]
"""Called with each file that is left out and a line that names it and says why."""


def _tell_nobody(file: Path, why: str) -> None:
    """Say nothing of a file that is left out."""


Pixels = npt.NDArray[np.uint8]
"""(H, W, C), an image as it is decoded."""


@dataclass(frozen=True)
class Corpus:
    """Decoded images, end to end.

    Attributes:
        pixels: The pixels of all images, row by row, (N, C) uint8.
        offsets: The place in `pixels` where each image begins, (I,) int64.
        heights, widths: The sizes of the images, (I,) int64.
        keys: A number that belongs to each image's name, whatever corpus it is in, (I,) int32.
        names: The images' names: their paths below the folders that were searched, with slashes.
    """

    pixels: Tensor
    offsets: Tensor
    heights: Tensor
    widths: Tensor
    keys: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def channels(self) -> int:
        """3 for color, 1 for gray."""
        return self.pixels.shape[1]

    def image(self, index: int) -> Tensor:
        """Image `index` as (C, H, W) uint8."""
        start = int(self.offsets[index])
        height, width = int(self.heights[index]), int(self.widths[index])
        flat = self.pixels[start : start + height * width]
        return flat.reshape(height, width, -1).permute(2, 0, 1)

    def at_least(self, side: int) -> Corpus:
        """The images whose sides have at least so many pixels.

        Raises:
            DataError: There is none.
        """
        large = torch.minimum(self.heights, self.widths) >= side
        if not large.any():
            raise DataError(f"no image has sides of at least {side} pixels")
        parts = ("offsets", "heights", "widths", "keys")
        kept = {name: getattr(self, name)[large] for name in parts}
        names = tuple(name for name, one in zip(self.names, large.tolist(), strict=True) if one)
        return replace(self, **kept, names=names)

    def to(self, device: torch.device | str) -> Corpus:
        """A copy of the corpus on another device."""
        move = {
            name: getattr(self, name).to(device)
            for name in ("pixels", "offsets", "heights", "widths", "keys")
        }
        return replace(self, **move)


def load_corpus(
    paths: Sequence[Path],
    *,
    channels: int,
    smallest: int = 1,
    on_skip: OnSkip | None = None,
    cache: Path | None = None,
) -> Corpus:
    """Decode images into a corpus.

    What can't be used is left out: pictures that can't be read or are too small, links to
    nothing, pipes and the like, folders that can't be searched, and files whose names are not
    UTF-8.

    Args:
        paths: Files and folders; folders are searched with their sub-folders.
        channels: 3 decodes to RGB, 1 to gray.
        smallest: Images with a side below this are left out.
        on_skip: Called with each file or folder that is left out, and the reason.
        cache: A file for the pixels; they are then memory-mapped instead of held in memory. It
            is used again when it belongs to the same files and is as it was written.

    Raises:
        DataError: A path does not exist, no image can be used, or the cache can't be written.
    """
    skip = on_skip or _tell_nobody
    files = find_images(paths, skip)
    return decode(files, channels=channels, smallest=smallest, on_skip=skip, cache=cache)


def decode(
    files: Sequence[Found],
    *,
    channels: int,
    smallest: int = 1,
    on_skip: OnSkip | None = None,
    cache: Path | None = None,
) -> Corpus:
    """Decode images that were found into a corpus: see `load_corpus`.

    Args:
        files: The images, from `find_images`.
        channels: 3 decodes to RGB, 1 to gray.
        smallest: Images with a side below this are left out.
        on_skip: Called with each file that is left out, and the reason.
        cache: A file for the pixels.

    Raises:
        DataError: No image can be used, or the cache can't be written.
    """
    skip = on_skip or _tell_nobody
    wanted = _Wanted(tuple(files), channels, smallest)
    if cache is not None:
        with exclusive(cache):  # so that processes that share a run decode once
            return _open_cache(cache, wanted, skip) or _make_cache(cache, wanted, skip)
    decoded = list(_decode(wanted, skip))
    sizes = [image.shape[:2] for _, image in decoded]
    flat = np.concatenate([image.reshape(-1, channels) for _, image in decoded])
    return _corpus(torch.from_numpy(flat), [name for name, _ in decoded], sizes)


def list_images(paths: Sequence[Path], on_skip: OnSkip | None = None) -> list[Path]:
    """The paths of all image files at `paths`: see `find_images`."""
    return [file.path for file in find_images(paths, on_skip)]


def name_of(file: Found) -> str:
    """The name of an image in a corpus: its path below the folder that was searched.

    So pictures of one name in several sub-folders are told apart, and where the folder lies does
    not matter.
    """
    return file.place.as_posix()


def find_images(paths: Sequence[Path], on_skip: OnSkip | None = None) -> list[Found]:
    """All image files at `paths`, in a fixed order; of several names of a file the first.

    Args:
        paths: Files and folders; folders are searched with their sub-folders.
        on_skip: Called with each file or folder that was met and not taken, and the reason.

    Raises:
        DataError: A path does not exist, or no image file is found.
    """
    skip = on_skip or _tell_nobody
    files: dict[Path, Found] = {}
    for path in paths:
        if not is_named(path):
            raise DataError(f"no such file or folder: {path}")
        search = images.Search(recursive=True)
        search.add(str(path))
        for item in search.left_out:
            place = Path(item.path)
            skip(place, f"{_printable(place)}: {item.reason}")
        for file in sorted(search.found, key=lambda found: found.path):
            if images.looks_like_image(file.path):
                files.setdefault(real(file.path), file)
    if not files:
        raise DataError(f"no image files in {', '.join(map(str, paths))}")
    return list(files.values())


@dataclass(frozen=True)
class _Wanted:
    """Which files shall become a corpus, and how: see `load_corpus`."""

    files: tuple[Found, ...]
    channels: int
    smallest: int

    def fingerprint(self) -> str:
        """A digest of all that the corpus depends on."""
        digest = hashlib.sha256(f"{self.channels}:{self.smallest}".encode())
        for file in self.files:
            digest.update(os.fsencode(f"{os.path.realpath(file.path)}:{name_of(file)}"))
            if file.path.is_file():
                status = file.path.stat()
                digest.update(f":{status.st_size}:{status.st_mtime_ns}".encode())
        return digest.hexdigest()


def _decode(wanted: _Wanted, skip: OnSkip) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of each image that can be used.

    Raises:
        DataError: No image can be used.
    """
    used = 0
    for file in wanted.files:
        image = _usable(file.path, wanted)
        if isinstance(image, str):
            skip(file.path, image)
        else:
            used += 1
            yield name_of(file), image
    if not used:
        raise DataError(
            f"no usable image among {len(wanted.files)} files, "
            f"{_printable(wanted.files[0].path)} first"
        )


def _usable(file: Path, wanted: _Wanted) -> Pixels | str:
    """The pixels of a file, or why it can't be used."""
    name = _printable(file)
    if name != str(file):
        return f"the name of {name} is not UTF-8"
    if not file.is_file():
        return f"{name} is {'a link to nothing' if file.is_symlink() else 'no regular file'}"
    try:
        image = images.read_uint8(file, wanted.channels)
    except ImageError as error:
        return str(error)
    height, width = image.shape[:2]
    if min(height, width) < wanted.smallest:
        return f"{name} has {width}x{height} pixels, fewer than {wanted.smallest} on a side"
    return image


def _printable(file: Path) -> str:
    """The path, bytes that are no UTF-8 written as escapes."""
    return str(file).encode(errors="backslashreplace").decode()


def _corpus(pixels: Tensor, names: Sequence[str], sizes: Sequence[tuple[int, ...]]) -> Corpus:
    shapes = torch.tensor(sizes, dtype=torch.int64)
    counts = shapes[:, 0] * shapes[:, 1]
    digests = [hashlib.sha256(name.encode()).digest()[:4] for name in names]
    keys = torch.tensor([int.from_bytes(digest, signed=True) for digest in digests])
    starts = counts.cumsum(0) - counts
    return Corpus(pixels, starts, shapes[:, 0], shapes[:, 1], keys.int(), tuple(names))


@dataclass(frozen=True)
class _Index:
    """What a cache file holds, written beside it.

    Attributes:
        fingerprint: Digest of the files, as `_Wanted.fingerprint` makes it.
        sha256: Digest of the pixels.
        names: The images' names.
        sizes: Height and width of each.
        skipped: What was left out, and why.
    """

    fingerprint: str
    sha256: str
    names: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    skipped: tuple[tuple[str, str], ...]


def _make_cache(cache: Path, wanted: _Wanted, skip: OnSkip) -> Corpus:
    """Decode into a cache file and write its index; each appears whole or not at all."""
    names: list[str] = []
    sizes: list[tuple[int, int]] = []
    skipped: list[tuple[str, str]] = []
    digest = hashlib.sha256()

    def keep(file: Path, why: str) -> None:
        skipped.append((_printable(file), why))
        skip(file, why)

    try:
        with replacing(cache) as stream:
            for name, image in _decode(wanted, keep):
                data = np.ascontiguousarray(image).tobytes()
                stream.write(data)
                digest.update(data)
                names.append(name)
                sizes.append((image.shape[0], image.shape[1]))
        index = _Index(
            wanted.fingerprint(), digest.hexdigest(), tuple(names), tuple(sizes), tuple(skipped)
        )
        with replacing(cache.with_suffix(".json")) as stream:
            stream.write(json.dumps(asdict(index)).encode())
    except OSError as error:
        raise DataError(f"can't write the cache {cache}: {error.strerror or error}") from error
    return _mapped(cache, wanted.channels, index)


def _open_cache(cache: Path, wanted: _Wanted, skip: OnSkip) -> Corpus | None:
    """The cached corpus, if it was made of the same files and no byte of it has changed."""
    try:
        index = from_json(json.loads(cache.with_suffix(".json").read_bytes()), _Index, "the index")
        if index.fingerprint != wanted.fingerprint():
            return None
        with cache.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != index.sha256:
                return None
    except (OSError, ValueError, RecursionError):  # there is none, or none that can be used
        return None
    for file, why in index.skipped:
        skip(Path(file), why)
    return _mapped(cache, wanted.channels, index)


def _mapped(cache: Path, channels: int, index: _Index) -> Corpus:
    count = sum(height * width for height, width in index.sizes)
    mapped = np.memmap(cache, dtype=np.uint8, mode="c", shape=(count, channels))
    return _corpus(torch.from_numpy(mapped), index.names, index.sizes)
