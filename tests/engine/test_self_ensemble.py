"""The mean over eight turns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.engine.tiles.self_ensemble import self_ensemble
from flowdenoise.images import Picture
from flowdenoise.networks.resnet import ResNet, ResNetConfig


def test_every_turn_is_undone() -> None:
    image = torch.rand(1, 3, 5, 8)
    torch.testing.assert_close(self_ensemble(lambda turned: turned, image), image)
    torch.testing.assert_close(self_ensemble(lambda turned: turned**2, image), image**2)
    seen: list[Tensor] = []

    def corner(turned: Tensor) -> Tensor:
        seen.append(turned)
        marked = torch.zeros_like(turned)
        marked[..., 0, 0] = 8
        return marked

    corners = self_ensemble(corner, image)[0, 0]
    assert len({tuple(turned.flatten().tolist()) for turned in seen}) == 8
    assert corners.count_nonzero() == 4  # each corner of the image was the first one twice
    assert corners[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [2, 2, 2, 2]


def test_an_engine_of_best_effort_turns_with_the_picture() -> None:
    torch.manual_seed(0)
    network = ResNet(ResNetConfig(image_channels=1, channels=(8,), blocks=(2,)))
    noisy = torch.rand(1, 1, 48, 64)

    def unequal(*, effort: str) -> float:
        engine = _engine(network, effort=effort)
        turned = torch.rot90(engine(torch.rot90(noisy, 1, (-2, -1)), 0.2), -1, (-2, -1))
        return float((engine(noisy, 0.2) - turned).abs().max())

    assert unequal(effort="best") < 1e-5 < 1e-3 < unequal(effort="normal")


def test_pictures_are_treated_like_tensors() -> None:
    torch.manual_seed(0)
    network = ResNet(ResNetConfig(image_channels=1, channels=(8,), blocks=(1,)))
    engine = _engine(network, effort="best")
    noisy = torch.rand(1, 1, 40, 50)
    picture = Picture(noisy[0].permute(1, 2, 0).contiguous().numpy())
    result = engine.denoise_picture(picture, 0.1).picture.tensor()
    assert torch.allclose(result, engine(noisy, 0.1), atol=1e-6)


def _engine(network: nn.Module, *, effort: str) -> Denoiser:
    config = EngineConfig(effort=effort)
    return Denoiser({1: lambda: network}, {}, device=torch.device("cpu"), config=config)
