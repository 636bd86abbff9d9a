"""How much a file may ask for: pixels and memory, known from its header before any is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flowdenoise.errors import ImageReadError
from flowdenoise.system.rules import Range
from flowdenoise.system.typed import check

MAX_PIXELS = 1_000_000_000
"""Larger images are taken for decompression bombs unless the caller says otherwise."""

MAX_MEMORY = 2 * 2**30
"""Bytes that decoding may take, unless the file is so large that it deserves more."""

EXPANSION = 64
"""Bytes of memory that each byte of a file is good for: no photograph is compressed that far."""


@dataclass(frozen=True)
class Limits:
    """What decoding a file may take.

    Attributes:
        pixels: The most that a picture may have.
        memory: The most bytes that decoding it may take; None is `MAX_MEMORY`, or what the size
            of the file makes likely where that is more.
        file_size: Bytes of the file.
    """

    pixels: Annotated[int, Range(1)] = MAX_PIXELS
    memory: Annotated[int, Range(1)] | None = None
    file_size: int = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def most_memory(self) -> int:
        """Bytes that decoding the file may take."""
        return max(MAX_MEMORY, EXPANSION * self.file_size) if self.memory is None else self.memory

    def check(self, width: int, height: int, pixel_bytes: float) -> None:
        """Refuse a picture before any of it is decoded.

        Args:
            width: In pixels.
            height: In pixels.
            pixel_bytes: Memory that decoding takes for each pixel, the decoder's own included.

        Raises:
            ImageReadError: It has too many pixels, or they take too much memory.
        """
        if width * height > self.pixels:
            raise ImageReadError(
                f"{width}x{height} pixels are more than the limit of {self.pixels:,}; "
                "if you trust the file, raise `max_pixels`"
            )
        if (need := width * height * pixel_bytes) > self.most_memory:
            raise ImageReadError(
                f"decoding {width}x{height} pixels takes {need / 2**30:.1f} GiB of memory, more "
                f"than the limit of {self.most_memory / 2**30:.1f} GiB for a file of this size; "
                "if you trust the file, raise `max_memory`"
            )
