"""Spandrel, by which ComfyUI and chaiNNer load models, loads and runs ours."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from flowdenoise import Denoiser, hosts, weights
from flowdenoise.errors import WeightsError
from flowdenoise.hosts.spandrel_model import config_of
from flowdenoise.images import Picture
from flowdenoise.networks import ResNet, ResNetConfig
from flowdenoise.noise import camera
from flowdenoise.weights import store

from ..conftest import scene


@pytest.fixture
def spandrel() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import spandrel
    except (ImportError, RuntimeError) as error:  # a torchvision of another build of torch
        pytest.skip(f"spandrel can't be imported (make test-hosts installs it): {error}")
    return spandrel


@pytest.mark.parametrize(("name", "channels"), [("color", 3), ("gray", 1)])
def test_shipped_weights_are_recognized_and_denoise_as_the_engine_does(
    spandrel: ModuleType, name: str, channels: int
) -> None:
    hosts.register()
    hosts.register()  # a plugin may be loaded twice
    model = spandrel.ModelLoader().load_from_file(store.verify(name).path)
    assert (model.architecture.id, model.purpose, model.scale) == ("flowdenoise", "Restoration", 1)
    assert (model.input_channels, model.output_channels) == (channels, channels)
    clean = torch.from_numpy(scene(101, 150)[..., :channels]).float().permute(2, 0, 1)[None] / 255
    noisy = (clean + 25 / 255 * torch.randn(clean.shape)).clamp(0, 1)
    denoised = model(noisy)
    assert denoised.shape == noisy.shape
    assert (denoised - clean).square().mean() < 0.2 * (noisy - clean).square().mean()
    picture = Picture(np.ascontiguousarray(noisy[0].permute(1, 2, 0).numpy()))
    expected = Denoiser.load(name, precision="float32").denoise_picture(picture)
    assert (denoised - expected.picture.tensor().clamp(0, 1)).abs().max() < 1e-4


def test_a_photograph_is_denoised_as_one(spandrel: ModuleType) -> None:
    hosts.register()
    model = spandrel.ModelLoader().load_from_file(store.verify("photo").path)
    scene_of = torch.from_numpy(scene(128, 160)).float().permute(2, 0, 1)[None] / 255
    phone, shot = camera.CAMERAS["phone"], torch.tensor([1e-2])
    noisy, truth = (
        camera.simulate(scene_of, torch.tensor([1]), phone, shot, noise=factor).picture
        for factor in (1.0, 0.0)
    )
    assert (model(noisy) - truth).square().mean() < 0.3 * (noisy - truth).square().mean()


def test_other_files_are_still_loaded_as_what_they_are(
    spandrel: ModuleType, tmp_path: Path
) -> None:
    hosts.register()
    two_scales = ResNet(ResNetConfig(channels=(4, 4), blocks=(1, 1)))
    file = tmp_path / "two.safetensors"
    weights.save_weights(file, two_scales, training={})
    loader = spandrel.ModelLoader()
    with pytest.raises(spandrel.UnsupportedModelError):
        loader.load_from_file(file)


@pytest.mark.parametrize(
    "config",
    [
        ResNetConfig(),
        ResNetConfig(image_channels=1, channels=(8,), blocks=(3,)),
        ResNetConfig(channels=(16,), blocks=(2,), unshuffle=4, maps=2),
        ResNetConfig(channels=(4,), blocks=(1,), unshuffle=1, noise_map=False),
    ],
)
def test_sizes_are_read_from_shapes(config: ResNetConfig) -> None:
    tensors = ResNet(config).state_dict()
    assert config_of(tensors, config.blocks[0]) == config


def test_tensors_that_do_not_fit_are_refused() -> None:
    tensors = {"head.weight": torch.zeros(4, 9, 3, 3), "tail.weight": torch.zeros(5, 4, 3, 3)}
    with pytest.raises(WeightsError, match="not those of a denoiser"):
        config_of(tensors, 1)
