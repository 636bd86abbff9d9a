"""PNM: Netpbm's PBM, PGM and PPM, as text or bytes, and PFM, the same for floats.

    magic, width, height, and the largest value (in PFM a number whose sign is the byte order),
    with white space between and remarks behind "#"; one white space; the rows of pixels

Pillow knows the formats, too, but reads 16-bit color as 8 bits silently and has no color PFM.

Source: the manual pages of Netpbm; P. Debevec's description of PFM.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from flowdenoise.errors import ImageReadError
from flowdenoise.images.canvas import bands
from flowdenoise.images.limits import Limits
from flowdenoise.images.metadata import Metadata
from flowdenoise.images.picture import Picture, Samples
from flowdenoise.images.ranges import missing

_BITMAPS = (b"P1", b"P4")
_TEXTS = (b"P1", b"P2", b"P3")
_COLORS = (b"P3", b"P6", b"PF")
_FLOATS = (b"PF", b"Pf")
_LONGEST_HEADER = 2**16


@dataclass(frozen=True)
class _Header:
    """The part of a file before the pixels.

    Attributes:
        magic: The kind of file.
        width, height: The sides, in pixels.
        largest: The value of white; in PFM the third number.
        comment: The remarks.
        start: The place at which the pixels begin.
    """

    magic: bytes
    width: int
    height: int
    largest: float
    comment: bytes
    start: int

    @property
    def channels(self) -> int:
        """The number of channels."""
        return 3 if self.magic in _COLORS else 1


def read_pnm(file: BinaryIO, limits: Limits) -> Picture:
    """Decode the first picture of a PBM, PGM, PPM or PFM file.

    Raises:
        ImageReadError: The file is damaged or cut short, or the picture too large.
    """
    header = _read_header(file)
    limits.check(header.width, header.height, 16 * header.channels)
    file.seek(header.start)
    if header.magic in _FLOATS:
        samples = _floats(file, header)
        return Picture(
            samples,
            None,
            Metadata(comment=header.comment or None),
            format="PNM",
            source_mode="RGB" if header.channels == 3 else "gray",
            source_bits=32,
            no_data=missing(samples, None),
        )
    values = _integers(file, header)
    if values.max() > header.largest:
        raise ImageReadError("damaged: values above the largest that it states")
    return _of_integers(values, header)


def _read_header(file: BinaryIO) -> _Header:
    """Take the header apart.

    Raises:
        ImageReadError: The header makes no sense.
    """
    head = file.read(_LONGEST_HEADER)
    magic = head[:2]
    wanted = 2 if magic in _BITMAPS else 3
    words: list[bytes] = []
    remarks: list[bytes] = []
    place = 2
    while len(words) < wanted and place < len(head):
        if head[place : place + 1].isspace():
            place += 1
        elif head[place : place + 1] == b"#":
            end = head.find(b"\n", place)
            end = len(head) if end < 0 else end
            remarks.append(head[place + 1 : end].strip())
            place = end
        else:
            end = place
            while end < len(head) and not head[end : end + 1].isspace():
                end += 1
            words.append(head[place:end])
            place = end
    try:
        width, height = (int(word) for word in words[:2])
        largest = 1.0 if wanted == 2 else float(words[2])
    except (ValueError, IndexError) as error:
        raise ImageReadError("damaged: the header makes no sense") from error
    bound = 65535 if magic not in _FLOATS else math.inf
    if min(width, height) < 1 or not 0 < abs(largest) <= bound or not math.isfinite(largest):
        raise ImageReadError("damaged: the header makes no sense")
    if magic not in _FLOATS and (largest < 1 or largest != int(largest)):
        raise ImageReadError("damaged: the header makes no sense")
    return _Header(magic, width, height, largest, b"\n".join(remarks), place + 1)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise ImageReadError("cut short: the end of the PNM file is missing")
    return data


def _floats(file: BinaryIO, header: _Header) -> Samples:
    """The pixels of a PFM file, whose last row comes first."""
    shape = (header.height, header.width, header.channels)
    data = _exactly(file, 4 * math.prod(shape))
    order = "<" if header.largest < 0 else ">"
    return np.frombuffer(data, f"{order}f4").reshape(shape)[::-1].astype(np.float32)


def _integers(file: BinaryIO, header: _Header) -> Samples:
    shape = (header.height, header.width, header.channels)
    if header.magic == b"P4":
        row_bytes = -(-header.width // 8)
        packed = np.frombuffer(_exactly(file, row_bytes * header.height), np.uint8)
        bits = np.unpackbits(packed.reshape(header.height, row_bytes), axis=1)
        return 1 - bits[:, : header.width, None]
    if header.magic in _TEXTS:
        values = _numbers(file, header, math.prod(shape)).reshape(shape)
        return 1 - values if header.magic == b"P1" else values
    dtype = np.dtype(np.uint8 if header.largest < 256 else ">u2")
    data = _exactly(file, dtype.itemsize * math.prod(shape))
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _numbers(file: BinaryIO, header: _Header, count: int) -> Samples:
    """The pixels of a file of text.

    Raises:
        ImageReadError: A pixel is no number, or some are missing.
    """
    lines = (line.partition(b"#")[0] for line in file.read().splitlines())
    words = b" ".join(lines)
    if header.magic == b"P1":  # digits need no space between them
        found = np.frombuffer(words, np.uint8)
        found = found[(found == ord("0")) | (found == ord("1"))] - ord("0")
    else:
        try:
            found = np.array(words.split()[:count], dtype=np.bytes_).astype(np.uint32)
        except ValueError as error:
            raise ImageReadError("damaged: not all pixels are numbers") from error
    if len(found) < count:
        raise ImageReadError("cut short: the end of the PNM file is missing")
    fits = found[:count].max() <= 65535
    return found[:count].astype(np.uint16 if header.largest > 255 and fits else found.dtype)


def _of_integers(values: Samples, header: _Header) -> Picture:
    """Make a picture, in the file's own units if white has all of 8 to 16 bits set."""
    largest = int(header.largest)
    bits = largest.bit_length()
    dtype = np.uint8 if bits <= 8 else np.uint16
    warnings: tuple[str, ...] = ()
    if largest != 2**bits - 1 or bits < 8:
        top = 255 if bits <= 8 else 65535
        whole = np.empty(values.shape, dtype)
        for rows in bands(header.height, header.width):
            whole[rows] = np.rint(values[rows].astype(np.float64) * top / largest)
        kind = "1-bit black and white" if largest == 1 else f"a range of 0 to {largest}"
        warnings = (f"{kind} becomes one of 0 to {top}",)
        values, bits = whole, (8 if bits <= 8 else 16)
    packed = 8 < bits < 16
    return Picture(
        values.astype(dtype, copy=False),
        None,
        Metadata(comment=header.comment or None),
        format="PNM",
        source_mode="RGB" if header.channels == 3 else "gray",
        source_bits=bits,
        white=float(largest) if packed else None,
        range_is_told=packed,
        warnings=warnings,
    )


def end_of_pnm(file: BinaryIO) -> int | None:
    """The end of the pixels; None where they are text.

    Raises:
        ImageReadError: The header makes no sense.
    """
    header = _read_header(file)
    if header.magic in _TEXTS:
        return None
    if header.magic in _BITMAPS:
        row_bytes = -(-header.width // 8)
    else:
        wide = 4 if header.magic in _FLOATS else 1 + (header.largest > 255)
        row_bytes = wide * header.channels * header.width
    return header.start + row_bytes * header.height


def contents_of_pnm(file: BinaryIO) -> Iterator[str]:
    """What a file carries besides its pixels, in words."""
    if _read_header(file).comment:
        yield "comment"


def write_pnm(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode integers as PGM or PPM and floats as PFM; the quality is ignored."""
    is_float = picture.samples.dtype.kind == "f"
    if is_float:
        magic = b"Pf" if picture.channels == 1 else b"PF"
        third = "-1.0"
    else:
        magic = b"P5" if picture.channels == 1 else b"P6"
        bits = picture.source_bits if picture.is_packed else 8 * picture.samples.dtype.itemsize
        third = str(2**bits - 1)
    file.write(magic + b"\n")
    for line in (picture.metadata.comment or b"").splitlines():
        file.write(b"# " + line + b"\n")
    file.write(f"{picture.width} {picture.height}\n{third}\n".encode())
    rows = picture.samples[::-1] if is_float else picture.samples
    order: Literal["<", ">"] = "<" if is_float else ">"
    for band in bands(picture.height, picture.width):
        file.write(rows[band].astype(rows.dtype.newbyteorder(order)).tobytes())
