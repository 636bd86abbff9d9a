"""White noise: of its level, and the same for a pixel wherever it is seen from."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from flowdenoise import noise
from flowdenoise.system import random_streams


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
