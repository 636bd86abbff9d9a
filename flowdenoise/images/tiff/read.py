"""Reading TIFF: what the directory says decides who decodes the pixels.

Gray, RGB, palette and ink in the compressions that lose nothing are put together here from their
strips and tiles (`pixels`): Pillow halves 16-bit color, knows no float color, and takes what
follows a strip that is too short for pixels; OpenCV keeps no metadata, reads 8-bit RGBA wrongly
and 16-bit gray with alpha as 8 bits. Everything else, such as JPEG inside TIFF, goes to Pillow.
What neither does right is refused.

Source: TIFF Revision 6.0 (Adobe, 1992).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Literal

import numpy as np
from PIL import TiffImagePlugin

from flowdenoise.errors import ImageReadError
from flowdenoise.images.canvas import Canvas
from flowdenoise.images.limits import Limits
from flowdenoise.images.native_messages import no_native_messages
from flowdenoise.images.picture import Picture, Samples, white
from flowdenoise.images.pillow_images import Header, decode
from flowdenoise.images.ranges import missing
from flowdenoise.images.tiff.colors import (
    BLACK_IS_ZERO,
    CMYK,
    RGB,
    STORED_CHANNELS,
    WHITE_IS_ZERO,
    Colors,
    colors_of,
)
from flowdenoise.images.tiff.described import from_tags, names_of_contents, orientation_of_tags
from flowdenoise.images.tiff.directory import (
    Entry,
    TagReader,
    Tags,
    first_of,
    integers_of,
)
from flowdenoise.images.tiff.pages import REDUCED, Page, pages_of
from flowdenoise.images.tiff.pixels import COMPRESSIONS, Layout, chunks
from flowdenoise.images.tiff.tags import LAYOUT, Tag

_CAMERA_RAW = (32803, 34892)  # photometric interpretations: color filter array, linear raw
_UNSPECIFIED, _PREMULTIPLIED = 0, 1  # extra samples
_LOSSY = (6, 7, 34712, 50001, 50002)  # compressions: JPEG, JPEG, JPEG 2000, WebP, JPEG XL
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3  # sample formats
_UNSTATED = -1


def read_tiff(file: BinaryIO, limits: Limits) -> Picture:
    """Decode the first page of a TIFF file.

    Raises:
        ImageReadError: The file is damaged, cut short, too large, or of a kind that is not
            supported.
        Exception: The data are damaged, and Pillow raises whatever it raises.
    """
    return next(read_tiff_pages(file, limits))


def read_tiff_pages(file: BinaryIO, limits: Limits) -> Iterator[Picture]:
    """Decode the pages of a TIFF file one by one; reduced copies and masks are left out.

    Raises:
        ImageReadError: The page that is asked for can't be read, see `read_tiff`.
        Exception: The data are damaged, and Pillow raises whatever it raises.
    """
    reader = TagReader(file, strict=True)
    first = reader.tags(reader.first)
    _refuse_camera_raw(first)
    pages, warnings = pages_of(reader, first)
    for page in pages:
        picture = _read_page(file, reader, page, limits)
        yield replace(picture, pages=len(pages), warnings=warnings + picture.warnings)
        warnings = ()


def _read_page(file: BinaryIO, reader: TagReader, page: Page, limits: Limits) -> Picture:
    tags = reader.tags(page.place)
    bits, sample_format = _same(tags, Tag.BITS, 1), _same(tags, Tag.SAMPLE_FORMAT, _UNSIGNED)
    compression = first_of(tags, Tag.COMPRESSION, 1)
    header = Header("TIFF", bits, lossless=compression not in _LOSSY)
    photometric = first_of(tags, Tag.PHOTOMETRIC, _UNSTATED)
    dtype = _dtype(bits, sample_format, photometric)
    planar_ink = photometric == CMYK and first_of(tags, Tag.PLANAR, 1) == 2
    if compression in COMPRESSIONS and dtype is not None and not planar_ink:
        layout = _layout(tags, reader.order, bits, dtype, page.offset)
        layout.check(limits, reader.size)
        if page.offset:  # what describes the whole file stands on its first page
            tags = {tag: value for tag, value in tags.items() if tag in LAYOUT}
        return _assemble(file, tags, layout, header)
    if bits > 8 or sample_format != _UNSIGNED:
        name = {1: "", 2: "signed ", 3: "float "}.get(sample_format, "unusual ")
        raise ImageReadError(f"TIFF with {bits}-bit {name}samples of this kind is not supported")
    _layout(tags, reader.order, bits, "uint8").check(limits, reader.size)
    return _decode_by_pillow(file, page.number, tags, header)


def _refuse_camera_raw(tags: Tags) -> None:
    """Refuse a camera's raw file: its first page is a thumbnail, which nobody wants denoised."""
    raw = first_of(tags, Tag.PHOTOMETRIC, _UNSTATED) in _CAMERA_RAW or Tag.DNG_VERSION in tags
    if raw or first_of(tags, Tag.SUBFILE_TYPE, 0) & REDUCED:
        raise ImageReadError("a camera's raw file: develop it to a TIFF or PNG first")


def _same(tags: Tags, tag: int, default: int) -> int:
    """A value that is stated for each sample and must be the same for all."""
    values = set(integers_of(tags, tag)) or {default}
    if len(values) > 1:
        raise ImageReadError("TIFF whose channels differ in type is not supported")
    return values.pop()


def _dtype(bits: int, sample_format: int, photometric: int) -> str | None:
    """The type of an unpacked sample; None if Pillow is to decode the picture."""
    if photometric not in STORED_CHANNELS:
        return None
    if sample_format == _FLOAT:
        return f"float{bits}" if bits in (16, 32, 64) else None
    if sample_format == _SIGNED:
        plain = photometric in (BLACK_IS_ZERO, RGB)
        return f"int{bits}" if bits in (8, 16, 32) and plain else None
    if bits == 32 and photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        return "uint32"
    if not 1 <= bits <= 16:
        return None
    return "uint8" if bits <= 8 else "uint16"


def _layout(
    tags: Tags, order: Literal["<", ">"], bits: int, dtype: str, offset: int = 0
) -> Layout:
    """The layout of the pixels, `offset` bytes behind the places that the tags state."""
    width, height = first_of(tags, Tag.WIDTH, 0), first_of(tags, Tag.HEIGHT, 0)
    tiled = Tag.TILE_WIDTH in tags
    if tiled:
        chunk = first_of(tags, Tag.TILE_WIDTH, 0), first_of(tags, Tag.TILE_HEIGHT, 0)
    else:
        chunk = width, min(first_of(tags, Tag.ROWS_PER_STRIP, height), height)
    places = integers_of(tags, Tag.TILE_PLACES if tiled else Tag.STRIP_PLACES)
    sizes = integers_of(tags, Tag.TILE_SIZES if tiled else Tag.STRIP_SIZES)
    return Layout(
        width=width,
        height=height,
        samples=first_of(tags, Tag.SAMPLES_PER_PIXEL, 1),
        bits=bits,
        dtype=np.dtype(dtype).newbyteorder(order),
        compression=first_of(tags, Tag.COMPRESSION, 1),
        predictor=first_of(tags, Tag.PREDICTOR, 1),
        fax_options=first_of(tags, Tag.T4_OPTIONS, first_of(tags, Tag.T6_OPTIONS, 0)),
        bits_reversed=first_of(tags, Tag.FILL_ORDER, 1) == 2,
        planar=first_of(tags, Tag.PLANAR, 1) == 2,
        tiled=tiled,
        chunk_width=chunk[0],
        chunk_height=chunk[1],
        places=tuple((place + offset, size) for place, size in zip(places, sizes, strict=False)),
    )


def _assemble(file: BinaryIO, tags: Tags, layout: Layout, header: Header) -> Picture:
    """Put a picture together from its strips or tiles."""
    photometric = first_of(tags, Tag.PHOTOMETRIC, _UNSTATED)
    channels = STORED_CHANNELS[photometric]
    meaning = integers_of(tags, Tag.EXTRA_SAMPLES)[:1]
    further = layout.samples - channels
    if not 0 <= further <= 1:
        raise ImageReadError(
            f"TIFF of this kind has {channels} or {channels + 1} channels, not {layout.samples}"
        )
    alpha = (
        further == 1
        and meaning != (_UNSPECIFIED,)
        and photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
    )
    if further and not alpha:
        header = header.warn("a further channel of unknown meaning is left out")
    turned = orientation_of_tags(tags)
    metadata, lost = from_tags(tags, turned=turned)
    profile = metadata.icc_profile
    colors = colors_of(photometric, layout, integers_of(tags, Tag.COLOR_MAP), profile)
    if colors.through_profile:
        metadata = replace(metadata, icc_profile=None)
    size = (layout.height, layout.width)
    canvas = Canvas(*size, colors.channels, colors.dtype, alpha=alpha, orientation=turned)
    _fill(canvas, file, layout, colors)
    if meaning == (_PREMULTIPLIED,):
        _unmultiply(canvas)
    no_data = missing(canvas.samples, _no_data_value(tags))
    if no_data is not None and no_data.all():
        raise ImageReadError("it holds no data: all is infinite, no number, or marked as missing")
    if canvas.alpha is not None and not np.isfinite(canvas.alpha).all():
        raise ImageReadError("its transparency is infinite or no number in places")
    packed = 8 < layout.bits < 16
    return Picture(
        canvas.samples,
        canvas.alpha,
        metadata,
        format="TIFF",
        source_mode=colors.name + (" with alpha" if alpha else ""),
        source_bits=header.bits,
        lossless=header.lossless,
        white=2.0**layout.bits - 1 if packed else None,
        range_is_told=packed,
        no_data=no_data,
        warnings=header.warnings + lost + colors.warnings,
    )


def _fill(canvas: Canvas, file: BinaryIO, layout: Layout, colors: Colors) -> None:
    for rows, columns, plane, values in chunks(file, layout):
        if plane is None:
            canvas.fill(rows, columns, colors.convert(values))
        elif plane < colors.channels:
            canvas.stored[rows, columns, plane] = colors.convert(values)[..., 0]
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
        row[...] = values if row.dtype.kind == "f" else np.rint(values).clip(0, top)


def _no_data_value(tags: Tags) -> float | None:
    """The number that stands for "no data", which GDAL writes as text."""
    entry = tags.get(Tag.GDAL_NO_DATA)
    try:
        return float(entry.data.strip(b"\0 ")) if isinstance(entry, Entry) else None
    except ValueError:
        return None


def _decode_by_pillow(file: BinaryIO, number: int, tags: Tags, header: Header) -> Picture:
    metadata, lost = from_tags(tags, turned=orientation_of_tags(tags))
    for warning in lost:
        header = header.warn(warning)
    file.seek(0)
    with no_native_messages():
        image = TiffImagePlugin.TiffImageFile(file)
        image.seek(number)
        return decode(image, header, metadata)


def contents_of_tiff(file: BinaryIO) -> Iterator[str]:
    """What the first page carries besides its pixels, in words."""
    reader = TagReader(file)
    return names_of_contents(reader.tags(reader.first))
