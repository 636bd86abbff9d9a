"""Clipped noise: found where it is, not found where it is not, and undone exactly."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.typing import NDArray

from flowdenoise.engine.clipping import ClippedEnds, Unclip, clipped_ends, expected
from flowdenoise.engine.denoiser import Denoiser
from flowdenoise.images import Picture

BOTH = ClippedEnds(black=True, white=True)
ENDS = st.sampled_from([ClippedEnds(black=True), ClippedEnds(white=True), BOTH])
SIGMA = 25 / 255


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
    ends=ENDS,
)
def test_the_mean_of_cut_noise_is_that_of_the_integral(
    clean: float, sigma: float, ends: ClippedEnds
) -> None:
    noise = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    density = torch.exp(-noise.square() / 2) / (2 * torch.pi) ** 0.5
    low, high = 0.0 if ends.black else -10.0, 1.0 if ends.white else 10.0
    cut = (clean + sigma * noise).clamp(low, high)
    integral = torch.trapezoid(cut * density, noise)
    value = expected(torch.tensor(clean, dtype=torch.float64), sigma, ends)
    assert torch.allclose(value, integral, atol=1e-7)


@given(sigma=st.floats(0.005, 0.4), ends=ENDS)
def test_undoing_gives_the_true_value_back(sigma: float, ends: ClippedEnds) -> None:
    clean = torch.linspace(0, 1, 301, dtype=torch.float64)
    means = expected(clean, sigma, ends).float()
    back = Unclip(sigma, ends, torch.device("cpu"))(means)
    assert torch.allclose(back, clean.float(), atol=2e-3)


def test_values_beyond_a_cut_end_come_to_it_and_beyond_the_other_stay() -> None:
    unclip = Unclip(0.1, ClippedEnds(black=True), torch.device("cpu"))
    values = unclip(torch.tensor([-0.2, 0.0, 0.04, 1.0, 1.2]))
    assert torch.allclose(values, torch.tensor([0.0, 0.0, 0.0, 1.0, 1.2]), atol=2e-3)


@pytest.mark.parametrize("white", [255, 65535])
def test_noise_cut_off_is_found_at_its_end(white: int) -> None:
    dark, light = shades(0, 0.5), shades(0.5, 1)
    assert clipped_ends(Picture(stored(noisy(dark), white)), SIGMA) == ClippedEnds(black=True)
    assert clipped_ends(Picture(stored(noisy(light), white)), SIGMA) == ClippedEnds(white=True)
    assert clipped_ends(Picture(stored(noisy(shades(0, 1)), white)), SIGMA) == BOTH
    assert not clipped_ends(Picture(stored(noisy(shades(0.4, 0.6)), white)), SIGMA)


def test_noise_that_was_not_cut_off_is_left_alone() -> None:
    values = noisy(shades(0, 1)).astype(np.float32)
    assert not clipped_ends(Picture(values), SIGMA)
    assert clipped_ends(Picture(values.clip(0, 1)), SIGMA) == BOTH


def test_black_bars_and_burnt_out_areas_are_no_cut_noise() -> None:
    picture = stored(noisy(shades(0.4, 0.6)))
    picture[:, :77] = 0
    picture[:50, 200:] = 255
    assert not clipped_ends(Picture(picture), SIGMA)


def test_dark_parts_with_less_noise_than_the_rest_are_not_made_darker() -> None:
    clean = shades(0.03, 0.03)
    picture = stored(np.where(clean < 0.2, noisy(clean, 0.2 * SIGMA), noisy(clean)))
    assert (picture == 0).any()
    assert not clipped_ends(Picture(picture), SIGMA)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 15, 1), (300, 1, 3), (16, 16, 1)])
def test_pictures_too_small_to_tell_are_left_alone(shape: tuple[int, int, int]) -> None:
    assert not clipped_ends(Picture(np.zeros(shape, np.uint8)), SIGMA)


def test_black_stays_black_through_the_engine() -> None:
    clean = np.zeros((128, 128, 3))
    clean[:, 64:] = 0.5
    denoiser = Denoiser.load("color", precision="float32", device="cpu")
    result = denoiser.denoise_picture(Picture(stored(noisy(clean))), SIGMA).picture
    assert float(result.samples[:, :56].mean()) < 1  # uncorrected it would be 10
    assert abs(float(result.samples[:, 72:].mean()) - 127.5) < 1.5
