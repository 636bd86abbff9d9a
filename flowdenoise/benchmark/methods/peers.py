"""Peers with their own weights: DnCNN and FFDNet with the files that their authors published.

The files are fetched from the authors' repositories at a commit, are checked by their sha256, and
are no part of this package. They are MATLAB files, version 7.3, which is HDF5: a list of layers,
in which each convolution has its kernel, stored as (out, in, column, row), and its bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from flowdenoise.benchmark.methods.ffdnet import FFDNet, FFDNetConfig
from flowdenoise.benchmark.methods.method import Method, MethodOptions, import_extra
from flowdenoise.data.download import download
from flowdenoise.data.remote_file import Remote
from flowdenoise.engine import TilingConfig
from flowdenoise.engine.tiles import tiling
from flowdenoise.errors import DataError, WeightsError
from flowdenoise.networks import DnCNN, DnCNNConfig
from flowdenoise.system.cache import cache_folder
from flowdenoise.system.device import choose_precision

Convolution = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Kernel, (out, in, row, column), and bias, (out,)."""

_GITHUB = "https://raw.githubusercontent.com/cszn"
_DNCNN = f"{_GITHUB}/DnCNN/e93b27812d3ff523a3a79d19e5e50d233d7a8d0a/model"
_FFDNET = f"{_GITHUB}/FFDNet/e787f46df2f374ff3591186706229cb9a0591fea/models"


@dataclass(frozen=True)
class Peer:
    """A network as its authors published it.

    Attributes:
        blind: Whether it is not told the noise level.
        files: The files of its weights, by the number of channels.
        build: The function that makes the network from its convolutions.
    """

    blind: bool
    files: Mapping[int, Remote]
    build: Callable[[list[Convolution]], DnCNN | FFDNet]


class PeerMethod(Method):
    """A network of others, with their weights, in tiles that overlap by its receptive radius.

    The network sees the pixels as they are; our engine adds nothing around it. It computes in
    float32 unless bfloat16 is asked for, which costs DnCNN up to 0.12 dB.

    Args:
        label: The label in tables.
        peer: The network.
        options: The options for precision, tiles, and the folder of its file.
    """

    packages = ("h5py",)
    _network: DnCNN | FFDNet
    _tiling: TilingConfig
    _device: torch.device
    _precision: torch.dtype

    def __init__(self, label: str, peer: Peer, options: MethodOptions) -> None:
        super().__init__(label)
        self.peer, self.options, self.blind = peer, options, peer.blind

    def prepare(self, channels: int, device: torch.device) -> None:
        """Fetch and read the weights."""
        remote = self.peer.files[channels]
        net = self.peer.build(read_convolutions(_find(remote, self.options)))
        self.weights = remote.sha256
        self.multiply_adds_per_pixel = net.config.multiply_adds_per_pixel
        self._tiling = TilingConfig(overlap=net.config.receptive_radius).changed(
            self.options.tile, self.options.overlap
        )
        wanted = self.options.precision
        self._precision = choose_precision("float32" if wanted == "auto" else wanted, device)
        self._device = device
        net = net.eval().to(device, self._precision)
        self._network = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def settings(self) -> Mapping[str, object]:
        """The precision, the device and the tiles."""
        return {
            "version": 1,
            "device": self._device.type,
            "precision": str(self._precision).removeprefix("torch."),
            "tile": self._tiling.tile,
            "overlap": self._tiling.overlap,
        }

    @torch.no_grad()
    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Run the network."""
        return tiling.apply(
            noisy.to(self._device),
            lambda tiles: self._network(
                tiles.contiguous(memory_format=torch.channels_last), sigma or 0.0
            ),
            self._tiling,
            multiple=self._network.config.stride,
        ).cpu()


def _find(remote: Remote, options: MethodOptions) -> Path:
    """Find a peer's file in the user's folder of data, or else fetch it into the cache."""
    name = remote.url.rpartition("/")[2]
    if options.data_dir is not None:
        for file in (options.data_dir / "peers" / name, options.data_dir / name):
            if file.is_file():
                if fault := remote.fault(file):
                    raise WeightsError(f"{file} is not what its authors published: {fault}")
                return file
    target = cache_folder() / "peers" / name
    if options.offline and not target.is_file():
        raise WeightsError(f"{name} is not in the cache: get it from {remote.url}")
    try:
        return download(remote, target)
    except DataError as error:
        raise WeightsError(
            f"{name} can't be fetched ({error}): get it from {remote.url} and name its folder "
            "as `data_dir`"
        ) from error


def read_convolutions(file: Path) -> list[Convolution]:
    """Read the convolutions of a network that was saved by MATLAB.

    Raises:
        MissingExtraError: The package `h5py` is not installed.
        WeightsError: The file holds no such network.
    """
    h5py = import_extra("h5py", "benchmark", "reading weights of others")
    try:
        with h5py.File(file) as content:
            return list(_convolutions(content))
    except (OSError, KeyError, ValueError) as error:
        raise WeightsError(f"{file} holds no network of MATLAB's: {error}") from error


def _convolutions(content: Any) -> Iterator[Convolution]:
    for (reference,) in content["net/layers"]:
        layer = content[reference]
        if "".join(map(chr, layer["type"][()].flat)) == "conv":
            kernel, bias = (content[part][()] for part in layer["weights"][()].flat)
            # A single output or input is no axis of its own in the file.
            kernel = kernel.reshape(bias.size, -1, *kernel.shape[-2:]).swapaxes(-1, -2)
            yield np.ascontiguousarray(kernel, np.float32), bias.ravel().astype(np.float32)


def _dncnn(convolutions: list[Convolution]) -> DnCNN:
    width, channels = convolutions[0][0].shape[:2]
    net = DnCNN(DnCNNConfig(channels, width, len(convolutions), batch_norm=False))
    _fill(net, convolutions)
    return net


def _ffdnet(convolutions: list[Convolution]) -> FFDNet:
    """Build FFDNet; the file folds 2x2 blocks as (channel, column, row), ours rows first."""
    width, folded = convolutions[0][0].shape[:2]
    channels = (folded - 1) // 4
    order = np.arange(4 * channels).reshape(channels, 2, 2).swapaxes(1, 2).ravel()
    first, *inner, last = convolutions
    first = (first[0][:, [*order, folded - 1]], first[1])
    last = (last[0][order], last[1][order])
    net = FFDNet(FFDNetConfig(channels, width, len(convolutions)))
    _fill(net, [first, *inner, last])
    return net


def _fill(net: nn.Module, convolutions: list[Convolution]) -> None:
    """Copy kernels and biases into a network's convolutions, in their order."""
    own = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for layer, (kernel, bias) in zip(own, convolutions, strict=True):
            layer.weight.copy_(torch.from_numpy(kernel))
            assert layer.bias is not None  # noqa: S101 - made with it
            layer.bias.copy_(torch.from_numpy(bias))


PEERS: Mapping[str, Peer] = {
    "dncnn": Peer(
        True,
        {
            1: Remote(
                f"{_DNCNN}/GD_Gray_Blind.mat",
                sha256="37f76da0b71dd2b2789ce91848fe2f184ab486203c9af9ac1b98199b60ea02b0",
            ),
            3: Remote(
                f"{_DNCNN}/GD_Color_Blind.mat",
                sha256="57db5437a44037e7675a99042fe7b14d3dcdf1c333d3ec665855566e8a59795c",
            ),
        },
        _dncnn,
    ),
    "ffdnet": Peer(
        False,
        {
            1: Remote(
                f"{_FFDNET}/FFDNet_gray.mat",
                sha256="14c231e87a444a9bd85b0b5e174e73b4f6ac50bf4050e75a0d3f4d69f77a2093",
            ),
            3: Remote(
                f"{_FFDNET}/FFDNet_color.mat",
                sha256="a4b5a9da21294ab9ba6ed5c6cc459c46dff20c025eb7d3ab82e8e0bb00541793",
            ),
        },
        _ffdnet,
    ),
}
"""Every peer by the name of its method."""
