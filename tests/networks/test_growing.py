"""Networks of other sizes begin as the ones that they are grown from."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from flowdenoise.errors import UsageError
from flowdenoise.networks.growing import grown, with_depth, with_filters, with_scales
from flowdenoise.networks.noise_estimator import NoiseMapConfig, NoiseMapNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig


@pytest.mark.parametrize("bottleneck", [0, 3])
@pytest.mark.parametrize("blocks", [(2, 1), (1, 3), (3, 2)])
def test_a_deeper_network_does_what_the_other_does(
    blocks: tuple[int, ...], bottleneck: int
) -> None:
    network = ResNet(ResNetConfig(channels=(4, 6), blocks=(1, 1), bottleneck=bottleneck))
    made = with_depth(network, dataclasses.replace(network.config, blocks=blocks))
    assert made.config.blocks == blocks
    noisy = torch.rand(2, 3, 16, 16)
    result = made(noisy, 0.1)
    assert torch.equal(result, network(noisy, 0.1))
    result.square().mean().backward()
    added = dict(made.named_parameters()).keys() - dict(network.named_parameters()).keys()
    # The last convolution of each new block learns at once, and with it all of the block does.
    learns = {name for name in added if made.get_parameter(name).grad.abs().max() > 0}
    assert {name.rpartition("conv")[0] for name in learns} == {
        name.rpartition("conv")[0] for name in added
    }


@pytest.mark.parametrize(
    "change",
    [{}, {"blocks": (3, 3), "maps": 2}, {"channels": (4,), "blocks": (9,)}],
)
def test_a_network_of_other_sizes_does_not_differ_in_depth(change: dict[str, object]) -> None:
    network = ResNet(ResNetConfig(channels=(4, 6), blocks=(2, 2)))
    assert not network.config.differs_in_depth(network.config)
    with pytest.raises(UsageError, match="of its sizes"):
        with_depth(network, dataclasses.replace(network.config, **change))  # type: ignore[arg-type]


def test_a_shallower_network_is_the_other_without_its_last_blocks() -> None:
    network = ResNet(ResNetConfig(channels=(4, 6), blocks=(2, 3)))
    shallower = dataclasses.replace(network.config, blocks=(1, 2))
    made = with_depth(network, shallower)
    noisy = torch.rand(2, 3, 16, 16)
    for last in (network.encoders[0][1], network.decoders[0][1], network.middle[2]):
        torch.nn.init.zeros_(last.conv2.weight)
    assert torch.equal(made(noisy, 0.1), network(noisy, 0.1))


def test_scales_that_are_added_do_nothing_at_first() -> None:
    torch.manual_seed(3)
    network = ResNet(ResNetConfig(channels=(4,), blocks=(4,), maps=2)).eval()
    sizes = dataclasses.replace(network.config, channels=(4, 6, 5), blocks=(2, 1, 2))
    made = with_scales(network, sizes)
    noisy, maps = torch.rand(2, 3, 32, 24), torch.rand(2, 2, 32, 24) * 0.2
    result = made(noisy, maps)
    assert torch.allclose(result, network(noisy, maps), atol=1e-6)
    result.square().mean().backward()
    assert made.ups[0].weight.grad.abs().max() > 0
    with torch.no_grad():
        made.ups[0].weight.add_(0.1)
        assert not torch.allclose(made(noisy, maps), result, atol=1e-4)


def test_blocks_between_the_ways_down_and_up_are_left_out() -> None:
    network = ResNet(ResNetConfig(channels=(4,), blocks=(5,))).eval()
    made = with_scales(
        network, dataclasses.replace(network.config, channels=(4, 4), blocks=(2, 1))
    )
    torch.nn.init.zeros_(network.middle[2].conv2.weight)
    noisy = torch.rand(1, 3, 16, 16)
    assert torch.allclose(made(noisy, 0.1), network(noisy, 0.1), atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": (5, 4), "blocks": (1, 1)},
        {"channels": (4, 4), "blocks": (3, 1)},
        {"channels": (4,), "blocks": (2,)},
        {"channels": (4, 4), "blocks": (1, 1), "maps": 2},
    ],
    ids=["other width", "more blocks", "one scale", "more maps"],
)
def test_other_networks_do_not_add_scales(change: dict[str, object]) -> None:
    network = ResNet(ResNetConfig(channels=(4,), blocks=(4,)))
    with pytest.raises(UsageError, match="scales added"):
        with_scales(network, dataclasses.replace(network.config, **change))  # type: ignore[arg-type]


def test_an_estimator_that_is_given_filters_begins_as_it_was() -> None:
    torch.manual_seed(6)
    plain = NoiseMapNet(NoiseMapConfig(channels=16, blocks=1)).eval()
    given = with_filters(plain, 4)
    picture = torch.rand(2, 3, 64, 48)
    assert given.config == dataclasses.replace(plain.config, filters=4)
    assert given.config.adds_filters_to(plain.config)
    for before, now in zip(plain(picture), given(picture), strict=True):
        assert torch.equal(before, now)
    loss = given(picture).levels.log().square().mean()
    loss.backward()
    assert given.bank is not None
    assert given.bank.last.weight.grad is not None
    assert given.bank.last.weight.grad.abs().max() > 0


def test_a_network_is_grown_to_the_sizes_that_it_can_be_grown_to() -> None:
    network = ResNet(ResNetConfig(channels=(4,), blocks=(4,)))
    deeper = dataclasses.replace(network.config, blocks=(5,))
    scales = dataclasses.replace(network.config, channels=(4, 4), blocks=(2, 1))
    wider = dataclasses.replace(network.config, channels=(5,))
    estimator = NoiseMapNet(NoiseMapConfig(channels=8, blocks=1))
    filters = dataclasses.replace(estimator.config, filters=2)
    for one, sizes in ((network, deeper), (network, scales), (estimator, filters)):
        made = grown(one, sizes)
        assert made is not None
        assert made.config == sizes
    assert grown(network, wider) is None
    assert grown(network, network.config) is None
    assert grown(estimator, network.config) is None
