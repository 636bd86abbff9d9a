"""The metadata of a TIFF page, whose directory holds EXIF tags and resolution together."""

from __future__ import annotations

from collections.abc import Iterator

from flowdenoise.images.metadata import (
    UPRIGHT,
    Metadata,
    name_of_resources,
    orientation_of,
    upright,
)
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.directory import Entry, Tags
from flowdenoise.images.tiff.tags import LAYOUT, Tag

_NAMES = {
    Tag.ICC_PROFILE: "color profile",
    Tag.XMP: "XMP",
    Tag.IPTC: "IPTC",
    Tag.SUB_DIRECTORIES: "reduced copies",
}
_DENSITY = (Tag.X_RESOLUTION, Tag.Y_RESOLUTION, Tag.RESOLUTION_UNIT)
_SEPARATE = frozenset({*_DENSITY, Tag.XMP, Tag.ICC_PROFILE, Tag.PHOTOSHOP})
_NO_UNIT, _INCH = 1, 2
_INCHES_PER_UNIT = {_INCH: 1.0, 3: 2.54}


def orientation_of_tags(tags: Tags) -> int:
    """The orientation, 1 to 8, that the tag states, or else XMP."""
    value = tags.get(Tag.ORIENTATION)
    if isinstance(value, Entry) and value.integers and 1 <= value.integers[0] <= 8:
        return value.integers[0]
    return orientation_of(None, _bytes_of(tags.get(Tag.XMP)))


def from_tags(tags: Tags, *, turned: int) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata of a page that was turned upright, and what could not be kept."""
    kept: Tags = {
        tag: value
        for tag, value in tags.items()
        if tag not in LAYOUT and tag not in _SEPARATE and value != {}
    }
    if Tag.ORIENTATION in kept:
        kept[Tag.ORIENTATION] = directory.short(UPRIGHT)
    density, unit = _density(tags)
    scale = _INCHES_PER_UNIT.get(unit)
    metadata = Metadata(
        exif=directory.pack_block(kept) if kept else None,
        icc_profile=_bytes_of(tags.get(Tag.ICC_PROFILE)),
        xmp=_bytes_of(tags.get(Tag.XMP)),
        dpi=(density[0] * scale, density[1] * scale) if density and scale else None,
        aspect=density if density and unit == _NO_UNIT and density[0] != density[1] else None,
        photoshop=_bytes_of(tags.get(Tag.PHOTOSHOP)),
    )
    return upright(metadata, turned=turned)


def to_tags(metadata: Metadata) -> Tags:
    """The tags by which a TIFF file states this metadata."""
    tags: Tags = {}
    if metadata.exif is not None:
        tags = {
            tag: value
            for tag, value in directory.read_block(metadata.exif).items()
            if tag not in LAYOUT and tag not in _SEPARATE
        }
    if metadata.icc_profile is not None:
        tags[Tag.ICC_PROFILE] = directory.opaque(metadata.icc_profile)
    if metadata.xmp is not None:
        tags[Tag.XMP] = directory.opaque(metadata.xmp, directory.BYTE)
    if metadata.photoshop is not None:
        tags[Tag.PHOTOSHOP] = directory.opaque(metadata.photoshop)
    density = metadata.dpi or metadata.aspect
    if density is not None:
        tags[Tag.X_RESOLUTION] = directory.rational(density[0])
        tags[Tag.Y_RESOLUTION] = directory.rational(density[1])
        tags[Tag.RESOLUTION_UNIT] = directory.short(_INCH if metadata.dpi else _NO_UNIT)
    return tags


def names_of_contents(tags: Tags) -> Iterator[str]:
    """What a page carries besides its pixels, in words."""
    if any(tag not in LAYOUT and tag not in _SEPARATE and tag != Tag.IPTC for tag in tags):
        yield "EXIF"
    if (resources := _bytes_of(tags.get(Tag.PHOTOSHOP))) is not None:
        yield name_of_resources(resources)
    for tag, name in _NAMES.items():
        if tag in tags:
            yield name
    density, unit = _density(tags)
    if density is not None and (unit != _NO_UNIT or density[0] != density[1]):
        yield "pixel aspect" if unit == _NO_UNIT else "resolution"


def _bytes_of(value: Entry | Tags | None) -> bytes | None:
    return value.data if isinstance(value, Entry) else None


def _density(tags: Tags) -> tuple[tuple[float, float] | None, int]:
    """The pixels per unit along the width and the height, and the number of the unit."""
    across, along, unit = (
        value.numbers[0] if isinstance(value, Entry) and value.numbers else None
        for value in (tags.get(tag) for tag in _DENSITY)
    )
    number = _INCH if unit is None else int(unit)  # inches are TIFF's default
    return (None if across is None or along is None else (across, along)), number
