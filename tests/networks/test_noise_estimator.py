"""Noise maps: what they measure, and what their estimator learns."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from flowdenoise.networks.filter_bank import FilterBank
from flowdenoise.networks.noise_estimator import (
    FLOOR,
    KINDS,
    MAPS,
    NoiseMapConfig,
    NoiseMapNet,
    band_energies,
    level_loss,
    measured,
    of_gray,
)
from flowdenoise.networks.resnet import ResNet, ResNetConfig


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_has_one_level_on_all_maps(channels: int) -> None:
    noise = 0.1 * torch.randn(1, channels, 512, 512)
    levels = measured(noise).mean((2, 3)).sqrt()
    assert levels.shape == (1, len(MAPS))
    assert torch.allclose(levels, torch.full((1, 4), 0.1), rtol=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_has_one_energy_in_all_bands(channels: int) -> None:
    energies = band_energies(0.1 * torch.randn(1, channels, 512, 512)).mean((3, 4))
    assert torch.allclose(energies.sqrt(), torch.full((1, 2, 3), 0.1), rtol=0.03)


def test_coarse_noise_is_stronger_on_the_coarse_maps() -> None:
    noise = F.avg_pool2d(torch.randn(1, 3, 260, 260), 5, stride=1)
    brightness, coarse, color, color_coarse = measured(noise[..., :256, :256]).mean((2, 3))[0]
    assert coarse > 4 * brightness
    assert color_coarse > 4 * color


def test_the_loss_is_least_at_the_root_mean_square() -> None:
    squares = torch.full((1, 4, 5, 5), 0.3)
    best = (squares + FLOOR**2).sqrt()
    losses = [level_loss(factor * best, squares).sum() for factor in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses)


@pytest.mark.parametrize("channels", [1, 3])
def test_there_is_a_cell_for_8_by_8_pixels_and_a_kind_for_each_picture(channels: int) -> None:
    net = NoiseMapNet(NoiseMapConfig(image_channels=channels, channels=8, blocks=2))
    found = net(torch.rand(2, channels, 64, 40))
    assert found.levels.shape == (2, 4, 8, 5)
    assert found.kind.shape == (2, len(KINDS))
    assert (found.levels > 0).all()


@pytest.mark.parametrize("filters", [0, 4])
def test_an_estimator_for_gray_begins_with_what_that_for_color_sees_in_equal_channels(
    filters: int,
) -> None:
    torch.manual_seed(5)
    color = NoiseMapNet(NoiseMapConfig(channels=16, blocks=1, filters=filters)).eval()
    for parameter in color.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    gray = of_gray(color)
    picture = 0.5 + 0.08 * torch.randn(1, 1, 128, 128)
    with torch.no_grad():
        one, three = gray(picture), color(picture.expand(-1, 3, -1, -1))
    assert torch.allclose(3**0.5 * one.levels, three.levels, rtol=0.02)
    assert torch.allclose(one.kind, three.kind, atol=0.02)
    assert of_gray(gray) is gray


def test_filters_tell_even_texture_from_noise_of_the_same_energies() -> None:
    """Signs of one amount have the energies of Haar bands that Gaussian noise has, on average."""
    torch.manual_seed(7)
    bank = FilterBank(3, filters=4, width=8, floor=FLOOR).eval()
    bank.last.weight.data.normal_()
    kernel = torch.zeros(4, 3, 5, 5)
    kernel[:, 0, 2, 2] = 1.0  # of one plane; of several, a sum is nearly Gaussian again
    for filters in bank.filters:
        filters.data.copy_(kernel)
    noise = torch.randn(1, 3, 128, 128)
    gauss, signs = bank(0.1 * noise).mean((2, 3)), bank(0.1 * noise.sign()).mean((2, 3))
    again = bank(0.1 * torch.randn(1, 3, 128, 128)).mean((2, 3))
    assert (gauss - signs).norm() > 3 * (gauss - again).norm()


def test_filters_tell_the_same_where_nothing_is_learned() -> None:
    torch.manual_seed(8)
    bank = FilterBank(3, filters=4, width=8, floor=FLOOR).eval()
    bank.last.weight.data.normal_()
    picture = torch.rand(2, 3, 32, 48)
    before = picture.clone()
    with torch.no_grad():
        told = bank(picture)
    assert torch.equal(picture, before)
    assert torch.allclose(told, bank(picture), atol=1e-5)


def test_filters_have_no_mean() -> None:
    torch.manual_seed(9)
    bank = FilterBank(3, filters=4, width=8, floor=FLOOR).eval()
    bank.last.weight.data.normal_()
    dark, light = (bank(torch.full((1, 3, 16, 16), value)) for value in (0.1, 0.9))
    assert torch.allclose(dark, light, atol=1e-3)


def test_an_estimator_learns_to_tell_two_levels_apart() -> None:
    net = NoiseMapNet(NoiseMapConfig(channels=16, blocks=1, filters=2))
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    picture = torch.full((2, 3, 48, 48), 0.5)
    sigma = torch.tensor([0.02, 0.1])[:, None, None, None]
    for _ in range(250):
        noise = sigma * torch.randn_like(picture)
        loss = level_loss(net(picture + noise).levels, measured(noise)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = net(picture + sigma * torch.randn_like(picture)).levels.mean((1, 2, 3))
    assert torch.allclose(found, sigma.flatten(), rtol=0.3)


def test_a_resnet_takes_maps_of_brightness_and_color_apart() -> None:
    net = ResNet(ResNetConfig(channels=(8,), blocks=(1,), maps=2)).eval()
    noisy = torch.rand(1, 3, 16, 16)
    maps = torch.full((1, 2, 16, 16), 0.1)
    same = net(noisy, maps)
    assert torch.allclose(net(noisy, maps[..., :1, :1]), same, atol=1e-6)
    other = maps.clone()
    other[:, 1] = 0.3
    assert not torch.allclose(net(noisy, other), same, atol=1e-4)
