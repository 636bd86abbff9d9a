"""Palettes, CMYK, black and white, odd depths: what they become, and that it is said."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
import tifffile
from image_files import (
    ICC,
    cmyk_profile,
    cv2_file,
    image_of,
    pillow_file,
    pixels,
    png,
    png_metadata,
    png_of,
    tiff_of,
)
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageReadError, ImageWriteError, UsageError


def palette_image() -> Image.Image:
    return image_of(pixels(20, 30, 3)).quantize(64)


def cmyk_image() -> Image.Image:
    return image_of(pixels(20, 30, 4)).convert("RGB").convert("CMYK")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_palette_becomes_rgb_with_a_warning(kind: str) -> None:
    image = palette_image()
    picture = images.read(pillow_file(image, kind))
    np.testing.assert_array_equal(picture.samples, np.asarray(image.convert("RGB")))
    assert (picture.source_mode, picture.alpha) == ("palette", None)
    assert picture.warnings == ("the palette becomes full color (RGB)",)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_with_transparency_gives_alpha(kind: str) -> None:
    data = pillow_file(palette_image(), kind, transparency=5)
    picture = images.read(data)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert picture.alpha is not None
    assert 0 in picture.alpha
    np.testing.assert_array_equal(picture.alpha, expected[..., 3])
    np.testing.assert_array_equal(picture.samples, expected[..., :3])


@pytest.mark.parametrize("options", [{"kind": "JPEG", "quality": 95}, {"kind": "TIFF"}])
def test_cmyk_without_a_profile_becomes_rgb_by_the_formula(options: dict[str, object]) -> None:
    data = pillow_file(cmyk_image(), **options)  # type: ignore[arg-type]
    ink = np.asarray(Image.open(io.BytesIO(data))).astype(float) / 255
    light = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
    picture = images.read(data)
    assert np.abs(picture.samples - light).max() <= 1
    assert picture.source_mode == "CMYK"
    assert len(picture.warnings) == 1
    assert "CMYK becomes RGB by the plain formula" in picture.warnings[0]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile_goes_through_it_and_loses_it(kind: str) -> None:
    ink = np.zeros((16, 32, 4), np.uint8)
    ink[:, 16:] = 255  # by the formula black; by this profile the gray of L* = 50
    image = Image.frombytes("CMYK", (32, 16), ink.tobytes())
    picture = images.read(pillow_file(image, kind, icc_profile=cmyk_profile()))
    assert np.abs(picture.samples[:, :8].astype(int) - 255).max() <= 1
    assert np.abs(picture.samples[:, 24:].astype(int) - 119).max() <= 2
    assert picture.metadata.icc_profile is None
    assert picture.warnings == ("CMYK becomes RGB (sRGB) through its profile, which is left out",)


@pytest.mark.parametrize("profile", [b"no profile at all", ICC], ids=["damaged", "of RGB"])
def test_cmyk_with_a_profile_of_no_use_becomes_rgb_by_the_formula(profile: bytes) -> None:
    picture = images.read(pillow_file(cmyk_image(), "TIFF", icc_profile=profile))
    plain = images.read(pillow_file(cmyk_image(), "TIFF"))
    np.testing.assert_array_equal(picture.samples, plain.samples)
    assert picture.metadata.icc_profile is None
    assert "its profile is damaged" in picture.warnings[0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_black_and_white_becomes_gray_with_a_warning(kind: str) -> None:
    image = image_of(pixels(20, 30, 1)).convert("1")
    picture = images.read(pillow_file(image, kind))
    np.testing.assert_array_equal(picture.samples[..., 0], np.asarray(image) * 255)
    assert (picture.source_mode, picture.source_bits) == ("bilevel", 1)
    assert picture.warnings == ("1-bit black and white becomes 8-bit gray",)


@pytest.mark.parametrize("bits", [2, 4])
def test_gray_of_few_bits_is_spread_over_eight(bits: int) -> None:
    levels = 2**bits
    row = np.arange(8) % levels
    packed = np.packbits(((row[:, None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8))
    picture = images.read(png([packed.tobytes()] * 3, 8, bits, 0))
    np.testing.assert_array_equal(picture.samples[0, :, 0], row * (255 // (levels - 1)))
    assert picture.source_bits == bits
    assert picture.warnings == (f"{bits}-bit gray becomes 8-bit gray",)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_color_becomes_alpha(channels: int, dtype: str) -> None:
    samples = pixels(6, 7, channels, dtype)
    samples[2, 3] = samples[4, 5]
    key = struct.pack(f">{channels}H", *(int(v) for v in samples[2, 3]))
    picture = images.read(png_of(samples, ((b"tRNS", key),)))
    np.testing.assert_array_equal(picture.samples, samples)
    assert picture.alpha is not None
    transparent = (samples == samples[2, 3]).all(axis=2)
    np.testing.assert_array_equal(picture.alpha == 0, transparent)
    np.testing.assert_array_equal(picture.alpha == np.iinfo(dtype).max, ~transparent)


def test_a_transparent_color_of_few_bits_is_in_the_files_own_scale() -> None:
    picture = images.read(png([bytes([0b00011011])], 4, 2, 0, ((b"tRNS", b"\0\2"),)))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 255, 0, 255]]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_frames_is_read_and_the_rest_is_named(kind: str) -> None:
    first, second = (image_of(pixels(20, 30, 3)), image_of(255 - pixels(20, 30, 3)))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = pillow_file(first, kind, save_all=True, append_images=[second, first], **options)
    picture = images.read(data)
    single = images.read(pillow_file(first, kind, **options))
    np.testing.assert_array_equal(picture.samples, single.samples)
    assert " 3 " in picture.warnings[0]
    assert "the rest is left out" in picture.warnings[0]


def test_further_pictures_in_a_jpeg_are_named() -> None:
    first = image_of(pixels(20, 30, 3))
    data = pillow_file(first, "MPO", save_all=True, append_images=[first])
    picture = images.read(data)
    assert (picture.format, picture.samples.shape) == ("JPEG", (20, 30, 3))
    assert picture.warnings[0].startswith("the first of 2 pictures in the file is read")


# What can't be kept on writing


def full_picture(dtype: str = "uint8", channels: int = 3) -> images.Picture:
    bare = images.read(png_of(pixels(20, 30, channels, dtype), png_metadata()))
    assert bare.metadata.exif is not None
    return bare


@pytest.mark.parametrize("name", ["JPEG", "WEBP", "BMP"])
def test_sixteen_bits_become_eight_with_a_warning(name: str) -> None:
    picture = full_picture("uint16")
    data, warnings = images.encode(picture, format=name)
    assert any("holds no 16 bits: they become 8 bits" in warning for warning in warnings)
    if name != "JPEG":
        expected = np.rint(picture.samples / 257)
        np.testing.assert_array_equal(images.read(data).samples, expected)


@pytest.mark.parametrize(("name", "bits"), [("PNG", 16), ("JPEG", 8), ("BMP", 8)])
def test_float_becomes_integer_with_a_warning(name: str, bits: int) -> None:
    samples = pixels(20, 30, 3, "float32")
    samples[0, 0] = (-0.5, 0.5, 1.5)
    data, warnings = images.encode(images.Picture(samples), format=name)
    assert f"they become {bits} bits, and values below 0 or above 1 are cut off" in warnings[0]
    again = images.read(data)
    assert again.source_bits == bits
    if name == "PNG":
        assert again.samples[0, 0].tolist() == [0, 32768, 65535]


@pytest.mark.parametrize("name", ["JPEG", "BMP"])
def test_a_transparent_picture_is_laid_on_white_with_a_warning(name: str) -> None:
    picture = images.Picture(
        np.full((16, 16, 3), 40, np.uint8), np.tile(np.uint8([0, 255]).repeat(8), (16, 1))
    )
    data, warnings = images.encode(picture, format=name)
    assert any("no transparency: the picture is laid on white" in warning for warning in warnings)
    samples = images.read(data).samples.astype(int)
    assert np.abs(samples[:, :6] - 255).max() <= 2
    assert np.abs(samples[:, 10:] - 40).max() <= 2


def test_gray_becomes_color_in_webp_with_a_warning() -> None:
    samples = pixels(20, 30, 1)
    data, warnings = images.encode(images.Picture(samples), format="WEBP")
    assert warnings == ("WebP has no gray pictures: it is written as color",)
    np.testing.assert_array_equal(images.read(data).samples, samples.repeat(3, axis=2))


def test_metadata_without_a_place_is_named() -> None:
    picture = full_picture()
    _, warnings = images.encode(picture, format="BMP")
    assert warnings == ("not carried over to BMP: color profile, EXIF, XMP",)
    _, warnings = images.encode(picture, format="WEBP")
    assert warnings == ("not carried over to WebP: resolution",)


def test_metadata_too_long_for_a_jpeg_is_named_and_left_out() -> None:
    metadata = images.Metadata(exif=bytes(70_000), xmp=bytes(70_000))
    picture = images.Picture(pixels(16, 16, 3), metadata=metadata)
    data, warnings = images.encode(picture, format="JPEG")
    assert warnings == ("not carried over to JPEG: EXIF, XMP",)
    assert images.read(data).metadata == images.Metadata()


def test_png_keeps_its_own_statement_of_colors_and_others_name_its_loss() -> None:
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    picture = images.read(png_of(pixels(9, 9, 3), (gamma,)))
    data, warnings = images.encode(picture)
    assert warnings == ()
    assert images.read(data).metadata.png_chunks == (gamma,)
    _, warnings = images.encode(picture, format="TIFF")
    assert warnings == ("not carried over to TIFF: color statement gAMA",)


def test_gif_becomes_png_with_a_warning() -> None:
    picture = images.read(pillow_file(palette_image(), "GIF"))
    data, warnings = images.encode(picture)
    assert data.startswith(b"\x89PNG")
    assert warnings == ("GIF is not written: it becomes PNG",)


def test_a_side_that_the_format_can_not_hold_is_refused() -> None:
    wide = images.Picture(np.zeros((1, 20_000, 3), np.uint8))
    with pytest.raises(ImageWriteError, match="WebP ends at 16383 pixels a side"):
        images.encode(wide, format="WEBP")


# Quality


def test_jpeg_is_written_without_subsampling_at_high_quality() -> None:
    data, _ = images.encode(images.Picture(pixels(64, 64, 3)), format="JPEG")
    image = Image.open(io.BytesIO(data))
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]
    smaller, _ = images.encode(images.Picture(pixels(64, 64, 3)), format="JPEG", quality=60)
    assert len(smaller) < 0.7 * len(data)


def test_webp_is_lossless_where_the_source_was() -> None:
    samples = pixels(64, 64, 3)
    kept, _ = images.encode(images.Picture(samples, lossless=True), format="WEBP")
    np.testing.assert_array_equal(images.read(kept).samples, samples)
    assert images.read(kept).lossless
    lossy, _ = images.encode(images.Picture(samples, lossless=False), format="WEBP")
    assert not images.read(lossy).lossless
    asked, _ = images.encode(images.Picture(samples, lossless=True), format="WEBP", quality=80)
    assert not images.read(asked).lossless


def test_lossless_webp_keeps_the_colors_under_transparency() -> None:
    samples, alpha = pixels(16, 16, 3), np.zeros((16, 16), np.uint8)
    data, _ = images.encode(images.Picture(samples, alpha), format="WEBP")
    np.testing.assert_array_equal(images.read(data).samples, samples)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_a_quality_out_of_range_is_a_wrong_call(quality: int) -> None:
    with pytest.raises(UsageError, match="quality goes from 1 to 100"):
        images.encode(images.Picture(pixels(8, 8, 3)), format="JPEG", quality=quality)


@pytest.mark.parametrize("name", ["GIF", "HEIC", ""])
def test_an_unknown_format_is_a_wrong_call_that_names_the_known(name: str) -> None:
    with pytest.raises(UsageError, match="choose one of PNG, JPEG, TIFF, WebP, BMP"):
        images.encode(images.Picture(pixels(8, 8, 3)), format=name)


# The many layouts of TIFF


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("options", [{}, {"tile": (16, 32)}, {"rowsperstrip": 7}])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (2, "uint16"), (4, "float32")])
def test_strips_tiles_and_byte_orders_of_tiff(
    order: str, options: dict[str, object], compression: str, channels: int, dtype: str
) -> None:
    samples = pixels(37, 53, channels, dtype)
    data = tiff_of(samples, byteorder=order, compression=compression, **options)
    picture = images.read(data)
    joined = [picture.samples]
    if picture.alpha is not None:
        joined.append(picture.alpha[..., None])
    np.testing.assert_array_equal(np.concatenate(joined, axis=2), samples)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_planes_of_tiff_are_put_together(dtype: str) -> None:
    samples = pixels(37, 53, 4, dtype)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        np.moveaxis(samples, 2, 0),
        photometric="rgb",
        planarconfig="separate",
        extrasamples=["unassalpha"],
        compression="zlib",
        rowsperstrip=10,
    )
    picture = images.read(file.getvalue())
    np.testing.assert_array_equal(picture.samples, samples[..., :3])
    np.testing.assert_array_equal(picture.alpha, samples[..., 3])


@pytest.mark.parametrize(
    ("dtype", "predictor"),
    [
        ("uint8", cv2.IMWRITE_TIFF_PREDICTOR_HORIZONTAL),
        ("uint16", cv2.IMWRITE_TIFF_PREDICTOR_NONE),
        ("uint16", cv2.IMWRITE_TIFF_PREDICTOR_HORIZONTAL),
        ("float32", cv2.IMWRITE_TIFF_PREDICTOR_FLOATINGPOINT),
    ],
)
@pytest.mark.parametrize(
    "compression",
    [
        cv2.IMWRITE_TIFF_COMPRESSION_LZW,
        cv2.IMWRITE_TIFF_COMPRESSION_ADOBE_DEFLATE,
        cv2.IMWRITE_TIFF_COMPRESSION_PACKBITS,
    ],
)
def test_predictors_of_tiff_are_undone(dtype: str, predictor: int, compression: int) -> None:
    samples = pixels(37, 53, 3, dtype)
    parameters = (cv2.IMWRITE_TIFF_COMPRESSION, compression)
    data = cv2_file(".tif", samples, *parameters, cv2.IMWRITE_TIFF_PREDICTOR, predictor)
    np.testing.assert_array_equal(images.read(data).samples, samples)


def test_a_big_tiff_is_read() -> None:
    samples = pixels(37, 53, 3, "uint16")
    data = tiff_of(samples, bigtiff=True)
    assert data[2] == 43
    np.testing.assert_array_equal(images.read(data).samples, samples)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_tiff_in_which_white_is_zero_is_inverted(dtype: str) -> None:
    samples = pixels(9, 9, 1, dtype)
    data = tiff_of(np.iinfo(dtype).max - samples, photometric="miniswhite")
    np.testing.assert_array_equal(images.read(data).samples, samples)


def test_premultiplied_alpha_is_divided_out() -> None:
    samples = np.array([[[100, 50, 0, 127], [0, 0, 0, 0], [7, 8, 9, 255]]], np.uint8)
    picture = images.read(tiff_of(samples, extrasamples=["assocalpha"]))
    assert picture.samples.tolist() == [[[201, 100, 0], [0, 0, 0], [7, 8, 9]]]


def test_a_channel_of_unknown_meaning_is_left_out_with_a_warning() -> None:
    samples = pixels(9, 9, 4, "uint16")
    picture = images.read(tiff_of(samples, extrasamples=["unspecified"]))
    np.testing.assert_array_equal(picture.samples, samples[..., :3])
    assert picture.alpha is None
    assert picture.warnings == ("a further channel of unknown meaning is left out",)


UNSUPPORTED = {
    "complex": (pixels(9, 9, 1).astype(np.complex64), {}, "64-bit unusual samples"),
    "64-bit": (pixels(9, 9, 1).astype(np.int64), {}, "64-bit signed samples"),
    "five channels": (pixels(9, 9, 5), {"photometric": "rgb", "extrasamples": [0, 0]}, "not 5"),
    "a thumbnail": (pixels(9, 9, 3), {"subfiletype": 1}, "a camera's raw file"),
}


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_a_tiff_of_a_kind_that_is_not_supported_is_refused(kind: str) -> None:
    samples, options, message = UNSUPPORTED[kind]
    with pytest.raises(ImageReadError, match=message):
        images.read(tiff_of(samples, **options))
