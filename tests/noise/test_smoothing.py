"""The blur of the simulated camera beside scipy's, on both sides of where its way changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from flowdenoise.noise.smoothing import gaussian

SIDES = st.integers(20, 60) | st.integers(120, 140)


@given(height=SIDES, width=SIDES, deviation=st.sampled_from([0.7, 1.0, 2.0, 2.8, 5.6]))
@settings(max_examples=30)
def test_a_blur_is_that_of_scipy(height: int, width: int, deviation: float) -> None:
    made = torch.Generator().manual_seed(height * width)
    values = torch.rand(2, 3, height, width, generator=made)
    sigma, radius = (0, 0, deviation, deviation), max(1, round(2.5 * deviation))
    truncate = (radius + 0.01) / deviation
    expected = ndimage.gaussian_filter(values.numpy(), sigma, mode="mirror", truncate=truncate)
    np.testing.assert_allclose(gaussian(values, deviation).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("side", [32, 200])
def test_gradients_go_through_a_blur(side: int) -> None:
    with torch.inference_mode():
        gaussian(torch.rand(1, 1, side, side), 1.3)
    values = torch.rand(1, 1, side, side, requires_grad=True)
    gaussian(values, 1.3).sum().backward()
    assert values.grad is not None
    assert values.grad.sum().item() == pytest.approx(side * side, rel=1e-4)
