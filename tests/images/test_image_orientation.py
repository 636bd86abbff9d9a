"""A camera's orientation is applied once, to pixels and alpha, and never again."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from image_files import (
    EXPOSURE,
    ICC,
    XMP,
    Array,
    exif_block,
    image_of,
    pillow_file,
    pixels,
    png_metadata,
    png_of,
    tiff_of,
)
from PIL import Image, ImageOps

from flowdenoise import images
from flowdenoise.images.metadata import sized

UPRIGHT: dict[int, Callable[[Array], Array]] = {  # EXIF 2.32, tag 274
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}

every_orientation = pytest.mark.parametrize("orientation", range(1, 9))


def turned_png(samples: Array, orientation: int) -> bytes:
    return png_of(samples, png_metadata(orientation))


def turned_webp(samples: Array, orientation: int) -> bytes:
    exif = exif_block(orientation)
    return pillow_file(image_of(samples), "WEBP", lossless=True, exact=True, exif=exif)


def turned_tiff(samples: Array, orientation: int, **options: object) -> bytes:
    return tiff_of(samples, extratags=[(274, "H", 1, orientation, True)], **options)


MAKERS = [
    pytest.param(turned_png, 3, "uint8", id="PNG RGB"),
    pytest.param(turned_png, 2, "uint8", id="PNG gray with alpha"),
    pytest.param(turned_png, 1, "uint16", id="PNG gray 16"),
    pytest.param(turned_png, 4, "uint16", id="PNG RGB with alpha 16"),
    pytest.param(turned_png, 2, "uint16", id="PNG gray with alpha 16"),
    pytest.param(turned_webp, 4, "uint8", id="WebP"),
    pytest.param(turned_tiff, 4, "uint8", id="TIFF RGB with alpha"),
    pytest.param(turned_tiff, 3, "uint16", id="TIFF RGB 16"),
    pytest.param(turned_tiff, 1, "float32", id="TIFF gray float"),
]


@every_orientation
@pytest.mark.parametrize(("make", "channels", "dtype"), MAKERS)
def test_pixels_and_alpha_are_turned_upright(
    make: Callable[[Array, int], bytes], channels: int, dtype: str, orientation: int
) -> None:
    stored = pixels(11, 17, channels, dtype)
    picture = images.read(make(stored, orientation))
    expected = UPRIGHT[orientation](stored)
    colors = 1 if channels < 3 else 3
    np.testing.assert_array_equal(picture.samples, expected[..., :colors])
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])


@every_orientation
def test_a_tiff_that_pillow_decodes_is_turned_once(orientation: int) -> None:
    image = image_of(pixels(16, 32, 3))
    plain = pillow_file(image, "TIFF", compression="jpeg")
    stored = images.read(plain).samples
    turned = images.read(
        pillow_file(image, "TIFF", compression="jpeg", tiffinfo={274: orientation})
    )
    np.testing.assert_array_equal(turned.samples, UPRIGHT[orientation](stored))


@every_orientation
def test_a_jpeg_is_turned_as_pillow_turns_it(orientation: int) -> None:
    data = pillow_file(image_of(pixels(16, 24, 3)), "JPEG", exif=exif_block(orientation))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(images.read(data).samples, expected)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WEBP"])
@every_orientation
def test_what_is_written_says_that_it_is_upright(orientation: int, name: str) -> None:
    data = pillow_file(image_of(pixels(16, 24, 3)), "JPEG", exif=exif_block(orientation))
    picture = images.read(data)
    written, _ = images.encode(picture, format=name)
    with Image.open(io.BytesIO(written)) as seen:
        assert seen.getexif().get(274, 1) == 1
        assert seen.size == (picture.width, picture.height)
    assert images.read(written).samples.shape == picture.samples.shape


def test_orientation_is_taken_from_xmp_where_exif_has_none_and_reset_there() -> None:
    xmp = XMP.replace(b'Orientation="1"', b'Orientation="6"')
    stored = pixels(16, 24, 3)
    data = pillow_file(image_of(stored), "WEBP", lossless=True, xmp=xmp)
    picture = images.read(data)
    np.testing.assert_array_equal(picture.samples, UPRIGHT[6](stored))
    assert picture.metadata.xmp == XMP


def test_resolution_turns_with_the_picture() -> None:
    exif = exif_block(6)
    data = pillow_file(image_of(pixels(16, 24, 3)), "JPEG", exif=exif, dpi=(300, 100))
    assert images.read(data).metadata.dpi == (100, 300)


def test_the_rest_of_an_exif_block_stays_byte_for_byte() -> None:
    block = exif_block(8)
    data = pillow_file(image_of(pixels(16, 24, 3)), "JPEG", exif=block, icc_profile=ICC)
    kept = images.read(data).metadata.exif
    assert kept is not None
    differences = [i for i, (a, b) in enumerate(zip(kept, block[6:], strict=True)) if a != b]
    assert len(differences) == 1
    assert (block[6:][differences[0]], kept[differences[0]]) == (8, 1)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_preview_of_a_turned_picture_is_unlinked(orientation: int) -> None:
    block = bytearray(exif_block(orientation)[6:])
    order = "<" if block[:2] == b"II" else ">"
    (count,) = struct.unpack_from(order + "H", block, 8)
    link = 8 + 2 + 12 * count
    struct.pack_into(order + "I", block, link, 8)
    data = png_of(pixels(16, 24, 3), ((b"eXIf", bytes(block)),))
    kept = images.read(data).metadata.exif
    assert kept is not None
    assert struct.unpack_from(order + "I", kept, link) == (8 if orientation == 1 else 0,)


def test_damaged_exif_costs_the_exif_and_not_the_picture() -> None:
    data = pillow_file(image_of(pixels(16, 24, 3)), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    picture = images.read(data)
    assert picture.metadata.exif is None
    assert picture.warnings == ("the EXIF data is damaged and left out",)


def test_an_orientation_that_is_none_is_ignored() -> None:
    stored = pixels(16, 24, 3)
    np.testing.assert_array_equal(images.read(turned_png(stored, 9)).samples, stored)


def sized_exif(width: int, height: int, orientation: int = 1) -> bytes:
    """An EXIF block that states a size as phones do, in both of its directories."""
    exif = Image.Exif()
    exif[256], exif[257], exif[274] = width, height, orientation
    exif.get_ifd(34665).update({40962: width, 40963: height, 33434: EXPOSURE})
    return exif.tobytes()


def stated_sizes(exif: Image.Exif) -> list[tuple[int, int]]:
    nested = exif.get_ifd(34665)
    return [(exif[256], exif[257]), (nested[40962], nested[40963])]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
@every_orientation
def test_the_size_that_exif_and_xmp_state_is_that_of_the_result(
    orientation: int, name: str
) -> None:
    stated = b'exif:PixelXDimension="24" exif:PixelYDimension="16" tiff:Orientation'
    data = pillow_file(
        image_of(pixels(16, 24, 3)),
        "WEBP",
        lossless=True,
        exif=sized_exif(24, 16, orientation),
        xmp=XMP.replace(b"tiff:Orientation", stated),
    )
    picture = images.read(data)
    for result in (picture, picture.part(slice(2, 9), slice(3, 8))):
        size = (result.width, result.height)
        written = images.encode(result, name)[0]
        with Image.open(io.BytesIO(written)) as seen:
            assert stated_sizes(seen.getexif()) == [size, size]
            assert seen.getexif().get_ifd(34665)[33434] == pytest.approx(EXPOSURE)
        xmp = images.read(written).metadata.xmp or b""
        assert b'PixelXDimension="%d" exif:PixelYDimension="%d"' % size in xmp


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_size_is_set_whatever_its_type_and_all_else_stays(order: str) -> None:
    entries = [(40962, 3, 1, 24), (40963, 3, 1, 16), (41985, 3, 1, 7)]
    nested = struct.pack(order + "H", len(entries)) + b"".join(
        struct.pack(order + "HHIHxx", *entry) for entry in entries
    )
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "IHHHII", 8, 1, 34665, 4, 1, 26)
    block = head + bytes(4) + nested + bytes(4) + b"maker's notes"
    exif = sized(images.Metadata(exif=block), 70_000, 5).exif or b""
    assert struct.unpack_from(order + "HHII", exif, 28) == (40962, 4, 1, 70_000)
    assert struct.unpack_from(order + "HHIH", exif, 40) == (40963, 3, 1, 5)
    assert (exif[:28], exif[52:]) == (block[:28], block[52:])
    assert sized(images.Metadata(exif=block), 24, 16).exif == block


def test_an_exif_block_whose_inner_directory_is_missing_is_kept() -> None:
    block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 34665, 4, 1, 5000, 0)
    picture = images.Picture(pixels(5, 7, 3), metadata=images.Metadata(exif=block))
    assert images.read(images.encode(picture)[0]).metadata.exif == block
