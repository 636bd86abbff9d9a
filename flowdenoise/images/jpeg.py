"""JPEG: Pillow decodes the pixels; the segments that it leaves out are read here.

Captions (IPTC), the aspect of pixels and the video that phones append are taken from the file and
put into the new one here. A file consists of two bytes, segments, the pixels, and an end marker;
what comes behind the end marker is no part of the picture.

Source: ITU-T T.81; JFIF 1.02; CIPA DC-007 for several pictures in one file.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images.limits import Limits
from flowdenoise.images.metadata import BEHIND, EXIF_PREFIX, Metadata, name_of_resources
from flowdenoise.images.picture import Picture
from flowdenoise.images.pillow_images import QUALITY, Header, decode, described, to_pillow
from flowdenoise.images.tiff import directory
from flowdenoise.images.tiff.tags import Tag

if TYPE_CHECKING:
    from torch import Tensor

_APP0, _APP1, _APP2, _APP13, _APP14, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # their segments begin with the bits
_LOSSLESS, _HIERARCHICAL = {0xC3, 0xCB}, {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE}
_START_OF_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # one with a segment, or the end
_PHOTOSHOP = b"Photoshop 3.0\0"
_LONGEST = 65_533  # bytes in a segment
_OWN_NAME = 64  # of which a segment of XMP or EXIF needs some for its name
_NO_SUBSAMPLING = 0  # 4:4:4: color as fine as brightness
_DECODED_AT_ONCE = 2**22  # bytes; between two pieces Python's other threads get their turn
_UNNAMED = ((_APP14, b"Adobe"), (_APP2, b"MPF"))
_NAMES = (
    (_APP0, b"JFXX", "JFIF thumbnail"),
    (_APP1, EXIF_PREFIX, "EXIF"),
    (_APP1, b"http://ns.adobe.com/xap/1.0/\0", "XMP"),
    (_APP1, b"http://ns.adobe.com/xmp/extension/\0", "extended XMP"),
    (_APP2, b"ICC_PROFILE\0", "color profile"),
    (_COMMENT, b"", "comment"),
)


def read_jpeg(file: BinaryIO, limits: Limits) -> Picture:
    """Decode a JPEG file.

    Raises:
        ImageReadError: The picture is too large, or of a kind that is not supported.
        Exception: The data are damaged, and Pillow raises whatever it raises.
    """
    segments, trailer = _taken_apart(file)
    _check_kind(segments)
    file.seek(0)
    image = JpegImagePlugin.JpegImageFile(file)
    limits.check(*image.size, 8)
    image.decodermaxblock = _DECODED_AT_ONCE
    header = Header("JPEG", lossless=False)
    more = _count_pictures(image.info.get("mp")) - 1
    if more > 0:
        header = header.warn(
            f"the first of {more + 1} pictures in the file is read; the rest, such as a preview "
            "or a gain map, is left out"
        )
    picture = decode(image, header)
    unit, across, along = _density(segments)
    photoshop = b"".join(
        body.removeprefix(_PHOTOSHOP)
        for marker, body in segments
        if marker == _APP13 and body.startswith(_PHOTOSHOP)
    )
    metadata = replace(
        picture.metadata,
        aspect=(across, along) if unit == 0 and across != along else None,
        photoshop=photoshop or None,
        trailer=trailer if _is_video(trailer) and more < 1 else None,
    )
    return replace(picture, metadata=metadata)


def _check_kind(segments: list[tuple[int, bytes]]) -> None:
    """Refuse a kind of JPEG that the decoder would call damaged.

    Raises:
        ImageReadError: The samples have too many bits, or the picture is stored in layers.
    """
    for marker, body in segments:
        if marker in _HIERARCHICAL:
            raise ImageReadError("hierarchical JPEG is not supported")
        bits = body[0] if marker in _FRAMES and body else 8
        if bits == 12 or (marker in _LOSSLESS and 8 < bits <= 16):
            raise ImageReadError(f"{bits}-bit JPEG is not supported")


def _count_pictures(block: bytes | None) -> int:
    """The number of pictures in a file according to its Multi-Picture block."""
    if block is None:
        return 1
    try:
        entry = directory.read_block(block).get(Tag.MULTI_PICTURE_COUNT)
    except ImageReadError:
        return 1
    return entry.integers[0] if isinstance(entry, directory.Entry) and entry.integers else 1


def _taken_apart(file: BinaryIO) -> tuple[list[tuple[int, bytes]], bytes]:
    """The segments before the pixels, as marker and body, and the bytes behind the picture."""
    file.seek(0)
    data = file.read()
    segments: list[tuple[int, bytes]] = []
    in_front = True
    place = 2
    while found := _MARKER.search(data, place):
        marker, place = data[found.start() + 1], found.end()
        if marker == _END:
            return segments, data[place:]
        length = int.from_bytes(data[place : place + 2], "big")
        in_front = in_front and marker != _START_OF_SCAN
        if in_front:
            segments.append((marker, data[place + 2 : place + length]))
        place += max(2, length)
    return segments, b""


def _density(segments: list[tuple[int, bytes]]) -> tuple[int, int, int]:
    """The unit (0 none, 1 inch, 2 centimeter), and the pixels per unit along width and height."""
    for marker, body in segments:
        if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, across, along = struct.unpack_from(">BHH", body, 7)
            return unit, across, along
    return 0, 1, 1


def _is_video(trailer: bytes) -> bool:
    return trailer[4:8] == b"ftyp"


def contents_of_jpeg(file: BinaryIO) -> Iterator[str]:
    """What a file carries besides its pixels, in words."""
    segments, trailer = _taken_apart(file)
    unit, across, along = _density(segments)
    if unit in (1, 2) or across != along:
        yield "resolution" if unit in (1, 2) else "pixel aspect"
    several = False
    for marker, body in segments:
        several = several or (marker, body[:4]) == (_APP2, b"MPF\0")
        if marker == _APP13 and body.startswith(_PHOTOSHOP):
            yield name_of_resources(body)
        elif marker == _APP0 and body.startswith(b"JFIF\0"):
            if body[12:14].strip(b"\0"):
                yield "JFIF thumbnail"
        elif marker == _COMMENT or _APP0 <= marker <= _APP0 + 15:
            yield from _name(marker, body)
    if trailer.strip(b"\0") and not several:
        yield "motion video" if _is_video(trailer) else BEHIND


def _name(marker: int, body: bytes) -> Iterator[str]:
    if any(marker == other and body.startswith(head) for other, head in _UNNAMED):
        return
    named = [name for other, head, name in _NAMES if marker == other and body.startswith(head)]
    word = ascii(body.partition(b"\0")[0][:20])[2:-1]
    yield named[0] if named else f"segment APP{marker - _APP0} {word}".rstrip()


def write_jpeg(picture: Picture, file: BinaryIO, quality: int | None) -> None:
    """Encode a picture of 8 bits, with color as fine as brightness."""
    metadata = _short_enough(picture.metadata)
    encoded = io.BytesIO()
    to_pillow(picture).save(
        encoded,
        "JPEG",
        quality=QUALITY if quality is None else quality,
        subsampling=_NO_SUBSAMPLING,
        dpi=metadata.dpi or (0, 0),
        comment=metadata.comment,
        **described(metadata),
    )
    data = encoded.getvalue()
    end = 4 + int.from_bytes(data[4:6], "big")  # of the first segment, JFIF's
    file.write(_with_aspect(data[:end], metadata))
    for segment in _photoshop_segments(metadata.photoshop or b""):
        file.write(segment)
    file.write(data[end:] + (metadata.trailer or b""))


def _short_enough(metadata: Metadata) -> Metadata:
    """The metadata without what is too long for a segment."""
    return replace(
        metadata,
        exif=metadata.exif if len(metadata.exif or b"") <= _LONGEST - _OWN_NAME else None,
        xmp=metadata.xmp if len(metadata.xmp or b"") <= _LONGEST - _OWN_NAME else None,
        comment=metadata.comment if len(metadata.comment or b"") <= _LONGEST else None,
    )


def _with_aspect(head: bytes, metadata: Metadata) -> bytes:
    """Put the aspect of pixels into the JFIF segment at the beginning of a file."""
    if metadata.aspect is None:
        return head
    return head[:13] + struct.pack(">BHH", 0, *map(round, metadata.aspect)) + head[18:]


def _photoshop_segments(resources: bytes) -> Iterator[bytes]:
    step = _LONGEST - len(_PHOTOSHOP)
    for start in range(0, len(resources), step):
        body = _PHOTOSHOP + resources[start : start + step]
        yield struct.pack(">BBH", 0xFF, _APP13, 2 + len(body)) + body


def jpeg_round_trip(pixels: Tensor, quality: int) -> Tensor:
    """Store pixels as JPEG, with color subsampled 4:2:0 as is usual, and decode them again.

    Args:
        pixels: The pixels, (C, H, W) uint8, where C is 1 or 3.
        quality: The quality, 1 to 100.

    Returns:
        The decoded pixels, (C, H, W) uint8.
    """
    import torch

    values = pixels.permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[2] == 1 else values).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    with Image.open(file) as image:
        decoded = np.array(image).reshape(values.shape)
    return torch.from_numpy(decoded).permute(2, 0, 1)
