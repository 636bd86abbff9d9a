"""The denoiser network: what its configuration promises is what the network does."""

import dataclasses

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

from flowdenoise.errors import UsageError
from flowdenoise.networks.resnet import ResNet, ResNetConfig, tell_two_maps

configs = st.builds(
    lambda channels, scales, unshuffle, noise_map, image_channels, bottleneck: ResNetConfig(
        image_channels=image_channels,
        channels=(channels,) * scales,
        blocks=(1, 2, 1)[:scales],
        unshuffle=unshuffle,
        noise_map=noise_map,
        bottleneck=bottleneck,
    ),
    channels=st.integers(2, 5),
    scales=st.integers(1, 3),
    unshuffle=st.sampled_from([1, 2, 4]),
    noise_map=st.booleans(),
    image_channels=st.sampled_from([1, 3]),
    bottleneck=st.sampled_from([0, 3]),
)


def counted_multiply_adds(net: ResNet, side: int) -> float:
    """Count by hooks what the convolutions really do."""
    total = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        places = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        total += module.weight.numel() * places.shape[-1] * places.shape[-2]

    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    net(torch.zeros(1, net.config.image_channels, side, side), 0.1)
    return total / side**2


@given(config=configs)
def test_multiply_adds_are_those_that_the_convolutions_do(config: ResNetConfig) -> None:
    side = 4 * config.stride
    counted = counted_multiply_adds(ResNet(config), side)
    assert counted == pytest.approx(config.multiply_adds_per_pixel)


@given(config=configs)
def test_nothing_beyond_the_receptive_radius_has_influence(config: ResNetConfig) -> None:
    net = ResNet(config).double()
    radius, stride = config.receptive_radius, config.stride
    side = -(-(2 * radius + 3 * stride) // stride) * stride
    middle = side // 2
    image = torch.rand(1, config.image_channels, side, side, dtype=torch.float64)
    image.requires_grad_(True)
    net(image, 0.1)[0, 0, middle, middle].backward()
    assert image.grad is not None
    touched = image.grad[0].abs().sum(0).nonzero()
    assert int((touched - middle).abs().max()) <= radius


@given(config=configs, factor=st.floats(0.1, 10))
def test_without_biases_the_network_is_homogeneous(config: ResNetConfig, factor: float) -> None:
    config = dataclasses.replace(config, bottleneck=0)
    net = ResNet(config).double()
    image = torch.rand(1, config.image_channels, 16, 16, dtype=torch.float64)
    assert torch.allclose(net(factor * image, factor * 0.1), factor * net(image, 0.1), rtol=1e-9)


def rms(values: torch.Tensor) -> float:
    return float(values.detach().square().mean().sqrt())


@pytest.mark.parametrize("blocks", [4, 16])
def test_untrained_blocks_hardly_make_features_grow_however_many_there_are(blocks: int) -> None:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(channels=(32,), blocks=(blocks,)))
    features = torch.randn(1, 32, 24, 24)
    assert 1.5 < rms(net.middle(features)) / rms(features) < 2.8  # of all blocks, at most e


@pytest.mark.parametrize("blocks", [4, 16])
def test_untrained_narrow_blocks_are_near_the_identity(blocks: int) -> None:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(channels=(32,), blocks=(blocks,), bottleneck=16))
    features = torch.randn(1, 32, 24, 24)
    assert 0.03 < rms(net.middle(features) - features) / rms(features) < 0.3


def test_an_untrained_network_removes_little() -> None:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(channels=(32,), blocks=(4,)))
    image = torch.randn(1, 3, 48, 48)
    assert 0.05 < rms(image - net(image, 0.1)) / rms(image) < 0.4


def test_the_default_is_cheaper_than_ffdnet() -> None:
    assert ResNetConfig().multiply_adds_per_pixel <= 210_000


def test_the_papers_network_has_the_papers_size() -> None:
    net = ResNet(ResNetConfig.paper())
    assert sum(parameter.numel() for parameter in net.parameters()) == 31_936
    image = torch.rand(2, 3, 32, 32)
    denoised = net(image, 0.5).detach()
    assert denoised.shape == image.shape
    assert float(denoised.min()) > 0
    assert float(denoised.max()) < 1


def test_the_noise_level_may_be_a_number_one_per_image_or_a_map() -> None:
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    image = torch.rand(2, 3, 8, 8)
    by_number = net(image, 0.2)
    assert torch.equal(by_number, net(image, torch.tensor([0.2, 0.2])))
    assert torch.allclose(by_number, net(image, torch.full((2, 1, 8, 8), 0.2)))
    assert not torch.allclose(by_number, net(image, 0.4))


def test_in_bfloat16_only_the_noise_is_rounded() -> None:
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,))).bfloat16()
    image = torch.rand(1, 3, 8, 8)
    nn.init.zeros_(net.tail.weight)
    assert torch.equal(net(image, 0.1), image)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": (8, 8), "blocks": (1,)},
        {"channels": (), "blocks": (1,)},
        {"image_channels": 0},
        {"channels": (0,), "blocks": (1,)},
    ],
)
def test_impossible_sizes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ResNetConfig(**wrong)  # type: ignore[arg-type]


def test_a_network_is_told_brightness_and_color_apart() -> None:
    config = ResNetConfig(channels=(4, 6), blocks=(1, 1))
    network = ResNet(config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    made = tell_two_maps(network)
    assert made.config == dataclasses.replace(config, maps=2)
    noisy, level = torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16) * 0.2
    alike = made(noisy, level.expand(-1, 2, -1, -1))
    assert torch.allclose(alike, network(noisy, 1.4 * level), atol=1e-5)
    zero = torch.zeros_like(level)
    first, second = (made(noisy, torch.cat(maps, 1)) for maps in ((level, zero), (zero, level)))
    assert torch.allclose(first, second, atol=1e-6)
    assert torch.allclose(first, network(noisy, 0.7 * level), atol=1e-5)
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())


def test_a_network_that_is_not_residual_owes_nothing_to_the_pixel_itself() -> None:
    residual = ResNet(ResNetConfig(image_channels=1, channels=(4,), blocks=(1,), noise_map=False))
    config = dataclasses.replace(residual.config, residual=False)
    picture = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for net, expected in ((residual, picture), (ResNet(config), torch.zeros_like(picture))):
        nn.init.zeros_(net.tail.weight)
        torch.testing.assert_close(net(picture, 0.1), expected)
