"""Writing TIFF: integers and floats, gray or RGB, with alpha and all metadata, deflated.

Each page consists of its directory and then its strips. Integers are stored as differences to the
left neighbor, which every reader knows and which makes photographs a third smaller; floats are
stored as they are.

Source: TIFF Revision 6.0 (Adobe, 1992); Adobe Photoshop TIFF Technical Notes (2002) for deflate.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from flowdenoise.errors import ImageWriteError
from flowdenoise.images.picture import Picture, Samples
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.described import to_tags
from flowdenoise.images.tiff.directory import Tags
from flowdenoise.images.tiff.tags import Tag

_DEFLATE, _DIFFERENCES, _NOT_PREMULTIPLIED = 8, 2, 2
_BLACK_IS_ZERO, _RGB = 1, 2
_SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
_STRIP_BYTES = 2**18
_LEVEL = 1
_LARGEST = 2**32 - 1  # places are 32-bit numbers


def write_tiff(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture as a TIFF file of one page; the quality is ignored.

    Raises:
        ImageWriteError: The file would grow beyond 4 GiB, the limit of the format.
    """
    write_tiff_pages([picture], file)


def write_tiff_pages(pictures: Iterable[Picture], file: BinaryIO) -> None:
    """Encode pictures as the pages of a little-endian TIFF file, one after the other.

    Args:
        pictures: The pictures, each of which is taken when the one before is written.
        file: A seekable and empty file.

    Raises:
        ImageWriteError: The file would grow beyond 4 GiB, the limit of the format.
    """
    file.write(b"II\x2a\x00" + bytes(4))
    link = 4  # where the place of the next directory stands
    for picture in pictures:
        place = file.tell() + file.tell() % 2
        file.seek(link)
        file.write(struct.pack("<I", place))
        link = _write_page(picture, file, place)
        file.seek(0, io.SEEK_END)


def _write_page(picture: Picture, file: BinaryIO, place: int) -> int:
    """Write a page's directory at `place`, and its strips; return where the next link stands."""
    row_bytes = picture.width * _samples(picture) * picture.samples.dtype.itemsize
    step = min(picture.height, max(1, _STRIP_BYTES // row_bytes))
    metadata = to_tags(picture.metadata)
    unknown = [0] * -(-picture.height // step)
    tags = {**metadata, **_layout_tags(picture, step, unknown, unknown)}
    file.seek(place)
    file.write(directory.pack(tags, place))  # keeps the room for the final one, as long
    places, sizes = [], []
    for top in range(0, picture.height, step):
        strip = _compressed(_strip(picture, slice(top, top + step)))
        places.append(file.tell())
        sizes.append(len(strip))
        file.write(strip)
        if file.tell() > _LARGEST:
            raise ImageWriteError("TIFF files end at 4 GiB: write it as PNG")
    file.seek(place)
    tags = {**metadata, **_layout_tags(picture, step, places, sizes)}
    file.write(directory.pack(tags, place))
    return place + 2 + 12 * len(tags)


def _samples(picture: Picture) -> int:
    """The number of samples per pixel."""
    return picture.channels + (picture.alpha is not None)


def _layout_tags(picture: Picture, step: int, places: list[int], sizes: list[int]) -> Tags:
    samples, kind = _samples(picture), picture.samples.dtype.kind
    bits = picture.source_bits if picture.is_packed else 8 * picture.samples.dtype.itemsize
    tags: Tags = {
        Tag.WIDTH: directory.long(picture.width),
        Tag.HEIGHT: directory.long(picture.height),
        Tag.BITS: directory.short(*[bits] * samples),
        Tag.COMPRESSION: directory.short(_DEFLATE),
        Tag.PHOTOMETRIC: directory.short(_RGB if picture.channels == 3 else _BLACK_IS_ZERO),
        Tag.STRIP_PLACES: directory.long(*places),
        Tag.SAMPLES_PER_PIXEL: directory.short(samples),
        Tag.ROWS_PER_STRIP: directory.long(step),
        Tag.STRIP_SIZES: directory.long(*sizes),
        Tag.PLANAR: directory.short(1),  # the channels of a pixel lie together
        Tag.PREDICTOR: directory.short(_DIFFERENCES if _is_predicted(picture) else 1),
        Tag.SAMPLE_FORMAT: directory.short(*[_SAMPLE_FORMATS[kind]] * samples),
    }
    if picture.alpha is not None:
        tags[Tag.EXTRA_SAMPLES] = directory.short(_NOT_PREMULTIPLIED)
    return tags


def _is_predicted(picture: Picture) -> bool:
    return picture.samples.dtype.kind != "f" and not picture.is_packed


def _strip(picture: Picture, rows: slice) -> bytes:
    """The bytes of a strip before compression."""
    values: Samples = picture.samples[rows]
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[rows, :, None]], axis=2)
    if picture.is_packed:
        return _packed(values, picture.source_bits)
    if _is_predicted(picture):
        whole = values.view(f"u{values.dtype.itemsize}")  # differences go round
        values = np.diff(whole, axis=1, prepend=whole.dtype.type(0))
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def _packed(values: Samples, bits: int) -> bytes:
    """Pack samples of 9 to 15 bits without gaps, beginning each row with a new byte."""
    big = values.astype(">u2").reshape(len(values), -1, 1)
    single = np.unpackbits(big.view(np.uint8), axis=2)[..., -bits:]
    return np.packbits(single.reshape(len(values), -1), axis=1).tobytes()


def _compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return compressor.compress(data) + compressor.flush()
