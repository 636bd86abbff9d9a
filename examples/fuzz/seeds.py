"""Small sound files of every format and of most of its kinds, which the fuzzer alters."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
import pillow_jxl  # noqa: F401 (it makes itself known to Pillow)
import tifffile
from PIL import Image

from flowdenoise import images

SIZE = (40, 48)
CAPTION = b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x78\0\x03abc"


def _pixels(channels: int, dtype: str = "uint8") -> npt.NDArray[Any]:
    """A smooth picture with some noise."""
    rng = np.random.default_rng(channels)
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    planes = [np.sin(rows / (5 + c)) * np.cos(columns / (7 + c)) for c in range(channels)]
    values = 0.5 + 0.4 * np.stack(planes, axis=2) + 0.03 * rng.standard_normal((*SIZE, 1))
    if np.dtype(dtype).kind == "f":
        return values.clip(0, 1).astype(dtype)
    return (values.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


def _by_pillow(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _by_us(channels: int, dtype: str, kind: str) -> bytes:
    values = _pixels(channels, dtype)
    colors = channels - (channels in (2, 4))
    alpha = np.ascontiguousarray(values[..., colors]) if colors < channels else None
    samples = np.ascontiguousarray(values[..., :colors])
    metadata = images.Metadata(xmp=b"<x/>", dpi=(300, 300), comment=b"hello")
    return images.encode(images.Picture(samples, alpha, metadata), kind)[0]


def _by_tifffile(data: npt.NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, data, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _with_chunks(data: bytes) -> bytes:
    """A PNG file with texts and statements of color, behind its header."""
    more = [(b"gAMA", struct.pack(">I", 45455)), (b"tEXt", b"parameters\0a castle")]
    more += [
        (b"zTXt", b"k\0\0" + zlib.compress(bytes(999))),
        (b"pHYs", struct.pack(">IIB", 1, 2, 0)),
    ]
    return data[:33] + b"".join(chunk(*pair) for pair in more) + data[33:]


def seeds() -> dict[str, bytes]:
    """The files by name, which begins with the key of their format."""
    pillow_heif.register_heif_opener()
    color = Image.fromarray(_pixels(3))
    clear = Image.fromarray(_pixels(4))
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    told = {"exif": exif.tobytes(), "dpi": (90, 90)}
    frames = {"save_all": True, "append_images": [color.rotate(180)]}
    pages = {"save_all": True, "append_images": [color.convert("L")]}
    made = {
        "PNG chunks": _with_chunks(_by_pillow(color, "PNG", **told)),
        "PNG palette": _by_pillow(color.quantize(), "PNG", transparency=3),
        "PNG bilevel": _by_pillow(color.convert("1"), "PNG"),
        "PNG animated": _by_pillow(color, "PNG", **frames),
        "JPEG": _by_pillow(color, "JPEG", comment=b"hello", **told),
        "JPEG progressive": _by_pillow(color, "JPEG", progressive=True, restart_marker_rows=1),
        "JPEG gray": _by_pillow(color.convert("L"), "JPEG"),
        "JPEG inks": _by_pillow(color.convert("CMYK"), "JPEG"),
        "JPEG several": _by_pillow(color, "MPO", **frames),
        "JPEG motion": _by_pillow(color, "JPEG") + b"\0\0\0\x18ftypmp42" + bytes(99),
        "TIFF LZW": _by_pillow(color, "TIFF", compression="tiff_lzw", **told),
        "TIFF JPEG": _by_pillow(color, "TIFF", compression="jpeg"),
        "TIFF fax": _by_pillow(color.convert("1"), "TIFF", compression="group4"),
        "TIFF palette": _by_pillow(color.quantize(), "TIFF", compression="packbits"),
        "TIFF inks": _by_pillow(color.convert("CMYK"), "TIFF"),
        "TIFF pages": _by_pillow(color, "TIFF", **pages),
        "TIFF big": _by_tifffile(_pixels(1)[..., 0], bigtiff=True),
        "TIFF tiles": _by_tifffile(_pixels(3, "uint16"), tile=(16, 16), byteorder=">"),
        "TIFF ImageJ": _by_tifffile(_pixels(4)[..., :3].transpose(2, 0, 1).copy(), imagej=True),
        "TIFF planes": _by_tifffile(
            _pixels(3).transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"
        ),
        "WEBP": _by_pillow(color, "WEBP", exif=exif.tobytes()),
        "WEBP lossless": _by_pillow(clear, "WEBP", lossless=True),
        "WEBP animated": _by_pillow(color, "WEBP", **frames),
        "BMP": _by_pillow(color, "BMP"),
        "BMP palette": _by_pillow(color.quantize(), "BMP"),
        "GIF": _by_pillow(color.quantize(), "GIF", comment=b"hello", **frames),
        "AVIF": _by_pillow(clear, "AVIF", exif=exif.tobytes()),
        "JPEG2000": _by_pillow(color, "JPEG2000"),
        "JPEG2000 bare": _by_pillow(clear, "JPEG2000", no_jp2=True),
        "TGA": _by_pillow(color, "TGA", compression="tga_rle"),
        "TGA palette": _by_pillow(color.quantize(), "TGA"),
        "PNM text": b"P3\n# hello\n2 2 255\n" + b"1 2 3 " * 4,
        "PNM bits": b"P4 48 40\n" + bytes(240),
        "PNM 12 bits": b"P5 48 40 4095\n" + (_pixels(1, "uint16") >> 4).astype(">u2").tobytes(),
        "HEIC": _by_pillow(color, "HEIF", exif=exif.tobytes()),
        "JXL": _by_pillow(color, "JXL"),
    }
    for dtype in ("uint8", "uint16", "int16", "uint32", "float16", "float32", "float64"):
        made[f"TIFF {dtype}"] = _by_us(3, dtype, "TIFF")
    for channels in (1, 2, 4):
        made[f"PNG {channels} of 16 bits"] = _by_us(channels, "uint16", "PNG")
    for dtype in ("uint8", "float32"):
        made[f"PNM {dtype}"] = _by_us(3, dtype, "PNM")
    return made
