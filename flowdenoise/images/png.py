"""PNG: the chunks are read here, the pixels by OpenCV, which keeps 16 bits and is strict.

A file is read chunk by chunk. Chunks that describe the picture are kept, and the pixels go to
OpenCV in a file of their own, so that no odd chunk can trouble it. On writing, OpenCV predicts
each byte by the Paeth filter, band by band, and zlib compresses the result with its run-length
strategy: the filter leaves noise around zero, in which a search for longer matches takes long and
finds little. Bands are compressed each by itself, several at a time; they end on whole bytes, so
that together they are one stream.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C 2025; the zlib manual.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from flowdenoise.errors import ImageReadError
from flowdenoise.images.canvas import Canvas, bands
from flowdenoise.images.limits import Limits
from flowdenoise.images.native_messages import no_native_messages
from flowdenoise.images.picture import Picture, Samples, white
from flowdenoise.images.png_chunks import (
    GRAY,
    KINDS,
    MAGIC,
    PALETTE,
    RGB,
    Parts,
    chunk,
    chunks_of,
    metadata_chunks,
    metadata_of,
    taken_apart,
)

_PIECE = 2**20  # bytes of rows that are filtered at a time
_LEVEL = 1  # of compression
_ZLIB_HEADER = b"\x78\x01"  # a window of 32 KiB, the fastest level


def read_png(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a PNG file.

    Raises:
        ImageReadError: The file is damaged or cut short, or the picture too large.
    """
    parts = taken_apart(file, limits)
    kind, channels, alpha, _ = KINDS[parts.color_type]
    metadata, orientation, warnings = metadata_of(parts)
    if parts.frames > 1:
        warnings += (
            f"animated: the first of {parts.frames} frames is read, the rest is left out",
        )
    if parts.color_type == PALETTE:
        warnings += ("the palette becomes full color (RGB)",)
    elif parts.bits < 8:
        warnings += (f"{_shallow(parts.bits)} becomes 8-bit gray",)
    canvas = Canvas(
        parts.height,
        parts.width,
        channels,
        np.uint16 if parts.bits == 16 else np.uint8,
        alpha=alpha or parts.transparency is not None,
        orientation=orientation,
    )
    key = _color_key(parts)
    decoded = _decoded(parts)
    for rows in bands(parts.height, parts.width):
        canvas.fill(rows, slice(None), _in_our_order(decoded[rows], channels, key))
    return Picture(
        canvas.samples,
        canvas.alpha,
        metadata,
        format="PNG",
        source_mode="bilevel" if parts.bits == 1 and kind == "gray" else kind,
        source_bits=parts.bits,
        warnings=warnings,
    )


def _shallow(bits: int) -> str:
    return "1-bit black and white" if bits == 1 else f"{bits}-bit gray"


def _decoded(parts: Parts) -> Samples:
    """The pixels as OpenCV decodes them: (H, W), (H, W, 3) RGB, or (H, W, 4) BGR and alpha."""
    import cv2

    flags = cv2.IMREAD_UNCHANGED
    if parts.color_type == RGB or (parts.color_type == PALETTE and not parts.transparency):
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        with no_native_messages():
            decoded: Samples | None = cv2.imdecode(np.frombuffer(parts.pixels, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise ImageReadError("damaged: its pixels can't be decoded") from error
    parts.pixels = bytearray()  # as much memory as the pixels may take
    if decoded is None or decoded.shape[:2] != (parts.height, parts.width):
        raise ImageReadError("damaged or cut short: some of its pixels are missing")
    return decoded


def _in_our_order(decoded: Samples, channels: int, key: Samples | None) -> Samples:
    """Bring a band that OpenCV decoded to gray or RGB, followed by alpha if there is any."""
    if decoded.ndim == 3 and decoded.shape[2] == 4:
        return decoded[..., [2, 1, 0, 3] if channels == 3 else [0, 3]]
    if key is None:
        return decoded
    values = decoded.reshape(*decoded.shape[:2], channels)
    alpha = np.where((values == key).all(axis=2), 0, white(values.dtype))
    return np.dstack([values, alpha.astype(values.dtype)])


def _color_key(parts: Parts) -> Samples | None:
    """The color that stands for "transparent", in the scale of the decoded samples.

    Raises:
        ImageReadError: The color has the wrong length.
    """
    if parts.transparency is None or parts.color_type not in (GRAY, RGB):
        return None
    count = 1 if parts.color_type == GRAY else 3
    if len(parts.transparency) != 2 * count:
        raise ImageReadError("damaged: the transparent color has the wrong length")
    dtype = np.dtype(np.uint16 if parts.bits == 16 else np.uint8)
    values = struct.unpack(f">{count}H", parts.transparency)  # in the file's own depth
    return np.array([v * white(dtype) // (2**parts.bits - 1) for v in values]).astype(dtype)


def write_png(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 or 16 bits without loss; the quality is ignored."""
    import torch

    from flowdenoise.system.side_by_side import in_order

    color_type = next(
        number
        for number, (_, channels, alpha, _) in KINDS.items()
        if (channels, alpha) == (picture.channels, picture.alpha is not None)
    )
    bits = 8 * picture.samples.dtype.itemsize
    header = struct.pack(">IIBBBBB", picture.width, picture.height, bits, color_type, 0, 0, 0)
    file.write(MAGIC + chunk(b"IHDR", header))
    for name, body in metadata_chunks(picture.metadata):
        file.write(chunk(name, body))
    file.write(chunk(b"IDAT", _ZLIB_HEADER))
    checksum = zlib.adler32(b"")
    tops = range(0, picture.height, max(1, _PIECE // _row_bytes(picture)))
    threads = torch.get_num_threads()
    compressed = partial(_compressed, picture, tops.step)
    for filtered, data in in_order(compressed, tops, len(tops), threads):
        checksum = zlib.adler32(filtered, checksum)
        file.write(chunk(b"IDAT", data))
    end = _deflate().flush() + struct.pack(">I", checksum)
    file.write(chunk(b"IDAT", end) + chunk(b"IEND", b""))


def _row_bytes(picture: Picture) -> int:
    """The bytes of a filtered row, with the number of its filter."""
    channels = picture.channels + (picture.alpha is not None)
    return 1 + picture.width * channels * picture.samples.dtype.itemsize


def _deflate() -> zlib._Compress:
    """A compressor without the header and the checksum of a stream."""
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)


def _compressed(picture: Picture, step: int, top: int) -> tuple[bytes, bytes]:
    """The filtered rows of a band, and the same compressed up to a whole byte."""
    filtered, compressor = _filtered(picture, top, step), _deflate()
    return filtered, compressor.compress(filtered) + compressor.flush(zlib.Z_FULL_FLUSH)


def _filtered(picture: Picture, top: int, step: int) -> bytes:
    """The filtered rows of a band, each behind the number of its filter.

    OpenCV is asked for a PNG file without compression, which holds filtered rows. It begins with
    the row above the band, from which the first row is predicted.
    """
    import cv2

    lead = min(1, top)
    values = _in_opencv_order(picture, slice(top - lead, top + step))
    options = [
        cv2.IMWRITE_PNG_COMPRESSION,
        0,
        cv2.IMWRITE_PNG_FILTER,
        cv2.IMWRITE_PNG_FILTER_PAETH,
    ]
    _, encoded = cv2.imencode(".png", values, options)
    chunks = chunks_of(io.BytesIO(encoded.tobytes()))
    stored = b"".join(body for name, body in chunks if name == b"IDAT")
    return zlib.decompress(stored)[lead * _row_bytes(picture) :]


def _in_opencv_order(picture: Picture, rows: slice) -> npt.NDArray[Any]:
    """A band in an order that gives our bytes in OpenCV's PNG file.

    The filter only knows the number of bytes in a pixel. So gray with alpha, which OpenCV can't
    write, is written as gray of 16 bits or as four channels of 8 bits.
    """
    values: Samples = picture.samples[rows]
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[rows, :, None]], axis=2)
    if values.shape[2] == 2:
        big = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder(">"))
        values = big.view(">u2").astype(np.uint16) if big.itemsize == 1 else big.view(np.uint8)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[values.shape[2]]
    return np.ascontiguousarray(values[..., order])
