"""Pixels of a JPEG file are told wherever they are stored, and those of no other picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise import Denoiser, images
from flowdenoise.estimation import shows_jpeg
from flowdenoise.images import Picture

from ..conftest import scene

CAT = images.read_uint8(Path(__file__).parents[2] / "examples" / "cat.png", 3)[:288, :320]
CLEAN = pytest.mark.parametrize("clean", [CAT, CAT[..., 1:2]])


def with_noise(clean: np.ndarray, sigma_255: float) -> np.ndarray:
    """White noise of that level, in whole levels."""
    noise = np.random.default_rng(5).normal(0, sigma_255, clean.shape)
    return np.asarray((clean + noise).clip(0, 255).round(), np.uint8)


def file(samples: np.ndarray, quality: int, subsampling: int = 0) -> bytes:
    """A JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(samples.squeeze()).save(
        stream, "JPEG", quality=quality, subsampling=subsampling
    )
    return stream.getvalue()


def decoded(content: bytes, channels: int) -> np.ndarray:
    """Its pixels, (H, W, C)."""
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    return pixels.reshape(*pixels.shape[:2], channels)


@CLEAN
@pytest.mark.parametrize("quality", [60, 80, 95])
@pytest.mark.parametrize("sigma", [0, 15])
def test_traces_stay_wherever_the_pixels_go(clean: np.ndarray, sigma: float, quality: int) -> None:
    channels = clean.shape[2]
    pixels = decoded(file(with_noise(clean, sigma), quality, 2), channels)
    assert shows_jpeg(Picture(pixels))
    assert shows_jpeg(Picture(pixels[3:, 5:].copy()))
    assert shows_jpeg(Picture(pixels / np.float32(255)))
    assert shows_jpeg(Picture(pixels.astype(np.uint16) * 257))


@pytest.mark.parametrize("clean", [CAT, CAT[..., 1:2], scene(256, 320)])
@pytest.mark.parametrize("sigma", [0, 1.5, 5, 25])
def test_no_other_picture_has_them(clean: np.ndarray, sigma: float) -> None:
    assert not shows_jpeg(Picture(with_noise(clean, sigma)))
    pixels = decoded(file(clean, 80), clean.shape[2])
    if sigma:
        assert not shows_jpeg(Picture(with_noise(pixels, sigma)))


def test_a_picture_that_was_reduced_behind_its_compression_has_none() -> None:
    pixels = Image.fromarray(decoded(file(CAT, 80), 3))
    reduced = pixels.resize((240, 216), Image.Resampling.LANCZOS)
    assert not shows_jpeg(Picture(np.asarray(reduced)))


@pytest.mark.parametrize("shape", [(1, 1), (14, 300), (40, 40), (300, 300)])
def test_nothing_is_told_of_constant_and_of_tiny_pictures(shape: tuple[int, int]) -> None:
    assert not shows_jpeg(Picture(np.full((*shape, 3), 128, np.uint8)))
    assert not shows_jpeg(Picture(scene(*shape)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_values_that_no_pixel_has_say_nothing(value: float) -> None:
    pixels = decoded(file(CAT, 80), 3) / np.float32(255)
    pixels[::9, ::7] = value
    few = pixels.copy()
    few[20:] = decoded(file(CAT, 80), 3)[20:] / np.float32(255)
    assert not shows_jpeg(Picture(pixels))
    assert shows_jpeg(Picture(few))
    assert not shows_jpeg(
        Picture(np.full((64, 64, 1), value, np.float32), black=-1e38, white=3e38)
    )


@pytest.mark.parametrize("quality", [75, 85])
def test_the_pixels_of_a_file_are_told_the_level_of_the_file(quality: int) -> None:
    content = file(with_noise(CAT, 15), quality, 2)
    (page,) = images.read_pages(io.BytesIO(content))
    denoiser = Denoiser.load(device="cpu", precision="float32")
    of_file = denoiser.estimate(page)
    of_pixels = denoiser.estimate(Picture(decoded(content, 3)))
    assert of_file.verdict == of_pixels.verdict == "noisy"
    assert of_pixels.sigma == pytest.approx(of_file.sigma, rel=1e-5)
    assert of_pixels.sigma > 7 / 255
