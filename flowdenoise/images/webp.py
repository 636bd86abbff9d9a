"""WebP through Pillow: with or without loss, as the picture's own file was.

Source: WebP Container Specification (Google).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from PIL import WebPImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images.limits import Limits
from flowdenoise.images.picture import Picture
from flowdenoise.images.pillow_images import QUALITY, Header, decode, described, to_pillow

_CANVAS, _FRAME, _LOSSLESS, _LOSSY = b"VP8X", b"ANMF", b"VP8L", b"VP8 "
_PIXELS = (_CANVAS, _FRAME, _LOSSLESS, _LOSSY, b"ALPH", b"ANIM")
_NAMES = {b"ICCP": "color profile", b"EXIF": "EXIF", b"XMP ": "XMP"}
_PIXEL_BYTES = 16  # libwebp's canvas and frame, Pillow's image, and ours


def read_webp(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a WebP file, or the first frame of an animation.

    Raises:
        ImageReadError: The file is cut short, or the picture too large.
        Exception: The data are damaged, and Pillow raises whatever it raises.
    """
    head = file.read(30)
    if len(head) < 30:
        raise ImageReadError("cut short: the end of the WebP file is missing")
    if head[12:16] == _CANVAS:  # an animation's canvas is allocated on opening
        width, height = (1 + int.from_bytes(head[i : i + 3], "little") for i in (24, 27))
        limits.check(width, height, _PIXEL_BYTES)
    names = (name for name, _ in _chunks(file, into_frames=True))
    lossless = next((name for name in names if name in (_LOSSLESS, _LOSSY)), None) == _LOSSLESS
    file.seek(0)
    image = WebPImagePlugin.WebPImageFile(file)
    limits.check(*image.size, _PIXEL_BYTES)
    header = Header("WEBP", lossless=lossless).count_frames(image)
    image.seek(0)
    return decode(image, header)


def _chunks(file: BinaryIO, *, into_frames: bool = False) -> Iterator[tuple[bytes, int]]:
    """The name and the length of each chunk, also of those in frames if `into_frames` is true."""
    place = 12
    file.seek(place)
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        yield name, length
        inside = into_frames and name == _FRAME
        place += 8 + (16 if inside else length + length % 2)
        file.seek(place)


def contents_of_webp(file: BinaryIO) -> Iterator[str]:
    """What a file carries besides its pixels, in words."""
    for name, _ in _chunks(file):
        if name not in _PIXELS:
            yield _NAMES.get(name, f"chunk {ascii(name)[2:-1]}")


def write_webp(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits, without loss if its file was and no quality is asked for."""
    options = described(picture.metadata)
    if quality is None and picture.lossless:  # "quality" is then the effort
        options |= {"lossless": True, "exact": True, "quality": 50, "method": 2}
    else:
        options["quality"] = QUALITY if quality is None else quality
    encoded = io.BytesIO()
    to_pillow(picture).save(encoded, "WEBP", **options)
    file.write(encoded.getvalue())
