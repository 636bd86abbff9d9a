"""The chunks of a PNG file: its header, its pixels, and what describes the picture.

A file is read chunk by chunk. The pixels are put into a file of their own for the decoder, so that
no odd chunk can trouble it. Of the other chunks, those are kept that describe the picture.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C 2025.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from flowdenoise.errors import ImageReadError
from flowdenoise.images.limits import Limits
from flowdenoise.images.metadata import BEHIND, Metadata, orientation_of, upright

MAGIC = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
KINDS = {  # color type: its name, channels, whether there is alpha, depths
    GRAY: ("gray", 1, False, (1, 2, 4, 8, 16)),
    RGB: ("RGB", 3, False, (8, 16)),
    PALETTE: ("palette", 3, False, (1, 2, 4, 8)),
    GRAY_ALPHA: ("gray with alpha", 1, True, (8, 16)),
    RGB_ALPHA: ("RGB with alpha", 3, True, (8, 16)),
}
_COLOR_STATEMENTS = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT")
_LAST_CHANGE = b"tIME"
_XMP_KEYWORD = b"XML:com.adobe.xmp\0"
_LONGEST_PROFILE = 2**26  # bytes, unpacked
_METERS_PER_INCH = 0.0254


@dataclass
class Parts:
    """The parts of a file.

    Attributes:
        width, height, bits, color_type: The fields of the header.
        pixels: A PNG file that only has the chunks of the pixels.
        transparency: The color that stands for "transparent", or the alpha of the palette.
        frames: The number of frames of the animation, 1 if it is none.
        others: The chunks that describe the picture, each (name, body), in order.
    """

    width: int
    height: int
    bits: int
    color_type: int
    pixels: bytearray
    transparency: bytes | None = None
    frames: int = 1
    others: list[tuple[bytes, bytes]] = field(default_factory=list)

    def body(self, name: bytes) -> bytes | None:
        """The body of the first chunk of this name among `others`; None if there is none."""
        return next((body for other, body in self.others if other == name), None)


def taken_apart(file: BinaryIO, limits: Limits) -> Parts:
    """Check a file and take it apart chunk by chunk.

    Raises:
        ImageReadError: A chunk is damaged or out of place, the end is missing, or the picture is
            too large.
    """
    chunks = chunks_of(file)
    name, header = next(chunks)
    if name != b"IHDR" or len(header) != 13:
        raise ImageReadError("damaged: the PNG header is missing")
    width, height, bits, color_type = struct.unpack_from(">IIBB", header)
    _, channels, alpha, depths = KINDS.get(color_type, ("", 0, False, ()))
    if not width or not height or bits not in depths:
        raise ImageReadError("damaged: the PNG header makes no sense")
    # OpenCV's pixels and ours; gray with alpha is color to OpenCV
    limits.check(width, height, max(1, bits // 8) * (2 * channels + (5 if alpha else 1)))
    parts = Parts(width, height, bits, color_type, bytearray(MAGIC + chunk(name, header)))
    for name, body in chunks:
        if name == b"IHDR":
            raise ImageReadError("damaged: it has two PNG headers")
        if name == b"tRNS":
            parts.transparency = body
        if name in (b"PLTE", b"IDAT", b"IEND") or (name == b"tRNS" and color_type == PALETTE):
            parts.pixels += chunk(name, body)
        elif name == b"acTL" and len(body) >= 4:
            parts.frames = int.from_bytes(body[:4], "big")
        elif name not in (b"tRNS", b"fcTL", b"fdAT"):
            parts.others.append((name, body))
    return parts


def chunks_of(file: BinaryIO, *, pixels: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """The name and the body of each chunk of a file; damaged remarks are left out.

    Args:
        file: A file that begins at 0.
        pixels: Whether the chunks of the pixels are wanted, too.

    Raises:
        ImageReadError: A chunk is damaged or unknown, or the end is missing.
    """
    size = file.seek(0, 2)
    place = file.seek(len(MAGIC))
    name = b""
    while name != b"IEND":
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        if place + 12 + length > size:
            raise ImageReadError("cut short: the end of the PNG file is missing")
        name = head[4:]
        if name == b"IDAT" and not pixels:
            place = file.seek(place + 12 + length)
            continue
        body = file.read(length)
        intact = file.read(4) == zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")
        place += 12 + length
        critical = not name[0] & 0x20
        if not intact and (critical or name == b"tRNS"):
            raise ImageReadError(f"damaged: the checksum of a chunk {ascii(name)[1:]} is wrong")
        if critical and name not in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            raise ImageReadError(f"damaged: no decoder knows its chunk {ascii(name)[1:]}")
        if intact:
            yield name, body


def chunk(name: bytes, body: bytes) -> bytes:
    """Lay out a chunk: length, name, body, checksum."""
    checksum = zlib.crc32(body, zlib.crc32(name))
    return struct.pack(">I4s", len(body), name) + body + checksum.to_bytes(4, "big")


def metadata_of(parts: Parts) -> tuple[Metadata, int, tuple[str, ...]]:
    """The metadata of the picture, its orientation, and what could not be kept."""
    xmp = next((body for name, body in parts.others if _is_xmp(name, body)), None)
    density = parts.body(b"pHYs") or b""
    across, along, unit = struct.unpack(">IIB", density) if len(density) == 9 else (0, 0, 0)
    metadata = Metadata(
        exif=parts.body(b"eXIf"),
        icc_profile=_unpacked_profile(parts.body(b"iCCP")),
        xmp=None if xmp is None else _text_of(xmp),
        dpi=(across * _METERS_PER_INCH, along * _METERS_PER_INCH) if unit == 1 else None,
        aspect=(across, along) if unit == 0 and across != along else None,
        png_chunks=tuple(_copied(parts.others)),
    )
    orientation = orientation_of(metadata.exif, metadata.xmp)
    upright_metadata, warnings = upright(metadata, turned=orientation)
    return upright_metadata, orientation, warnings


def _copied(others: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that are copied to the result."""
    seen = set()
    for name, body in others:
        if name in _COLOR_STATEMENTS:
            if len(body) == _COLOR_STATEMENTS[name] and name not in seen:
                yield name, body
            seen.add(name)
        elif name[3] & 0x20 and name not in (b"eXIf", b"pHYs") and not _is_xmp(name, body):
            yield name, body  # the letter's case says: safe to copy beside changed pixels


def _is_xmp(name: bytes, body: bytes) -> bool:
    return name == b"iTXt" and body.startswith(_XMP_KEYWORD)


def _text_of(body: bytes) -> bytes | None:
    """The text of an iTXt chunk, past its keyword, language and translated keyword."""
    packed = body[len(_XMP_KEYWORD) : len(_XMP_KEYWORD) + 1] == b"\1"
    parts = body[len(_XMP_KEYWORD) + 2 :].split(b"\0", 2)
    text = parts[2] if len(parts) == 3 else None
    return _inflated(text) if packed and text is not None else text


def _unpacked_profile(body: bytes | None) -> bytes | None:
    _, _, packed = (body or b"").partition(b"\0")
    return _inflated(packed[1:]) if packed else None


def _inflated(data: bytes) -> bytes | None:
    """Undo the compression of a text or a profile; None where it is damaged or too long."""
    inflater = zlib.decompressobj()
    try:
        unpacked = inflater.decompress(data, _LONGEST_PROFILE)
    except zlib.error:
        return None
    return unpacked if inflater.eof else None


def metadata_chunks(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that state metadata, in the order of the specification: colors first."""
    copied = sorted(metadata.png_chunks, key=lambda chunk: chunk[0] not in _COLOR_STATEMENTS)
    if metadata.icc_profile is not None:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile)
    yield from copied
    if metadata.dpi is not None:
        across, along = (round(dpi / _METERS_PER_INCH) for dpi in metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", across, along, 1)
    elif metadata.aspect is not None:
        yield b"pHYs", struct.pack(">IIB", *map(round, metadata.aspect), 0)
    if metadata.exif is not None:
        yield b"eXIf", metadata.exif
    if metadata.xmp is not None:
        yield b"iTXt", _XMP_KEYWORD + bytes(4) + metadata.xmp
    if metadata.comment is not None and b"\0" not in metadata.comment:
        yield (
            b"iTXt",
            b"Comment\0" + bytes(4) + metadata.comment.decode("utf-8", "replace").encode(),
        )


def contents_of_png(file: BinaryIO) -> Iterator[str]:
    """What a file carries besides its pixels, in words.

    The time of the last change (tIME) is not named: it is that of the file, and the result, which
    does not get it, has another.

    Raises:
        ImageReadError: The file is damaged.
    """
    for name, body in chunks_of(file, pixels=False):
        keyword = body.partition(b"\0")[0].decode("latin-1")
        if name in _PIXELS or name == _LAST_CHANGE:
            continue
        if _is_xmp(name, body):
            yield "XMP"
        elif name in _TEXTS:
            yield "comment" if keyword == "Comment" else f"text {keyword!r}"
        elif name == b"pHYs":
            yield "resolution" if body[8:] == b"\1" else "pixel aspect"
        elif name in (b"iCCP", b"eXIf"):
            yield "color profile" if name == b"iCCP" else "EXIF"
        elif name in _COLOR_STATEMENTS:
            yield f"color statement {name.decode()}"
        else:
            yield f"chunk {ascii(name)[2:-1]}"
    if file.read().strip(b"\0"):
        yield BEHIND
