"""How the fuzzer alters a file: by its structure, or anywhere.

Blind changes mostly end at a checksum or a magic number. So the parts of a file are found first
(PNG's chunks, JPEG's segments, TIFF's entries, the boxes of AVIF and HEIC, WebP's chunks); whole
parts are dropped, doubled, exchanged or cut, and numbers in them replaced by such as break
arithmetic. Checksums are mended most of the time.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from random import Random

from seeds import chunk

Part = tuple[int, int]
"""Begin and end of a part of a file."""

_NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    127,
    255,
    256,
    4095,
    32767,
    65535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)


def altered(data: bytes, others: list[bytes], random: Random) -> bytes:
    """A file with one to four alterations.

    Args:
        data: A sound file.
        others: Sound files of all formats, for splicing.
        random: The source of all chance.
    """
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        way = random.choice(
            (_parts, _parts, _number, _number, _byte, _byte, _insert, _remove, _cut)
        )
        if random.random() < 0.03:
            data = _splice(data, random.choice(others), random)
        elif data:
            data = way(data, random)
    if data.startswith(b"\x89PNG") and random.random() < 0.9:
        data = _with_checksums(data)
    return data


def _parts(data: bytes, random: Random) -> bytes:
    """Drop, double, exchange or cut a part, or put a number at its beginning."""
    found = parts_of(data)
    if not found:
        return _number(data, random)
    start, end = random.choice(found)
    what = random.randrange(6)
    if what == 0:
        return data[:start] + data[end:]
    if what == 1:
        return data[:end] + data[start:end] * random.choice((1, 1, 2, 300)) + data[end:]
    if what == 2:
        other = random.choice(found)
        (a, b), (c, d) = sorted([(start, end), other])
        if b <= c:
            return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]
    if what == 3:
        middle = random.randint(start, end)
        return data[:middle] + data[end:]
    place = start + random.randrange(min(20, max(1, end - start)))
    return _with_number(data, place, random)


def parts_of(data: bytes) -> list[Part]:
    """The parts of a file, as far as they can be told."""
    for magic, find in _FINDERS:
        if re.match(magic, data, re.DOTALL):
            return find(data)
    return []


def _png(data: bytes) -> list[Part]:
    return _sized(data, 8, lambda place: 12 + int.from_bytes(data[place : place + 4], "big"))


def _riff(data: bytes) -> list[Part]:
    def size(place: int) -> int:
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        return 8 + length + length % 2

    return _sized(data, 12, size)


def _boxes(data: bytes, start: int = 0, end: int | None = None, depth: int = 0) -> list[Part]:
    """Boxes, and those within the boxes that are known to hold some."""
    found = _sized(data[:end], start, lambda place: int.from_bytes(data[place : place + 4], "big"))
    for begin, finish in list(found):
        name = data[begin + 4 : begin + 8]
        skip = {b"meta": 12, b"iprp": 8, b"ipco": 8, b"jp2h": 8, b"moov": 8}.get(name)
        if skip and depth < 4:
            found += _boxes(data, begin + skip, finish, depth + 1)
    return found


def _sized(data: bytes, place: int, size: Callable[[int], int]) -> list[Part]:
    found = []
    while place + 8 <= len(data) and len(found) < 1000:
        end = place + size(place)
        if end < place + 8 or end > len(data):
            break
        found.append((place, end))
        place = end
    return found


def _jpeg(data: bytes) -> list[Part]:
    found, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        found.append((place, min(end, len(data))))
        if data[place + 1] == 0xDA:
            found.append((min(end, len(data)), len(data)))
            break
        place = end
    return found


def _tiff(data: bytes) -> list[Part]:
    """The entries of the directories."""
    order = "<" if data[:2] == b"II" else ">"
    found, place = [], struct.unpack_from(order + "I", data, 4)[0] if len(data) >= 8 else 0
    while 0 < place < len(data) - 2 and len(found) < 1000:
        (count,) = struct.unpack_from(order + "H", data, place)
        end = place + 2 + 12 * count
        if end + 4 > len(data):
            break
        found += [(entry, entry + 12) for entry in range(place + 2, end, 12)]
        found.append((end, end + 4))
        (place,) = struct.unpack_from(order + "I", data, end)
    return found


_FINDERS: tuple[tuple[bytes, Callable[[bytes], list[Part]]], ...] = (
    (rb"\x89PNG", _png),
    (rb"\xff\xd8", _jpeg),
    (rb"II\*|MM\0\*", _tiff),
    (rb"RIFF", _riff),
    (rb".{4}(ftyp|jP  |JXL )", _boxes),
)


def _number(data: bytes, random: Random) -> bytes:
    """Replace a number anywhere, more often near the beginning."""
    reach = len(data) if random.random() < 0.4 else min(len(data), 120)
    return _with_number(data, random.randrange(reach), random)


def _with_number(data: bytes, place: int, random: Random) -> bytes:
    size = random.choice((1, 2, 2, 4, 4, 4, 8))
    value = random.choice(_NUMBERS) if random.random() < 0.7 else random.randrange(2**32)
    body = (value % 256**size).to_bytes(size, random.choice(("big", "little")))
    return data[:place] + body[: len(data) - place] + data[place + size :]


def _byte(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    value = data[place] ^ (1 << random.randrange(8)) if random.random() < 0.5 else 0xFF
    return data[:place] + bytes([value]) + data[place + 1 :]


def _insert(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + random.randbytes(random.randint(1, 16)) + data[place:]


def _remove(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + data[place + random.randint(1, 60) :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def _splice(data: bytes, other: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other)) :]


def _with_checksums(data: bytes) -> bytes:
    """A PNG file whose checksums are right, as far as its chunks can be told apart."""
    mended, end = data[:8], 8
    for start, end in _png(data):
        mended += chunk(data[start + 4 : start + 8], data[start + 8 : end - 4])
    return mended + data[end:]
