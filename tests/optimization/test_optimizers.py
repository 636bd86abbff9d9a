"""Muon: its step is orthogonal, and it finds its way."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.optimization.optimizers import Muon, Together, build_optimizer, orthogonalize


@given(rows=st.integers(1, 20), columns=st.integers(1, 20), scale=st.floats(1e-4, 1e4))
def test_the_step_is_nearly_orthogonal(rows: int, columns: int, scale: float) -> None:
    matrix = scale * torch.randn(rows, columns)
    values = torch.linalg.svdvals(orthogonalize(matrix, rounds=10).float())
    assert float(values.max()) < 1.35
    assert float(values.median()) > 0.5


def test_parameters_of_one_size_step_as_each_alone() -> None:
    torch.manual_seed(0)
    shapes = [(4, 3, 3, 3), (4, 3, 3, 3), (2, 4, 1, 1), (4, 3, 3, 3)]
    together = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    alone = [torch.nn.Parameter(one.detach().clone()) for one in together]
    optimizers = [Muon(together, lr=0.01), *(Muon([one], lr=0.01) for one in alone)]
    for _ in range(3):
        for first, second in zip(together, alone, strict=True):
            first.grad = torch.randn_like(first)
            second.grad = first.grad.clone()
        together[1].grad = alone[1].grad = None  # of which one may be missing
        for optimizer in optimizers:
            optimizer.step()
    for first, second in zip(together, alone, strict=True):
        torch.testing.assert_close(first, second)


def test_muon_takes_the_inner_convolutions_and_adam_the_rest() -> None:
    net = ResNet(ResNetConfig(channels=(4, 4), blocks=(1, 1)))
    optimizer = build_optimizer("muon", net, 1e-3, (0.9, 0.99))
    assert isinstance(optimizer, Together)
    muon, adam = (part.param_groups[0]["params"] for part in optimizer.parts)
    assert {id(p) for p in adam} == {id(net.head.weight), id(net.tail.weight)}
    assert len(muon) + len(adam) == len(list(net.parameters()))


@pytest.mark.parametrize("shape", [(64, 64, 3, 3), (8, 64, 3, 3), (64, 8, 2, 2)])
@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_a_step_of_muon_is_as_long_as_one_of_adam(shape: tuple[int, ...], rate: float) -> None:
    """The entries of a step have a root mean square of about 0.2 times the rate."""
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.zeros(shape))
    kernel.grad = 1e-3 * torch.randn(shape)
    Muon([kernel], lr=rate).step()
    assert float(kernel.detach().square().mean().sqrt()) == pytest.approx(0.2 * rate, rel=0.25)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_both_go_downhill(name: str) -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 3))
    optimizer = build_optimizer(name, net, 3e-3, (0.9, 0.99))
    x = torch.randn(16, 1, 8, 8)
    target = x[:, :, 2:-2, 2:-2]
    losses = []
    for _ in range(150):
        loss = (net(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
