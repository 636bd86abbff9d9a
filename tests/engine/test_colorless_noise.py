"""Noise of brightness alone, as cameras leave it that smooth color: it goes, and colors stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowdenoise import Denoiser, weights
from flowdenoise.engine.choices import Crop
from flowdenoise.engine.planes import Brightness, room_for
from flowdenoise.images import Picture
from flowdenoise.metrics import psnr

from ..conftest import scene

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


def noisy(clean: np.ndarray, sigma: float, *, channels: int = 1) -> np.ndarray:
    """A scene with noise that is the same in all channels, or independent in three."""
    noise = np.random.default_rng(0).normal(size=(*clean.shape[:2], channels)) * sigma
    return np.rint((clean + noise).clip(0, 255)).astype(np.uint8)


def gain(result: Picture, picture: Picture, clean: np.ndarray) -> float:
    truth = torch.from_numpy(clean).permute(2, 0, 1)[None] / 255
    return psnr(result.tensor(), truth) - psnr(picture.tensor(), truth)


@pytest.mark.parametrize("sigma", [4, 10, 25])
def test_noise_of_brightness_goes_and_colors_stay(denoiser: Denoiser, sigma: float) -> None:
    clean = 64 + scene(192, 256) / 2  # so that nothing is cut off
    picture = Picture(noisy(clean, sigma))
    done = denoiser.denoise_picture(picture)
    assert done.weights == ("gray",)
    assert done.sigma * 255 == pytest.approx(sigma, rel=0.2)
    assert gain(done.picture, picture, clean) > 3
    shift = done.picture.samples.astype(int) - picture.samples
    assert np.ptp(shift, axis=2).max() <= 1  # up to rounding


@pytest.mark.parametrize("sigma", [4, 25])
def test_noise_of_all_channels_is_removed_from_all(denoiser: Denoiser, sigma: float) -> None:
    clean = scene(192, 256)
    picture = Picture(noisy(clean, sigma, channels=3))
    assert denoiser.denoise_picture(picture).weights == ("color",)
    assert not denoiser.examine(picture).is_colorless


def test_brightness_is_only_looked_at_where_the_channels_do_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load, asked = weights.load, []

    def recording(name: str, **options: Any) -> weights.Weights:
        asked.append(name)
        return load(name, **options)

    monkeypatch.setattr(weights, "load", recording)
    denoiser = Denoiser.load(device="cpu")
    denoiser.examine(Picture(noisy(scene(192, 256), 10, channels=3)))
    assert "noise-map-color" in asked
    assert "noise-map-gray" not in asked
    denoiser.examine(Picture(noisy(scene(192, 256), 10)))
    assert "noise-map-gray" in asked


def test_a_clean_color_picture_stays_as_it_is(denoiser: Denoiser) -> None:
    picture = Picture(scene(192, 256).astype(np.uint8))
    assert denoiser.denoise_picture(picture).picture is picture


def test_a_level_or_a_kind_that_is_told_is_that_of_color(denoiser: Denoiser) -> None:
    picture = Picture(noisy(scene(96, 96), 10))
    assert not denoiser.examine(picture, 10 / 255).is_colorless
    assert not denoiser.examine(picture, noise="camera").is_colorless
    assert not denoiser.examine(picture, noise="white").is_colorless


def test_a_part_is_what_it_is_in_the_whole(denoiser: Denoiser) -> None:
    picture = Picture(noisy(64 + scene(192, 256) / 2, 10))
    whole = denoiser.denoise_picture(picture).picture.samples
    part = denoiser.denoise_picture(picture, crop=Crop(64, 48, 40, 56)).picture.samples
    assert part.shape == (48, 64, 3)
    assert np.abs(part.astype(int) - whole[56:104, 40:104]).max() <= 1


def test_transparent_pixels_stay(denoiser: Denoiser) -> None:
    samples = noisy(64 + scene(192, 256) / 2, 10)
    alpha = np.full(samples.shape[:2], 255, np.uint8)
    alpha[:, :64] = 0
    result = denoiser.denoise_picture(Picture(samples, alpha)).picture.samples
    assert (result[:, :64] == samples[:, :64]).all()
    assert (result[:, 64:] != samples[:, 64:]).any()


COLORS = st.sampled_from([np.uint8, np.uint16, np.float32]).flatmap(
    lambda kind: arrays.arrays(
        kind,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
        elements=st.floats(0, 1, width=32)
        if np.dtype(kind).kind == "f"
        else st.integers(0, np.iinfo(kind).max),
    )
)


@given(COLORS, st.floats(-0.5, 0.5))
@settings(max_examples=50, deadline=None)
def test_a_change_of_brightness_is_added_to_all_channels(samples: np.ndarray, by: float) -> None:
    picture = Picture(samples)
    plane = Brightness.of(picture)
    assert plane.picture.samples.dtype == samples.dtype
    unit = 1e-6 if samples.dtype.kind == "f" else 1 / np.iinfo(samples.dtype).max
    luma = picture.tensor()[0].numpy().astype(float).transpose(1, 2, 0) @ LUMA
    assert np.abs(plane.picture.tensor()[0, 0].numpy() - luma).max() <= unit
    result = room_for(picture, [plane])
    plane.put(0, plane.picture.tensor() + by, result)
    expected = picture.tensor() + by
    if samples.dtype.kind != "f":
        expected = expected.clamp(0, 1)
    assert (Picture(result).tensor() - expected).abs().max() <= unit


def test_a_plane_that_does_not_change_leaves_the_picture_as_it_is() -> None:
    picture = Picture(scene(64, 80).astype(np.uint8))
    plane = Brightness.of(picture)
    result = room_for(picture, [plane])
    for top in range(0, 64, 16):
        plane.put(top, plane.picture.tensor(slice(top, top + 16)), result)
    assert (result == picture.samples).all()


def test_pixels_without_data_are_left_out_and_kept() -> None:
    samples = scene(32, 32).astype(np.float32) / 255
    samples[3:5, 7] = np.nan
    picture = Picture(samples, no_data=np.isnan(samples).any(2))
    plane = Brightness.of(picture)
    result = room_for(picture, [plane])
    plane.put(0, plane.picture.tensor() + 0.125, result)
    assert np.isnan(result[3:5, 7]).all()
    assert np.isfinite(result).sum() == samples.size - 6
