"""The kinds of image file, what each can hold, and how a file or a name is told to be one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flowdenoise.errors import ImageReadError, UsageError


@dataclass(frozen=True)
class Format:
    """What a kind of file can hold.

    Attributes:
        name: As users know it.
        suffixes: Lower case, the usual one first.
        dtypes: Types of sample it can be written with, the shallowest first. None: read only.
        gray: Whether it has pictures of one channel.
        alpha, exif, icc_profile, xmp, dpi: Whether it can be written with them.
        longest_side: In pixels.
    """

    name: str
    suffixes: tuple[str, ...]
    dtypes: tuple[str, ...] = ("uint8",)
    gray: bool = True
    alpha: bool = False
    exif: bool = True
    icc_profile: bool = True
    xmp: bool = True
    dpi: bool = True
    longest_side: int = 2**31 - 1


FORMATS = {
    "PNG": Format("PNG", (".png",), ("uint8", "uint16"), alpha=True),
    "JPEG": Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), longest_side=65500),
    "TIFF": Format("TIFF", (".tif", ".tiff"), ("uint8", "uint16", "float32"), alpha=True),
    "WEBP": Format("WebP", (".webp",), gray=False, alpha=True, dpi=False, longest_side=16383),
    "BMP": Format("BMP", (".bmp",), exif=False, icc_profile=False, xmp=False),
    "GIF": Format("GIF", (".gif",), dtypes=()),
}
"""Every format by the name that `Picture.format` holds."""

SUFFIXES = frozenset(suffix for kind in FORMATS.values() for suffix in kind.suffixes)
"""Endings of the names of image files, lower case, with the dot."""

_READABLE = ", ".join(kind.name for kind in FORMATS.values())
_WRITABLE = ", ".join(kind.name for kind in FORMATS.values() if kind.dtypes)
_ALIASES = {"JPG": "JPEG", "TIF": "TIFF"}

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II\x2a\x00", "TIFF"),
    (b"MM\x00\x2a", "TIFF"),
    (b"II\x2b\x00", "TIFF"),  # BigTIFF
    (b"MM\x00\x2b", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)


def looks_like_image(path: Path) -> bool:
    """Whether a file is an image by its name; hidden files and directories are not."""
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in SUFFIXES and not path.is_dir()


def sniff(head: bytes) -> str:
    """Tell the format by a file's first bytes, whatever its name says.

    Args:
        head: At least 16 bytes of a whole file.

    Returns:
        A key of `FORMATS`.

    Raises:
        ImageReadError: It is none of them.
    """
    if not head:
        raise ImageReadError("the file is empty")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        raise ImageReadError("HEIC and AVIF can't be read: convert it to PNG or TIFF first")
    raise ImageReadError(f"not an image of a known kind ({_READABLE})")


def format_named(name: str) -> str:
    """The key of `FORMATS` for a name such as "png" or "jpg".

    Raises:
        UsageError: There is no such format, or it can't be written.
    """
    key = name.upper().removeprefix(".")
    key = _ALIASES.get(key, key)
    if key not in FORMATS or not FORMATS[key].dtypes:
        raise UsageError(f"{name!r} is no format to write: choose one of {_WRITABLE}")
    return key


def suffix_of(name: str) -> str:
    """The usual ending of file names of a format, with its dot.

    Raises:
        UsageError: There is no such format, or it can't be written.

    >>> suffix_of("jpeg")
    '.jpg'
    """
    return FORMATS[format_named(name)].suffixes[0]


def format_of(path: Path) -> str | None:
    """The format that a file's name tells; None when it tells none.

    >>> format_of(Path("holiday.JPG"))
    'JPEG'
    """
    suffix = path.suffix.lower()
    return next((key for key, kind in FORMATS.items() if suffix in kind.suffixes), None)
