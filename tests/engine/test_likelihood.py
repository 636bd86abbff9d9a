"""Scores of pictures under a prior that is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from flowdenoise.engine import likelihood
from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.images import Picture
from flowdenoise.images.sheets import sheet


class Uniform(Glow):
    """All pictures are alike to it, over the range that dequantized values can have."""

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        inside = (x.abs() - 0.5).flatten(1).amax(1) <= 0.5 + 0.5 / 255 + 1e-6
        return torch.where(inside, -self.config.dimensions * np.log(256 / 255), -torch.inf)


def flow(channels: int = 3) -> Uniform:
    config = GlowConfig(channels, size=32, levels=1, steps_per_level=1, hidden_channels=2)
    return Uniform(config)


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (70, 45)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_prior_without_preferences_needs_eight_bits(
    size: tuple[int, int], channels: int
) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    result = likelihood.score(flow(channels), Picture(samples))
    assert result.bits_per_dim == pytest.approx(8)
    assert result.heat.shape == size
    assert torch.allclose(result.heat, torch.tensor(8.0))


def test_a_surprise_is_found_where_it_is() -> None:
    class LikesBlack(Glow):
        def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
            return -x.flatten(1).sum(1)

    config = GlowConfig(size=32, levels=1, steps_per_level=1, hidden_channels=2)
    samples = np.zeros((64, 96, 3), np.uint8)
    samples[:32, 64:] = 255
    heat = likelihood.score(LikesBlack(config), Picture(samples)).heat
    row, column = divmod(int(heat.argmax()), 96)
    assert row < 32
    assert column >= 64


def test_a_picture_of_other_channels_is_refused() -> None:
    with pytest.raises(UsageError, match="for 3 channels, the picture has 1"):
        likelihood.score(flow(), Picture(np.zeros((4, 4, 1), np.uint8)))


def test_the_heat_map_runs_from_dark_to_white() -> None:
    heat = torch.linspace(-1, 9, 50).expand(2, 50)
    colors = likelihood.heat_map(heat)
    brightness = colors.sum(0)[0]
    assert colors.shape == (3, 2, 50)
    assert torch.allclose(colors[:, 0, -1], torch.ones(3))
    assert (brightness.diff() >= -1e-6).all()


def test_a_sheet_lays_pictures_out_row_by_row() -> None:
    pictures = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 1, 2, 3)
    laid = sheet(pictures, 2)
    assert laid.shape == (1, 6, 6)
    assert laid[0, ::2, ::3].tolist() == [[0, 1], [2, 3], [4, 0]]


def test_a_relative_heat_map_uses_all_colors_on_a_picture_that_is_evenly_likely() -> None:
    heat = torch.linspace(3.0, 3.5, 400).view(20, 20)
    low, high = likelihood.relative_range(heat)
    assert (low, high) == pytest.approx((3.005, 3.495))
    spread = [likelihood.heat_map(heat, bounds).amax(0).std() for bounds in ((low, high), (0, 8))]
    assert spread[0] > 5 * spread[1]
    flat = likelihood.heat_map(torch.full((4, 4), 2.0), likelihood.relative_range(torch.ones(9)))
    assert flat.isfinite().all()
