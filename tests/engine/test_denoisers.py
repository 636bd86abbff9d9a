"""Which numbers the networks of an engine multiply."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flowdenoise.engine import EngineConfig
from flowdenoise.engine.denoisers import Denoisers, takes_integers
from flowdenoise.estimation import Estimate
from flowdenoise.networks import ResNet, ResNetConfig, with_integers, without_integers

CPU = torch.device("cpu")
NET = ResNet(ResNetConfig(image_channels=1, channels=(8, 8), blocks=(1, 1)))
VECTORS = {"avx512_vnni": True}

needs_them = pytest.mark.skipif(
    with_integers(NET, NET) is NET, reason="torch has no integer convolutions here"
)


@needs_them
@pytest.mark.parametrize(
    ("effort", "precision", "dtype", "has", "rounded"),
    [
        ("fast", "auto", torch.bfloat16, VECTORS, True),
        ("fast", "auto", torch.float32, VECTORS, True),
        ("normal", "auto", torch.float32, VECTORS, True),
        ("best", "auto", torch.float32, VECTORS, True),
        ("normal", "auto", torch.bfloat16, VECTORS, False),
        ("fast", "bfloat16", torch.bfloat16, VECTORS, False),
        ("fast", "float32", torch.float32, VECTORS, False),
        ("fast", "auto", torch.float32, {}, False),
        ("fast", "auto", torch.bfloat16, VECTORS | {"amx_bf16": True}, False),
    ],
)
def test_integers_are_multiplied_where_they_are_faster_than_what_the_effort_asks_for(
    effort: str,
    precision: str,
    dtype: torch.dtype,
    has: dict[str, bool],
    rounded: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)

    def source() -> nn.Module:
        return NET

    config = EngineConfig(precision=precision, effort=effort)
    wanted = takes_integers(config, dtype, CPU)
    denoisers = Denoisers({1: source}, {}, {1: source}, CPU, dtype, config, eight_bits=wanted)
    network = denoisers.white(1).network
    assert (without_integers(network) is not network) is rounded
    quick = denoisers.quick_for(Estimate(0.1, "noisy"), 1)
    assert quick is not None
    assert without_integers(quick.network) is quick.network
    assert next(quick.network.parameters()).dtype == dtype
    assert next(denoisers.white(1).exact.parameters()).dtype == torch.float32
