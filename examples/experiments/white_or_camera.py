"""What it costs to take noise for white, or for a camera's: both ways beside what is decided.

Pictures come with white noise, stored in 8 bits as files are, and as simulated cameras take them.
Each is denoised as if its noise were white, and as if it were a camera's with the maps that the
estimator finds; `--shares` tells the denoiser of cameras a part of these levels. Least is the
picture that gains least over what came in.

    python examples/experiments/white_or_camera.py bsds500-val32 --shares 0.45
    python examples/experiments/white_or_camera.py open-photos-2 --list docs/heldout.csv --crop 192
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics, noise, weights
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.engine import RemovalConfig
from flowdenoise.engine.examined import Examined, ExaminedPlane
from flowdenoise.estimation.estimate import Estimate
from flowdenoise.estimation.estimators import Finding
from flowdenoise.estimation.noise_maps import MAP_ESTIMATORS, noise_maps
from flowdenoise.images import Picture
from flowdenoise.training.validation_photos import validation_photos

BEST = 70.0
"""The PSNR of a picture that is not changed at all, for means, in dB."""

Pair = tuple[Picture, Tensor]


def with_white_noise(files: list[Path], crop: int, sigma: float) -> Iterator[Pair]:
    """The middle of pictures with white noise, and the truth (3, H, W); sigma in [0, 1]."""
    for file in files:
        pixels = images.read_uint8(file, 3)
        top, left = (max(0, (side - crop) // 2) for side in pixels.shape[:2])
        part = np.ascontiguousarray(pixels[top : top + crop, left : left + crop])
        truth = torch.from_numpy(part).permute(2, 0, 1).float() / 255
        yield Picture(images.quantize(noise.add_gaussian(truth, sigma, seed=0), "uint8")), truth


class Ways:
    """Denoises a picture in all ways.

    Args:
        shares: The shares of the levels of maps that are told.
    """

    def __init__(self, shares: tuple[float, ...]) -> None:
        self.denoiser, self.shares = Denoiser.load(), shares
        self.estimators = {
            channels: weights.load(name).network.eval()
            for channels, name in MAP_ESTIMATORS.items()
        }

    @property
    def names(self) -> list[str]:
        """What the figures of a picture are, in their order."""
        return [
            "comes in",
            "automatic",
            "white",
            *(f"camera x {share:g}" for share in self.shares),
        ]

    def __call__(self, picture: Picture, truth: Tensor) -> list[float]:
        """The PSNR of a picture as it came, and after each way, in dB."""
        automatic = self.denoiser.examine(picture)
        if not automatic.planes:
            raise SystemExit("a picture of one color has no noise to take for anything")
        plane = automatic.planes[0].plane
        estimator = self.estimators[plane.picture.channels]
        maps = noise_maps(plane.picture, estimator, self.denoiser.device)
        ways = [automatic, self.denoiser.examine(picture, noise="white")]
        for share in self.shares:
            told = replace(maps, levels=share * maps.levels)
            finding = Finding(Estimate(told.sigma, "camera", maps=told))
            ways.append(Examined(picture, (ExaminedPlane(plane, finding),)))
        cleaned = [picture, *(self.denoiser.remove(way, RemovalConfig()) for way in ways)]
        return [min(BEST, metrics.psnr(each.tensor()[0], truth)) for each in cleaned]


def main() -> None:
    """Print a row for each kind of noise, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="folder of clean pictures")
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--crop", type=int, default=10**6, help="side of what gets white noise")
    parser.add_argument("--sigma", default="0,1,2,3,5", help="0 to 255")
    parser.add_argument("--shares", default="1", help="of the levels of maps")
    options = parser.parse_args()
    files = list(open_set(options.images).listed(options.list).files)
    ways = Ways(tuple(float(word) for word in options.shares.split(",")))
    print("| noise | pictures |", " | ".join(ways.names), "| least gain |")
    print("| --- | ---: |" + " ---: |" * (len(ways.names) + 1))

    def row(title: str, pairs: Iterator[Pair]) -> None:
        table = [ways(*pair) for pair in pairs]
        means = [f"{statistics.mean(column):.2f}" for column in zip(*table, strict=True)]
        least = min(found[1] - found[0] for found in table)
        print(f"| {title} | {len(table)} |", " | ".join(means), f"| {least:+.2f} |", flush=True)

    for word in options.sigma.split(","):
        sigma = noise.from_255(float(word))
        row(f"white, {word}", with_white_noise(files, options.crop, sigma))
    photos = validation_photos(
        Sources(DataConfig(validation=tuple(map(str, files)))),
        smallest=64,
        stride=2,
        most=len(files),
    )
    for kind, pairs in photos.items():
        taken = ((Picture(images.quantize(noisy, np.uint8)), truth) for noisy, truth in pairs)
        row(kind, taken)


if __name__ == "__main__":
    main()
