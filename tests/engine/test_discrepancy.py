"""The local discrepancy: noise goes, structure stays, and without noise nothing changes."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from flowdenoise import Denoiser
from flowdenoise.engine import TileDenoiser
from flowdenoise.engine.tiles.discrepancy import RADIUS, keep_constant, keep_structure
from flowdenoise.engine.tiles.tiling import TilingConfig, apply
from flowdenoise.images import Picture
from flowdenoise.metrics import psnr
from flowdenoise.networks import DenoisingNetwork
from flowdenoise.networks.resnet import ResNet, ResNetConfig

SIGMA = 3 / 255


def red_lines(height: int = 96, width: int = 128) -> Tensor:
    """Red lines of 1, 2 and 3 pixels on black, (1, 3, H, W)."""
    image = torch.zeros(1, 3, height, width)
    for row, line in enumerate((1, 2, 3)):
        for x in range(6, width - 4, 11):
            image[0, 0, row * height // 3 : (row + 1) * height // 3, x : x + line] = 1
    return image


@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    channels=st.sampled_from([1, 3]),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_without_noise_the_input_comes_back_bit_for_bit(
    height: int, width: int, channels: int, scale: float
) -> None:
    noisy, denoised = scale * torch.randn(2, 1, channels, height, width)
    assert torch.equal(keep_structure(noisy, denoised, 0.0), noisy)


@pytest.mark.parametrize("channels", [1, 3])
def test_pure_noise_is_removed_whole(channels: int) -> None:
    noise = 0.1 * torch.randn(1, channels, 256, 256)
    clean = torch.full_like(noise, 0.5)
    left = keep_structure(clean + noise, clean, 0.1) - clean
    assert float(left.square().mean() / noise.square().mean()) < 1e-4


class Flattens(DenoisingNetwork):
    """A network that knows that all pictures are mid-gray."""

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        return torch.full_like(noisy, 0.5)


@pytest.mark.parametrize("channels", [1, 3])
def test_at_the_border_a_removal_counts_as_much_as_in_the_middle(channels: int) -> None:
    noisy = torch.full((1, channels, 24, 30), 0.5)
    kept = keep_structure(noisy, noisy - 5 * SIGMA, SIGMA) - noisy + 5 * SIGMA
    assert float(kept.min()) > SIGMA
    assert torch.allclose(kept, kept.mean().expand_as(kept), rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_denoiser_that_errs_never_makes_it_worse(channels: int) -> None:
    noise = SIGMA * torch.randn(1, channels, 96, 128)
    lines = red_lines()[:, :channels]
    noisy = lines + noise
    flattened = lines.mean((2, 3), keepdim=True).expand_as(lines)  # all structure is lost
    result = keep_structure(noisy, flattened, SIGMA)
    assert (result - lines).square().mean() < 1.001 * noise.square().mean()


@pytest.mark.parametrize(
    ("direction", "energy"), [((1.0, 1.0, 1.0), 2.0), ((1.0, 0.0, -1.0), 3.5)]
)
def test_a_fault_of_brightness_or_of_color_alone_is_seen(
    direction: tuple[float, float, float], energy: float
) -> None:
    """All three components together have an energy that noise has, too."""
    unit = torch.nn.functional.normalize(torch.tensor(direction), dim=0).reshape(1, 3, 1, 1)
    removed = SIGMA * energy**0.5 * unit.expand(1, 3, 20, 20)
    kept = keep_structure(removed, torch.zeros_like(removed), SIGMA)
    assert float(kept.abs().max()) > 0.1 * SIGMA
    spread = torch.zeros_like(removed)
    spread[:, 0] = SIGMA * energy**0.5  # one channel: a third in brightness, the rest in color
    assert keep_structure(spread, torch.zeros_like(spread), SIGMA).abs().max() < 1e-6


def test_a_little_too_much_of_both_is_seen_though_neither_is_alone() -> None:
    bright, colorful = (torch.tensor(part) / math.hypot(*part) for part in ((1, 1, 1), (1, 0, -1)))
    vector = SIGMA * (1.7**0.5 * bright + 3.0**0.5 * colorful)
    removed = vector.reshape(1, 3, 1, 1).expand(1, 3, 20, 20)
    kept = keep_structure(removed, torch.zeros_like(removed), SIGMA)[0, :, 10, 10]
    for alone in (bright * 1.7**0.5, colorful * 3.0**0.5):
        spread = (SIGMA * alone).reshape(1, 3, 1, 1).expand(1, 3, 20, 20)
        assert keep_structure(spread, torch.zeros_like(spread), SIGMA).abs().max() < 1e-6
        assert float(kept @ alone) > 0.05 * SIGMA * float(alone @ alone)


@pytest.mark.parametrize("times", [3, 5, 20])
def test_of_a_removal_far_above_the_noise_no_more_is_believed_than_errs_least(times: int) -> None:
    """If it holds all of the noise, that is the inverse of its energy in units of the noise."""
    noisy = torch.full((1, 1, 20, 20), times * SIGMA)
    gone = noisy - keep_structure(noisy, torch.zeros_like(noisy), SIGMA)
    assert 0 < float(gone.max() / noisy.max()) < 1 / times**2


def test_levels_by_channel_and_by_pixel_are_those_of_each() -> None:
    noisy, denoised = torch.randn(2, 2, 3, 24, 30)
    sigma = torch.tensor([0.3, 0.6])
    together = keep_structure(noisy, denoised, sigma.reshape(2, 1, 1, 1))
    for index in range(2):
        own = slice(index, index + 1)
        alone = keep_structure(noisy[own], denoised[own], float(sigma[index]))
        assert torch.allclose(together[own], alone, atol=1e-6)
    # Channels in units of their own noise are treated as if all had the same.
    levels = torch.tensor([0.1, 0.5, 0.9]).reshape(1, 3, 1, 1)
    scaled = keep_structure(noisy * levels, denoised * levels, levels)
    assert torch.allclose(scaled, levels * keep_structure(noisy, denoised, 1.0), atol=1e-6)
    # Where a map says that there is no noise, nothing is removed.
    levels = torch.ones(1, 1, 24, 30)
    levels[..., :10] = 0
    result = keep_structure(noisy, denoised, levels)
    assert torch.equal(result[..., :10], noisy[..., :10])
    assert not torch.equal(result[..., 10:], noisy[..., 10:])


def test_gradients_are_finite_and_those_of_a_small_step() -> None:
    noisy = torch.randn(1, 3, 12, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: keep_structure(y, 0.3 * y, 0.2), (noisy,))
    flat = torch.zeros(1, 3, 12, 12, requires_grad=True)
    keep_structure(flat, flat * 0, 0.0).sum().backward()
    assert flat.grad is not None
    assert torch.equal(flat.grad, torch.ones_like(flat))


@given(height=st.integers(1, 12), width=st.integers(1, 12), channels=st.sampled_from([1, 3]))
def test_what_is_constant_over_three_by_three_pixels_stays(
    height: int, width: int, channels: int
) -> None:
    noisy = torch.randint(0, 2, (1, channels, height, width)).float().cummax(-1).values
    denoised = torch.full_like(noisy, 0.5)
    expected = denoised.clone()
    for top in range(height - 2):
        for left in range(width - 2):
            block = noisy[..., top : top + 3, left : left + 3]
            if (block == block[..., :1, :1]).all():
                expected[..., top : top + 3, left : left + 3] = block
    assert torch.equal(keep_constant(noisy, denoised), expected)


def test_tiles_give_what_the_whole_image_gives() -> None:
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    network = TileDenoiser.of(net, torch.device("cpu"), torch.float32)
    overlap = net.config.receptive_radius + RADIUS
    image = red_lines(150, 203) + 0.1 * torch.randn(1, 3, 150, 203)

    def run(tile: int) -> Tensor:
        config = TilingConfig(tile, overlap, 4)
        return apply(image, lambda tiles: network(tiles, 0.05), config, multiple=net.config.stride)

    whole = run(0)
    assert (
        whole - net(torch.nn.functional.pad(image, (0, 1)), 0.05)[..., :203]
    ).abs().max() > 0.01
    assert torch.allclose(run(64), whole, atol=1e-6)


def test_red_lines_on_black_are_no_worse_than_they_came_in() -> None:
    clean = red_lines()
    noisy = (clean + SIGMA * torch.randn(clean.shape)).mul(255).round().clamp(0, 255)
    picture = Picture(noisy[0].permute(1, 2, 0).numpy().astype(np.uint8))
    denoised = Denoiser.load("color", device="cpu").denoise_picture(picture, SIGMA).picture
    before, after = (psnr(p.tensor()[0], clean[0]) for p in (picture, denoised))
    assert after > before
    ink = denoised.tensor()[clean.expand(1, 3, -1, -1)[:, :1].expand(1, 3, -1, -1) == 1]
    assert float(ink.reshape(3, -1)[0].mean()) > 0.98
