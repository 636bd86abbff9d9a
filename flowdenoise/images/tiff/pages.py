"""The pages of a TIFF file: its chain of directories without reduced copies and masks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowdenoise.images.tiff.directory import Entry, TagReader, Tags, first_of, integers_of
from flowdenoise.images.tiff.tags import Tag

REDUCED = 1
"""The bit of a page's type that says that it is a smaller copy of another page."""

_MASK = 4  # likewise: it is a mask of another


@dataclass(frozen=True)
class Page:
    """A page of a file.

    Attributes:
        number: The place in the chain of directories, from 0.
        place: The place of the directory in the file.
        offset: The bytes by which the pixels lie behind the place that the directory states.
    """

    number: int
    place: int
    offset: int = 0


def pages_of(reader: TagReader, first: Tags) -> tuple[list[Page], tuple[str, ...]]:
    """The pages of a file, and a warning of what is left out."""
    places = reader.directories()
    if len(places) == 1 and (count := _imagej_count(first)) > 1:
        size = sum(integers_of(first, Tag.STRIP_SIZES))
        end = max(integers_of(first, Tag.STRIP_PLACES), default=0) + size * count
        if end <= reader.size + size and first_of(first, Tag.COMPRESSION, 1) == 1:
            return [Page(0, reader.first, number * size) for number in range(count)], ()
    pages = [
        Page(number, place)
        for number, place in enumerate(places)
        if not number or not reader.one(place, Tag.SUBFILE_TYPE, 0) & (REDUCED | _MASK)
    ]
    others = len(places) - len(pages)
    warning = f"{others} reduced copies or masks are left out"
    return pages, (warning,) if others else ()


def _imagej_count(tags: Tags) -> int:
    """The number of images that ImageJ states; it writes one directory for a long stack."""
    description = tags.get(Tag.DESCRIPTION)
    if not isinstance(description, Entry) or not description.data.startswith(b"ImageJ="):
        return 1
    stated = re.search(rb"^images=(\d{1,9})\s*$", description.data, re.MULTILINE)
    return int(stated[1]) if stated else 1
