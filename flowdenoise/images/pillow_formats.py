"""Formats that Pillow reads and writes alone: BMP, GIF, AVIF, JPEG 2000, TGA, HEIC, JPEG XL.

The last two need plugins for Pillow. For damaged data each reader here raises whatever Pillow
does.
"""

from __future__ import annotations

import importlib.util
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    TgaImagePlugin,
)

from flowdenoise.errors import ImageReadError
from flowdenoise.images.ends import bytes_at, end_of_boxes
from flowdenoise.images.limits import Limits
from flowdenoise.images.native_messages import no_native_messages
from flowdenoise.images.picture import Picture
from flowdenoise.images.pillow_images import QUALITY, Header, decode, described, to_pillow

_PIXEL_BYTES = 8  # Pillow's image, and ours
_PLUGIN_BYTES = 16  # what a decoder of video frames holds besides
_HEAD = 2**16  # bytes in which the facts of a file are looked for
_JPEG_XL_START = b"\xff\x0a"  # of a code stream, in boxes or not
_NAMES = {
    "exif": "EXIF",
    "icc_profile": "color profile",
    "xmp": "XMP",
    "dpi": "resolution",
    "comment": "comment",
    "depth_images": "depth image",
    "id_section": "comment",
}


@dataclass(frozen=True)
class Plugin:
    """A package by which Pillow reads one more format, if it is installed.

    Attributes:
        format: The name of the format that users know.
        extra: The extra of this package that installs the plugin.
        module: The module to import.
    """

    format: str
    extra: str
    module: str

    @property
    def lack(self) -> str | None:
        """What is to be installed before the format can be read; None if nothing is."""
        if importlib.util.find_spec(self.module) is not None:
            return None
        return f"{self.format} needs an extra: pip install 'flowdenoise[{self.extra}]'"


HEIC = Plugin("HEIC", "heic", "pillow_heif")
JPEG_XL = Plugin("JPEG XL", "jxl", "pillow_jxl")


def _require(plugin: Plugin) -> None:
    if plugin.lack is not None:
        raise ImageReadError(plugin.lack)


def _read(image: Image.Image, header: Header, limits: Limits, pixel_bytes: int) -> Picture:
    limits.check(*image.size, pixel_bytes)
    header = header.count_frames(image)
    image.seek(0)
    stated = image.size
    with no_native_messages():
        picture = decode(image, header)
    if image.size != stated:  # by a crop beyond the borders, as HEIC may have
        raise ImageReadError("damaged: the file states another size than the picture has")
    return picture


def read_bmp(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a BMP file.

    Raises:
        ImageReadError: The file is cut short, or the picture too large.
    """
    head = file.read(30)
    if len(head) < 30:
        raise ImageReadError("cut short: the end of the BMP file is missing")
    (header_size,) = struct.unpack_from("<I", head, 14)
    (per_pixel,) = struct.unpack_from("<H", head, 24 if header_size == 12 else 28)
    file.seek(0)
    bits = {16: 5, 24: 8, 32: 8}.get(per_pixel, per_pixel)
    return _read(BmpImagePlugin.BmpImageFile(file), Header("BMP", bits), limits, _PIXEL_BYTES)


def read_gif(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a GIF file, or the first frame of an animation."""
    return _read(GifImagePlugin.GifImageFile(file), Header("GIF"), limits, _PIXEL_BYTES)


def read_avif(file: BinaryIO, limits: Limits) -> Picture:
    """Decode an AVIF file; 10 and 12 bits become 8."""
    head = file.read(_HEAD)
    flags = head[place + 6] if 0 <= (place := head.find(b"av1C")) < len(head) - 6 else 0
    bits = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    file.seek(0)
    header = _told_depth(Header("AVIF", bits, lossless=False), "AVIF")
    return _read(AvifImagePlugin.AvifImageFile(file), header, limits, _PLUGIN_BYTES)


def read_jpeg_2000(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a JPEG 2000 file; color of more than 8 bits becomes 8.

    Raises:
        ImageReadError: The file is damaged or cut short, or the picture too large.
    """
    _check_boxes(file)
    head = file.read(_HEAD)
    start = head.find(b"\xff\x4f\xff\x51")  # of the code stream and its SIZ segment
    if start < 0 or len(head) < start + 43:
        raise ImageReadError("damaged or cut short: the JPEG 2000 code stream is missing")
    right, bottom, left, top = struct.unpack_from(">4I", head, start + 8)
    limits.check(max(0, right - left), max(0, bottom - top), _PLUGIN_BYTES)
    bits = 1 + (head[start + 42] & 0x7F)
    file.seek(0)
    image = Jpeg2KImagePlugin.Jpeg2KImageFile(file)
    header = Header("JPEG2000", bits, lossless=False)
    if image.mode != "I;16":
        header = _told_depth(header, "JPEG 2000")
    return _read(image, header, limits, _PLUGIN_BYTES)


def _check_boxes(file: BinaryIO) -> None:
    """Refuse a JPEG 2000 file with a box beyond its end, for which its decoder takes memory.

    Raises:
        ImageReadError: A box lies beyond the end.
    """
    size = file.seek(0, io.SEEK_END)
    place = 0 if bytes_at(file, 0, 12).startswith(b"\0\0\0\x0c") else size
    while place < size:
        head = bytes_at(file, place, 16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # to the end
            break
        if length < 8 or place + length > size:
            raise ImageReadError("damaged or cut short: a box lies beyond its end")
        place += length
    file.seek(0)


def read_tga(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a Targa file."""
    return _read(TgaImagePlugin.TgaImageFile(file), Header("TGA"), limits, _PIXEL_BYTES)


def read_heic(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a HEIC file, as phones store photographs; 10 and 12 bits become 8.

    Raises:
        ImageReadError: The extra `heic` is not installed.
    """
    _require(HEIC)
    import pillow_heif

    pillow_heif.register_heif_opener()
    with no_native_messages():
        image = Image.open(file, formats=["HEIF"])
    header = Header("HEIC", image.info.get("bit_depth", 8), lossless=False)
    return _read(image, _told_depth(header, "HEIC"), limits, _PLUGIN_BYTES)


def read_jpeg_xl(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a JPEG XL file.

    Raises:
        ImageReadError: The extra `jxl` is not installed.
    """
    _require(JPEG_XL)
    import pillow_jxl  # noqa: F401 (it makes itself known to Pillow)

    limits.check(*_size_of_jpeg_xl(file), _PLUGIN_BYTES)  # it is decoded when opened
    file.seek(0)
    image = Image.open(file, formats=["JXL"])
    return _read(image, Header("JXL", lossless=False), limits, _PLUGIN_BYTES)


def end_of_jpeg_xl(file: BinaryIO) -> int | None:
    """The place of another JPEG XL picture behind the first; None if there is none.

    Boxes tell where they end. A bare code stream does not, but its decoder refuses one that is cut
    short, and does not look behind one that is whole: if what lies before the last mark of a
    beginning is whole, then that mark is another picture's, or lies in one.
    """
    import pillow_jxl  # noqa: F401

    data = file.read()
    if not data.startswith(_JPEG_XL_START):
        return end_of_boxes(file)
    last = data.rfind(_JPEG_XL_START)
    try:
        Image.open(io.BytesIO(data[:last]), formats=["JXL"]).close()
    except Exception:  # of the decoder: the mark lies in the first picture
        return None
    return last


def _told_depth(header: Header, name: str) -> Header:
    return header.warn(f"{header.bits}-bit {name} becomes 8 bits") if header.bits > 8 else header


def _size_of_jpeg_xl(file: BinaryIO) -> tuple[int, int]:
    """The width and the height, from the first bits of the code stream (ISO/IEC 18181-1)."""
    head = file.read(_HEAD)
    start = head.find(_JPEG_XL_START)
    if start < 0 or len(head) < start + 12:
        raise ImageReadError("damaged or cut short: the JPEG XL header is missing")
    bits = int.from_bytes(head[start + 2 : start + 12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    def side(small: bool) -> int:
        return 8 * (1 + take(5)) if small else 1 + take((9, 13, 18, 30)[take(2)])

    small = bool(take(1))
    height = side(small)
    ratio = take(3)
    if ratio:
        across, down = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return height * across // down, height
    return side(small), height


def contents_by_pillow(file: BinaryIO) -> Iterator[str]:
    """What a file carries besides its pixels, in words, as far as Pillow knows."""
    with Image.open(file) as image:
        info = dict(image.info)
    for key, name in _NAMES.items():
        if info.get(key):
            yield name


def write_bmp(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits without loss; the quality is ignored."""
    dpi = picture.metadata.dpi
    _save(picture, file, "BMP", **({} if dpi is None else {"dpi": dpi}))


def write_avif(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits, with color as fine as brightness."""
    chosen = QUALITY if quality is None else quality
    _save(
        picture, file, "AVIF", quality=chosen, subsampling="4:4:4", **described(picture.metadata)
    )


def write_jpeg_2000(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits without loss; the quality is ignored."""
    _save(picture, file, "JPEG2000", no_jp2=False)


def write_tga(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits without loss; the quality is ignored."""
    _save(picture, file, "TGA", compression="tga_rle")


def _save(picture: Picture, file: BinaryIO, name: str, **options: Any) -> None:
    encoded = io.BytesIO()
    to_pillow(picture).save(encoded, name, **options)
    file.write(encoded.getvalue())
