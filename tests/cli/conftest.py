"""The command line, driven through its real entry point."""

from __future__ import annotations

import csv
import io
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise import weights
from flowdenoise.__main__ import main
from flowdenoise.networks.resnet import ResNet, ResNetConfig

sys.path.append(str(Path(__file__).parents[1] / "weights"))  # for the Hub on loopback

from hub_fixtures import client, server  # noqa: F401 - pytest finds them here


@dataclass(frozen=True)
class Answer:
    """What a command left: exit status, standard output and standard error."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


Invoke = Callable[..., Answer]


def metrics(run: Path) -> dict[str, float]:
    """The figures of the last row of a training run's log."""
    rows = list(csv.DictReader((run / "log.csv").read_text().splitlines()))
    found: dict[str, float] = json.loads(rows[-1]["metrics"])
    return found


def message(answer: Answer) -> str:
    """The last line that a command said, which is no traceback."""
    assert "Traceback" not in answer.err
    return answer.err.strip().splitlines()[-1]


class _Stream(io.TextIOWrapper):
    """Text on top of bytes that outlive it."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", write_through=True)


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run `flowdenoise ARGUMENTS` in this process, as its entry point does."""

    def run(*arguments: object, stdin: bytes = b"") -> Answer:
        out, err = _Stream(), _Stream()
        monkeypatch.setattr(sys, "argv", ["flowdenoise", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", _Stream(stdin))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr("flowdenoise.__main__._leave", sys.exit)
        heard = signal.getsignal(signal.SIGINT)
        try:
            main()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        finally:
            signal.signal(signal.SIGINT, heard)
        return Answer(status, out.buffer.getvalue(), err.buffer.getvalue().decode())

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small color denoiser that does something."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    weights.save_weights(file, net, training={})
    return file


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small color picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    file = tmp_path / "photo.png"
    Image.fromarray(pixels).save(file)
    return file
