"""The table of formats: how each is recognized, read and written, and what it can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images import pillow_formats as pillow
from flowdenoise.images.ends import (
    end_of_bmp,
    end_of_boxes,
    end_of_gif,
    end_of_riff,
    end_of_tiff,
)
from flowdenoise.images.jpeg import contents_of_jpeg, read_jpeg, write_jpeg
from flowdenoise.images.limits import Limits
from flowdenoise.images.picture import DTYPES, Picture
from flowdenoise.images.png import read_png, write_png
from flowdenoise.images.png_chunks import contents_of_png
from flowdenoise.images.pnm import contents_of_pnm, end_of_pnm, read_pnm, write_pnm
from flowdenoise.images.tiff.read import contents_of_tiff, read_tiff, read_tiff_pages
from flowdenoise.images.tiff.write import write_tiff, write_tiff_pages
from flowdenoise.images.webp import contents_of_webp, read_webp, write_webp

Read = Callable[[BinaryIO, Limits], Picture]
"""Decodes a file that starts at 0."""

Write = Callable[[Picture, BinaryIO, int | None], None]
"""Encodes a picture that fits the format, at a quality, into an empty file."""

ReadPages = Callable[[BinaryIO, Limits], Iterator[Picture]]
"""Decodes the pages of a file one by one; each page knows how many there are."""

WritePages = Callable[[Iterable[Picture], BinaryIO], None]
"""Encodes pictures that fit the format as the pages of an empty file, one after the other."""

Contents = Callable[[BinaryIO], Iterable[str]]
"""Names in words what a file carries besides its pixels."""

End = Callable[[BinaryIO], "int | None"]
"""Tells where a picture ends in a stream that starts at 0; None where that is not known."""


_TARGA = (
    rb".(?:\x00[\x02\x03\x0a\x0b]|\x01[\x01\x09]).{13}[\x08\x0f\x10\x18\x20]"  # it has no mark
)


@dataclass(frozen=True)
class Format:
    """A format of image files.

    Attributes:
        name: The name that users know.
        suffixes: The endings of file names, in lower case, the usual one first.
        signature: A regular expression that the beginning of a file matches.
        read: The decoder of a file of one page.
        contents: The function that lists what a file carries besides its pixels; that of PNG and
            of JPEG also lists what lies behind a picture.
        end: The function that tells where a picture ends, for the other formats. (JPEG 2000's
            decoder refuses what lies behind a picture; nothing tells where a Targa picture
            ends.)
        write: The encoder; None where the format is only read.
        read_pages, write_pages: The decoder and the encoder of several pages; None where a file
            has only one.
        dtypes: The types of samples that can be written, the deepest last.
        gray: Whether the format has pictures of one channel.
        alpha: Whether the format has transparency.
        odd_depths: Whether samples may have 9 to 15 bits.
        lossy: Whether it can be written with loss, at a quality.
        longest_side: The greatest width or height, in pixels.
        plugin: The package that must be installed to read the format, if it is an optional one.
    """

    name: str
    suffixes: tuple[str, ...]
    signature: bytes
    read: Read
    contents: Contents = pillow.contents_by_pillow
    end: End | None = None
    write: Write | None = None
    read_pages: ReadPages | None = None
    write_pages: WritePages | None = None
    dtypes: tuple[str, ...] = ("uint8",)
    gray: bool = True
    alpha: bool = True
    odd_depths: bool = False
    lossy: bool = False
    longest_side: int = 2**31 - 1
    plugin: pillow.Plugin | None = None

    def decode(self, file: BinaryIO, limits: Limits) -> Iterator[Picture]:
        """Decode a file page by page."""
        if self.read_pages is not None:
            yield from self.read_pages(file, limits)
        else:
            yield self.read(file, limits)

    @property
    def is_marked(self) -> bool:
        """Whether files begin with a mark of their own, and not just with plausible numbers."""
        return self.signature != _TARGA

    def begins(self, head: bytes) -> bool:
        """Whether a file with this beginning is of the format."""
        return re.match(self.signature, head, re.DOTALL) is not None


FORMATS = {
    "PNG": Format(
        "PNG",
        (".png",),
        rb"\x89PNG\r\n\x1a\n",
        read_png,
        contents_of_png,
        write=write_png,
        dtypes=("uint8", "uint16"),
    ),
    "JPEG": Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        rb"\xff\xd8\xff",
        read_jpeg,
        contents_of_jpeg,
        write=write_jpeg,
        alpha=False,
        lossy=True,
        longest_side=65500,
    ),
    "TIFF": Format(
        "TIFF",
        (".tif", ".tiff"),
        rb"II[*+]\0|MM\0[*+]",
        read_tiff,
        contents_of_tiff,
        end_of_tiff,
        write_tiff,
        read_tiff_pages,
        write_tiff_pages,
        dtypes=tuple(DTYPES),
        odd_depths=True,
    ),
    "WEBP": Format(
        "WebP",
        (".webp",),
        rb"RIFF.{4}WEBP",
        read_webp,
        contents_of_webp,
        end_of_riff,
        write_webp,
        gray=False,
        lossy=True,
        longest_side=16383,
    ),
    "BMP": Format(
        "BMP",
        (".bmp",),
        rb"BM",
        pillow.read_bmp,
        end=end_of_bmp,
        write=pillow.write_bmp,
        alpha=False,
    ),
    "GIF": Format("GIF", (".gif",), rb"GIF8[79]a", pillow.read_gif, end=end_of_gif),
    "AVIF": Format(
        "AVIF",
        (".avif",),
        rb".{4}ftypavi[fs]",
        pillow.read_avif,
        end=end_of_boxes,
        write=pillow.write_avif,
        gray=False,
        lossy=True,
        longest_side=65535,
    ),
    "JPEG2000": Format(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"),
        rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ",
        pillow.read_jpeg_2000,
        write=pillow.write_jpeg_2000,
    ),
    "PNM": Format(
        "PNM",
        (".pnm", ".ppm", ".pgm", ".pbm", ".pfm"),
        rb"P[1-6Ff][\s#]",
        read_pnm,
        contents_of_pnm,
        end_of_pnm,
        write_pnm,
        dtypes=("uint8", "uint16", "float32"),
        alpha=False,
        odd_depths=True,
    ),
    "HEIC": Format(
        pillow.HEIC.format,
        (".heic", ".heif", ".hif"),
        rb".{4}ftyp(?:he[iv][cxms]|mif1|msf1)",  # videos have the same boxes, of other brands
        pillow.read_heic,
        end=end_of_boxes,
        plugin=pillow.HEIC,
    ),
    "JXL": Format(
        pillow.JPEG_XL.format,
        (".jxl",),
        rb"\xff\x0a|\0\0\0\x0cJXL ",
        pillow.read_jpeg_xl,
        end=pillow.end_of_jpeg_xl,
        plugin=pillow.JPEG_XL,
    ),
    "TGA": Format(
        "TGA",
        (".tga",),
        _TARGA,
        pillow.read_tga,
        write=pillow.write_tga,
        longest_side=65535,
    ),
}
"""Every format by the name that `Picture.format` holds."""

HEAD = 32
"""The bytes at the beginning of a file by which its format is recognized."""

SUFFIXES = frozenset(suffix for kind in FORMATS.values() for suffix in kind.suffixes)
"""The endings of the names of image files, in lower case, with the dot."""

_READABLE = ", ".join(kind.name for kind in FORMATS.values())
WRITABLE = ", ".join(kind.name for kind in FORMATS.values() if kind.write)
"""The formats that can be written, in words."""


def looks_like_image(path: Path) -> bool:
    """Whether a file is an image judging by its name; hidden files and folders are not."""
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in SUFFIXES and not path.is_dir()


def sniff(head: bytes) -> str:
    """Tell the format by a file's first bytes, whatever its name says.

    Args:
        head: The first bytes, at least 18 unless the file has fewer.

    Returns:
        A key of `FORMATS`.

    Raises:
        ImageReadError: The bytes are those of no format in `FORMATS`.
    """
    if not head:
        raise ImageReadError("the file is empty")
    for name, kind in FORMATS.items():
        if kind.begins(head):
            return name
    raise ImageReadError(f"not an image of a known kind ({_READABLE})")


def beginning_of(path: Path) -> str | None:
    """The format whose mark a file begins with, in words, whatever the file's name says.

    Args:
        path: The path of a regular file.

    Returns:
        The name of the format; None where there is no mark or the file can't be opened.
    """
    try:
        with path.open("rb") as file:
            kind = FORMATS[sniff(file.read(HEAD))]
    except (OSError, ImageReadError):
        return None
    return kind.name if kind.is_marked else None


def format_named(name: str) -> str:
    """The key of `FORMATS` for a name such as "png", "JPEG 2000" or "jpg".

    Raises:
        UsageError: No format has this name, or the format can't be written.
    """
    plain = name.lower().removeprefix(".")
    for key, kind in FORMATS.items():
        named = plain in (key.lower(), kind.name.lower()) or f".{plain}" in kind.suffixes
        if named and kind.write is not None:
            return key
    raise UsageError(f"{name!r} is no format to write: choose one of {WRITABLE}")


def suffix_of(name: str) -> str:
    """The usual ending of file names of a format, with its dot.

    Raises:
        UsageError: No format has this name, or the format can't be written.

    >>> suffix_of("jpeg")
    '.jpg'
    """
    return FORMATS[format_named(name)].suffixes[0]


def format_of(path: Path) -> str | None:
    """The format that the ending of a file's name stands for; None if it stands for none.

    >>> format_of(Path("holiday.JPG"))
    'JPEG'
    """
    suffix = path.suffix.lower()
    return next((key for key, kind in FORMATS.items() if suffix in kind.suffixes), None)


def lack_of(path: Path) -> str | None:
    """What is to be installed before files with such a name can be read; None if nothing is."""
    kind = format_of(path)
    plugin = None if kind is None else FORMATS[kind].plugin
    return None if plugin is None else plugin.lack


def is_written(key: str) -> bool:
    """Whether there is an encoder for a format, given by its key in `FORMATS`."""
    return FORMATS[key].write is not None


def is_lossy(key: str) -> bool:
    """Whether a format, given by its key in `FORMATS`, is written at a quality."""
    return FORMATS[key].lossy


def writable_suffixes() -> list[str]:
    """The endings of the names of files that can be written, in the order of the formats.

    >>> writable_suffixes()[:2]
    ['.png', '.jpg']
    """
    return [suffix for key in FORMATS if is_written(key) for suffix in FORMATS[key].suffixes]
