"""Clipped noise: found where it is, not found where it is not, and undone exactly."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.typing import NDArray
from scipy import stats

from flowdenoise.engine.denoiser import Denoiser
from flowdenoise.estimation.clipping import ClippedEnds, NoiseLaw, Unclip, clipped_ends, expected
from flowdenoise.images import Picture

SIGMA = 25 / 255
CPU = torch.device("cpu")


def ends_of(black: bool, white: bool, sigma: float = SIGMA, slope: float = 0.0) -> ClippedEnds:
    law = NoiseLaw(sigma**2, slope * sigma**2)
    return ClippedEnds(law if black else None, law if white else None)


ENDS = st.sampled_from([(True, False), (False, True), (True, True)])


def found(samples: NDArray[Any], sigma: float = SIGMA) -> tuple[bool, bool]:
    """Whether noise is found cut off at black and at white."""
    ends = clipped_ends(Picture(samples), sigma)
    return ends.black is not None, ends.white is not None


def noisy(clean: NDArray[np.float64], sigma: float = SIGMA, seed: int = 0) -> NDArray[np.float64]:
    return clean + sigma * np.random.default_rng(seed).normal(size=clean.shape)


def stored(
    values: NDArray[np.float64], white: int = 255
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    codes = np.rint(values.clip(0, 1) * white)
    return codes.astype(np.uint8 if white == 255 else np.uint16)


def shades(low: float, high: float) -> NDArray[np.float64]:
    """A picture of gentle shades, (128, 256, 3)."""
    ramp = np.linspace(low, high, 256)[None, :, None]
    return np.broadcast_to(ramp, (128, 256, 3)).copy()


@given(
    clean=st.floats(0, 1),
    sigma=st.floats(0.01, 0.4),
    cut_off=ENDS,
)
def test_the_mean_of_cut_noise_is_that_of_the_integral(
    clean: float, sigma: float, cut_off: tuple[bool, bool]
) -> None:
    ends = ends_of(*cut_off, sigma)
    noise = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    density = torch.exp(-noise.square() / 2) / (2 * torch.pi) ** 0.5
    low, high = 0.0 if cut_off[0] else -10.0, 1.0 if cut_off[1] else 10.0
    cut = (clean + sigma * noise).clamp(low, high)
    integral = torch.trapezoid(cut * density, noise)
    value = expected(torch.tensor(clean, dtype=torch.float64), ends)
    assert torch.allclose(value, integral, atol=1e-7)


@pytest.mark.parametrize("photons", [30, 100])
def test_the_mean_of_light_cut_off_at_white_is_that_of_its_photons(photons: int) -> None:
    """Noise of light is skewed, which moves the mean by up to 0.6 of 255."""
    clean, counts = np.linspace(0.6, 1, 9), np.arange(10 * photons)
    chance = stats.poisson.pmf(counts, photons * clean[:, None])
    mean = (chance * np.minimum(counts / photons, 1)).sum(1)
    light = ClippedEnds(white=NoiseLaw(1 / photons, -1 / photons))
    found = expected(torch.from_numpy(clean), light)
    assert np.abs(found.numpy() - mean).max() < 0.1 / 255


@given(sigma=st.floats(0.005, 0.4), cut_off=ENDS, slope=st.sampled_from([0.0, 1.0, -0.5]))
def test_undoing_gives_the_true_value_back(
    sigma: float, cut_off: tuple[bool, bool], slope: float
) -> None:
    ends = ends_of(*cut_off, sigma, slope)
    clean = torch.linspace(0, 1, 301, dtype=torch.float64).reshape(1, 1, 1, -1)
    means = expected(clean, ends).float()
    back = Unclip([ends], CPU)(means)
    assert torch.allclose(back, clean.float(), atol=2e-3)


def test_values_beyond_a_cut_end_come_to_it_and_beyond_the_other_stay() -> None:
    unclip = Unclip([ends_of(True, False, 0.1)], CPU)
    values = unclip(torch.tensor([-0.2, 0.0, 0.04, 1.0, 1.2]).reshape(1, 1, 1, -1))
    assert torch.allclose(values.flatten(), torch.tensor([0.0, 0.0, 0.0, 1.0, 1.2]), atol=2e-3)


@pytest.mark.parametrize("white", [255, 65535])
def test_noise_cut_off_is_found_at_its_end(white: int) -> None:
    dark, light = shades(0, 0.5), shades(0.5, 1)
    assert found(stored(noisy(dark), white)) == (True, False)
    assert found(stored(noisy(light), white)) == (False, True)
    assert found(stored(noisy(shades(0, 1)), white)) == (True, True)
    assert found(stored(noisy(shades(0.4, 0.6)), white)) == (False, False)


def test_noise_that_was_not_cut_off_is_left_alone() -> None:
    values = noisy(shades(0, 1)).astype(np.float32)
    assert found(values) == (False, False)
    assert found(values.clip(0, 1)) == (True, True)


def test_black_bars_and_burnt_out_areas_are_no_cut_noise() -> None:
    picture = stored(noisy(shades(0.4, 0.6)))
    picture[:, :77] = 0
    picture[:50, 200:] = 255
    assert found(picture) == (False, False)


def test_dark_parts_with_less_noise_than_the_rest_are_not_made_darker() -> None:
    clean = shades(0.03, 0.03)
    picture = stored(np.where(clean < 0.2, noisy(clean, 0.2 * SIGMA), noisy(clean)))
    assert (picture == 0).any()
    assert found(picture) == (False, False)


@pytest.mark.parametrize("photons", [30, 100])
def test_the_noise_of_light_is_cut_off_at_white_alone(photons: int) -> None:
    """It fades in the shadows, and at white it is far above that of the whole picture."""
    light = np.random.default_rng(0).poisson(shades(0, 1) * photons) / photons
    ends = clipped_ends(Picture(stored(light)), 0.7 * photons**-0.5)
    assert ends.black is None
    assert ends.white is not None
    assert ends.white.at_end == pytest.approx(1 / photons, rel=0.15)


def shifts(kind: str, sigma: float) -> list[float]:
    """Mean error in each band of 16 levels after denoising; the picture is a gray ramp."""
    clean = np.broadcast_to(np.linspace(0, 1, 512)[None, :, None], (256, 512, 1)).copy()
    values = noisy(clean, sigma)
    if kind.endswith("photons"):
        photons = int(kind.split()[0])
        values = np.random.default_rng(0).poisson(clean * photons) / photons
    picture = Picture(values.astype(np.float32) if kind == "unclipped" else stored(values))
    denoised = Denoiser.load("gray", precision="float32", device="cpu").denoise_picture(picture)
    error = 255 * (denoised.picture.tensor()[0, 0].numpy() - clean[..., 0])
    bands = (16 * clean[..., 0]).astype(int).clip(max=15)
    return [float(error[bands == band].mean()) for band in range(16)]


@pytest.mark.parametrize("kind", ["30 photons", "100 photons", "clipped", "unclipped"])
def test_shadows_keep_their_brightness(kind: str) -> None:
    assert max(abs(shift) for shift in shifts(kind, SIGMA)[:14]) < 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 15, 1), (300, 1, 3), (16, 16, 1)])
def test_pictures_too_small_to_tell_are_left_alone(shape: tuple[int, int, int]) -> None:
    assert found(np.zeros(shape, np.uint8)) == (False, False)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_noise_of_another_strength_has_its_deviation_times_that(factor: float) -> None:
    ends = ends_of(True, True, 0.1, slope=3.0)
    scaled = ends.scaled(factor)
    distance = torch.linspace(0, 1, 11)
    for law, other in ((ends.black, scaled.black), (ends.white, scaled.white)):
        assert law is not None
        assert other is not None
        assert torch.allclose(other.deviation(distance), factor * law.deviation(distance))


def test_black_stays_black_through_the_engine() -> None:
    clean = np.zeros((128, 128, 3))
    clean[:, 64:] = 0.5
    denoiser = Denoiser.load("color", precision="float32", device="cpu")
    result = denoiser.denoise_picture(Picture(stored(noisy(clean))), SIGMA).picture
    assert float(result.samples[:, :56].mean()) < 1  # uncorrected it would be 10
    assert abs(float(result.samples[:, 72:].mean()) - 127.5) < 1.5


def test_where_half_the_noise_is_to_stay_black_is_not_taken_back_wholly() -> None:
    denoiser = Denoiser.load("color", precision="float32", device="cpu")
    black = Picture(stored(noisy(np.zeros((128, 128, 3)))))
    half = denoiser.denoise_picture(black, SIGMA, strength=0.5).picture
    assert 3 < float(half.samples.mean()) < 10  # wholly taken back it would be about 1
