"""Writing TIFF: 8, 16 and 32 (float) bits, gray or RGB, with alpha and all metadata, deflated.

The directory first, then the strips. Integers are stored as differences to the left neighbor,
which every reader knows and which makes photographs a third smaller; floats as they are.

Source: TIFF Revision 6.0 (Adobe, 1992); Adobe Photoshop TIFF Technical Notes (2002) for deflate.
"""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

import numpy as np

from flowdenoise.errors import ImageWriteError
from flowdenoise.images.picture import Picture, Samples
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.directory import Tags
from flowdenoise.images.tiff.metadata import to_tags
from flowdenoise.images.tiff.tags import Tag

_STRIP_BYTES = 2**18
_LEVEL = 1
_LARGEST = 2**32 - 1  # places are 32-bit numbers


def write_tiff(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture as a little-endian TIFF file; the stream must be seekable and empty.

    Raises:
        ImageWriteError: It grows beyond 4 GiB, where such files end.
    """
    samples = picture.channels + (picture.alpha is not None)
    row_bytes = picture.width * samples * picture.samples.dtype.itemsize
    step = min(picture.height, max(1, _STRIP_BYTES // row_bytes))
    count = -(-picture.height // step)
    metadata = to_tags(picture.metadata)
    unknown = [0] * count
    block = directory.pack_block({**metadata, **_layout_tags(picture, step, unknown, unknown)})
    file.write(block)  # keeps the place for the final one, which is as long
    places, sizes = [], []
    for top in range(0, picture.height, step):
        strip = _compressed(_differences(picture, slice(top, top + step)))
        places.append(file.tell())
        sizes.append(len(strip))
        file.write(strip)
        if file.tell() > _LARGEST:
            raise ImageWriteError("TIFF files end at 4 GiB: write it as PNG")
    file.seek(0)
    file.write(directory.pack_block({**metadata, **_layout_tags(picture, step, places, sizes)}))
    file.seek(0, io.SEEK_END)


def _layout_tags(picture: Picture, step: int, places: list[int], sizes: list[int]) -> Tags:
    alpha = picture.alpha is not None
    samples = picture.channels + alpha
    is_float = picture.samples.dtype.kind == "f"
    tags: Tags = {
        Tag.WIDTH: directory.long(picture.width),
        Tag.HEIGHT: directory.long(picture.height),
        Tag.BITS: directory.short(*[8 * picture.samples.dtype.itemsize] * samples),
        Tag.COMPRESSION: directory.short(8),  # deflate
        Tag.PHOTOMETRIC: directory.short(
            2 if picture.channels == 3 else 1
        ),  # RGB, or black is zero
        Tag.STRIP_PLACES: directory.long(*places),
        Tag.SAMPLES_PER_PIXEL: directory.short(samples),
        Tag.ROWS_PER_STRIP: directory.long(step),
        Tag.STRIP_SIZES: directory.long(*sizes),
        Tag.PLANAR: directory.short(1),  # the channels of a pixel lie together
        Tag.PREDICTOR: directory.short(1 if is_float else 2),  # differences
        Tag.SAMPLE_FORMAT: directory.short(
            *[3 if is_float else 1] * samples
        ),  # float, or unsigned
    }
    if alpha:
        tags[Tag.EXTRA_SAMPLES] = directory.short(2)  # not premultiplied
    return tags


def _differences(picture: Picture, rows: slice) -> bytes:
    """The bytes of a strip before compression."""
    values: Samples = picture.samples[rows]
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[rows, :, None]], axis=2)
    if values.dtype.kind != "f":
        values = np.diff(values, axis=1, prepend=values.dtype.type(0))
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def _compressed(data: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return compressor.compress(data) + compressor.flush()
