"""Reading PNG: its chunks checked before, and 16-bit color kept whole.

Pillow decodes the pixels, but it does not check the checksums of the data, and it drops the lower
byte of 16-bit color without a word. So the chunks are walked here first, and the lower bytes are
fetched by a second pass, in which Pillow is told that the bytes come in the other order.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from PIL import PngImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images.decoding import Canvas, Header, bands, carried, check_size, decode
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture, Samples, white

MAGIC = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
_DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
_COLOR_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI")
_LONGEST_KEPT = 256  # bytes; the chunks of interest are shorter
_PIECE = 2**20


@dataclass(frozen=True)
class _Chunks:
    """What the walk through a file's chunks found."""

    width: int
    height: int
    bits: int
    color_type: int
    color_key: tuple[int, ...] | None  # the color that stands for "transparent"
    color: tuple[tuple[bytes, bytes], ...]


def read_png(file: BinaryIO, max_pixels: int) -> Picture:
    """Decode a PNG file.

    Raises:
        ImageReadError: It is damaged, cut short or too large.
        Exception: Whatever Pillow raises for damaged data.
    """
    chunks = _walk(file)
    check_size(chunks.width, chunks.height, max_pixels)
    image = _opened(file)
    header = Header("PNG", chunks.bits).count_frames(image)
    if chunks.bits == 16 and chunks.color_type != GRAY:
        picture = _decode_wide(file, chunks, header)
    else:
        if chunks.color_type != PALETTE:
            image.info.pop("transparency", None)  # done below, the same way for 16 bits
        picture = decode(image, header)
    picture = replace(picture, metadata=replace(picture.metadata, png_color=chunks.color))
    if chunks.color_key is not None:
        picture = replace(picture, alpha=_alpha_from_key(picture.samples, chunks))
    return picture


def _opened(file: BinaryIO) -> PngImagePlugin.PngImageFile:
    file.seek(0)
    return PngImagePlugin.PngImageFile(file)


def _walk(file: BinaryIO) -> _Chunks:
    """Check the file chunk by chunk, and collect what decoding needs.

    Raises:
        ImageReadError: A chunk is damaged or the end is missing.
    """
    file.seek(len(MAGIC))
    kept: dict[bytes, bytes] = {}
    name = b""
    while name != b"IEND":
        length, name = struct.unpack(">I4s", _exactly(file, 8))
        body, checksum = _body(file, length, name)
        intact = _exactly(file, 4) == checksum.to_bytes(4, "big")
        if not kept and (name != b"IHDR" or length != 13):
            raise ImageReadError("damaged: the PNG header is missing")
        wanted = name in (b"IHDR", b"tRNS", *_COLOR_CHUNKS)
        critical = not name[0] & 0x20 or name == b"tRNS"
        if critical and not intact:
            raise ImageReadError(f"damaged: the checksum of a chunk {ascii(name)[1:]} is wrong")
        if wanted and intact:
            kept.setdefault(name, body)
    return _interpreted(kept)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise ImageReadError("cut short: the end of the PNG file is missing")
    return data


def _body(file: BinaryIO, length: int, name: bytes) -> tuple[bytes, int]:
    """The body of a chunk, where it is short, and the checksum of its name and body."""
    checksum = zlib.crc32(name)
    body = b""
    for start in range(0, length, _PIECE):
        piece = _exactly(file, min(length - start, _PIECE))
        checksum = zlib.crc32(piece, checksum)
        if length <= _LONGEST_KEPT:
            body = piece
    return body, checksum


def _interpreted(kept: dict[bytes, bytes]) -> _Chunks:
    width, height, bits, color_type = struct.unpack_from(">IIBB", kept[b"IHDR"])
    if not width or not height or bits not in _DEPTHS.get(color_type, ()):
        raise ImageReadError("damaged: the PNG header makes no sense")
    key = None
    if color_type in (GRAY, RGB) and b"tRNS" in kept:
        count = 1 if color_type == GRAY else 3
        if len(kept[b"tRNS"]) != 2 * count:
            raise ImageReadError("damaged: the transparent color has the wrong length")
        key = struct.unpack(f">{count}H", kept[b"tRNS"])
    color = tuple((name, kept[name]) for name in _COLOR_CHUNKS if name in kept)
    return _Chunks(width, height, bits, color_type, key, color)


def _decode_wide(file: BinaryIO, chunks: _Chunks, header: Header) -> Picture:
    """Decode 16-bit color, and 16-bit gray with alpha.

    Gray with alpha has four bytes per pixel, which Pillow hands out as they are if told that it
    is 8-bit RGBA. Color needs two passes: of "16B" Pillow keeps the first byte, of "16L" the
    second.
    """
    gray = chunks.color_type == GRAY_ALPHA
    alpha = gray or chunks.color_type == RGB_ALPHA
    mode = "RGBA" if alpha else "RGB"
    canvas, metadata, lost = _with_high_bytes(file, chunks, mode)
    if not gray:
        for rows, band in bands(_loaded_as(file, mode, f"{mode};16L")):
            canvas.add_low_bytes(rows, np.asarray(band))
    return Picture(
        canvas.samples,
        canvas.alpha,
        metadata,
        format="PNG",
        source_mode="gray with alpha" if gray else "RGB with alpha" if alpha else "RGB",
        source_bits=16,
        warnings=header.warnings + lost,
    )


def _with_high_bytes(
    file: BinaryIO, chunks: _Chunks, mode: str
) -> tuple[Canvas, Metadata, tuple[str, ...]]:
    """The first pass, which completes gray with alpha."""
    gray = chunks.color_type == GRAY_ALPHA
    image = _loaded_as(file, mode, mode if gray else f"{mode};16B")
    metadata, orientation, lost = carried(image)
    size, channels = (chunks.height, chunks.width), 1 if gray else 3
    alpha = mode == "RGBA"
    canvas = Canvas(*size, channels, np.uint16, alpha=alpha, orientation=orientation)
    for rows, band in bands(image):
        values = np.asarray(band)
        high = values.view(">u2") if gray else values.astype(np.uint16) << 8
        canvas.fill(rows, slice(None), high)
    return canvas, metadata, lost


def _loaded_as(file: BinaryIO, mode: str, raw_mode: str) -> PngImagePlugin.PngImageFile:
    """Decode with another idea of how the bytes of a pixel are to be understood."""
    image = _opened(file)
    if image.mode != mode:  # another Pillow might know 16-bit color: nothing here would be right
        raise ImageReadError(f"this version of Pillow opens 16-bit PNG as {image.mode}")
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    return image


def _alpha_from_key(samples: Samples, chunks: _Chunks) -> Samples:
    """Alpha of a picture in which one color stands for "transparent"."""
    top = white(samples.dtype)
    shallow = 2**chunks.bits - 1  # the key is in the file's own depth, of 1 to 16 bits
    key = np.array([value * top // shallow for value in chunks.color_key or ()], samples.dtype)
    alpha = np.full(samples.shape[:2], top, samples.dtype)
    for row, opacity in zip(samples, alpha, strict=True):
        opacity[(row == key).all(axis=1)] = 0
    return alpha
