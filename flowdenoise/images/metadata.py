"""What a picture carries besides its pixels: EXIF, color profile, captions, texts, orientation.

The pixels are turned upright once, on reading. Whatever says "turn me" in the metadata must then
say "upright", or the next program would turn the picture again. Likewise whatever states a size
states that of the picture that is written.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flowdenoise.errors import ImageReadError
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.directory import Entry, Tags
from flowdenoise.images.tiff.tags import Tag

UPRIGHT = 1

BEHIND = "data behind the picture"
"""The name of the data that follow the picture in its file, which may be another picture."""

EXIF_PREFIX = b"Exif\x00\x00"
"""What JPEG and other formats put before an EXIF block."""

ISO_RANGE = (25, 65534)
"""The least and the largest ISO that is believed: 65535, the end of its type, means any above."""

_IPTC = b"8BIM\x04\x04"  # an image resource
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)([1-8])")
_XMP_WIDTH, _XMP_HEIGHT = (
    re.compile(rb"((?:exif:%b|tiff:%b)\s*(?:=\s*[\"']|>)\s*)\d+" % names)
    for names in ((b"PixelXDimension", b"ImageWidth"), (b"PixelYDimension", b"ImageLength"))
)
_WIDTHS = (Tag.WIDTH, Tag.PIXEL_WIDTH)
_HEIGHTS = (Tag.HEIGHT, Tag.PIXEL_HEIGHT)


@dataclass(frozen=True)
class Metadata:
    """What is carried over from the file that was read to the file that is written.

    Attributes:
        exif: The EXIF block, beginning with its TIFF header; its orientation is "upright".
        icc_profile: The color profile.
        xmp: The XMP packet; its orientation is "upright".
        dpi: The pixels per inch, along the width and along the height.
        aspect: The pixels per unit of length, along the width and along the height, where the
            file does not say which unit.
        photoshop: The image resources of Photoshop, which hold the captions of newspapers (IPTC).
        comment: The comment of a JPEG or GIF file, whose encoding is not stated.
        png_chunks: The chunks of a PNG file, each (name, body), that state its colors without a
            profile, hold its texts, or may be copied beside other pixels.
        trailer: The video that phones append to a JPEG file.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    aspect: tuple[float, float] | None = None
    photoshop: bytes | None = None
    comment: bytes | None = None
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    trailer: bytes | None = None

    @property
    def contents(self) -> tuple[str, ...]:
        """The names of what is there, in the words that formats use."""
        words = {
            "EXIF": self.exif,
            "color profile": self.icc_profile,
            "XMP": self.xmp,
            "resolution": self.dpi,
            "pixel aspect": self.aspect,
            name_of_resources(self.photoshop or b""): self.photoshop,
            "comment": self.comment,
            "motion video": self.trailer,
        }
        return tuple(word for word, value in words.items() if value is not None)

    @property
    def iso(self) -> int | None:
        """The sensitivity at which a camera took the picture, according to EXIF.

        None if EXIF is silent or states what no camera has.
        """
        exif = _tags_of(self.exif).get(Tag.EXIF_DIRECTORY)
        entry = exif.get(Tag.ISO) if isinstance(exif, dict) else None
        if not isinstance(entry, Entry) or entry.kind not in (directory.SHORT, directory.LONG):
            return None
        stated = entry.integers[0] if entry.integers else 0
        return stated if ISO_RANGE[0] <= stated <= ISO_RANGE[1] else None


def sized(metadata: Metadata, width: int, height: int) -> Metadata:
    """Make the metadata of a picture of another size: what states the size is set, where it is.

    Args:
        metadata: The metadata.
        width: The width of the picture, in pixels.
        height: The height of the picture, in pixels.
    """
    exif, xmp = metadata.exif, metadata.xmp
    if exif is not None:
        exif = _sized_exif(exif, width, height)
    if xmp is not None:
        xmp = _XMP_WIDTH.sub(rb"\g<1>%d" % width, xmp)
        xmp = _XMP_HEIGHT.sub(rb"\g<1>%d" % height, xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def _sized_exif(block: bytes, width: int, height: int) -> bytes:
    """Set the sizes in place, so that every other byte of the block stays where it was."""
    order = _order_of(block)
    fixed = bytearray(block)
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        entries = list(_places_of(block, start))
        for tag, place in entries:
            if tag == Tag.EXIF_DIRECTORY:
                entries += _places_of(block, *struct.unpack_from(order + "I", block, place + 8))
        for tag, place in entries:
            if tag in _WIDTHS or tag in _HEIGHTS:
                side = width if tag in _WIDTHS else height
                (kind,) = struct.unpack_from(order + "H", block, place + 2)
                if kind == directory.SHORT and side < 2**16:
                    struct.pack_into(order + "H", fixed, place + 8, side)
                else:
                    struct.pack_into(order + "HII", fixed, place + 2, directory.LONG, 1, side)
    except struct.error:  # it is not whole, and stays as it is
        return block
    return bytes(fixed)


def _order_of(block: bytes) -> str:
    """The order of bytes in an EXIF block, as the letter of the struct module."""
    return "<" if block[:2] == b"II" else ">"


def _places_of(block: bytes, start: int) -> Iterator[tuple[int, int]]:
    """The tag and the place of each entry of the directory at a place of an EXIF block.

    Raises:
        struct.error: The directory reaches beyond the block.
    """
    order = _order_of(block)
    (count,) = struct.unpack_from(order + "H", block, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        yield struct.unpack_from(order + "H", block, place)[0], place


def name_of_resources(resources: bytes) -> str:
    """The name of what Photoshop's image resources hold."""
    return "IPTC" if _IPTC in resources else "Photoshop's resources"


def _tags_of(exif: bytes | None) -> Tags:
    """The tags of an EXIF block; there are none if it is missing or damaged."""
    try:
        return directory.read_block((exif or b"").removeprefix(EXIF_PREFIX))
    except ImageReadError:
        return {}


def orientation_of(exif: bytes | None, xmp: bytes | None) -> int:
    """The orientation, 1 (upright) to 8, that EXIF's tag 274 states, or else XMP."""
    stated = directory.first_of(_tags_of(exif), Tag.ORIENTATION, 0)
    if 1 <= stated <= 8:
        return stated
    if xmp and (match := _XMP_ORIENTATION.search(xmp)):
        return int(match[2])
    return UPRIGHT


def upright(metadata: Metadata, *, turned: int = UPRIGHT) -> tuple[Metadata, tuple[str, ...]]:
    """Make the metadata of a picture whose pixels were turned.

    Args:
        metadata: The metadata of the file; the EXIF block may have its "Exif" prefix.
        turned: The orientation that the file stated.

    Returns:
        The metadata, and what could not be kept.
    """
    warnings: tuple[str, ...] = ()
    exif, xmp = metadata.exif, metadata.xmp
    if exif is not None:
        try:
            exif = _upright_exif(exif.removeprefix(EXIF_PREFIX), turned)
        except (struct.error, ImageReadError):
            exif, warnings = None, ("the EXIF data is damaged and left out",)
    if xmp is not None:
        xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    kept = replace(
        metadata,
        exif=exif or None,
        icc_profile=metadata.icc_profile or None,
        xmp=xmp or None,
        dpi=_sound(metadata.dpi, turned),
        aspect=_sound(metadata.aspect, turned),
    )
    return kept, warnings


def _upright_exif(block: bytes, turned: int) -> bytes:
    """Reset the orientation in place, so that every other byte of the block stays where it was.

    The notes of camera makers refer to places within the block, which taking the block apart
    would change. The preview of a turned picture is unlinked without a warning: it is not turned,
    shows nothing but the picture as it was, and programs make a new one.
    """
    reader = directory.read_block(block)  # raises where it is damaged
    if turned == UPRIGHT or Tag.ORIENTATION not in reader:
        return block
    order = _order_of(block)
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    fixed = bytearray(block)
    for tag, place in _places_of(block, start):
        if tag == Tag.ORIENTATION:
            (kind,) = struct.unpack_from(order + "H", block, place + 2)
            struct.pack_into(
                order + ("H" if kind == directory.SHORT else "I"), fixed, place + 8, 1
            )
    if len(fixed) >= start + 6 + 12 * count:
        struct.pack_into(order + "I", fixed, start + 2 + 12 * count, 0)
    return bytes(fixed)


def _sound(density: tuple[float, float] | None, turned: int) -> tuple[float, float] | None:
    """The resolution of the upright picture; None if formats can't state it."""
    if density is None or not 1 <= min(density) <= max(density) < 2**16:
        return None
    across, along = float(density[0]), float(density[1])
    return (across, along) if turned < 5 else (along, across)
