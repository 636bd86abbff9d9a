"""Peers: their files are read as their authors meant, and reach what their authors published."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from flowdenoise import metrics, noise
from flowdenoise.benchmark.methods import MethodOptions, build, parse
from flowdenoise.benchmark.methods.peers import PEERS, PeerMethod, read_convolutions
from flowdenoise.benchmark.protocols import PROTOCOLS
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.remote_file import Remote
from flowdenoise.errors import WeightsError
from flowdenoise.system.cache import CACHE_VARIABLE

from .conftest import save_as_matlab, tensor_scene, tiny_convolutions

CPU = torch.device("cpu")


def ready(name: str, channels: int, options: MethodOptions) -> PeerMethod:
    (method,) = build(parse(name), options)
    assert isinstance(method, PeerMethod)
    method.prepare(channels, CPU)
    return method


@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_come_back_as_they_were_saved(channels: int, tmp_path: Path) -> None:
    saved = tiny_convolutions("dncnn", channels)
    save_as_matlab(tmp_path / "net.mat", saved)
    found = read_convolutions(tmp_path / "net.mat")
    for (kernel, bias), (wanted, _) in zip(found, saved, strict=True):
        assert np.array_equal(kernel, wanted)
        assert bias.shape == (len(wanted),)


def test_a_file_without_a_network_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "net.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(WeightsError, match="holds no network"):
        read_convolutions(tmp_path / "net.mat")


def test_dncnn_takes_the_noise_away_that_it_predicts(peers: Path) -> None:
    method = ready("dncnn", 3, MethodOptions(data_dir=peers))
    noisy = tensor_scene(20, 24, 3)[None]
    features = noisy
    for kernel, _ in tiny_convolutions("dncnn", 3):
        features = F.conv2d(features, torch.from_numpy(kernel), padding=1)
        features = features if features.shape[1] == 3 else features.relu()
    torch.testing.assert_close(method.denoise(noisy, None), noisy - features)


def test_ffdnet_folds_columns_before_rows(peers: Path) -> None:
    """A network whose layers pass one folded channel on shows which pixel that is."""
    kernels = [np.zeros((shape[0], shape[1], 3, 3), np.float32) for shape in ((4, 5), (4, 4))]
    kernels[0][0, 2, 1, 1] = 1  # the second of four: the row below in the first column
    kernels[1][1, 0, 1, 1] = 1  # goes out as the second of four again
    convolutions = [(kernel, np.zeros(4, np.float32)) for kernel in kernels]
    net = PEERS["ffdnet"].build(convolutions)
    image = torch.rand(1, 1, 4, 6)
    expected = torch.zeros_like(image)
    expected[..., 1::2, 0::2] = image[..., 0::2, 1::2]
    torch.testing.assert_close(net(image, 0.1), expected)


def test_ffdnet_is_told_the_level(peers: Path) -> None:
    method = ready("ffdnet", 1, MethodOptions(data_dir=peers))
    noisy = tensor_scene(21, 23, 1)[None]
    weak, strong = method.denoise(noisy, 0.02), method.denoise(noisy, 0.2)
    assert weak.shape == noisy.shape
    assert not torch.equal(weak, strong)


def test_tiles_do_not_show(peers: Path) -> None:
    noisy = noise.add_gaussian(tensor_scene(150, 170, 3)[None], 0.1, seed=0)
    whole = ready("ffdnet", 3, MethodOptions(tile=0, data_dir=peers)).denoise(noisy, 0.1)
    tiled = ready("ffdnet", 3, MethodOptions(tile=64, data_dir=peers)).denoise(noisy, 0.1)
    torch.testing.assert_close(tiled, whole, atol=1e-6, rtol=0)


def test_an_altered_file_is_refused(peers: Path) -> None:
    file = peers / "peers" / "FFDNet_color.mat"
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(WeightsError, match="not what its authors published: expected sha256"):
        ready("ffdnet", 3, MethodOptions(data_dir=peers))


def test_a_file_is_fetched_once_and_kept(
    peers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    fetched = []

    def fetch(remote: Remote, target: Path) -> Path:
        fetched.append(remote.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(peers / "peers" / target.name, target)
        return target

    monkeypatch.setattr("flowdenoise.benchmark.methods.peers.download", fetch)
    with pytest.raises(WeightsError, match=r"not in the cache: get it from https://raw\.github"):
        ready("ffdnet", 1, MethodOptions(offline=True))
    online = ready("ffdnet", 1, MethodOptions())
    assert fetched == [PEERS["ffdnet"].files[1].url]
    assert online.weights == PEERS["ffdnet"].files[1].sha256


def test_peers_are_precise_unless_bfloat16_is_asked_for(peers: Path) -> None:
    options = MethodOptions(data_dir=peers)
    assert ready("dncnn", 3, options).settings()["precision"] == "float32"
    hurried = ready("dncnn", 3, replace(options, precision="bfloat16"))
    assert hurried.settings()["precision"] == "bfloat16"


PUBLISHED_COST = {("dncnn", 3): 0.667e6, ("ffdnet", 1): 0.121e6, ("ffdnet", 3): 0.213e6}


@pytest.mark.parametrize(("name", "channels"), PUBLISHED_COST)
def test_their_cost_is_that_of_the_published_sizes(
    name: str, channels: int, shared_data: Path
) -> None:
    pytest.importorskip("h5py")
    cost = ready(name, channels, MethodOptions(data_dir=shared_data)).multiply_adds_per_pixel
    assert cost == pytest.approx(PUBLISHED_COST[name, channels], rel=0.005)


GAINS = {"bsd68": 7.3, "cbsd68": 9.5}
"""dB that both bring on the middle of the third image at sigma 25; kernels read with rows for
columns lose FFDNet two to three of them."""


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("image_set", GAINS)
def test_the_published_weights_denoise(name: str, image_set: str, shared_data: Path) -> None:
    pytest.importorskip("h5py")
    images = open_set(image_set, data_dir=shared_data).middle(128)
    method = ready(name, images.channels, MethodOptions(data_dir=shared_data))
    clean = images.load(images.files[2]).clean
    noisy = PROTOCOLS["awgn"].noisy(clean, 25 / 255)
    denoised = method.denoise(noisy[None], method.level(25 / 255))[0]
    assert metrics.psnr(denoised, clean) - metrics.psnr(noisy, clean) > GAINS[image_set]
