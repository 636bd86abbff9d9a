"""Samples become tensors and come back, and a corpus gets its bytes."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from image_files import PNG_MAGIC, exif_block, image_of, pillow_file, pixels, png_of, tiff_of
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageError, ImageReadError, UsageError


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535)])
def test_every_integer_value_comes_back(dtype: str, white: int) -> None:
    samples = np.arange(white + 1).astype(dtype).reshape(16, -1, 1)
    tensor = images.Picture(samples).tensor()
    assert (tensor.dtype, tensor.shape) == (torch.float32, (1, 1, 16, (white + 1) // 16))
    assert (tensor.min(), tensor.max()) == (0, 1)
    np.testing.assert_array_equal(images.quantize(tensor, dtype), samples)


def test_float_passes_unclamped_as_a_copy() -> None:
    samples = np.array([[[-3.5], [0.25], [1e6]]], np.float32)
    picture = images.Picture(samples)
    tensor = picture.tensor()
    np.testing.assert_array_equal(images.quantize(tensor, np.float32), samples)
    tensor.zero_()
    assert picture.samples[0, 2, 0] == 1e6


@given(
    height=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_bands_make_up_the_whole(height: int, channels: int, dtype: str, cuts: list[int]) -> None:
    picture = images.Picture(pixels(height, 9, channels, dtype))
    edges = sorted({0, height, *(cut for cut in cuts if cut < height)})
    slices = [slice(a, b) for a, b in pairwise(edges)]
    bands = [picture.tensor(rows) for rows in slices]
    assert torch.equal(torch.cat(bands, dim=2), picture.tensor())
    samples = np.concatenate([images.quantize(band, dtype) for band in bands])
    np.testing.assert_array_equal(samples, picture.samples)


def test_a_part_of_a_band_is_a_part_of_the_whole() -> None:
    picture = images.Picture(pixels(20, 30, 3))
    part = picture.tensor(slice(3, 9), slice(25, None))
    assert torch.equal(part, picture.tensor()[..., 3:9, 25:])


def test_values_are_clamped_and_rounded_to_the_nearest() -> None:
    values = torch.tensor([-0.2, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 1.3])
    samples = images.quantize(values.reshape(1, 1, 1, -1), np.uint8)
    assert samples.ravel().tolist() == [0, 0, 0, 1, 255, 255, 255]


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_values_that_are_no_numbers_are_refused(value: float, dtype: str) -> None:
    with pytest.raises(ImageError, match="not a finite number"):
        images.quantize(torch.full((1, 3, 2, 2), value), dtype)


def test_new_samples_must_be_of_the_old_kind() -> None:
    alpha = np.zeros((4, 5), np.uint8)
    picture = images.Picture(pixels(4, 5, 3), alpha, images.Metadata(dpi=(72, 72)))
    new = picture.with_samples(255 - picture.samples)
    assert new.alpha is alpha
    assert new.metadata == picture.metadata
    for wrong in (pixels(5, 4, 3), pixels(4, 5, 1), pixels(4, 5, 3, "uint16")):
        with pytest.raises(UsageError, match="the shape and the type of the old ones"):
            picture.with_samples(wrong)


@pytest.mark.parametrize(
    ("samples", "alpha"),
    [
        (np.zeros((4, 5), np.uint8), None),
        (np.zeros((4, 5, 2), np.uint8), None),
        (np.zeros((0, 5, 3), np.uint8), None),
        (np.zeros((4, 5, 3), np.int64), None),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), np.uint8)),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint16)),
    ],
)
def test_a_picture_that_makes_no_sense_can_not_be_made(
    samples: np.ndarray, alpha: np.ndarray | None
) -> None:
    with pytest.raises(UsageError):
        images.Picture(samples, alpha)


def test_a_picture_of_an_unknown_format_goes_out_as_png() -> None:
    data, _ = images.encode(images.Picture(pixels(9, 9, 3), format="MPO"))
    assert data.startswith(PNG_MAGIC)


# A corpus


def test_gray_is_made_by_the_luma_weights_of_bt_601(tmp_path: Path) -> None:
    samples = np.random.default_rng(3).integers(0, 256, (300, 70, 3), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(png_of(samples))
    red, green, blue = (samples[..., c].astype(int) for c in range(3))
    expected = (299 * red + 587 * green + 114 * blue + 500) // 1000
    gray = images.read_uint8(tmp_path / "a.png", 1)
    assert gray.shape == (300, 70, 1)
    np.testing.assert_array_equal(gray[..., 0], expected)


def test_a_corpus_gets_eight_upright_bits_without_alpha(tmp_path: Path) -> None:
    stored = pixels(20, 30, 4, "uint16")
    exif = ((b"eXIf", exif_block(6)[6:]),)
    (tmp_path / "a.png").write_bytes(png_of(stored, exif))
    samples = images.read_uint8(tmp_path / "a.png", 3)
    expected = np.rint(np.rot90(stored[..., :3], -1) / 257).astype(np.uint8)
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples, expected)


def test_gray_and_float_become_color_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_of(np.float32([[[0.0], [0.5], [2.0]]])))
    samples = images.read_uint8(tmp_path / "a.tif", 3)
    assert samples.tolist() == [[[0] * 3, [64] * 3, [255] * 3]]


def test_a_corpus_refuses_what_is_broken(tmp_path: Path) -> None:
    data = pillow_file(image_of(pixels(20, 30, 3)), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data[:-200])
    with pytest.raises(ImageReadError, match=r"a\.jpg"):
        images.read_uint8(tmp_path / "a.jpg", 3)
    with pytest.raises(UsageError, match="1 or 3 channels"):
        images.read_uint8(tmp_path / "a.jpg", 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_round_trip_is_what_a_file_would_hold(channels: int) -> None:
    samples = pixels(32, 48, channels)
    tensor = torch.from_numpy(samples).permute(2, 0, 1)
    stored = images.jpeg_round_trip(tensor, 75)
    data = pillow_file(image_of(samples), "JPEG", quality=75, subsampling="4:2:0")
    assert stored.dtype == torch.uint8
    np.testing.assert_array_equal(stored.permute(1, 2, 0), images.read(data).samples)


# Images of Pillow


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_a_pillow_image_comes_back_as_it_was(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(pixels(20, 30, 1, "uint16")[..., 0])
    else:
        image = image_of(pixels(20, 30, len(mode)))
    again = images.to_pillow(images.from_pillow(image))
    assert (image.mode, again.mode) == (mode, mode)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_a_pillow_image_is_not_turned() -> None:
    data = pillow_file(image_of(pixels(20, 30, 3)), "JPEG", exif=exif_block(6))
    assert images.from_pillow(Image.open(io.BytesIO(data))).samples.shape == (20, 30, 3)
    assert images.read(data).samples.shape == (30, 20, 3)


def test_what_pillow_can_not_hold_and_we_can_not_read_is_refused() -> None:
    with pytest.raises(UsageError, match="no images of more than 8 bits with color"):
        images.to_pillow(images.Picture(pixels(4, 4, 3, "uint16")))
    with pytest.raises(ImageReadError, match="kind HSV are not supported"):
        images.from_pillow(image_of(pixels(4, 4, 3)).convert("HSV"))
    data = pillow_file(image_of(pixels(20, 30, 3)), "JPEG")
    with pytest.raises(ImageReadError, match="cut short"):
        images.from_pillow(Image.open(io.BytesIO(data[:-20])))


def test_images_are_told_by_name_and_hidden_files_and_folders_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("a.png", "b.JPEG", "c.tif", "d.webp", "e.bmp", "f.gif"):
        assert images.looks_like_image(tmp_path / name)
    for name in ("a.txt", ".hidden.png", ".png", "png", "folder.png", "a.png.part"):
        assert not images.looks_like_image(tmp_path / name)
    assert images.format_of(Path("a/b.JPE")) == "JPEG"
    assert images.format_of(Path("a/b.txt")) is None
    assert [images.suffix_of(name) for name in ("jpg", "TIFF", "WebP")] == [
        ".jpg",
        ".tif",
        ".webp",
    ]
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in images.SUFFIXES)
