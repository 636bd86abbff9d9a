"""Descent on the paper's objective, where its minimum is known."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from flowdenoise.flow.descent import descend

MEAN, DEVIATION = 0.5, 0.2


class IndependentPixels:
    """Each pixel is normal: the minimum is a weighted mean of the noisy value and `MEAN`."""

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        assert sigma == 0.0, "clean patches are judged"
        return -((x - MEAN) / DEVIATION).square().flatten(1).sum(1) / 2


def minimum(noisy: Tensor, level: Tensor, scale: float) -> Tensor:
    trust, prior = 1 / level.square(), scale / DEVIATION**2
    return (trust * noisy + prior * MEAN) / (trust + prior)


@given(scale=st.floats(0.1, 2), seed=st.integers(0, 10**6))
def test_many_steps_lead_to_the_minimum(scale: float, seed: int) -> None:
    torch.manual_seed(seed)
    noisy = MEAN + 0.3 * torch.randn(2, 1, 3, 3, dtype=torch.float64)
    level = torch.tensor([0.05, 0.2], dtype=torch.float64)
    found = descend(IndependentPixels(), noisy, level, noisy, scale=scale, steps=300)
    known = minimum(noisy, level.view(-1, 1, 1, 1), scale)
    assert ((found - known).abs() < 0.02 * level.view(-1, 1, 1, 1)).all()


def test_it_tells_each_step_and_leaves_its_arguments_alone() -> None:
    noisy = torch.rand(1, 1, 4, 4)
    before, places = noisy.clone(), []
    with torch.no_grad():
        found = descend(
            IndependentPixels(),
            noisy,
            0.1,
            noisy,
            scale=1.0,
            steps=5,
            on_step=lambda count, x: places.append((count, x)),
        )
    assert [count for count, _ in places] == [1, 2, 3, 4, 5]
    known = minimum(noisy, torch.tensor(0.1), 1.0)
    errors = [float((x - known).abs().mean()) for _, x in places]
    assert errors == sorted(errors, reverse=True)
    assert torch.equal(places[-1][1], found)
    assert torch.equal(noisy, before)
    assert not found.requires_grad


@pytest.mark.parametrize("sigma", [0.0, 1e-9])
def test_without_noise_it_stays(sigma: float) -> None:
    noisy = torch.rand(1, 1, 4, 4)
    found = descend(IndependentPixels(), noisy, sigma, noisy, scale=1.0, steps=8)
    assert torch.allclose(found, noisy, atol=1e-3)
