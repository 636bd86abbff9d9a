"""Where a noisy picture was put beside or on a clean one, the noise is removed where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from flowdenoise import Denoiser, images, metrics
from flowdenoise.images import Picture

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


def example(name: str, channels: int) -> np.ndarray:
    return images.read_uint8(EXAMPLES / name, channels)[:256, :256]


def with_noise(samples: np.ndarray, level: float) -> np.ndarray:
    noise = np.random.default_rng(7).normal(0, level, samples.shape)
    return np.clip(samples + noise, 0, 255).round().astype(np.uint8)


def on_canvas(photo: np.ndarray) -> np.ndarray:
    """The photograph on a larger canvas that fades."""
    fade = np.linspace(60, 200, 512)[:, None, None] + np.zeros((512, 512, photo.shape[2]))
    canvas = fade.round().astype(np.uint8)
    canvas[128:384, 128:384] = photo
    return canvas


def psnr(samples: np.ndarray, clean: np.ndarray) -> float:
    first, second = (torch.from_numpy(np.ascontiguousarray(part)) for part in (samples, clean))
    return metrics.psnr(first / 255, second / 255)


@pytest.mark.parametrize("level", [15, 30])
def test_the_noise_of_a_photograph_on_a_clean_canvas_is_removed(
    denoiser: Denoiser, level: float
) -> None:
    photo = example("coffee.png", 3)
    clean, noisy = on_canvas(photo), on_canvas(with_noise(photo, level))
    result = denoiser.denoise_picture(Picture(noisy)).picture.samples
    assert psnr(result, clean) > psnr(noisy, clean) + 2
    outside = np.abs(result[:120].astype(float) - clean[:120])
    assert outside.mean() < 0.1


def test_a_collage_of_a_noisy_and_a_clean_photograph_gains(denoiser: Denoiser) -> None:
    first, second = example("coffee.png", 3), example("cat.png", 3)
    clean = np.hstack([first, second])
    noisy = np.hstack([with_noise(first, 20), second])
    result = denoiser.denoise_picture(Picture(noisy)).picture.samples
    assert psnr(result, clean) > psnr(noisy, clean) + 2
    assert psnr(result[:, 264:], clean[:, 264:]) > 45


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_everywhere_is_not_in_places(denoiser: Denoiser, channels: int) -> None:
    picture = Picture(with_noise(on_canvas(example("coffee.png", channels)), 15))
    assert denoiser.estimate(picture).verdict == "noisy"
