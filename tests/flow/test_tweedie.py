"""A density that is known exactly: its Tweedie step is the Wiener filter."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import Tensor

from flowdenoise.flow.tweedie import likeliest_sigma, tweedie_step


class GaussianDensity:
    """Images with the covariance of a smooth field, plus white noise."""

    def __init__(self, side: int) -> None:
        place = torch.arange(side, dtype=torch.float64)
        one = torch.exp(-(place[:, None] - place[None]).abs() / 3)
        self.side = side
        self.covariance = 0.04 * torch.kron(one, one)
        self.mean = 0.5

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        level = torch.as_tensor(sigma, dtype=torch.float64).expand(len(x))
        eye = torch.eye(self.side**2, dtype=torch.float64)
        covariance = self.covariance + level.square()[:, None, None] * eye
        density = torch.distributions.MultivariateNormal(
            torch.full((self.side**2,), self.mean, dtype=torch.float64), covariance
        )
        return density.log_prob(x.flatten(1))

    def sample(self, count: int, sigma: float) -> tuple[Tensor, Tensor]:
        root = torch.linalg.cholesky(self.covariance)
        clean = self.mean + torch.randn(count, self.side**2, dtype=torch.float64) @ root.T
        noisy = clean + sigma * torch.randn_like(clean)
        shape = (count, 1, self.side, self.side)
        return clean.view(shape), noisy.view(shape)


@given(sigma=st.floats(0.02, 0.5), seed=st.integers(0, 10**6))
def test_the_tweedie_step_of_a_gaussian_is_the_wiener_filter(sigma: float, seed: int) -> None:
    torch.manual_seed(seed)
    density = GaussianDensity(5)
    _, noisy = density.sample(3, sigma)
    eye = torch.eye(25, dtype=torch.float64)
    gain = density.covariance @ torch.linalg.inv(density.covariance + sigma**2 * eye)
    wiener = 0.5 + (noisy.flatten(1) - 0.5) @ gain.T
    assert torch.allclose(tweedie_step(density, noisy, sigma).flatten(1), wiener, atol=1e-9)


def test_each_image_may_have_its_own_level() -> None:
    density = GaussianDensity(4)
    _, noisy = density.sample(2, 0.1)
    together = tweedie_step(density, noisy, torch.tensor([0.1, 0.3], dtype=torch.float64))
    assert torch.allclose(together[:1], tweedie_step(density, noisy[:1], 0.1))
    assert torch.allclose(together[1:], tweedie_step(density, noisy[1:], 0.3))


@pytest.mark.parametrize("sigma", [0.02, 0.08, 0.2])
def test_the_likeliest_level_is_the_true_one(sigma: float) -> None:
    torch.manual_seed(1)
    density = GaussianDensity(6)
    _, noisy = density.sample(300, sigma)
    assert likeliest_sigma(density, noisy) == pytest.approx(sigma, rel=0.05, abs=0.002)
