"""Every shipped file is what the manifest says, and does what its card says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from flowdenoise import images, metrics, noise
from flowdenoise.noise_level import NoiseLevelNet, estimate_sigma
from flowdenoise.training.denoiser import whole
from flowdenoise.weights import load, store
from flowdenoise.weights.manifest import Entry, read_manifest

ROOT = Path(__file__).parents[2]
ENTRIES = read_manifest(ROOT / "weights").entries
SLACK = 0.05  # dB; other hardware rounds otherwise


def pictures(channels: int) -> list[torch.Tensor]:
    """The three clean example pictures, (C, H, W)."""
    loaded = [
        images.read(ROOT / "examples" / f"{name}.png").tensor()[0]
        for name in ("coffee", "cat", "camera")
    ]
    if channels == 1:
        return [picture.mean(0, keepdim=True) for picture in loaded]
    return [picture.expand(3, -1, -1) for picture in loaded]


def by_role(role: str) -> list[object]:
    """One test per shipped file of that role."""
    return [pytest.param(entry, id=entry.name) for entry in ENTRIES if entry.role == role]


def test_the_names_that_the_program_needs_are_there() -> None:
    needed = {"color", "gray", "noise-level-color", "noise-level-gray"}
    assert needed <= {entry.name for entry in ENTRIES}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in ENTRIES])
def test_the_file_is_the_recorded_one(entry: Entry) -> None:
    assert store.verify(entry.name).sha256 == entry.sha256
    assert entry.size <= 20_000_000


@pytest.mark.parametrize("entry", by_role("denoiser"))
def test_a_denoiser_reaches_its_floor(entry: Entry) -> None:
    network = load(entry.name).network.eval()
    (recorded,) = [result for result in entry.results if result.set == "examples"]
    values = []
    for clean in pictures(entry.channels):
        sigma = recorded.sigma_255 / 255
        noisy = noise.add_gaussian(clean, sigma, seed=0)
        values.append(metrics.psnr(whole(network, noisy, sigma).clamp(0, 1), clean))
    assert recorded.psnr is not None
    assert sum(values) / len(values) >= recorded.psnr - SLACK


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
@pytest.mark.parametrize("entry", by_role("noise level"))
def test_a_noise_level_is_told_within_a_tenth(entry: Entry, sigma: int) -> None:
    network = load(entry.name).network.eval()
    assert isinstance(network, NoiseLevelNet)
    for clean in pictures(entry.channels):
        noisy = noise.add_gaussian(clean, sigma / 255, seed=0)
        assert 255 * estimate_sigma(network, [noisy[None]]) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("entry", by_role("prior"))
def test_a_prior_finds_pictures_as_likely_as_recorded(entry: Entry) -> None:
    network = load(entry.name).network.eval()
    (recorded,) = [result for result in entry.results if result.set == "examples"]
    side = network.config.size
    tiles = [
        picture.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).flatten(0, 1)
        for picture in pictures(entry.channels)
    ]
    with torch.no_grad():
        log_prob = network.log_prob(torch.cat(tiles), 0.0)
    bits = float(metrics.bits_per_dim(log_prob, network.config.dimensions).mean())
    assert recorded.bits_per_dim is not None
    assert bits <= recorded.bits_per_dim + 0.02
