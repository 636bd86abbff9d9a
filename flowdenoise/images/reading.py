"""Reading an image file: whatever its bytes, it becomes a `Picture` or an `ImageReadError`."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from flowdenoise.errors import ImageReadError
from flowdenoise.images import ifd
from flowdenoise.images.decoding import Header, check_size, decode
from flowdenoise.images.formats import sniff
from flowdenoise.images.picture import Picture
from flowdenoise.images.png import read_png
from flowdenoise.images.quiet import no_python_warnings
from flowdenoise.images.tiff import read_tiff

MAX_PIXELS = 1_000_000_000
"""Larger images are taken for decompression bombs unless the caller says otherwise."""

Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"

_MP_ENTRIES = 45057  # tag of the Multi-Picture Format (CIPA DC-007): number of images
_VP8X, _ANIMATION_FRAME, _LOSSLESS_DATA = b"VP8X", b"ANMF", b"VP8L"
_LONGEST_REASON = 160


def read(source: Source, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode an image file.

    Formats are told by content, never by name. Of an animation or of several pages the first is
    taken, with a warning. Pixels are turned upright, palettes and CMYK become RGB; all else stays
    as the file's header says it is.

    Args:
        source: A path, the bytes of a file, or a binary stream, which is read to its end.
        max_pixels: Refuse more than this, before decoding.

    Raises:
        ImageReadError: It can't be opened, is not an image, is damaged, cut short, too large, or
            of a kind that is not supported. One line, which begins with the file's name.
    """
    label = _label(source)
    try:
        with _opened(source) as file, no_python_warnings():
            kind = sniff(file.read(16))
            file.seek(0)
            return _DECODERS[kind](file, max_pixels)
    except ImageReadError as error:
        raise ImageReadError(f"{label}: {error}") from error
    except MemoryError as error:
        raise ImageReadError(f"{label}: there is not enough memory to decode it") from error
    except OSError as error:
        raise ImageReadError(f"{label}: {_reason(error)}") from error
    except Exception as error:  # Pillow raises whatever its parsing of damaged bytes trips over
        raise ImageReadError(f"{label}: {_reason(error)}") from error


def _label(source: Source) -> str:
    """What to call the source in messages: one printable line."""
    name = str(source) if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if not isinstance(name, str):
        return "image"
    return name if name.isprintable() else ascii(name)


def _reason(error: Exception) -> str:
    """Why decoding failed, as one short line."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"can't be read: {os.strerror(error.errno).lower()}"
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    return f"damaged or cut short ({text or type(error).__name__})"


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    """Open the source as a seekable stream."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            yield file if file.seekable() else io.BytesIO(file.read())
    else:
        yield io.BytesIO(source.read())


def _read_by_pillow(image: ImageFile, header: Header, max_pixels: int) -> Picture:
    check_size(*image.size, max_pixels)
    header = header.count_frames(image)
    image.seek(0)
    return decode(image, header)


def _read_jpeg(file: BinaryIO, max_pixels: int) -> Picture:
    image = JpegImagePlugin.JpegImageFile(file)
    header = Header("JPEG", lossless=False)
    more = _pictures_in_mpf(image.info.get("mp")) - 1
    if more > 0:
        header = header.warn(
            f"the first of {more + 1} pictures in the file is read; the rest, such as a preview "
            "or a gain map, is left out"
        )
    check_size(*image.size, max_pixels)
    return decode(image, header)


def _pictures_in_mpf(block: bytes | None) -> int:
    """How many pictures a JPEG file holds by its Multi-Picture block."""
    if block is None:
        return 1
    try:
        entry = ifd.read_block(block).get(_MP_ENTRIES)
    except ImageReadError:
        return 1
    return entry.integers[0] if isinstance(entry, ifd.Entry) and entry.integers else 1


def _read_webp(file: BinaryIO, max_pixels: int) -> Picture:
    head = file.read(30)
    if len(head) < 30:
        raise ImageReadError("cut short: the end of the WebP file is missing")
    if head[12:16] == _VP8X:  # an animation's canvas is allocated on opening
        width, height = (1 + int.from_bytes(head[i : i + 3], "little") for i in (24, 27))
        check_size(width, height, max_pixels)
    lossless = _is_lossless_webp(file)
    file.seek(0)
    return _read_by_pillow(
        WebPImagePlugin.WebPImageFile(file), Header("WEBP", lossless=lossless), max_pixels
    )


def _is_lossless_webp(file: BinaryIO) -> bool:
    """Whether the first picture is compressed without loss, by the name of its chunk."""
    place = 12
    while len(head := _bytes_at(file, place, 8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == _LOSSLESS_DATA:
            return True
        if name == b"VP8 ":
            return False
        place += 8 + (16 if name == _ANIMATION_FRAME else length + length % 2)
    return False


def _bytes_at(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _read_bmp(file: BinaryIO, max_pixels: int) -> Picture:
    head = file.read(30)
    if len(head) < 30:
        raise ImageReadError("cut short: the end of the BMP file is missing")
    (header_size,) = struct.unpack_from("<I", head, 14)
    (per_pixel,) = struct.unpack_from("<H", head, 24 if header_size == 12 else 28)
    file.seek(0)
    bits = {16: 5, 24: 8, 32: 8}.get(per_pixel, per_pixel)
    return _read_by_pillow(BmpImagePlugin.BmpImageFile(file), Header("BMP", bits), max_pixels)


def _read_gif(file: BinaryIO, max_pixels: int) -> Picture:
    return _read_by_pillow(GifImagePlugin.GifImageFile(file), Header("GIF"), max_pixels)


_DECODERS: dict[str, Callable[[BinaryIO, int], Picture]] = {
    "PNG": read_png,
    "JPEG": _read_jpeg,
    "TIFF": read_tiff,
    "WEBP": _read_webp,
    "BMP": _read_bmp,
    "GIF": _read_gif,
}
