"""Figures of merit, against scikit-image and worked examples."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from skimage import metrics as reference

from flowdenoise import metrics


def pair(seed: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    clean = rng.random((channels, 40, 33))
    return clean, (clean + 0.1 * rng.standard_normal(clean.shape)).clip(0, 1)


@given(seed=st.integers(0, 10**6), channels=st.sampled_from([1, 3]))
def test_psnr_is_that_of_scikit_image(seed: int, channels: int) -> None:
    clean, noisy = pair(seed, channels)
    expected = reference.peak_signal_noise_ratio(clean, noisy, data_range=1)
    assert metrics.psnr(torch.from_numpy(noisy), torch.from_numpy(clean)) == pytest.approx(
        expected
    )


@given(seed=st.integers(0, 10**6), channels=st.sampled_from([1, 3]))
def test_ssim_is_that_of_scikit_image(seed: int, channels: int) -> None:
    clean, noisy = pair(seed, channels)
    expected = reference.structural_similarity(
        clean,
        noisy,
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=0,
    )
    value = metrics.ssim(torch.from_numpy(noisy), torch.from_numpy(clean))
    assert value == pytest.approx(expected, abs=1e-9)


def test_equal_images_are_perfect() -> None:
    image = torch.rand(3, 32, 32)
    assert metrics.psnr(image, image) == math.inf
    assert metrics.ssim(image, image) == pytest.approx(1)
    assert metrics.gmsd(image, image) == 0


def test_psnr_on_the_255_scale() -> None:
    clean = torch.zeros(1, 8, 8)
    assert metrics.psnr(clean + 25.5, clean, data_range=255) == pytest.approx(20)


def test_gmsd_of_a_lost_edge_by_hand() -> None:
    # A step of height 1 against a flat image: after halving, the Prewitt gradient is 1 in the two
    # columns at the step, where the similarity is c / (1 + c), and 0 elsewhere, where it is 1.
    clean = torch.zeros(1, 20, 20, dtype=torch.float64)
    clean[:, :, 10:] = 1
    constant = 170 / 255**2
    values = np.ones((8, 8))
    values[:, 3:5] = constant / (1 + constant)
    assert metrics.gmsd(0 * clean, clean) == pytest.approx(values.std())


def test_gmsd_grows_with_noise() -> None:
    clean = torch.rand(3, 64, 64)
    noise = torch.randn(3, 64, 64)
    levels = [metrics.gmsd(clean + sigma * noise, clean) for sigma in (0.02, 0.1, 0.3)]
    assert levels == sorted(levels)
    assert levels[0] > 0


def test_bits_per_dim_of_a_worked_example() -> None:
    # Uniform over a quarter of the 8-bit scale: 64 of 255 steps of 1/255 hold all values, so each
    # takes log2(64) = 6 bits.
    dimensions = 10
    log_prob = torch.tensor([dimensions * math.log(255 / 64)])
    assert float(metrics.bits_per_dim(log_prob, dimensions)) == pytest.approx(6)
