"""Every shipped file is what the manifest says, and does what its card says."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from floors import examples, floor

from flowdenoise import noise
from flowdenoise.networks.noise_level import NoiseLevelNet
from flowdenoise.weights import load, store
from flowdenoise.weights.manifest import Entry, Result, read_manifest

ROOT = Path(__file__).parents[2]
ENTRIES = read_manifest(ROOT / "weights").entries
SLACK = 0.05  # dB; other hardware rounds otherwise


def recorded(entry: Entry) -> Result:
    """What the manifest has on the example pictures."""
    (found,) = [result for result in entry.results if result.set == "examples"]
    return found


def by_role(role: str) -> list[object]:
    """One test per shipped file of that role."""
    return [pytest.param(entry, id=entry.name) for entry in ENTRIES if entry.role == role]


def test_the_names_that_the_program_needs_are_there() -> None:
    needed = {"color", "gray", "noise-level-color", "noise-level-gray"}
    assert needed <= {entry.name for entry in ENTRIES}


LOADING = """
import sys
from flowdenoise import weights
for name in sys.argv[1:]:
    weights.load(name)
    sys.exit(name) if {"torch._dynamo", "sympy"} & set(sys.modules) else None
"""


def test_loading_does_not_bring_the_compiler() -> None:
    """It takes a second, which every command would wait for."""
    names = [entry.name for entry in ENTRIES]
    line = [sys.executable, "-c", LOADING, *names]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in ENTRIES])
def test_the_file_is_the_recorded_one(entry: Entry) -> None:
    assert store.verify(entry.name).sha256 == entry.sha256
    assert entry.size <= 20_000_000


@pytest.mark.parametrize("entry", by_role("denoiser"))
def test_a_denoiser_reaches_its_floor(entry: Entry) -> None:
    (found,) = floor(load(entry.name).network.eval(), entry.channels)
    assert found.psnr is not None
    assert found.psnr >= (recorded(entry).psnr or math.inf) - SLACK


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
@pytest.mark.parametrize("entry", by_role("noise level"))
def test_a_noise_level_is_told_within_a_tenth(entry: Entry, sigma: int) -> None:
    network = load(entry.name).network.eval()
    assert isinstance(network, NoiseLevelNet)
    for clean in examples(entry.channels):
        noisy = noise.add_gaussian(clean, sigma / 255, seed=0)
        assert 255 * network.estimate([noisy[None]]) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("entry", by_role("prior"))
def test_a_prior_finds_pictures_as_likely_as_recorded(entry: Entry) -> None:
    (found,) = floor(load(entry.name).network.eval(), entry.channels)
    assert found.bits_per_dim is not None
    assert found.bits_per_dim <= (recorded(entry).bits_per_dim or 0.0) + 0.02
