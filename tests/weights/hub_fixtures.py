"""A Hub on loopback and this process's client pointed at it, for the tests of several folders."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from hub_server import TOKEN, HubServer
from huggingface_hub import constants, file_download


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
