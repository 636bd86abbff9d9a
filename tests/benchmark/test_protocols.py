"""Protocols: the noise is what the literature adds, the measure is what it measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from flowdenoise import metrics
from flowdenoise.benchmark.merit import measure
from flowdenoise.benchmark.protocols import PROTOCOLS, find_protocol
from flowdenoise.benchmark.sets import open_set
from flowdenoise.errors import UsageError

from .conftest import tensor_scene

AWGN, PAPER = PROTOCOLS["awgn"], PROTOCOLS["paper"]


def test_the_noise_of_awgn_leaves_the_range_and_is_the_same_each_time() -> None:
    clean = tensor_scene(40, 40, 3)
    noisy = AWGN.noisy(clean, 50 / 255)
    assert noisy.min() < 0
    assert noisy.max() > 1
    assert torch.equal(noisy, AWGN.noisy(clean, 50 / 255))
    expected = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close((noisy - clean) * 255 / 50, expected, atol=1e-5, rtol=0)


def test_awgn_measures_the_output_clamped_and_rounded_to_8_bits() -> None:
    output = AWGN.finish(torch.tensor([-0.5, 0.1, 0.5, 1.5]))
    assert (output * 255).tolist() == pytest.approx([0, 26, 128, 255])


def test_the_paper_sees_8_bits_truncated_and_measures_floats() -> None:
    noisy = PAPER.noisy(tensor_scene(40, 40, 3), 50 / 255)
    assert noisy.min() == 0
    assert noisy.max() == 1
    torch.testing.assert_close(noisy * 255, (noisy * 255).round(), atol=1e-4, rtol=0)
    above = torch.full((3, 20, 20), 100.9 / 255)
    noise = PAPER.noisy(above, 0.0)
    torch.testing.assert_close(noise, torch.full_like(noise, 100 / 255))
    output = torch.tensor([-0.5, 0.123, 1.5])
    assert PAPER.finish(output) is output


def test_real_pictures_get_no_noise() -> None:
    with pytest.raises(UsageError, match="protocol real adds no noise"):
        PROTOCOLS["real"].noisy(tensor_scene(20, 20, 3), 0.1)


KNOWN_NOISY_PSNR = {15: 24.61, 25: 20.17, 35: 17.25, 50: 14.15}
"""20 log10(255 / sigma): what the literature prints of unclipped noise."""


def noisy_psnr(name: str, data: Path) -> dict[int, float]:
    """Mean PSNR of a set's noisy images, by noise level."""
    images = open_set(name, data_dir=data)
    found: dict[int, list[float]] = {sigma: [] for sigma in KNOWN_NOISY_PSNR}
    for file in images.files:
        clean = images.load(file).clean
        for sigma, values in found.items():
            values.append(metrics.psnr(AWGN.noisy(clean, sigma / 255), clean))
    return {sigma: sum(values) / len(values) for sigma, values in found.items()}


def test_noisy_psnr_of_bsd68_is_the_published_one(shared_data: Path) -> None:
    found = noisy_psnr("bsd68", shared_data)
    assert {sigma: round(value, 2) for sigma, value in found.items()} == KNOWN_NOISY_PSNR


def test_noisy_psnr_of_real_pairs_is_the_published_one(shared_data: Path) -> None:
    images = open_set("nam25", data_dir=shared_data)
    samples = [images.load(file) for file in images.files]
    values = [metrics.psnr(s.noisy, s.clean) for s in samples if s.noisy is not None]
    assert sum(values) / 25 == pytest.approx(37.06, abs=0.005)


def test_noisy_psnr_of_cbsd68_is_the_published_one_but_for_the_draw(shared_data: Path) -> None:
    """Every image gets the same draw, and what chance gives its power stays in the mean.

    Chance moves it by 10 / ln 10 * sqrt(2 / values) = 0.009 dB, one standard deviation.
    """
    assert noisy_psnr("cbsd68", shared_data) == pytest.approx(KNOWN_NOISY_PSNR, abs=0.009)


@pytest.mark.parametrize("channels", [1, 3])
def test_figures_of_merit_agree_with_scikit_image(channels: int) -> None:
    clean = tensor_scene(50, 70, channels)
    output = AWGN.finish(AWGN.noisy(clean, 25 / 255))
    merit = measure(output, clean)
    first, second = (np.moveaxis(image.double().numpy(), 0, -1) for image in (output, clean))
    assert merit.psnr == pytest.approx(peak_signal_noise_ratio(second, first, data_range=1))
    expected = structural_similarity(
        first,
        second,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=-1,
    )
    assert merit.ssim == pytest.approx(expected, abs=1e-9)
    assert 0 < merit.gmsd < 1


def test_an_image_too_small_for_ssim_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 11 pixels"):
        measure(torch.zeros(1, 10, 40), torch.zeros(1, 10, 40))


def test_an_unknown_protocol_says_which_exist() -> None:
    with pytest.raises(UsageError, match="no protocol 'jpeg'; there are awgn, paper, real"):
        find_protocol("jpeg")
