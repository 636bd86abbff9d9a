"""The strips and tiles of a TIFF file: decompressed, prediction undone, as arrays.

    strips: full rows, `chunk_height` at a time; tiles: a grid of equal rectangles, the last ones
    reaching beyond the picture. Planar files hold all red chunks first, then green, then blue.

Source: TIFF Revision 6.0 (Adobe, 1992), sections 13 to 15; Adobe Photoshop TIFF Technical Notes
(2002) for deflate; TIFF Technical Note 3 (Adobe, 2005) for the prediction of floats.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images import ifd
from flowdenoise.images.picture import Samples
from flowdenoise.images.quiet import no_native_messages

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32946, 32773, 50000
LOSSLESS = frozenset({_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD})
"""The compressions that `chunks` undoes."""

_HORIZONTAL, _FLOAT = 2, 3  # predictors


@dataclass(frozen=True)
class Layout:
    """How the pixels lie in a file.

    Attributes:
        width, height: In pixels.
        samples: Per pixel, alpha included.
        dtype: Of a sample, with the file's byte order.
        compression, predictor: By their TIFF numbers.
        planar: Whether each channel is stored by itself.
        tiled: Whether the chunks are tiles.
        chunk_width, chunk_height: In pixels.
        places: Offset and size of each chunk in the file.
    """

    width: int
    height: int
    samples: int
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    planar: bool
    tiled: bool
    chunk_width: int
    chunk_height: int
    places: tuple[tuple[int, int], ...]

    @property
    def grid(self) -> tuple[int, int]:
        """Chunks along the height and along the width."""
        return -(-self.height // self.chunk_height), -(-self.width // self.chunk_width)

    @property
    def planes(self) -> int:
        """How often the grid is stored: once, or once for each channel."""
        return self.samples if self.planar else 1

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ImageReadError: It doesn't.
        """
        sizes = (self.width, self.height, self.samples, self.chunk_width, self.chunk_height)
        if min(sizes) < 1 or max(sizes) > 2**31:
            raise ImageReadError("damaged: the sizes in the TIFF directory make no sense")
        if (
            self.tiled
            and self.chunk_width * self.chunk_height > 4 * self.width * self.height + 2**20
        ):
            raise ImageReadError("damaged: tiles larger than the picture")
        down, across = self.grid
        if len(self.places) < down * across * self.planes:
            raise ImageReadError("damaged: the TIFF directory lacks some of its strips or tiles")
        if self.predictor not in (1, _HORIZONTAL, _FLOAT):
            raise ImageReadError(f"TIFF with predictor {self.predictor} is not supported")
        if self.predictor == _FLOAT and self.dtype.kind != "f":
            raise ImageReadError("damaged: integers stored with the prediction of floats")


Chunk = tuple[slice, slice, int | None, Samples]
"""Rows, columns, channel (None: all of them), and the values, (h, w, channels), native order."""


def chunks(file: BinaryIO, layout: Layout) -> Iterator[Chunk]:
    """Decode one strip or tile after the other.

    Raises:
        ImageReadError: One is damaged or not there.
    """
    down, across = layout.grid
    places = iter(layout.places)
    for plane in range(layout.planes):
        for row in range(down):
            top = row * layout.chunk_height
            height = min(layout.chunk_height, layout.height - top)
            for column in range(across):
                left = column * layout.chunk_width
                width = min(layout.chunk_width, layout.width - left)
                values = _chunk(file, layout, *next(places), height)[:height, :width]
                rows, columns = slice(top, top + height), slice(left, left + width)
                yield rows, columns, plane if layout.planar else None, values


def _chunk(file: BinaryIO, layout: Layout, offset: int, size: int, height: int) -> Samples:
    """Decode a chunk: (rows, columns, channels)."""
    channels = 1 if layout.planar else layout.samples
    shape = (layout.chunk_height if layout.tiled else height, layout.chunk_width, channels)
    expected = int(np.prod(shape, dtype=object)) * layout.dtype.itemsize
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        raise ImageReadError("cut short: a strip or tile of the TIFF file is missing")
    data = _decompressed(data, layout.compression, expected)
    if len(data) < expected:
        raise ImageReadError("damaged: a strip or tile of the TIFF file is too short")
    if layout.predictor == _FLOAT:
        return _floats(np.frombuffer(data, np.uint8, expected), shape)
    values = np.frombuffer(data, layout.dtype, expected // layout.dtype.itemsize).reshape(shape)
    native = values.astype(layout.dtype.newbyteorder("="))
    if layout.predictor == _HORIZONTAL:
        whole = native.view(f"u{layout.dtype.itemsize}")
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return native


def _decompressed(data: bytes, compression: int, expected: int) -> bytes:
    """Undo a compression, up to `expected` bytes."""
    if compression == _NONE:
        return data
    if compression in (_DEFLATE, _OLD_DEFLATE):
        try:
            return zlib.decompressobj().decompress(data, expected)
        except zlib.error as error:
            raise ImageReadError("damaged: a strip or tile of the TIFF file") from error
    return _decompressed_by_pillow(data, compression, expected)


def _decompressed_by_pillow(data: bytes, compression: int, expected: int) -> bytes:
    """Let libtiff, through Pillow, decompress: as a gray picture that is one row of bytes."""
    tags: ifd.Tags = {
        256: ifd.long(expected),  # width
        257: ifd.long(1),  # height
        258: ifd.short(8),  # bits
        259: ifd.short(compression),
        262: ifd.short(1),  # black is zero
        273: ifd.long(8),  # the strip's place
        277: ifd.short(1),  # samples per pixel
        278: ifd.long(1),  # rows per strip
        279: ifd.long(len(data)),
    }
    data += bytes(len(data) % 2)
    place = 8 + len(data)
    head = b"II\x2a\x00" + place.to_bytes(4, "little")
    file = io.BytesIO(head + data + ifd.pack(tags, place))
    try:
        with no_native_messages():
            return TiffImagePlugin.TiffImageFile(file).tobytes()
    except (OSError, ValueError) as error:
        raise ImageReadError("damaged: a strip or tile of the TIFF file") from error


def _floats(data: npt.NDArray[np.uint8], shape: tuple[int, int, int]) -> Samples:
    """Undo the prediction of floats.

    Each row is stored as four planes of bytes, the highest bytes of all values first, and then as
    differences of bytes that lie one pixel apart.
    """
    rows, columns, channels = shape
    apart = data.reshape(rows, columns * 4, channels)
    planes = np.cumsum(apart, axis=1, dtype=np.uint8).reshape(rows, 4, columns * channels)
    values = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(">f4")
    return values.astype(np.float32).reshape(shape)
