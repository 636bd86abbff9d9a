"""Weights for photographs side by side, as they are validated while they learn.

    python examples/experiments/photo_weights.py photo color FILE --validation nam25 bsds500-val32

Of each picture the middle 256x256 is measured: real pairs as they are, clean pictures as the three
kinds of simulated cameras take them. The maps are those of the shipped estimator, place by place;
nothing guards the result. A network that takes a single level is told 1.3 times the mean of the
two coarse levels.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from torch import Tensor, nn

from flowdenoise import metrics, weights
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.training.camera_stage import coarse_maps
from flowdenoise.training.validation_photos import validation_photos

TOLD = 1.3


@torch.no_grad()
def psnr(network: nn.Module, estimator: nn.Module, noisy: Tensor, clean: Tensor) -> float:
    """The PSNR of what a network makes of a photograph (3, H, W)."""
    maps = coarse_maps(estimator, noisy[None])
    if network.config.sigma_channels < 2:
        maps = TOLD * maps.mean(1, keepdim=True)
    result: Tensor = network(noisy[None], maps)[0]
    return metrics.psnr(result.clamp(0, 1), clean)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--validation", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    config = DataConfig(validation=tuple(map(str, options.validation)))
    photos = validation_photos(Sources(config), smallest=64, stride=2)
    estimator = weights.load("noise-map-color").network.eval()
    print("| weights |", " | ".join(photos), "|")
    print("| --- |" + " ---: |" * len(photos))
    for name in options.weights:
        network = weights.load(name).network.eval()
        means = [
            statistics.mean(psnr(network, estimator, *pair) for pair in pairs)
            for pairs in photos.values()
        ]
        print(f"| {name} |", " | ".join(f"{mean:.2f}" for mean in means), "|")


if __name__ == "__main__":
    main()
