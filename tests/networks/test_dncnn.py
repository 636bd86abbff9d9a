"""DnCNN: the published sizes, and folding that changes nothing."""

import pytest
import torch
from torch import nn

from flowdenoise.networks.dncnn import DnCNN, DnCNNConfig, fold_batch_norm


@pytest.mark.parametrize(("channels", "millions"), [(1, 0.554), (3, 0.667)])
def test_the_published_networks_have_the_published_cost(channels: int, millions: float) -> None:
    config = DnCNNConfig.published(channels)
    assert config.multiply_adds_per_pixel / 1e6 == pytest.approx(millions, abs=0.001)


def test_folding_changes_nothing() -> None:
    net = DnCNN(DnCNNConfig(channels=6, layers=5)).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    for _ in range(20):
        net(torch.rand(4, 3, 12, 12).double())  # statistics gather
    image = torch.rand(1, 3, 20, 17).double()
    with torch.no_grad():
        expected = net.eval()(image)
        folded = fold_batch_norm(net).double()
        assert torch.allclose(folded(image), expected, atol=1e-7)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
