"""Export to ONNX."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from flowdenoise.errors import MissingExtraError, UsageError, WeightsError
from flowdenoise.images.borders import mirror
from flowdenoise.networks.noise_level import NoiseLevelConfig, NoiseLevelNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.weights import WeightsFile, onnx, read_weights
from flowdenoise.weights.onnx import AnySize, export_onnx

with_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="the extra `onnx` is not installed"
)


@pytest.fixture
def weights(weights_file: Path) -> WeightsFile:
    return read_weights(weights_file)


@with_onnx
def test_the_exported_file_does_the_same_at_any_size(weights: WeightsFile, tmp_path: Path) -> None:
    import onnxruntime

    made = export_onnx(weights, tmp_path / "tiny.onnx")
    assert made.difference <= 1e-4
    assert [path.name for path in tmp_path.glob("*.onnx*")] == ["tiny.onnx"]
    session = onnxruntime.InferenceSession(made.path, providers=["CPUExecutionProvider"])
    for batch, height, width in [(1, 1, 1), (2, 3, 50), (1, 101, 67), (4, 16, 16)]:
        noisy = torch.rand(batch, 1, height, width)
        sigma = torch.rand(batch) * 0.2
        (actual,) = session.run(None, {"noisy": noisy.numpy(), "sigma": sigma.numpy()})
        with torch.no_grad():
            expected = AnySize(weights.network)(noisy, sigma)
        assert actual.shape == (batch, 1, height, width)
        assert np.abs(actual - expected.numpy()).max() <= 1e-4


@with_onnx
def test_a_denoiser_of_photographs_takes_maps(tmp_path: Path) -> None:
    import onnxruntime

    config = ResNetConfig(channels=(4, 6), blocks=(1, 1), maps=2)
    network = ResNet(config).eval()
    made = export_onnx(WeightsFile("resnet", config, network, {}), tmp_path / "photo.onnx")
    assert made.difference <= 1e-4
    session = onnxruntime.InferenceSession(made.path, providers=["CPUExecutionProvider"])
    assert [given.name for given in session.get_inputs()] == ["noisy", "maps"]
    noisy, maps = torch.rand(2, 3, 19, 46), 0.2 * torch.rand(2, 2, 19, 46)
    swapped = maps.flip(1)
    results = []
    for told in (maps, swapped):
        (actual,) = session.run(None, {"noisy": noisy.numpy(), "maps": told.numpy()})
        with torch.no_grad():
            assert np.abs(actual - AnySize(network)(noisy, told).numpy()).max() <= 1e-4
        results.append(actual)
    assert np.abs(results[0] - results[1]).max() > 1e-4


@with_onnx
@pytest.mark.slow
def test_the_network_of_the_paper_is_exported_too(tmp_path: Path) -> None:
    config = ResNetConfig.paper()
    weights = WeightsFile("resnet", config, ResNet(config).eval(), {})
    assert export_onnx(weights, tmp_path / "paper.onnx").difference <= 1e-4


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (3, 4), (5, 13), (8, 12)])
def test_any_size_is_the_mirrored_image_and_a_crop(
    weights: WeightsFile, height: int, width: int
) -> None:
    noisy, sigma = torch.rand(2, 1, height, width), torch.tensor([0.1, 0.2])
    stride = weights.config.stride
    rows, columns = (mirror(-(-side // stride) * stride, side) for side in (height, width))
    with torch.no_grad():
        padded = weights.network(noisy[:, :, rows][..., columns], sigma)
        assert torch.equal(AnySize(weights.network)(noisy, sigma), padded[..., :height, :width])


def test_without_the_packages_it_says_what_to_install(
    weights: WeightsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'flowdenoise\[onnx\]'"):
        export_onnx(weights, tmp_path / "tiny.onnx")


@with_onnx
def test_an_export_that_differs_is_not_written(
    weights: WeightsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "_write", lambda model, channels, path: path.write_bytes(b"x"))
    monkeypatch.setattr(onnx, "_largest_difference", lambda *_: 2e-4)
    with pytest.raises(WeightsError, match=r"differs from torch by 0\.0002"):
        export_onnx(weights, tmp_path / "tiny.onnx")
    assert list(tmp_path.glob("*onnx*")) == []


@with_onnx
def test_a_place_that_can_not_be_written_is_named(
    weights: WeightsFile, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "_write", lambda model, channels, path: path.write_bytes(b"x"))
    with pytest.raises(WeightsError, match=r"can't write .*: Not a directory"):
        export_onnx(weights, weights_file / "inside.onnx")


@with_onnx
def test_only_denoisers_are_exported(tmp_path: Path) -> None:
    config = NoiseLevelConfig(channels=4)
    weights = WeightsFile("noise_level", config, NoiseLevelNet(config), {})
    with pytest.raises(UsageError, match="only denoisers"):
        export_onnx(weights, tmp_path / "n.onnx")
