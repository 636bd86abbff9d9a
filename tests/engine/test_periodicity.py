"""What repeats itself is no noise: the dots of a print, a weave, a knitted pattern."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from flowdenoise import Denoiser, metrics
from flowdenoise.engine.trial.periodicity import periodicity
from flowdenoise.images import Picture

SIDE = 256
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)
RAMP = (40 + 0.6 * COLUMNS + 0.1 * ROWS)[..., None]


def blotches(seed: int, width: int) -> np.ndarray:
    """Noise whose neighbors are alike over so many pixels, of deviation 1, (SIDE, SIDE)."""
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 1, SIDE, SIDE)))
    padded = torch.nn.functional.pad(values, (width // 2, (width - 1) // 2) * 2, mode="circular")
    return width * torch.nn.functional.avg_pool2d(padded, width, 1)[0, 0].numpy()


def halftone() -> np.ndarray:
    """A ramp printed in dots."""
    wave = sum(np.cos(2 * np.pi * place / 9.9) for place in (COLUMNS + ROWS, COLUMNS - ROWS))
    return 255 * np.clip((RAMP / 255 - 0.5 - wave[..., None] / 4) * 7 + 0.5, 0, 1)


def weave() -> np.ndarray:
    """A ramp on canvas."""
    cloth = np.sin(2 * np.pi * COLUMNS / 3.7) * np.sin(2 * np.pi * ROWS / 4.1)
    return RAMP + 8 * cloth[..., None]


def knit() -> np.ndarray:
    wool = 120 + 60 * (np.abs((COLUMNS + 2 * np.abs(ROWS % 8 - 4)) % 8 - 4) < 2)
    return (wool + 5 * blotches(1, 33))[..., None]


def picture_of(values: np.ndarray, channels: int) -> Picture:
    samples = np.clip(values.round(), 0, 255).astype(np.uint8)
    tint = np.array([1.0, 0.9, 0.8])[:channels]
    return Picture(np.ascontiguousarray((samples * tint).round().astype(np.uint8)))


def removed(*parts: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(sum(parts)).float()[None, None] / 255


@pytest.mark.parametrize("width", [1, 2, 5, 16])
def test_noise_does_not_repeat_itself(width: int) -> None:
    assert periodicity(removed(blotches(2, width))) < 0.02
    fading = np.linspace(0, 1, SIDE) * blotches(2, width)
    assert periodicity(removed(fading)) < 0.02


def test_the_share_is_that_of_the_energy_that_repeats_itself() -> None:
    wave = np.sqrt(2) * np.sin(2 * np.pi * (COLUMNS / 5.3 + ROWS / 11.1))
    assert periodicity(removed(wave)) > 0.95
    for strength in (0.5, 1.0, 2.0):
        share = strength**2 / (1 + strength**2)
        found = periodicity(removed(blotches(3, 2), strength * wave))
        assert found == pytest.approx(share, abs=0.06)


def test_nothing_and_small_windows_tell_nothing() -> None:
    assert periodicity(torch.zeros(2, 3, 96, 128)) == 0
    assert periodicity(torch.sin(torch.arange(48.0)).expand(1, 1, 48, 48)) == 0


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [halftone, weave, knit])
def test_patterns_stay(denoiser: Denoiser, make: Callable[[], np.ndarray], channels: int) -> None:
    picture = picture_of(make(), channels)
    result = denoiser.denoise_picture(picture)
    assert result.picture is picture, (result.estimate, 255 * result.sigma)


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_beside_a_weave_is_removed(denoiser: Denoiser, channels: int) -> None:
    clean = picture_of(weave(), channels).samples
    noise = np.random.default_rng(4).normal(0, 15, clean.shape)
    noisy = Picture(np.clip(clean + noise, 0, 255).round().astype(np.uint8))
    result = denoiser.denoise_picture(noisy).picture.samples

    def psnr(samples: np.ndarray) -> float:
        tensors = (torch.from_numpy(values)[None] / 255 for values in (samples, clean))
        return float(metrics.psnr(*tensors))

    assert psnr(result) > psnr(noisy.samples) + 4
