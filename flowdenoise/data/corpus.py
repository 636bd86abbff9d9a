"""A corpus: many decoded images in one tensor of bytes, so that cutting a patch is indexing.

Decoding a JPEG costs far more than a training step's share of it. All images are decoded once
and their pixels laid end to end in one (pixels, channels) uint8 tensor, on the training device
where they fit, else in a memory-mapped file that the operating system pages in as needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from flowdenoise import images
from flowdenoise.errors import DataError, ImageError

OnSkip = Callable[[Path, str], None]
"""Called with each file that is left out and the reason."""


@dataclass(frozen=True)
class Corpus:
    """Decoded images, end to end.

    Attributes:
        pixels: (N, C) uint8; the pixels of all images, row by row.
        offsets: (I,) int64, where each image begins in `pixels`.
        heights, widths: (I,) int64.
        keys: (I,) int32, a number that belongs to each image's name, whatever corpus it is in.
        names: The images' names.
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

    def to(self, device: torch.device | str) -> Corpus:
        """The same corpus on another device."""
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

    Args:
        paths: Files and folders; folders are searched with their sub-folders.
        channels: 3 decodes to RGB, 1 to gray.
        smallest: Images with a side below this are left out.
        on_skip: Told about each image that is left out, and why.
        cache: A file for the pixels; they are then memory-mapped instead of held in memory.
            It is reused when it belongs to the same files.

    Raises:
        DataError: A path is not there, or no image is left.
    """
    files = list_images(paths)
    if cache is not None and (ready := _open_cache(cache, files, channels, smallest)):
        return ready
    writer = _Collector(cache)
    for file in files:
        try:
            pixels = images.read_uint8(file, channels)
        except ImageError as error:
            if on_skip:
                on_skip(file, str(error))
            continue
        if min(pixels.shape[:2]) < smallest:
            if on_skip:
                on_skip(file, f"{pixels.shape[1]}x{pixels.shape[0]} is below {smallest} pixels")
            continue
        writer.add(file.name, pixels)
    if not writer.names:
        raise DataError(
            f"no usable image among {len(files)} files in {', '.join(map(str, paths))}"
        )
    return writer.finish(_fingerprint(files, channels, smallest))


def list_images(paths: Sequence[Path]) -> list[Path]:
    """All image files at `paths`, in a fixed order, without duplicates.

    Raises:
        DataError: A path is not there, or there is no image file.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f"no such file or folder: {path}")
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        files.update((file, None) for file in found if images.looks_like_image(file))
    if not files:
        raise DataError(f"no image files in {', '.join(map(str, paths))}")
    return list(files)


class _Collector:
    """Lays the pixels of image after image end to end, in memory or in a file."""

    def __init__(self, cache: Path | None) -> None:
        self.cache = cache
        self.parts: list[np.ndarray] = []
        self.names: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.file = None
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            self.file = cache.with_suffix(".part").open("wb")

    def add(self, name: str, pixels: np.ndarray) -> None:
        """Take one (H, W, C) uint8 image."""
        self.names.append(name)
        self.sizes.append((pixels.shape[0], pixels.shape[1]))
        if self.file is not None:
            self.file.write(np.ascontiguousarray(pixels).tobytes())
        else:
            self.parts.append(pixels.reshape(-1, pixels.shape[2]))

    def finish(self, fingerprint: str) -> Corpus:
        """Build the corpus; a cache file gets its final name only now."""
        if self.file is None or self.cache is None:
            return _corpus(torch.from_numpy(np.concatenate(self.parts)), self.names, self.sizes)
        self.file.close()
        self.cache.with_suffix(".part").replace(self.cache)
        index = {"fingerprint": fingerprint, "names": self.names, "sizes": self.sizes}
        self.cache.with_suffix(".json").write_text(json.dumps(index))
        return _map_cache(self.cache, self.names, self.sizes)


def _corpus(pixels: Tensor, names: Sequence[str], sizes: Sequence[tuple[int, int]]) -> Corpus:
    shapes = torch.tensor(sizes, dtype=torch.int64)
    counts = shapes[:, 0] * shapes[:, 1]
    digests = [hashlib.sha256(name.encode()).digest()[:4] for name in names]
    keys = torch.tensor([int.from_bytes(digest, signed=True) for digest in digests])
    starts = counts.cumsum(0) - counts
    return Corpus(pixels, starts, shapes[:, 0], shapes[:, 1], keys.int(), tuple(names))


def _fingerprint(files: Sequence[Path], channels: int, smallest: int) -> str:
    digest = hashlib.sha256(f"{channels}:{smallest}".encode())
    for file in files:
        status = file.stat()
        digest.update(f"{file.resolve()}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _open_cache(cache: Path, files: Sequence[Path], channels: int, smallest: int) -> Corpus | None:
    """The cached corpus, if it is whole and was made of the same files."""
    index_file = cache.with_suffix(".json")
    if not (cache.exists() and index_file.exists()):
        return None
    index = json.loads(index_file.read_text())
    if index.get("fingerprint") != _fingerprint(files, channels, smallest):
        return None
    sizes = [(int(height), int(width)) for height, width in index["sizes"]]
    if cache.stat().st_size != channels * sum(height * width for height, width in sizes):
        return None
    return _map_cache(cache, index["names"], sizes)


def _map_cache(cache: Path, names: Sequence[str], sizes: Sequence[tuple[int, int]]) -> Corpus:
    count = sum(height * width for height, width in sizes)
    channels = cache.stat().st_size // count
    mapped = np.memmap(cache, dtype=np.uint8, mode="c", shape=(count, channels))
    return _corpus(torch.from_numpy(mapped), names, sizes)
