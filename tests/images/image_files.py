"""Image files for the tests, made by other means than the code under test."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageCms

Array = npt.NDArray[Any]

MAKER = "Lumière & Söhne".encode("ascii", "replace").decode()
EXPOSURE = 1 / 125
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"/></rdf:RDF></x:xmpmeta>'
)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
DPI = (300.0, 240.0)

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def pixels(height: int, width: int, channels: int, dtype: str = "uint8") -> Array:
    """A smooth picture with some noise; its 16-bit values are no multiples of 257."""
    rng = np.random.default_rng(height * 1000 + width + channels)
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [np.sin(rows / (5 + c)) * np.cos(columns / (7 + c)) for c in range(channels)]
    values = 0.5 + 0.4 * np.stack(planes, axis=2) + 0.03 * rng.standard_normal((height, width, 1))
    values = values.clip(0, 1)
    if dtype == "float32":
        return values.astype(np.float32)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def exif_block(orientation: int | None = None, iso: object = None) -> bytes:
    """An EXIF block with its prefix, with a maker, an exposure time and a place on Earth."""
    exif = Image.Exif()
    exif[271] = MAKER
    if orientation is not None:
        exif[274] = orientation
    exif.get_ifd(34665)[33434] = EXPOSURE
    if iso is not None:
        exif.get_ifd(34665)[34855] = iso
    exif.get_ifd(34853)[1] = "N"
    return exif.tobytes()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    rows: list[bytes],
    width: int,
    bits: int,
    color_type: int,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """A PNG file from its packed rows, without filters."""
    header = struct.pack(">IIBBBBB", width, len(rows), bits, color_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return PNG_MAGIC + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_of(samples: Array, extra: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """A PNG file of (H, W, C): 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[samples.shape[2]]
    big = samples.astype(samples.dtype.newbyteorder(">"))
    rows = [row.tobytes() for row in big]
    return png(rows, samples.shape[1], 8 * samples.dtype.itemsize, color_type, extra)


def adam7(samples: Array) -> bytes:
    """An interlaced PNG file of (H, W, C), H and W at least 8."""
    plain = png_of(samples)
    big = samples.astype(samples.dtype.newbyteorder(">"))
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]  # row, column, and steps
    passes += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in big[top::down, left::across]
    )
    header = plain[16:28] + b"\1"
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return PNG_MAGIC + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_metadata(orientation: int | None = None) -> tuple[tuple[bytes, bytes], ...]:
    across, along = (round(dpi / 0.0254) for dpi in DPI)
    return (
        (b"iCCP", b"p\0\0" + zlib.compress(ICC)),
        (b"pHYs", struct.pack(">IIB", across, along, 1)),
        (b"eXIf", exif_block(orientation)[6:]),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    )


def pillow_file(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def image_of(samples: Array) -> Image.Image:
    """A Pillow image of 8-bit (H, W, C)."""
    return Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)


def tiff_of(samples: Array, **options: Any) -> bytes:
    """A TIFF file of (H, W, C), by tifffile; C as for `png_of`."""
    channels = samples.shape[2]
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        samples[..., 0] if channels == 1 else samples,
        planarconfig="contig" if channels > 1 else None,
        metadata=None,
        **{
            "photometric": "rgb" if channels >= 3 else "minisblack",
            "extrasamples": ["unassalpha"] if channels in (2, 4) else None,
            **options,
        },
    )
    return file.getvalue()


def tiff_metadata() -> dict[str, Any]:
    """Options for `tiff_of`."""
    return {
        "iccprofile": ICC,
        "resolution": DPI,
        "resolutionunit": "INCH",
        "extratags": [(271, "s", 0, MAKER, True), (700, "B", len(XMP), XMP, True)],
    }


def cv2_file(suffix: str, samples: Array, *parameters: int) -> bytes:
    """A file by OpenCV, whose order of colors is BGR."""
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[2]]
    done, data = cv2.imencode(suffix, samples[..., order], parameters)
    assert done
    return bytes(data.tobytes())


def cv2_pixels(data: bytes) -> Array:
    """Decode by OpenCV, to (H, W, C) in the order RGB."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    decoded = decoded.reshape(*decoded.shape[:2], -1)
    return decoded[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[decoded.shape[2]]]


def with_crcs_mended(data: bytes) -> bytes:
    """A damaged PNG file with right checksums, as far as its chunks can still be told apart."""
    mended, place = data[:8], 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if place + 12 + length > len(data):
            break
        mended += png_chunk(data[place + 4 : place + 8], data[place + 8 : place + 8 + length])
        place += 12 + length
    return mended + data[place:]


def cmyk_profile() -> bytes:
    """A CMYK profile that is unlike the plain formula: even all inks together are mid-gray.

    Made by hand (ICC.1:2010): a table from 2 x 2 x 2 x 2 ink values to L*a*b*, in which paper is
    white and full ink, of whatever kind, is L* = 50.
    """
    grid = b"".join(
        struct.pack(">3H", 0xFF00 if corner == 0 else 0x8000, 0x8000, 0x8000)
        for corner in range(16)
    )
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramp = struct.pack(">2H", 0, 0xFFFF)
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
    table += ramp * 4 + grid + ramp * 3
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = b"test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = [(b"A2B0", table), (b"A2B1", table), (b"wtpt", white), (b"desc", description)]
    body, index = b"", struct.pack(">I", len(tags))
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += bytes(-len(data) % 4)
        index += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    size = 128 + len(index) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + index + body


def gray_profile() -> bytes:
    """The smallest gray profile (ICC.1:2010): a white point and a curve."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 0x0233) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    index = struct.pack(">I", 2)
    index += struct.pack(">4sII", b"kTRC", 156, 14) + struct.pack(">4sII", b"wtpt", 172, 20)
    body = index + curve + white
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02100000, b"mntr", b"GRAY", b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + body
