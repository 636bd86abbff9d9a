"""The strips and tiles of a TIFF page: decompressed, prediction undone, unpacked, as arrays.

    strips: full rows, `chunk_height` at a time; tiles: a grid of equal rectangles, the last ones
    reaching beyond the picture. Planar files hold all red chunks first, then green, then blue.

Source: TIFF Revision 6.0 (Adobe, 1992), sections 3 and 13 to 15; Adobe Photoshop TIFF Technical
Notes (2002) for deflate; TIFF Technical Note 3 (Adobe, 2005) for the prediction of floats.
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
from flowdenoise.images.limits import Limits
from flowdenoise.images.native_messages import no_native_messages
from flowdenoise.images.picture import Samples
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.directory import Tags
from flowdenoise.images.tiff.tags import Tag

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32946, 32773, 50000
_FAX = (2, 3, 4)
COMPRESSIONS = frozenset({_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD, *_FAX})
"""The compressions that `chunks` undoes, all without loss."""

_HORIZONTAL, _FLOAT = 2, 3  # predictors
_UNPACKED_BYTES = 2**18  # of packed samples that are unpacked at a time
_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1])


@dataclass(frozen=True)
class Layout:
    """How the pixels lie in a file.

    Attributes:
        width, height: The sides of the picture, in pixels.
        samples: The number of samples per pixel, alpha included.
        bits: The bits per sample; samples of 1 to 7 and of 9 to 15 bits are packed, and each row
            begins with a new byte.
        dtype: The type of an unpacked sample, with the file's byte order.
        compression, predictor: The numbers that TIFF gives them.
        fax_options: The options of the compressions 3 and 4.
        bits_reversed: Whether the first pixel is in the lowest bit of a byte.
        planar: Whether each channel is stored by itself.
        tiled: Whether the chunks are tiles.
        chunk_width, chunk_height: The sides of a chunk, in pixels.
        places: The offset and the size of each chunk in the file.
    """

    width: int
    height: int
    samples: int
    bits: int
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    fax_options: int
    bits_reversed: bool
    planar: bool
    tiled: bool
    chunk_width: int
    chunk_height: int
    places: tuple[tuple[int, int], ...]

    @property
    def grid(self) -> tuple[int, int]:
        """The number of chunks along the height and along the width."""
        return -(-self.height // self.chunk_height), -(-self.width // self.chunk_width)

    @property
    def planes(self) -> int:
        """The number of times that the grid is stored: once, or once for each channel."""
        return self.samples if self.planar else 1

    @property
    def row_bytes(self) -> int:
        """The bytes of a decompressed row of a chunk."""
        channels = 1 if self.planar else self.samples
        return -(-self.chunk_width * channels * self.bits // 8)

    def check(self, limits: Limits, file_size: int) -> None:
        """Refuse a layout that makes no sense, or a picture that is too large.

        Raises:
            ImageReadError: The sizes or the number of chunks can't be right, a chunk lies beyond
                the end of the file, or the picture is too large.
        """
        sizes = (self.width, self.height, self.samples, self.chunk_width, self.chunk_height)
        if min(sizes) < 1 or max(sizes) > 2**31:
            raise ImageReadError("damaged: the sizes in the TIFF directory make no sense")
        chunk_pixels = self.chunk_width * self.chunk_height
        if self.tiled and chunk_pixels > 4 * self.width * self.height + 2**20:
            raise ImageReadError("damaged: tiles larger than the picture")
        share = min(1.0, chunk_pixels / (self.width * self.height))
        pixel_bytes = self.samples * self.dtype.itemsize * (1 + 3 * share)
        limits.check(self.width, self.height, pixel_bytes)
        down, across = self.grid
        if len(self.places) < down * across * self.planes:
            raise ImageReadError("damaged: the TIFF directory lacks some of its strips or tiles")
        if any(place + size > file_size for place, size in self.places):
            raise ImageReadError("cut short: a strip or tile of the TIFF file is missing")
        if self.predictor not in (1, _HORIZONTAL, _FLOAT):
            raise ImageReadError(f"TIFF with predictor {self.predictor} is not supported")
        if self.predictor == _FLOAT and self.dtype.kind != "f":
            raise ImageReadError("damaged: integers stored with the prediction of floats")
        if self.predictor == _HORIZONTAL and self.bits % 8:
            raise ImageReadError(f"TIFF with predicted samples of {self.bits} bits")


Chunk = tuple[slice, slice, int | None, Samples]
"""Rows, columns, channel (None for all), and values (h, w, channels) in native byte order."""


def chunks(file: BinaryIO, layout: Layout) -> Iterator[Chunk]:
    """Decode one strip or tile after the other.

    Raises:
        ImageReadError: A strip or tile is damaged or missing.
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
    """Decode a chunk, (rows, columns, channels)."""
    channels = 1 if layout.planar else layout.samples
    shape = (layout.chunk_height if layout.tiled else height, layout.chunk_width, channels)
    expected = shape[0] * layout.row_bytes
    file.seek(offset)
    data = file.read(size)
    if layout.bits_reversed:
        data = _REVERSED[np.frombuffer(data, np.uint8)].tobytes()
    data = _decompressed(data, layout, shape[0])
    if len(data) < expected:
        raise ImageReadError("damaged: a strip or tile of the TIFF file is too short")
    if layout.bits % 8:
        return _unpacked(np.frombuffer(data, np.uint8, expected), layout, shape)
    if layout.predictor == _FLOAT:
        return _floats(np.frombuffer(data, np.uint8, expected), shape, layout.dtype.itemsize)
    values = np.frombuffer(data, layout.dtype, expected // layout.dtype.itemsize).reshape(shape)
    native = values.astype(layout.dtype.newbyteorder("="))
    if layout.predictor == _HORIZONTAL:
        whole = native.view(f"u{layout.dtype.itemsize}")
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return native


def _decompressed(data: bytes, layout: Layout, rows: int) -> bytes:
    """Undo the compression of a chunk, up to the bytes that it should have."""
    expected = rows * layout.row_bytes
    if layout.compression == _NONE:
        return data
    if layout.compression in (_DEFLATE, _OLD_DEFLATE):
        try:
            return zlib.decompressobj().decompress(data, expected)
        except zlib.error as error:
            raise ImageReadError("damaged: a strip or tile of the TIFF file") from error
    if layout.compression in _FAX:
        return _decompressed_by_pillow(data, layout, (layout.chunk_width, rows), bits=1)
    return _decompressed_by_pillow(data, layout, (expected, 1), bits=8)


def _decompressed_by_pillow(
    data: bytes, layout: Layout, size: tuple[int, int], *, bits: int
) -> bytes:
    """Let Pillow's libtiff decompress data as if they were a gray picture."""
    tags: Tags = {
        Tag.WIDTH: directory.long(size[0]),
        Tag.HEIGHT: directory.long(size[1]),
        Tag.BITS: directory.short(bits),
        Tag.COMPRESSION: directory.short(layout.compression),
        Tag.PHOTOMETRIC: directory.short(1),  # black is zero
        Tag.STRIP_PLACES: directory.long(8),
        Tag.SAMPLES_PER_PIXEL: directory.short(1),
        Tag.ROWS_PER_STRIP: directory.long(size[1]),
        Tag.STRIP_SIZES: directory.long(len(data)),
    }
    if layout.fax_options:
        option = Tag.T4_OPTIONS if layout.compression == _FAX[1] else Tag.T6_OPTIONS
        tags[option] = directory.long(layout.fax_options)
    data += bytes(len(data) % 2)
    place = 8 + len(data)
    head = b"II\x2a\x00" + place.to_bytes(4, "little")
    file = io.BytesIO(head + data + directory.pack(tags, place))
    try:
        with no_native_messages():
            return TiffImagePlugin.TiffImageFile(file).tobytes()
    except (OSError, ValueError) as error:
        raise ImageReadError("damaged: a strip or tile of the TIFF file") from error


def _unpacked(data: npt.NDArray[np.uint8], layout: Layout, shape: tuple[int, int, int]) -> Samples:
    """Unpack samples of 1 to 7 or 9 to 15 bits, each into an integer of its own."""
    rows, columns, channels = shape
    packed = data.reshape(rows, layout.row_bytes)
    values = np.empty((rows, columns * channels), layout.dtype.newbyteorder("="))
    weights = (1 << np.arange(layout.bits)[::-1]).astype(values.dtype)
    step = max(1, _UNPACKED_BYTES // layout.row_bytes)
    for top in range(0, rows, step):
        bits = np.unpackbits(packed[top : top + step], axis=1)[:, : values.shape[1] * layout.bits]
        values[top : top + step] = bits.reshape(len(bits), -1, layout.bits) @ weights
    return values.reshape(shape)


def _floats(data: npt.NDArray[np.uint8], shape: tuple[int, int, int], itemsize: int) -> Samples:
    """Undo the prediction of floats.

    Each row is stored as planes of bytes, the highest bytes of all values first, and then as
    differences of bytes that lie one pixel apart.
    """
    rows, columns, channels = shape
    apart = data.reshape(rows, columns * itemsize, channels)
    planes = np.cumsum(apart, axis=1, dtype=np.uint8).reshape(rows, itemsize, columns * channels)
    values = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{itemsize}")
    return values.astype(f"f{itemsize}").reshape(shape)
