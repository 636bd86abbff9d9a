"""Noise is found, removed and kept in the units of the data, whatever type holds them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from flowdenoise import Denoiser, images

EXAMPLES = Path(__file__).parents[2] / "examples"
HOLE = np.s_[30:90, 40:120]
SHARE = 0.04  # of the brightest value is the noise

UNITS = {  # the type, the brightest value
    "12 bits in 16": ("uint16", 1600),
    "counts in floats": ("float32", 1667),
    "counts in doubles": ("float64", 1667),
    "half floats": ("float16", 0.9),
    "signed integers": ("int16", 3000),
    "wide integers": ("uint32", 1e6),
}


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


def values(name: str) -> np.ndarray:
    """A clean photograph, (H, W) float64, from a fifth to four fifths of the brightest value."""
    green = images.read(EXAMPLES / "cat.png").samples[:192, :256, 1]
    return UNITS[name][1] * (0.2 + 0.6 * green / 255)


def stored(values: np.ndarray, name: str) -> images.Picture:
    dtype = np.dtype(UNITS[name][0])
    file = io.BytesIO()
    tifffile.imwrite(file, (values if dtype.kind == "f" else np.rint(values)).astype(dtype))
    return images.read(file.getvalue())


@pytest.mark.parametrize("name", UNITS)
def test_noise_is_found_and_removed_in_units_of_the_data(denoiser: Denoiser, name: str) -> None:
    clean, sigma = values(name), SHARE * UNITS[name][1]
    noisy = stored(clean + sigma * np.random.default_rng(0).normal(size=clean.shape), name)
    result = denoiser.denoise_picture(noisy)
    assert result.estimate is not None
    assert result.estimate.verdict == "noisy"
    black, white = noisy.span
    assert result.sigma * (white - black) == pytest.approx(sigma, rel=0.1)
    assert result.picture.samples.dtype == noisy.samples.dtype
    before, after = (
        np.square(picture.samples[..., 0].astype(np.float64) - clean).mean()
        for picture in (noisy, result.picture)
    )
    assert after < 0.4 * before
    assert images.read(images.encode(result.picture)[0]).samples.dtype == noisy.samples.dtype


@pytest.mark.parametrize("name", UNITS)
def test_a_clean_photograph_stays_what_it_is(denoiser: Denoiser, name: str) -> None:
    picture = stored(values(name), name)
    assert denoiser.denoise_picture(picture).picture is picture


@pytest.mark.parametrize("marker", [np.nan, np.inf, np.finfo(np.float32).min])
def test_pixels_without_data_say_nothing_and_stay(denoiser: Denoiser, marker: float) -> None:
    clean = values("counts in floats")
    sigma = SHARE * clean.max()
    noisy = clean + sigma * np.random.default_rng(0).normal(size=clean.shape)
    noisy[HOLE] = marker
    picture = stored(noisy, "counts in floats")
    result = denoiser.denoise_picture(picture)
    black, white = picture.span
    assert result.sigma * (white - black) == pytest.approx(sigma, rel=0.1)
    there = np.ones(clean.shape, bool)
    there[HOLE] = False
    samples = result.picture.samples[..., 0]
    np.testing.assert_array_equal(samples[~there], picture.samples[..., 0][~there])
    before, after = (np.square(made[there] - clean[there]).mean() for made in (noisy, samples))
    assert after < 0.4 * before
