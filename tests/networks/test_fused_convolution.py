"""Convolutions that rectify and add in passing: what they give is what plain ones give."""

from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from torch import nn

from flowdenoise import weights
from flowdenoise.networks import fused_convolution
from flowdenoise.networks.fused_convolution import added, is_there, rectified


@pytest.fixture
def tried_again() -> Iterator[None]:
    """Let what torch has be tried anew, in the test and after it."""
    is_there.cache_clear()
    yield
    is_there.cache_clear()


def convolution(channels: int, kernel: int = 3) -> nn.Conv2d:
    made = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
    return made.bfloat16().requires_grad_(False)


@given(
    channels=st.integers(1, 40),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    kernel=st.sampled_from([1, 3]),
    last=st.booleans(),
    seed=st.integers(0, 99),
)
def test_results_differ_by_rounding_from_exact_ones(
    channels: int, height: int, width: int, kernel: int, last: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    conv = convolution(channels, kernel)
    features, other = torch.randn(2, 2, channels, height, width).bfloat16()
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
        other = other.contiguous(memory_format=torch.channels_last)
    kept = other.clone()
    exact = F.conv2d(features.double(), conv.weight.double(), padding=kernel // 2)
    rounding = 2**-8 * exact.abs() + 1e-5
    assert torch.all((rectified(conv, features) - exact.relu()).abs() <= rounding)
    rounding += 2**-8 * (exact + other).abs()
    assert torch.all((added(conv, features, other) - exact - other).abs() <= rounding)
    assert torch.equal(other, kept)


def test_a_teacher_in_mixed_precision_is_as_one_in_bfloat16() -> None:
    network = weights.load("gray-fast").network.eval().requires_grad_(False)
    noisy = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = network(noisy, 0.1)
    torch.testing.assert_close(mixed, network.bfloat16()(noisy, 0.1), rtol=0, atol=2e-3)


def test_features_in_float32_are_added_to_in_mixed_precision() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False).requires_grad_(False)
    features, other = torch.randn(2, 1, 3, 9, 9)
    with torch.autocast("cpu", torch.bfloat16):
        found = added(conv, features.bfloat16(), other)
        wanted = conv(features.bfloat16()).add_(other)
    assert torch.equal(found, wanted)


def test_a_gradient_passes_through_what_is_added_to() -> None:
    conv, features = convolution(4), torch.randn(1, 4, 9, 9).bfloat16()
    other = torch.randn(1, 4, 9, 9).bfloat16().requires_grad_(True)
    added(conv, features, other).float().sum().backward()
    assert other.grad is not None
    assert torch.equal(other.grad, torch.ones_like(other))


def test_gradients_are_those_of_plain_convolutions() -> None:
    torch.manual_seed(0)
    conv = convolution(8).requires_grad_(True)
    features = torch.randn(1, 8, 9, 9).bfloat16().requires_grad_(True)
    added(conv, rectified(conv, features), features).float().square().sum().backward()
    found = features.grad
    features.grad = None
    (conv(F.relu(conv(features))) + features).float().square().sum().backward()
    assert found is not None
    assert features.grad is not None
    torch.testing.assert_close(found, features.grad)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is without oneDNN")
def test_torch_has_them(tried_again: None) -> None:
    assert is_there()


def absent(*_: object) -> torch.Tensor:
    raise RuntimeError("there are other arguments")


def nonsense(features: torch.Tensor, *_: object) -> torch.Tensor:
    return torch.zeros_like(features)


@pytest.mark.parametrize("operator", [None, absent, nonsense])
def test_what_torch_lacks_or_changed_is_not_used(
    operator: object, tried_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    conv, (features, other) = convolution(8), torch.randn(2, 1, 8, 9, 9).bfloat16()
    with monkeypatch.context() as patch:
        if operator is None:
            patch.setattr(fused_convolution, "is_there", lambda: False)
        else:
            patch.setattr(torch.ops.mkldnn, "_convolution_pointwise", operator)
        assert torch.equal(rectified(conv, features), conv(features).relu())
        assert torch.equal(added(conv, features, other), conv(features) + other)


def test_a_network_in_bfloat16_is_no_further_from_its_exact_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = weights.load("color-fast").network.eval().requires_grad_(False)
    noisy = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    exact = network(noisy, 0.1)
    network = network.bfloat16()

    def error() -> float:
        return float((network(noisy, 0.1) - exact).square().mean())

    fused = error()
    monkeypatch.setattr(fused_convolution, "is_there", lambda: False)
    assert fused <= 1.02 * error()
