"""Directories of tags (IFD), as TIFF files and EXIF blocks have them: reading and writing.

    header: "II" or "MM" (byte order), 42 (43 in BigTIFF), place of the first directory
    directory: number of entries, the entries, place of the next directory
    entry: tag, type, count, and the value itself or, where it is too long, its place

Source: TIFF Revision 6.0 (Adobe, 1992), section 2; BigTIFF (AWare Systems). Values are held in
little-endian order whatever the file's order was, so an entry can be moved between files without
knowing what it means.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal, TypeAlias

from flowdenoise.errors import ImageReadError
from flowdenoise.images.tiff.tags import Tag

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7

_CODES = {  # by type: its letter in the struct module, and numbers per value
    BYTE: ("B", 1),
    ASCII: ("c", 1),
    SHORT: ("H", 1),
    LONG: ("I", 1),
    RATIONAL: ("I", 2),
    6: ("b", 1),
    UNDEFINED: ("c", 1),
    8: ("h", 1),
    9: ("i", 1),
    10: ("i", 2),  # signed rational
    11: ("f", 1),
    12: ("d", 1),
    13: ("I", 1),  # place of a directory
    16: ("Q", 1),
    17: ("q", 1),
    18: ("Q", 1),
}

_NESTED = frozenset({Tag.EXIF_DIRECTORY, Tag.GPS_DIRECTORY, Tag.INTEROPERABILITY_DIRECTORY})
_DEEPEST = 2
_MOST_PAGES = 1_000_000


@dataclass(frozen=True)
class Entry:
    """The value of a tag.

    Attributes:
        kind: The TIFF type.
        data: The bytes of the value, little-endian.
    """

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """The number of values."""
        code, per_value = _CODES[self.kind]
        return len(self.data) // (struct.calcsize(code) * per_value)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values as numbers; text and bytes have none. A rational n/0 is 0."""
        code, per_value = _CODES[self.kind]
        if code == "c":
            return ()
        flat = struct.unpack(f"<{self.count * per_value}{code}", self.data)
        if per_value == 1:
            return flat
        return tuple(n / d if d else 0.0 for n, d in zip(flat[::2], flat[1::2], strict=True))

    @property
    def integers(self) -> tuple[int, ...]:
        """The values that are integers."""
        return tuple(n for n in self.numbers if isinstance(n, int))


Tags: TypeAlias = "dict[int, Entry | Tags]"
"""A directory: the value of each tag. EXIF and GPS tags have directories of their own."""


def short(*values: int) -> Entry:
    """Make an entry of 16-bit integers."""
    return Entry(SHORT, struct.pack(f"<{len(values)}H", *values))


def long(*values: int) -> Entry:
    """Make an entry of 32-bit integers."""
    return Entry(LONG, struct.pack(f"<{len(values)}I", *values))


def rational(value: float) -> Entry:
    """Make an entry of one fraction, to four decimals."""
    return Entry(RATIONAL, struct.pack("<2I", round(value * 10_000), 10_000))


def opaque(data: bytes, kind: int = UNDEFINED) -> Entry:
    """Make an entry of bytes."""
    return Entry(kind, data)


def integers_of(tags: Tags, tag: int) -> tuple[int, ...]:
    """The integers of a tag; a tag that is missing has none."""
    value = tags.get(tag)
    return value.integers if isinstance(value, Entry) else ()


def first_of(tags: Tags, tag: int, default: int) -> int:
    """The first integer of a tag, or the default."""
    values = integers_of(tags, tag)
    return values[0] if values else default


class TagReader:
    """Reads the directories of a TIFF file or an EXIF block.

    Attributes:
        furthest: The end of what was read so far.

    Args:
        file: A seekable file that starts with the header.
        strict: Whether a first directory that refers beyond the end of the file is an error.

    Raises:
        ImageReadError: The header is damaged.
    """

    def __init__(self, file: BinaryIO, *, strict: bool = False) -> None:
        self._file = file
        self._strict = strict
        self.furthest = 0
        self.size = file.seek(0, io.SEEK_END)
        head = self._bytes_at(0, 16)
        if head[:2] not in (b"II", b"MM") or len(head) < 8:
            raise ImageReadError("its TIFF header is damaged")
        self.order: Literal["<", ">"] = "<" if head[:2] == b"II" else ">"
        self._big = head[2:4] in (b"\x2b\x00", b"\x00\x2b")
        if self._big and len(head) < 16:
            raise ImageReadError("its TIFF header is damaged")
        self.first = self._integer("Q", head[8:]) if self._big else self._integer("I", head[4:])

    def tags(self, place: int, *, depth: int = 0) -> Tags:
        """Read the directory at `place` and those in it; damaged entries are left out.

        Raises:
            ImageReadError: The directory is cut short, or, if strict, a tag of the first one
                refers beyond the end of the file.
        """
        found: Tags = {}
        budget = self.size  # overlapping values must not add up to more than the file
        for raw in self._entries(place)[0]:
            tag, kind = self._integer("H", raw), self._integer("H", raw[2:])
            entry = self._entry(kind, raw, budget)
            if entry is None and self._strict and not depth and kind in _CODES:
                raise ImageReadError("damaged or cut short: a TIFF tag refers beyond the end")
            if entry is None or tag in found:
                continue
            budget -= len(entry.data)
            if tag in _NESTED:
                if entry.integers and depth < _DEEPEST:
                    found[tag] = self._nested(entry.integers[0], depth + 1)
            else:
                found[tag] = entry
        return found

    def directories(self) -> list[int]:
        """The places of the chain of directories, one for each page.

        Raises:
            ImageReadError: The chain leads to a place without a directory.
        """
        places: dict[int, None] = {}  # in order; damaged chains may be rings
        place = self.first
        while place and place not in places and len(places) < _MOST_PAGES:
            places[place] = None
            _, place = self._entries(place)
        return list(places)

    def one(self, place: int, tag: int, default: int) -> int:
        """Read the first number of a tag of a directory, without reading the rest."""
        for raw in self._entries(place)[0]:
            if self._integer("H", raw) == tag:
                entry = self._entry(self._integer("H", raw[2:]), raw, self.size)
                return entry.integers[0] if entry and entry.integers else default
        return default

    def _nested(self, place: int, depth: int) -> Tags:
        try:
            return self.tags(place, depth=depth)
        except ImageReadError:
            return {}

    def _entries(self, place: int) -> tuple[list[bytes], int]:
        """The raw entries of a directory, and the place of the next."""
        width, entry_size, link = (8, 20, "Q") if self._big else (2, 12, "I")
        head = self._bytes_at(place, width)
        if len(head) < width:
            raise ImageReadError("cut short: a TIFF directory lies beyond its end")
        count = self._integer("Q" if self._big else "H", head)
        size = count * entry_size
        body = self._bytes_at(place + width, size) if size <= self.size else b""
        if len(body) < size:
            raise ImageReadError("cut short: a TIFF directory is not whole")
        tail = self._bytes_at(place + width + size, width if self._big else 4)
        following = self._integer(link, tail) if len(tail) >= struct.calcsize(link) else 0
        return [body[i : i + entry_size] for i in range(0, size, entry_size)], following

    def _entry(self, kind: int, raw: bytes, budget: int) -> Entry | None:
        if kind not in _CODES:
            return None
        code, per_value = _CODES[kind]
        count = self._integer("Q" if self._big else "I", raw[4:])
        size = count * per_value * struct.calcsize(code)
        inline = raw[12:] if self._big else raw[8:]
        if size <= len(inline):
            data = inline[:size]
        elif size > budget:
            return None
        else:
            place = self._integer("Q" if self._big else "I", inline)
            data = self._bytes_at(place, size)
        if len(data) < size:
            return None
        return Entry(kind, data if self.order == "<" else _swapped(data, struct.calcsize(code)))

    def _bytes_at(self, place: int, size: int) -> bytes:
        if not 0 <= place < self.size:
            return b""
        self._file.seek(place)
        data = self._file.read(size)
        self.furthest = max(self.furthest, place + len(data))
        return data

    def _integer(self, code: str, data: bytes) -> int:
        value: int = struct.unpack_from(self.order + code, data)[0]
        return value


def _swapped(data: bytes, width: int) -> bytes:
    """Reverse the bytes of each value of `width` bytes."""
    swapped = bytearray(len(data))
    for i in range(width):
        swapped[i::width] = data[width - 1 - i :: width]
    return bytes(swapped)


def pack(tags: Mapping[int, Entry | Tags], place: int) -> bytes:
    """Lay out a directory with all that it holds, to be put at an even `place` of a file.

    Returns:
        The bytes of a little-endian directory that no other one follows.
    """
    entries = bytearray(struct.pack("<H", len(tags)))
    beyond = bytearray()
    start = place + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        where = start + len(beyond)
        if isinstance(value, Entry):
            kind, count, data = value.kind, value.count, value.data
        else:
            kind, count, data = LONG, 1, struct.pack("<I", where)
            beyond += pack(value, where)
        if len(data) > 4:
            beyond += data + bytes(len(data) % 2)
            data = struct.pack("<I", where)
        entries += struct.pack("<HHI4s", tag, kind, count, data)
    return bytes(entries + bytes(4) + beyond)


def pack_block(tags: Mapping[int, Entry | Tags]) -> bytes:
    """Lay out a block of header and directory, as other formats hold EXIF."""
    return b"II\x2a\x00" + struct.pack("<I", 8) + pack(tags, 8)


def read_block(block: bytes) -> Tags:
    """Read the first directory of a block that `pack_block` or a camera made.

    Raises:
        ImageReadError: The block is damaged.
    """
    reader = TagReader(io.BytesIO(block))
    return reader.tags(reader.first)
