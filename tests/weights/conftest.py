from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants, file_download

from flowdenoise.resnet import ResNet, ResNetConfig
from flowdenoise.weights import save_weights

sys.path.append(str(Path(__file__).parent))  # for the helpers beside: pytest adds no folders

from hub_server import TOKEN, HubServer

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


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as running:
        yield running


@pytest.fixture
def client(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HubServer]:
    """The server, with this process's client pointed at it, impatient, and with empty caches."""
    settings = {
        "ENDPOINT": server.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": server.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_OFFLINE": False,
        "HF_HUB_ETAG_TIMEOUT": 5,
        "HF_HUB_DOWNLOAD_TIMEOUT": 5,
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    without_pauses = types.SimpleNamespace(sleep=lambda _: None)
    for module in (file_download, sys.modules["huggingface_hub.utils._http"]):
        monkeypatch.setattr(module, "time", without_pauses)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("FLOWDENOISE_CACHE", str(tmp_path / "memory"))
    huggingface_hub.close_session()
    yield server
    huggingface_hub.close_session()
