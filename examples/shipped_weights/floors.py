"""Floors: what shipped weights reach on three fixed pictures; the tests ask for it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from flowdenoise import images, metrics, noise
from flowdenoise.flow import Glow
from flowdenoise.networks import NoiseLevelNet, NoiseMapNet
from flowdenoise.training.denoiser_stage import whole
from flowdenoise.weights.manifest import Result

EXAMPLES = Path(__file__).parents[1]
PICTURES = ("coffee", "cat", "camera")
SIGMA_255 = 25


def examples(channels: int) -> Iterator[Tensor]:
    """The clean example pictures, (C, H, W)."""
    for name in PICTURES:
        clean = images.read(EXAMPLES / f"{name}.png").tensor()[0]
        yield clean.mean(0, keepdim=True) if channels == 1 else clean.expand(3, -1, -1)


def floor(network: nn.Module, channels: int) -> list[Result]:
    """What a denoiser or a prior reaches on the example pictures; nothing for other networks."""
    if isinstance(network, NoiseLevelNet | NoiseMapNet):
        return []
    if isinstance(network, Glow):
        patches = torch.cat([tiles(clean, network.config.size) for clean in examples(channels)])
        rate = round(bits(network, patches), 4)
        return [Result("examples", "clean patches", 0.0, bits_per_dim=rate)]
    mean = round(psnr(network, channels), 3)
    return [Result("examples", "awgn, sigma told", SIGMA_255, mean)]


def psnr(network: nn.Module, channels: int) -> float:
    """Mean PSNR of a denoiser that is told the noise level."""
    values, sigma = [], SIGMA_255 / 255
    for clean in examples(channels):
        noisy = noise.add_gaussian(clean, sigma, seed=0)
        values.append(metrics.psnr(whole(network, noisy, sigma).clamp(0, 1), clean))
    return sum(values) / len(values)


def tiles(clean: Tensor, side: int) -> Tensor:
    """Square patches side by side, (B, C, side, side)."""
    return clean.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).flatten(0, 1)


@torch.no_grad()
def bits(prior: Glow, patches: Tensor) -> float:
    """Mean bits per dimension, without dequantization noise."""
    log_prob = prior.log_prob(patches, 0.0)
    return float(metrics.bits_per_dim(log_prob, prior.config.dimensions).mean())
