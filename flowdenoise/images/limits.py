"""How many pixels and how much memory a file may take, checked by its header before decoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flowdenoise.errors import ImageReadError
from flowdenoise.system.rules import Range
from flowdenoise.system.typed import check

MAX_PIXELS = 1_000_000_000
"""The most pixels of an image, unless the caller says otherwise: more are likely an attack."""

MAX_MEMORY = 2 * 2**30
"""The bytes that decoding may take, unless the file is so large that it may take more."""

EXPANSION = 64
"""The bytes of memory allowed for each byte of a file: no photograph is compressed that far."""


@dataclass(frozen=True)
class Limits:
    """What decoding a file may take.

    Attributes:
        pixels: The most pixels that a picture may have.
        memory: The most bytes that decoding may take; None allows `MAX_MEMORY`, or more where the
            file is large.
        file_size: The size of the file, in bytes.
    """

    pixels: Annotated[int, Range(1)] = MAX_PIXELS
    memory: Annotated[int, Range(1)] | None = None
    file_size: int = 0

    def __post_init__(self) -> None:
        check(self)

    @property
    def most_memory(self) -> int:
        """The bytes that decoding the file may take."""
        return max(MAX_MEMORY, EXPANSION * self.file_size) if self.memory is None else self.memory

    def check(self, width: int, height: int, pixel_bytes: float) -> None:
        """Refuse a picture before any of it is decoded.

        Args:
            width: The width, in pixels.
            height: The height, in pixels.
            pixel_bytes: The bytes that decoding takes for each pixel, those of the decoder itself
                included.

        Raises:
            ImageReadError: The picture has too many pixels or takes too much memory.
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
