from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.weights import save_weights

sys.path.append(str(Path(__file__).parent))  # for the helpers beside: pytest adds no folders

from hub_fixtures import client, server  # noqa: F401 - pytest finds them here

TINY = ResNetConfig(image_channels=1, channels=(4, 6), blocks=(1, 1))


@pytest.fixture
def network() -> ResNet:
    torch.manual_seed(0)
    return ResNet(TINY).eval()


@pytest.fixture
def weights_file(tmp_path: Path, network: ResNet) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_weights(path, network, training={"steps": 7})
    return path
