"""What a picture really holds: gray as gray, nothing as nothing, each channel as it needs."""

from __future__ import annotations

import numpy as np
import pytest

from flowdenoise import Denoiser, images
from flowdenoise.engine.planes import planes_of
from flowdenoise.images import Picture
from flowdenoise.metrics import psnr

from ..conftest import scene

SIGMA = 25


def noisy(clean: np.ndarray, sigma: float | tuple[float, ...] = SIGMA) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=clean.shape) * sigma
    return np.rint((clean + noise).clip(0, 255)).astype(np.uint8)


def gray(height: int = 128, width: int = 160) -> np.ndarray:
    return scene(height, width)[..., 1:2]


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


@pytest.mark.parametrize("sigma", ["auto", SIGMA / 255])
def test_a_gray_picture_is_gray_whatever_its_file_says(
    denoiser: Denoiser, sigma: float | str
) -> None:
    single = noisy(gray())
    alone = denoiser.denoise_picture(Picture(single), sigma)  # type: ignore[arg-type]
    three = denoiser.denoise_picture(Picture(single.repeat(3, 2)), sigma)  # type: ignore[arg-type]
    assert (three.picture.samples == alone.picture.samples).all()
    assert three.sigma == alone.sigma


def test_gray_up_to_the_rounding_of_jpeg_is_neutral_too(denoiser: Denoiser) -> None:
    single = noisy(gray())
    tinted = single.repeat(3, 2).astype(int)
    tinted[..., 2] += np.random.default_rng(1).integers(-1, 2, tinted.shape[:2])
    picture = Picture(tinted.clip(0, 255).astype(np.uint8), lossless=False)
    result = denoiser.denoise_picture(picture, SIGMA / 255).picture.samples
    assert (result == result[..., :1]).all()
    exact = denoiser.denoise_picture(Picture(single), SIGMA / 255).picture.samples
    assert np.abs(result[..., :1].astype(int) - exact).mean() < 0.5


def test_the_gray_of_three_channels_is_their_mean_to_the_nearest() -> None:
    samples = np.array([[[10, 10, 11], [10, 11, 11], [10, 11, 12]]], np.uint8)
    (plane,) = planes_of(Picture(samples, lossless=False), (1, 3))
    assert plane.picture.samples.ravel().tolist() == [10, 11, 11]


def test_channels_further_apart_than_rounding_are_color() -> None:
    samples = noisy(gray()).clip(10, 240).repeat(3, 2)
    samples[5, 7, 0] += 3
    (plane,) = planes_of(Picture(samples, lossless=False), (1, 3))
    assert plane.picture.channels == 3


def test_progress_of_planes_is_that_of_the_whole(denoiser: Denoiser) -> None:
    samples = noisy(scene(64, 96))
    samples[..., 1] = 77
    seen: list[tuple[int, int]] = []
    denoiser.denoise_picture(Picture(samples), 0.1, on_tile=lambda *step: seen.append(step))
    done, total = zip(*seen, strict=True)
    assert set(total) == {max(done)}
    assert list(done) == sorted(set(done))


def test_color_that_a_lossless_file_holds_is_color() -> None:
    samples = noisy(gray()).repeat(3, 2)
    samples[5, 7, 0] ^= 1
    assert planes_of(Picture(samples), (1, 3))[0].channels == (0, 1, 2)
    assert planes_of(Picture(samples), (1, 3))[0].picture.channels == 3
    assert planes_of(Picture(samples, lossless=False), (1, 3))[0].picture.channels == 1


@pytest.mark.parametrize("kinds", [(1, 3), (3,)])
def test_a_constant_channel_stays_constant(kinds: tuple[int, ...], denoiser: Denoiser) -> None:
    samples = noisy(scene(64, 96))
    samples[..., 1] = 77
    planes = planes_of(Picture(samples), kinds)
    assert {channel for plane in planes for channel in plane.channels} == {0, 2}
    if kinds == (3,):
        denoiser = Denoiser.load("color", device="cpu")
    result = denoiser.denoise_picture(Picture(samples), SIGMA / 255).picture.samples
    assert (result[..., 1] == 77).all()
    assert (result[..., 0] != samples[..., 0]).any()
    assert (result[..., 2] != samples[..., 2]).any()


def test_a_single_color_has_nothing_to_denoise(denoiser: Denoiser) -> None:
    plain = Picture(np.full((40, 50, 3), (10, 20, 30), np.uint8))
    result = denoiser.denoise_picture(plain)
    assert result.untouched
    assert result.estimate is not None
    assert result.estimate.verdict == "constant"
    assert denoiser.denoise_picture(plain, SIGMA / 255).picture is plain


def test_channels_with_unequal_noise_get_what_each_needs(denoiser: Denoiser) -> None:
    clean, levels = scene(192, 256), (10.0, 5.0, 20.0)
    picture = Picture(noisy(clean, levels))
    result = denoiser.denoise_picture(picture)
    assert result.estimate is not None
    assert result.estimate.channels == pytest.approx([level / 255 for level in levels], rel=0.15)
    one_level = denoiser.denoise_picture(picture, result.estimate.sigma).picture
    truth = Picture(clean).tensor()[0]
    for channel in range(3):
        own = slice(channel, channel + 1)
        before, after, other = (
            psnr(each.tensor()[0, own], truth[own])
            for each in (picture, result.picture, one_level)
        )
        assert after > before + 3
        assert after > other - 0.1


def test_channels_with_equal_noise_share_one_level(denoiser: Denoiser) -> None:
    estimate = denoiser.estimate(Picture(noisy(scene(192, 256))))
    assert estimate.channels == ()
    assert estimate.sigma == pytest.approx(SIGMA / 255, rel=0.1)


def test_a_gray_jpeg_stored_in_color_comes_back_neutral(denoiser: Denoiser) -> None:
    colors = noisy(gray()).repeat(3, 2)
    data, _ = images.encode(Picture(colors), "JPEG", quality=95)
    result = denoiser.denoise_picture(images.read(data), SIGMA / 255).picture.samples
    assert (result == result[..., :1]).all()
