"""Inner blocks in integers of 8 bits: what they give is what the network gives, but rounded."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import Tensor

from flowdenoise import metrics, weights
from flowdenoise.networks import ResNet, ResNetConfig, eight_bits, with_integers, without_integers
from flowdenoise.networks.dncnn import DnCNN, DnCNNConfig
from flowdenoise.networks.eight_bits import EightBitNet, is_there

needs_them = pytest.mark.skipif(not is_there(), reason="torch has no integer convolutions here")


@pytest.fixture
def tried_again() -> Iterator[None]:
    """Let what torch has be tried anew, in the test and after it."""
    is_there.cache_clear()
    yield
    is_there.cache_clear()


def shipped(name: str, dtype: torch.dtype = torch.float32) -> tuple[ResNet, EightBitNet]:
    """Shipped weights, and the same with integers."""
    exact = weights.load(name).network.eval().requires_grad_(False)
    network = weights.load(name).network.eval().requires_grad_(False).to(dtype)
    rounded = with_integers(network, exact)
    assert isinstance(network, ResNet)
    assert isinstance(rounded, EightBitNet)
    return network, rounded


def scene(channels: int, size: int = 96) -> Tensor:
    """A picture of waves and edges, (1, channels, size, size)."""
    place = torch.linspace(0, 9, size)
    waves = torch.sin(place[:, None]) * torch.cos(1.7 * place)
    squares = (torch.sin(2 * place[:, None] + place) > 0.3).float()
    return (0.5 + 0.25 * waves + 0.2 * squares).expand(1, channels, size, size)


def noisy(picture: Tensor, level: float) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return picture + level * torch.randn(picture.shape, generator=generator)


@needs_them
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("name", "channels"), [("color-fast", 3), ("gray-fast", 1), ("color", 3), ("photo-fast", 3)]
)
@pytest.mark.parametrize("level", [15 / 255, 50 / 255, 0.5])
def test_results_lose_next_to_nothing(
    name: str, channels: int, level: float, dtype: torch.dtype
) -> None:
    network, rounded = shipped(name, dtype)
    picture = scene(channels)
    told = level if network.config.maps == 1 else torch.full((1, 2, 96, 96), level)
    with torch.no_grad():
        first, second = (one(noisy(picture, level), told) for one in (network, rounded))
    assert metrics.psnr(second, picture) > metrics.psnr(first, picture) - 0.1
    assert metrics.psnr(second, first) > metrics.psnr(first, picture) + 10
    assert not torch.equal(first, second)


@needs_them
def test_weak_noise_is_left_to_the_network_as_it_is() -> None:
    network, rounded = shipped("photo-fast")
    picture = noisy(scene(3), 4 / 255)
    maps = torch.full((1, 2, 96, 96), 12 / 255)
    maps[..., :8] = 4 / 255
    assert torch.equal(network(picture, maps), rounded(picture, maps))


@needs_them
def test_brighter_pictures_are_as_good() -> None:
    network, rounded = shipped("color-fast")
    bright = noisy(5 * scene(3), 0.3)
    with torch.no_grad():
        assert metrics.psnr(rounded(bright, 0.3) / 5, network(bright, 0.3) / 5) > 45


@needs_them
def test_gradients_are_those_of_the_network() -> None:
    network, rounded = shipped("color-fast")
    found = []
    for one in (network, rounded):
        picture = noisy(scene(3), 0.1).requires_grad_(True)
        one(picture, 0.1).square().sum().backward()
        found.append(picture.grad)
    assert found[0] is not None
    assert found[1] is not None
    assert torch.equal(found[0], found[1])


@needs_them
@given(
    channels=st.integers(1, 40),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    last=st.booleans(),
    seed=st.integers(0, 99),
)
def test_blocks_differ_from_exact_ones_by_rounding(
    channels: int, height: int, width: int, last: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, channels, channels, 3, 3, generator=generator)
    features = torch.randn(1, channels, height, width, generator=generator)
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
    exact = F.conv2d(features, first, padding=1).relu()
    inner = max(1e-3, float(exact.max()))
    outer = float(features.abs().max())
    block = eight_bits._EightBitBlock(first, second, outer, inner)
    change = block(features.clone()) - features
    wanted = F.conv2d(exact, second, padding=1)
    # Half a step of each rounding, as far as weights can carry it.
    step = F.conv2d(torch.ones_like(features), first.abs(), padding=1) * outer / 127
    step = 0.6 * (step + inner / 127) + 0.6 * F.conv2d(
        features.abs(), first.abs().amax((1, 2, 3), True).expand_as(first) / 127, padding=1
    )
    carried = F.conv2d(step, second.abs(), padding=1) + 0.6 * F.conv2d(
        exact + step, second.abs().amax((1, 2, 3), True).expand_as(second) / 127, padding=1
    )
    assert torch.all((change - wanted).abs() <= carried + 1e-4)


@needs_them
def test_a_pickled_network_gives_the_same() -> None:
    _, rounded = shipped("color-fast", torch.bfloat16)
    copied = pickle.loads(pickle.dumps(rounded))
    shown = noisy(scene(3), 0.1)
    with torch.no_grad():
        assert torch.equal(copied(shown, 0.1), rounded(shown, 0.1))


@needs_them
def test_a_network_is_what_its_integers_were_made_of() -> None:
    network, rounded = shipped("color-fast")
    assert without_integers(rounded) is rounded.plain
    assert without_integers(network) is network
    assert rounded.config == network.config


def test_networks_without_inner_blocks_stay_as_they_are() -> None:
    for network in (
        DnCNN(DnCNNConfig()),
        ResNet(ResNetConfig(channels=(8,), blocks=(4,))),
        ResNet(ResNetConfig.paper()),
    ):
        assert with_integers(network, network) is network


def test_without_such_convolutions_a_network_stays_as_it_is(
    tried_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Tensor:
        raise RuntimeError("not on this processor")

    monkeypatch.setattr(eight_bits, "_rectified", refused)
    network = ResNet(ResNetConfig(channels=(8, 8), blocks=(1, 1)))
    assert not is_there()
    assert with_integers(network, network) is network


@needs_them
def test_convolutions_that_give_something_else_are_not_taken(
    tried_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = eight_bits._rectified
    monkeypatch.setattr(
        eight_bits, "_rectified", lambda whole, weight: given(whole, weight).flip(2)
    )
    assert not is_there()
