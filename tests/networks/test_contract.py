"""What every network that denoises promises, held against what it does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from flowdenoise.benchmark.methods.ffdnet import FFDNet, FFDNetConfig
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, GlowConfig, TweedieDenoiser, as_denoiser
from flowdenoise.networks import (
    DenoisingNetwork,
    DnCNN,
    DnCNNConfig,
    NoiseLevelConfig,
    NoiseLevelNet,
    ResNet,
    ResNetConfig,
)

FLOW = GlowConfig(
    image_channels=1, size=8, levels=2, steps_per_level=1, hidden_channels=4, noise_levels=True
)
NETWORKS = {
    "resnet": lambda: ResNet(ResNetConfig(channels=(4, 4), blocks=(1, 1))),
    "blind resnet": lambda: ResNet(ResNetConfig(channels=(4,), blocks=(1,), noise_map=False)),
    "dncnn": lambda: DnCNN(DnCNNConfig(channels=4, layers=3, batch_norm=False)),
    "ffdnet": lambda: FFDNet(FFDNetConfig(channels=4, layers=3)),
    "glow": lambda: TweedieDenoiser(Glow(FLOW)),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> DenoisingNetwork:
    made: DenoisingNetwork = NETWORKS[request.param]().double().eval()
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made.requires_grad_(False)


def images(network: DenoisingNetwork, steps: int = 3) -> Tensor:
    config = network.config
    sides = (
        (config.tile, config.tile) if config.tile else (8 * config.stride, steps * config.stride)
    )
    return torch.rand(2, config.image_channels, *sides, dtype=torch.float64)


def test_sizes_and_types_stay(network: DenoisingNetwork) -> None:
    noisy = images(network)
    denoised = network(noisy, 0.1)
    assert denoised.shape == noisy.shape
    assert denoised.dtype == noisy.dtype


def test_the_level_is_a_number_or_one_per_image(network: DenoisingNetwork) -> None:
    noisy = images(network)
    each = network(noisy, torch.tensor([0.1, 0.3]).double())
    for index, sigma in enumerate((0.1, 0.3)):
        alone = network(noisy[index : index + 1], sigma)
        torch.testing.assert_close(each[index : index + 1], alone, check_dtype=False)


def test_only_a_blind_network_ignores_the_level(network: DenoisingNetwork) -> None:
    noisy = images(network)
    same = torch.equal(network(noisy, 0.1), network(noisy, 0.3))
    assert same == (network.config.sigma_channels == 0)


def test_nothing_beyond_the_radius_has_influence(network: DenoisingNetwork) -> None:
    radius = network.config.receptive_radius
    noisy = images(network, steps=2 * radius // network.config.stride + 3).requires_grad_(True)
    column = noisy.shape[-1] // 2
    network(noisy, 0.1)[..., column].sum().backward()
    touched = noisy.grad.abs().sum((0, 1, 2)).nonzero()
    assert int((touched - column).abs().max()) <= radius


def test_the_cost_is_what_is_computed(network: DenoisingNetwork) -> None:
    if isinstance(network, TweedieDenoiser):
        pytest.skip("the counter of operations does not follow a gradient: see test_glow")
    noisy = images(network)
    with FlopCounterMode(display=False) as counter:
        network(noisy, 0.1)
    multiply_adds = counter.get_total_flops() / 2 / noisy[:, 0].numel()
    assert network.config.multiply_adds_per_pixel == pytest.approx(multiply_adds)


def test_what_makes_no_promise_is_no_denoiser() -> None:
    with pytest.raises(UsageError, match="NoiseLevelNet is no denoiser"):
        as_denoiser(NoiseLevelNet(NoiseLevelConfig()))
    with pytest.raises(UsageError, match="clean images only"):
        as_denoiser(Glow(GlowConfig(levels=1, steps_per_level=1, hidden_channels=4)))
