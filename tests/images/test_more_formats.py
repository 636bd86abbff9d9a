"""AVIF, JPEG 2000 and TGA in and out; HEIC and JPEG XL in, by extras."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from image_files import ICC, XMP, exif_block, image_of, pillow_file, pixels
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageReadError, UsageError


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["TGA", "JPEG2000"])
def test_formats_without_loss_keep_every_pixel(name: str, channels: int) -> None:
    samples = pixels(37, 53, channels)
    picture = images.read(pillow_file(image_of(samples), name))
    assert (picture.format, picture.channels) == (name, 1 if channels < 3 else 3)
    data, warnings = images.encode(picture)
    assert warnings == ()
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), samples.squeeze())


@pytest.mark.parametrize("channels", [3, 4])
def test_avif_is_read_and_written_with_what_it_carries(channels: int) -> None:
    samples = pixels(37, 53, channels)
    options = {"exif": exif_block(), "icc_profile": ICC, "xmp": XMP}
    picture = images.read(pillow_file(image_of(samples), "AVIF", quality=95, **options))
    assert (picture.format, picture.lossless) == ("AVIF", False)
    data, warnings = images.encode(picture)
    assert warnings == ()
    again = images.read(data)
    assert again.metadata == picture.metadata
    assert (again.alpha is not None) == (channels == 4)
    assert np.abs(again.samples.astype(int) - samples[..., :3]).mean() < 3


def test_an_avif_is_turned_upright_once() -> None:
    image = Image.fromarray(np.repeat(np.uint8([[[0], [250]]]), 3, 2).repeat(32, 0).repeat(16, 1))
    picture = images.read(pillow_file(image, "AVIF", exif=exif_block(6)))
    assert picture.samples.shape == (32, 32, 3)
    assert picture.samples[4:12].mean() < 20
    again = images.read(images.encode(picture)[0])
    assert again.samples[4:12].mean() < 20


def test_deep_color_of_jpeg_2000_is_not_halved_in_silence() -> None:
    import cv2

    done, data = cv2.imencode(".jp2", pixels(32, 32, 3, "uint16"))
    assert done
    picture = images.read(data.tobytes())
    assert picture.samples.dtype == np.uint8
    assert picture.source_bits == 16
    assert picture.warnings == ("16-bit JPEG 2000 becomes 8 bits",)


def test_deep_gray_of_jpeg_2000_is_kept() -> None:
    samples = pixels(32, 32, 1, "uint16")
    picture = images.read(pillow_file(Image.fromarray(samples[..., 0]), "JPEG2000"))
    np.testing.assert_array_equal(picture.samples, samples)


def test_heic_is_read_and_becomes_png() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    samples = pixels(64, 80, 3)
    picture = images.read(pillow_file(image_of(samples), "HEIF", quality=95, exif=exif_block()))
    assert (picture.format, picture.contents) == ("HEIC", ("EXIF",))
    assert np.abs(picture.samples.astype(int) - samples).mean() < 4
    data, warnings = images.encode(picture)
    assert data.startswith(b"\x89PNG")
    assert warnings == ("HEIC is not written: it becomes PNG",)


def test_heic_whose_crop_lies_beyond_its_borders_is_refused() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = bytearray(pillow_file(image_of(pixels(40, 48, 3)), "HEIF"))
    images.read(bytes(data))
    crop = data.index(b"clap") + 4
    data[crop + 25] ^= 1  # the vertical place of its middle: 65,536 halves of a pixel away
    with pytest.raises(ImageReadError, match="states another size"):
        images.read(bytes(data))


def test_jpeg_xl_is_read_and_becomes_png() -> None:
    pytest.importorskip("pillow_jxl")
    samples = pixels(64, 80, 3)
    picture = images.read(pillow_file(image_of(samples), "JXL", lossless=True))
    np.testing.assert_array_equal(picture.samples, samples)
    assert images.encode(picture)[1] == ("JPEG XL is not written: it becomes PNG",)


@pytest.mark.parametrize("size", [(8, 8), (64, 80), (40, 30), (700, 1000), (1, 3000), (257, 9)])
def test_the_size_of_a_jpeg_xl_is_known_before_it_is_decoded(size: tuple[int, int]) -> None:
    pytest.importorskip("pillow_jxl")
    data = pillow_file(Image.new("RGB", (size[1], size[0])), "JXL")
    with pytest.raises(ImageReadError, match=f"{size[1]}x{size[0]} pixels are more"):
        images.read(data, max_pixels=1)


def test_a_tga_is_told_from_a_letter() -> None:
    for text in (b"Dear reader, this is no picture at all.", bytes(40), b"\0\0\1\0" + bytes(40)):
        with pytest.raises(ImageReadError, match="not an image of a known kind"):
            images.read(text)


def test_endings_of_names_lead_to_formats() -> None:
    assert images.suffix_of("avif") == ".avif"
    assert images.suffix_of("jp2") == ".jp2"
    assert {".heic", ".jxl", ".tga", ".avif", ".jp2"} <= images.SUFFIXES
    with pytest.raises(UsageError, match="'heic' is no format to write"):
        images.suffix_of("heic")


def test_a_huge_avif_is_refused_before_decoding() -> None:
    data = bytearray(pillow_file(image_of(pixels(64, 64, 3)), "AVIF"))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 30_000, 30_000)
    with pytest.raises(ImageReadError):
        images.read(bytes(data), max_memory=100_000_000)


def test_a_jpeg_2000_is_refused_by_its_code_stream_whatever_its_box_says() -> None:
    data = bytearray(pillow_file(image_of(pixels(40, 48, 3)), "JPEG2000"))
    place = data.index(b"\xff\x4f\xff\x51") + 8
    data[place : place + 8] = struct.pack(">II", 40_000, 40_000)
    with pytest.raises(ImageReadError, match="40000x40000 pixels are more than the limit"):
        images.read(bytes(data))


@pytest.mark.parametrize("size", [b"\0\0\0\1", b"\xff\xff\xff\x7f", b"\0\0\0\3"])
def test_a_box_beyond_the_end_of_a_jpeg_2000_is_refused(size: bytes) -> None:
    data = pillow_file(image_of(pixels(40, 48, 3)), "JPEG2000")
    place = data.index(b"jp2h") - 4
    with pytest.raises(ImageReadError, match="a box lies beyond its end"):
        images.read(data[:place] + size + data[place + 4 :])
