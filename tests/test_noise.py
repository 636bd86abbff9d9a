"""Noise levels and noise."""

import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from flowdenoise import noise
from flowdenoise.errors import SigmaError
from flowdenoise.system import random_streams


@given(sigma=st.floats(0, 255))
def test_units_go_there_and_back(sigma: float) -> None:
    assert noise.to_255(noise.from_255(sigma)) == pytest.approx(sigma)


@pytest.mark.parametrize("sigma", [-0.1, 255.1, math.nan, math.inf])
def test_what_is_no_level_on_the_255_scale_is_refused(sigma: float) -> None:
    with pytest.raises(SigmaError, match="0 to 255"):
        noise.from_255(sigma)


def test_a_level_on_the_wrong_scale_gets_a_hint() -> None:
    with pytest.raises(SigmaError, match="did you mean 25/255"):
        noise.check_sigma(25)


@pytest.mark.parametrize("sigma", [-1e-9, math.nan, math.inf])
def test_what_is_no_level_is_refused(sigma: float) -> None:
    with pytest.raises(SigmaError):
        noise.check_sigma(sigma)


def test_gaussian_noise_has_its_level_and_is_not_clipped() -> None:
    noisy = noise.add_gaussian(torch.zeros(1, 200, 200), 0.1, seed=0)
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.02)
    assert float(noisy.min()) < -0.3
    assert torch.equal(noisy, noise.add_gaussian(torch.zeros(1, 200, 200), 0.1, seed=0))


@given(seed=st.integers(0, 2**40), top=st.integers(0, 60), left=st.integers(0, 60))
def test_a_pixel_has_one_noise_whatever_patch_it_is_in(seed: int, top: int, left: int) -> None:
    key = random_streams.fold(seed, torch.tensor([5]))
    position = torch.arange(100 * 100).reshape(1, 100, 100)
    whole = noise.fixed_gaussian(key, position, 3)
    patch = noise.fixed_gaussian(key, position[:, top : top + 32, left : left + 32], 3)
    assert torch.equal(whole[:, :, top : top + 32, left : left + 32], patch)


def test_images_have_noises_of_their_own() -> None:
    position = torch.arange(64 * 64).reshape(1, 64, 64)
    first, second = (
        noise.fixed_gaussian(random_streams.fold(0, torch.tensor([image])), position, 1)
        for image in (0, 1)
    )
    assert abs(float((first * second).mean())) < 0.1
