"""How much a file may ask for: pixels and memory, known from its header before any is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from flowdenoise.errors import ImageReadError, UsageError

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
        memory: The most bytes that decoding it may take.
    """

    pixels: int = MAX_PIXELS
    memory: int = MAX_MEMORY

    def __post_init__(self) -> None:
        if self.pixels < 1 or self.memory < 1:
            raise UsageError("the limits of pixels and of memory are at least 1")

    @classmethod
    def for_file(cls, size: int, pixels: int, memory: int | None) -> Limits:
        """The limits for a file of `size` bytes; `memory` None is as much as it deserves."""
        return cls(pixels, max(MAX_MEMORY, EXPANSION * size) if memory is None else memory)

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
                "if you trust the file, raise max_pixels (--max-pixels)"
            )
        if (need := width * height * pixel_bytes) > self.memory:
            raise ImageReadError(
                f"decoding {width}x{height} pixels takes {need / 2**30:.1f} GiB of memory, more "
                f"than the limit of {self.memory / 2**30:.1f} GiB for a file of this size; "
                "if you trust the file, raise max_memory (--max-memory)"
            )
