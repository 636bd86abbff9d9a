"""Where a picture ends in a stream, so that another one behind it is noticed.

What a format says of its own length is followed; no pixels are decoded. Files hold all sorts of
padding behind their pictures, so only what begins as a picture does counts as one.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from flowdenoise.images.tiff.directory import TagReader, integers_of
from flowdenoise.images.tiff.tags import Tag

_GIF_EXTENSION, _GIF_FRAME, _GIF_END = 0x21, 0x2C, 0x3B
_CHUNKS = ((Tag.STRIP_PLACES, Tag.STRIP_SIZES), (Tag.TILE_PLACES, Tag.TILE_SIZES))


def end_of_bmp(file: BinaryIO) -> int:
    """The size that the header states."""
    return int.from_bytes(bytes_at(file, 2, 4), "little")


def end_of_riff(file: BinaryIO) -> int:
    """The end of the outermost chunk."""
    size = int.from_bytes(bytes_at(file, 4, 4), "little")
    return 8 + size + size % 2


def end_of_gif(file: BinaryIO) -> int | None:
    """The place behind the mark of the end; None if there is none."""
    place = 13 + _size_of_table(bytes_at(file, 10, 1))
    while head := bytes_at(file, place, 10):
        if head[0] == _GIF_END:
            return place + 1
        if head[0] == _GIF_EXTENSION:
            place += 2
        elif head[0] == _GIF_FRAME:
            place += 11 + _size_of_table(head[9:])
        else:
            break
        while length := int.from_bytes(bytes_at(file, place, 1)):
            place += 1 + length
        place += 1
    return None


def _size_of_table(flags: bytes) -> int:
    """The size of a table of colors, by the flags of its screen or frame."""
    number = int.from_bytes(flags)
    return 3 << (number & 7) + 1 if number & 0x80 else 0


def end_of_boxes(file: BinaryIO) -> int | None:
    """The place of another box of the kind of the first; None if there is none."""
    place, size = 0, file.seek(0, io.SEEK_END)
    kind = bytes_at(file, 4, 4)
    while place < size:
        head = bytes_at(file, place, 16)
        if place and head[4:8] == kind:
            return place
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:  # 0 is a box without end
            break
        place += length
    return None


def end_of_tiff(file: BinaryIO) -> int:
    """The end of the last of all directories, values, strips and tiles.

    Raises:
        ImageReadError: A directory is damaged.
    """
    reader = TagReader(file)
    end = 0
    for place in reader.directories():
        tags = reader.tags(place)
        for places, sizes in _CHUNKS:
            chunks = zip(integers_of(tags, places), integers_of(tags, sizes), strict=False)
            end = max(end, *(sum(chunk) for chunk in chunks), 0)
    return max(end, reader.furthest)


def bytes_at(file: BinaryIO, place: int, size: int) -> bytes:
    """The bytes at a place of a file; fewer at its end."""
    file.seek(place)
    return file.read(size)
