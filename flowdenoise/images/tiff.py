"""Reading TIFF: what the directory says decides who decodes the pixels.

Gray and RGB of 8, 16 and 32 (float) bits in the lossless compressions are put together here from
their strips and tiles (`tiff_pixels`): Pillow halves 16-bit color and misreads some files with an
alpha channel, without a word, and knows no float color. Everything else, palette, CMYK, JPEG or
fax inside TIFF, goes to Pillow. What neither does right is refused.

Source: TIFF Revision 6.0 (Adobe, 1992).
"""

from __future__ import annotations

from typing import BinaryIO, Literal

import numpy as np
from PIL import TiffImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images.decoding import Canvas, Header, check_size, decode
from flowdenoise.images.ifd import Entry, TagReader, Tags
from flowdenoise.images.metadata import ORIENTATION, XMP, from_tiff, orientation_of
from flowdenoise.images.picture import Picture, Samples, white
from flowdenoise.images.quiet import no_native_messages
from flowdenoise.images.tiff_pixels import LOSSLESS, Layout, chunks

_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES_PER_PIXEL, _ROWS_PER_STRIP, _STRIP_SIZES = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 284, 317, 338, 339
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_CAMERA_RAW = (32803, 34892)  # photometric interpretations: color filter array, linear raw
_UNSPECIFIED, _PREMULTIPLIED = 0, 1  # extra samples
_LOSSY = (6, 7, 34712, 50001, 50002)  # compressions: JPEG, JPEG, JPEG 2000, WebP, JPEG XL
_DTYPES = {(8, 1): "uint8", (16, 1): "uint16", (32, 3): "float32"}  # (bits, sample format)


def read_tiff(file: BinaryIO, max_pixels: int) -> Picture:
    """Decode the first page of a TIFF file.

    Raises:
        ImageReadError: It is damaged, cut short, too large, or of a kind that is not supported.
        Exception: Whatever Pillow raises for damaged data.
    """
    reader = TagReader(file, strict=True)
    tags = reader.tags(reader.first)
    _refuse_camera_raw(tags)
    check_size(_one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0), max_pixels)
    kind = _same(tags, _BITS, 1), _same(tags, _SAMPLE_FORMAT, 1)
    compression = _one(tags, _COMPRESSION, 1)
    header = Header("TIFF", kind[0], lossless=compression not in _LOSSY)
    pages = reader.count_directories()
    if pages > 1:
        header = header.warn(f"of {pages} pages the first is read, the rest is left out")
    ours = (
        kind in _DTYPES
        and compression in LOSSLESS
        and _one(tags, _PHOTOMETRIC, -1) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
        and _one(tags, _FILL_ORDER, 1) == 1
    )
    if ours:
        return _assemble(file, tags, _layout(tags, reader.order, _DTYPES[kind]), header)
    return _decode_by_pillow(file, tags, kind, header)


def _refuse_camera_raw(tags: Tags) -> None:
    """A raw file's first page is a thumbnail: denoising that would help nobody."""
    raw = _one(tags, _PHOTOMETRIC, -1) in _CAMERA_RAW or _DNG_VERSION in tags
    if raw or _one(tags, _NEW_SUBFILE_TYPE, 0) & 1:
        raise ImageReadError("a camera's raw file: develop it to a TIFF or PNG first")


def _integers(tags: Tags, tag: int) -> tuple[int, ...]:
    value = tags.get(tag)
    return value.integers if isinstance(value, Entry) else ()


def _one(tags: Tags, tag: int, default: int) -> int:
    values = _integers(tags, tag)
    return values[0] if values else default


def _same(tags: Tags, tag: int, default: int) -> int:
    """A value that is stated for each sample and must be the same for all."""
    values = set(_integers(tags, tag)) or {default}
    if len(values) > 1:
        raise ImageReadError("TIFF whose channels differ in type is not supported")
    return values.pop()


def _layout(tags: Tags, order: Literal["<", ">"], dtype: str) -> Layout:
    """How the pixels lie in the file.

    Raises:
        ImageReadError: A tag is missing or makes no sense.
    """
    width, height = _one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0)
    tiled = _TILE_WIDTH in tags
    if tiled:
        chunk = _one(tags, _TILE_WIDTH, 0), _one(tags, _TILE_HEIGHT, 0)
    else:
        chunk = width, min(_one(tags, _ROWS_PER_STRIP, height), height)
    offsets = _integers(tags, _TILE_OFFSETS if tiled else _STRIP_OFFSETS)
    sizes = _integers(tags, _TILE_SIZES if tiled else _STRIP_SIZES)
    layout = Layout(
        width=width,
        height=height,
        samples=_one(tags, _SAMPLES_PER_PIXEL, 1),
        dtype=np.dtype(dtype).newbyteorder(order),
        compression=_one(tags, _COMPRESSION, 1),
        predictor=_one(tags, _PREDICTOR, 1),
        planar=_one(tags, _PLANAR, 1) == 2,
        tiled=tiled,
        chunk_width=chunk[0],
        chunk_height=chunk[1],
        places=tuple(zip(offsets, sizes, strict=False)),
    )
    layout.check()
    return layout


def _assemble(file: BinaryIO, tags: Tags, layout: Layout, header: Header) -> Picture:
    """Put a gray or RGB picture together from its strips or tiles."""
    channels = 3 if _one(tags, _PHOTOMETRIC, -1) == _RGB else 1
    if not 0 <= layout.samples - channels <= 1:
        raise ImageReadError(
            f"TIFF of this kind has {channels} or {channels + 1} channels, not {layout.samples}"
        )
    meaning = _integers(tags, _EXTRA_SAMPLES)[:1]
    alpha = layout.samples > channels and meaning != (_UNSPECIFIED,)
    if layout.samples > channels and not alpha:
        header = header.warn("a further channel of unknown meaning is left out")
    turned = _orientation(tags)
    size, dtype = (layout.height, layout.width), layout.dtype.newbyteorder("=")
    canvas = Canvas(*size, channels, dtype, alpha=alpha, orientation=turned)
    _fill(canvas, file, layout, inverted=_one(tags, _PHOTOMETRIC, -1) == _WHITE_IS_ZERO)
    if meaning == (_PREMULTIPLIED,):
        _unmultiply(canvas)
    metadata, lost = from_tiff(tags, turned=turned)
    return Picture(
        canvas.samples,
        canvas.alpha,
        metadata,
        format="TIFF",
        source_mode=("RGB" if channels == 3 else "gray") + (" with alpha" if alpha else ""),
        source_bits=header.bits,
        lossless=header.lossless,
        warnings=header.warnings + lost + _checked_range(canvas),
    )


def _orientation(tags: Tags) -> int:
    turned = _one(tags, ORIENTATION, 0)
    if 1 <= turned <= 8:
        return turned
    xmp = tags.get(XMP)
    return orientation_of(None, xmp.data if isinstance(xmp, Entry) else None)


def _fill(canvas: Canvas, file: BinaryIO, layout: Layout, *, inverted: bool) -> None:
    channels = canvas.stored.shape[2]
    for rows, columns, plane, values in chunks(file, layout):
        if inverted and plane in (None, 0):
            values[..., 0] = white(values.dtype) - values[..., 0]
        if plane is None:
            canvas.fill(rows, columns, values)
        elif plane < channels:
            canvas.stored[rows, columns, plane] = values[..., 0]
        elif canvas.stored_alpha is not None:
            canvas.stored_alpha[rows, columns] = values[..., 0]


def _unmultiply(canvas: Canvas) -> None:
    """Divide the colors by alpha, with which some programs multiply them."""
    if canvas.alpha is None:
        return
    top = white(canvas.samples.dtype)
    for row, opacity in zip(canvas.samples, canvas.alpha, strict=True):
        divisor = np.where(opacity == 0, top, opacity)[:, None]
        values: Samples = row.astype(np.float64) * top / divisor
        row[...] = values if top == 1 else np.rint(values).clip(0, top)


def _checked_range(canvas: Canvas) -> tuple[str, ...]:
    """Refuse float values that are none, and tell of those beyond black and white.

    Raises:
        ImageReadError: A value is not a number, or infinite.
    """
    if canvas.samples.dtype.kind != "f":
        return ()
    arrays = [canvas.samples] if canvas.alpha is None else [canvas.samples, canvas.alpha]
    for array in arrays:  # a value that is not a number makes the least and the largest one, too
        if not np.isfinite(array.min()) or not np.isfinite(array.max()):
            raise ImageReadError("it holds values that are infinite or not a number")
    low, high = float(canvas.samples.min()), float(canvas.samples.max())
    if low >= 0 and high <= 1:
        return ()
    return (f"values go from {low:.4g} to {high:.4g}: taken as they are, where white is 1",)


def _decode_by_pillow(
    file: BinaryIO, tags: Tags, kind: tuple[int, int], header: Header
) -> Picture:
    bits, sample_format = kind
    if bits == 16 and sample_format == 1 and _one(tags, _PHOTOMETRIC, -1) == _CMYK:
        header = header.warn("16-bit CMYK becomes 8 bits")
    elif bits > 8 or sample_format != 1:
        name = {1: "", 2: "signed ", 3: "float "}.get(sample_format, "unusual ")
        raise ImageReadError(f"TIFF with {bits}-bit {name}samples of this kind is not supported")
    turned = _orientation(tags)
    metadata, lost = from_tiff(tags, turned=turned)
    for warning in lost:
        header = header.warn(warning)
    file.seek(0)
    with no_native_messages():
        return decode(TiffImagePlugin.TiffImageFile(file), header, metadata)
