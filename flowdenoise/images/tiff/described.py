"""The metadata of a TIFF page, whose directory holds EXIF tags and resolution together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

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
_FIRST_ON_ITS_SIDE = 5  # of the orientations
_ROUNDED = 1e-3  # part of a density that other formats, which state whole numbers, may have lost
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
    density = _exact_density(tags)
    if turned >= _FIRST_ON_ITS_SIDE and density:
        across, along = density[Tag.X_RESOLUTION], density[Tag.Y_RESOLUTION]
        density |= {Tag.X_RESOLUTION: along, Tag.Y_RESOLUTION: across}
    kept |= density
    metadata = replace(
        _stated_density(tags),
        exif=directory.pack_block(kept) if kept else None,
        icc_profile=_bytes_of(tags.get(Tag.ICC_PROFILE)),
        xmp=_bytes_of(tags.get(Tag.XMP)),
        photoshop=_bytes_of(tags.get(Tag.PHOTOSHOP)),
    )
    return upright(metadata, turned=turned)


def to_tags(metadata: Metadata) -> Tags:
    """The tags by which a TIFF file states this metadata."""
    block = {} if metadata.exif is None else directory.read_block(metadata.exif)
    tags: Tags = {
        tag: value for tag, value in block.items() if tag not in LAYOUT and tag not in _SEPARATE
    }
    if metadata.icc_profile is not None:
        tags[Tag.ICC_PROFILE] = directory.opaque(metadata.icc_profile)
    if metadata.xmp is not None:
        tags[Tag.XMP] = directory.opaque(metadata.xmp, directory.BYTE)
    if metadata.photoshop is not None:
        tags[Tag.PHOTOSHOP] = directory.opaque(metadata.photoshop)
    exact: Tags = {tag: block[tag] for tag in _DENSITY if tag in block}
    return tags | (exact if _is_more_exact(exact, metadata) else _density_tags(metadata))


def names_of_contents(tags: Tags) -> Iterator[str]:
    """What a page carries besides its pixels, in words."""
    others = (tag not in LAYOUT and tag not in _SEPARATE and tag != Tag.IPTC for tag in tags)
    if any(others) or _exact_density(tags):
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


def _stated_density(tags: Tags) -> Metadata:
    """The density in the words that all formats share, before the picture is turned."""
    density, unit = _density(tags)
    scale = _INCHES_PER_UNIT.get(unit)
    metadata = Metadata(
        dpi=(density[0] * scale, density[1] * scale) if density and scale else None,
        aspect=density if density and unit == _NO_UNIT and density[0] != density[1] else None,
    )
    return upright(metadata)[0]


def _density_tags(metadata: Metadata) -> Tags:
    """The tags that state the density in those words; without one, a pixel is the unit.

    TIFF asks for these tags in every file.
    """
    across, along = metadata.dpi or metadata.aspect or (1, 1)
    return {
        Tag.X_RESOLUTION: directory.rational(across),
        Tag.Y_RESOLUTION: directory.rational(along),
        Tag.RESOLUTION_UNIT: directory.short(_INCH if metadata.dpi else _NO_UNIT),
    }


def _exact_density(tags: Tags) -> Tags:
    """The tags of a density that those words don't hold as the file states it.

    Such are pixels per centimeter, and the calibration of microscopes: ImageJ states pixels per
    micrometer as a density without a unit, and names the unit in its description.
    """
    density, unit = _density(tags)
    if density is None or _density(_density_tags(_stated_density(tags))) == (density, unit):
        return {}
    return {tag: tags[tag] for tag in _DENSITY if tag in tags}


def _is_more_exact(tags: Tags, metadata: Metadata) -> bool:
    """Whether tags state the density of this metadata, which may have been rounded."""
    if _density(tags)[0] is None:
        return False
    stated = _stated_density(tags)
    return all(
        told is None or (own is not None and np.allclose(told, own, rtol=_ROUNDED, atol=0))
        for told, own in ((metadata.dpi, stated.dpi), (metadata.aspect, stated.aspect))
    )
