"""Small pictures, small weights, and methods that do as they are told."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from flowdenoise import weights
from flowdenoise.benchmark.methods import Method
from flowdenoise.benchmark.methods.peers import PEERS, Convolution
from flowdenoise.networks.noise_level import NoiseLevelConfig, NoiseLevelNet
from flowdenoise.networks.resnet import ResNet, ResNetConfig
from flowdenoise.weights import manifest

from ..conftest import scene


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three small color pictures, one of them a JPEG and larger."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, (height, width) in enumerate(((40, 48), (33, 29))):
        Image.fromarray(scene(height, width, seed=number)).save(folder / f"{number}.png")
    Image.fromarray(scene(64, 40, seed=2)).save(folder / "2.jpg", quality=95)
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights, all of them tiny."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    torch.manual_seed(0)
    for kind, channels in (("color", 3), ("gray", 1)):
        net = ResNet(ResNetConfig(image_channels=channels, channels=(4,), blocks=(1,)))
        blind = ResNet(
            ResNetConfig(image_channels=channels, channels=(4,), blocks=(1,), noise_map=False)
        )
        level = NoiseLevelNet(NoiseLevelConfig(image_channels=channels, channels=4, blocks=1))
        _ship(folder, kind, net)
        _ship(folder, f"n2v-{kind}", blind)
        _ship(folder, f"noise-level-{kind}", level)
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    return folder


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data with tiny weights of DnCNN and FFDNet, as MATLAB saves them."""
    folder = tmp_path / "data" / "peers"
    folder.mkdir(parents=True)
    for name, peer in PEERS.items():
        files = {}
        for channels, remote in peer.files.items():
            file = folder / remote.url.rpartition("/")[2]
            save_as_matlab(file, tiny_convolutions(name, channels))
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            files[channels] = dataclasses.replace(remote, sha256=digest)
        monkeypatch.setitem(PEERS, name, dataclasses.replace(peer, files=files))
    return folder.parent


def tiny_convolutions(name: str, channels: int) -> list[Convolution]:
    """Three convolutions of a DnCNN or an FFDNet of width 4."""
    chance = np.random.default_rng(channels)
    ends = (4 * channels + 1, 4 * channels) if name == "ffdnet" else (channels, channels)
    shapes = ((4, ends[0], 3, 3), (4, 4, 3, 3), (ends[1], 4, 3, 3))
    return [
        (chance.normal(0, 0.1, shape).astype(np.float32), np.zeros(shape[0], np.float32))
        for shape in shapes
    ]


def save_as_matlab(file: Path, convolutions: list[Convolution]) -> None:
    """Write layers as MATLAB 7.3 does: HDF5 has its axes reversed, and no last axis of one."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(file, "w") as content:
        layers = []
        for number, (kernel, bias) in enumerate(convolutions):
            reversed_axes = kernel.swapaxes(-1, -2)
            arrays = (reversed_axes[0] if len(bias) == 1 else reversed_axes, bias[None])
            parts = [
                content.create_dataset(f"#refs#/{number}{part}", data=array)
                for part, array in enumerate(arrays)
            ]
            for kind in ("conv", "relu"):
                layer = content.create_group(f"#refs#/{kind}{number}")
                layer["type"] = np.array([[ord(letter)] for letter in kind], np.uint16)
                layers.append(layer.ref)
                if kind == "conv":
                    layer["weights"] = np.array([[part.ref] for part in parts], h5py.ref_dtype)
        content["net/layers"] = np.array([[layer] for layer in layers], h5py.ref_dtype)


def _ship(folder: Path, name: str, net: torch.nn.Module) -> None:
    file = folder / f"{name}.safetensors"
    weights.save_weights(file, net, training={})
    entry = manifest.describe(
        file, license="MIT", summary="Tiny.", data="None.", sigma_range=(0.0, 0.2)
    )
    manifest.update_manifest(folder, entry)


class Told(Method):
    """A method that does what a function says.

    Args:
        label: Its name.
        what: A function of the noisy image and the noise level.
        blind: Whether it must not be told the level.
        weights: A hash.
    """

    def __init__(
        self,
        label: str,
        what: Callable[[Tensor, float | None], Tensor] = lambda noisy, _: noisy * 0.9,
        *,
        blind: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__(label)
        self.what, self.blind, self.weights = what, blind, weights
        self.calls = 0

    def settings(self) -> Mapping[str, object]:
        return {"version": 1}

    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        self.calls += 1
        return self.what(noisy, sigma)


def tensor_scene(height: int, width: int, channels: int) -> Tensor:
    """A clean picture, (C, H, W) in [0, 1]."""
    pixels = scene(height, width)[..., :channels].transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255
