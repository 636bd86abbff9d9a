"""What a picture carries besides its pixels: EXIF, profile, XMP, resolution, which way is up.

The pixels are turned upright once, on reading. Whatever says "turn me" in the metadata must then
say "upright", or the next program would turn the picture again.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from flowdenoise.errors import ImageReadError
from flowdenoise.images import ifd
from flowdenoise.images.ifd import Entry, Tags

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
XMP, ICC_PROFILE = 700, 34675
UPRIGHT = 1

_EXIF_PREFIX = b"Exif\x00\x00"
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)([1-8])")
_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}  # of ResolutionUnit: inch, centimeter

_LAYOUT_TAGS = frozenset(
    # How a TIFF file lays out and colors its pixels: never carried over to another file.
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284}
    | {288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330}
    | {332, 333, 334, 336, 338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520}
    | {521, 529, 530, 531, 532}
)
_SEPARATE_TAGS = frozenset({X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, XMP, ICC_PROFILE})


@dataclass(frozen=True)
class Metadata:
    """What is carried over from the file that was read to the file that is written.

    Attributes:
        exif: The EXIF block, beginning with its TIFF header; its orientation is "upright".
        icc_profile: The color profile.
        xmp: The XMP packet; its orientation is "upright".
        dpi: Pixels per inch, along the width and along the height.
        png_color: Chunks by which PNG states colors without a profile: (name, body).
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    png_color: tuple[tuple[bytes, bytes], ...] = ()


def orientation_of(exif: bytes | None, xmp: bytes | None) -> int:
    """Which way is up, 1 (upright) to 8, by EXIF's tag 274 or else by XMP."""
    if exif:
        try:
            entry = ifd.read_block(exif.removeprefix(_EXIF_PREFIX)).get(ORIENTATION)
        except ImageReadError:
            entry = None
        if isinstance(entry, Entry) and entry.integers and 1 <= entry.integers[0] <= 8:
            return entry.integers[0]
    if xmp and (match := _XMP_ORIENTATION.search(xmp)):
        return int(match[2])
    return UPRIGHT


def upright(
    exif: bytes | None,
    icc_profile: bytes | None,
    xmp: bytes | None,
    dpi: tuple[float, float] | None,
    *,
    turned: int = UPRIGHT,
) -> tuple[Metadata, tuple[str, ...]]:
    """Make the metadata of a picture whose pixels were turned.

    Args:
        exif: As it was in the file, with or without its "Exif" prefix.
        icc_profile: As it was in the file.
        xmp: As it was in the file.
        dpi: As it was in the file.
        turned: The orientation that the file stated.

    Returns:
        The metadata, and what could not be kept.
    """
    warnings: tuple[str, ...] = ()
    if exif is not None:
        try:
            exif = _upright_exif(exif.removeprefix(_EXIF_PREFIX), turned)
        except (struct.error, ImageReadError):
            exif, warnings = None, ("the EXIF data is damaged and left out",)
    if xmp is not None:
        xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    if dpi is not None:
        dpi = _sound_dpi(dpi if turned < 5 else (dpi[1], dpi[0]))
    return Metadata(exif or None, icc_profile or None, xmp or None, dpi), warnings


def _upright_exif(block: bytes, turned: int) -> bytes:
    """Reset the orientation in place, so that every other byte of the block stays where it was.

    The notes of camera makers refer to places within the block; a block that is taken apart and
    put together anew breaks them. A turned picture's preview is unlinked: it would stay lying.
    """
    reader = ifd.read_block(block)  # raises where it is damaged
    if turned == UPRIGHT or ORIENTATION not in reader:
        return block
    order = "<" if block[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    fixed = bytearray(block)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", block, place)
        if tag == ORIENTATION:
            struct.pack_into(order + ("H" if kind == ifd.SHORT else "I"), fixed, place + 8, 1)
    if len(fixed) >= start + 6 + 12 * count:
        struct.pack_into(order + "I", fixed, start + 2 + 12 * count, 0)
    return bytes(fixed)


def _sound_dpi(dpi: tuple[float, float]) -> tuple[float, float] | None:
    across, along = float(dpi[0]), float(dpi[1])
    return (across, along) if min(dpi) >= 1 and max(dpi) < 2**16 else None


def from_tiff(tags: Tags, *, turned: int) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata of a TIFF file: its directory is EXIF block, profile and resolution at once."""
    kept: Tags = {
        tag: value
        for tag, value in tags.items()
        if tag not in _LAYOUT_TAGS and tag not in _SEPARATE_TAGS and value != {}
    }
    if ORIENTATION in kept:
        kept[ORIENTATION] = ifd.short(UPRIGHT)
    return upright(
        ifd.pack_block(kept) if kept else None,
        _bytes_of(tags.get(ICC_PROFILE)),
        _bytes_of(tags.get(XMP)),
        _resolution(tags),
        turned=turned,
    )


def to_tiff(metadata: Metadata) -> Tags:
    """The tags by which a TIFF file states this metadata."""
    tags: Tags = {}
    if metadata.exif is not None:
        tags = {
            tag: value
            for tag, value in ifd.read_block(metadata.exif).items()
            if tag not in _LAYOUT_TAGS and tag not in _SEPARATE_TAGS
        }
    if metadata.icc_profile is not None:
        tags[ICC_PROFILE] = ifd.opaque(metadata.icc_profile)
    if metadata.xmp is not None:
        tags[XMP] = ifd.opaque(metadata.xmp, ifd.BYTE)
    if metadata.dpi is not None:
        tags[X_RESOLUTION] = ifd.rational(metadata.dpi[0])
        tags[Y_RESOLUTION] = ifd.rational(metadata.dpi[1])
        tags[RESOLUTION_UNIT] = ifd.short(2)
    return tags


def _bytes_of(value: Entry | Tags | None) -> bytes | None:
    return value.data if isinstance(value, Entry) else None


def _resolution(tags: Tags) -> tuple[float, float] | None:
    across, along, unit = (
        value.numbers[0] if isinstance(value, Entry) and value.numbers else None
        for value in (tags.get(tag) for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT))
    )
    scale = _INCHES_PER_UNIT.get(int(unit) if unit is not None else 2)  # 2 is TIFF's default
    if across is None or along is None or scale is None:
        return None
    return across * scale, along * scale
