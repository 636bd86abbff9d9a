"""How far noise, and a denoised picture, lie from the truth on average, by brightness.

    python examples/experiments/mean_shift.py --images FOLDER --camera phone --iso 3200
    python examples/experiments/mean_shift.py --pairs FOLDER

--images are clean pictures that photographs are simulated of; the truth is what the same camera
without noise takes. --pairs is a folder of real pairs, whose names end as `flowdenoise benchmark`
knows them. A band is 16 levels of the truth's brightness, of 255: of pixels, and of the means of
squares of 16x16 pixels. Pixels show lost contrast, too: whatever is smoothed, its brightest pixels
became darker. Squares show what has become of the light.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise import images
from flowdenoise.data.corpus import list_images
from flowdenoise.data.pairs import find_pairs
from flowdenoise.engine import Denoiser
from flowdenoise.images import Picture, quantize
from flowdenoise.noise import camera, sensor
from flowdenoise.system import random_streams

BAND = 16
SQUARE = 16
FEWEST = 500  # pixels of a band


def read(file: Path, side: int) -> Tensor:
    """The middle of a picture, (1, 3, h, w) in [0, 1]."""
    whole = images.read(file).tensor()
    top, left = (max(0, (length - side) // 4 * 2) for length in whole.shape[-2:])
    return whole[..., top : top + side, left : left + side]


def simulated(folder: Path, kind: camera.Camera, iso: float, side: int) -> Iterator[Tensor]:
    """Photographs and what the camera would take without noise, (2, 3, h, w)."""
    config = camera.CAMERAS[kind]
    shot = torch.tensor([sensor.gain_at(config.sensor, iso)])
    files = sorted(file for file in folder.iterdir() if images.looks_like_image(file))
    for index, file in enumerate(files):
        key = random_streams.fold(torch.tensor([index]), 1)
        clean = read(file, side)
        clean = clean[..., : clean.shape[-2] // 2 * 2, : clean.shape[-1] // 2 * 2]
        yield torch.cat(
            [camera.simulate(clean, key, config, shot, noise=n).picture for n in (1.0, 0.0)]
        )


def pairs(folder: Path, side: int) -> Iterator[Tensor]:
    """Real photographs and their truths, (2, 3, h, w)."""
    for truth, file in find_pairs(list_images([folder])).items():
        yield torch.cat([read(file, side), read(truth, side)])


class Shift:
    """Sums of the differences from the truth by bands of the truth's brightness.

    Args:
        side: The side of the squares whose means are banded; 1 is single pixels.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self.count, self.sums = torch.zeros(256 // BAND), torch.zeros(2, 256 // BAND)

    def add(self, truth: Tensor, *results: Tensor) -> None:
        """Count results in, (3, H, W) each."""
        means = [F.avg_pool2d(255 * one.mean(0)[None], self.side)[0] for one in (truth, *results)]
        bands = (means[0] / BAND).long().clamp(max=255 // BAND).flatten()
        self.count += torch.bincount(bands, minlength=len(self.count))
        for row, made in enumerate(means[1:]):
            self.sums[row].index_add_(0, bands, (made - means[0]).flatten())

    def rows(self) -> Tensor:
        """The mean differences of both results, (2, bands)."""
        return self.sums / self.count.clamp(min=1)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--camera", choices=list(camera.CAMERAS), default="phone")
    parser.add_argument("--iso", type=float, default=3200)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--limit", type=int, help="take the first pictures only")
    options = parser.parse_args()
    if (options.images is None) == (options.pairs is None):
        parser.error("name either --images or --pairs")
    source = (
        pairs(options.pairs, options.side)
        if options.images is None
        else simulated(options.images, options.camera, options.iso, options.side)
    )
    denoiser = Denoiser.load()
    pixels, squares = Shift(1), Shift(SQUARE)
    for noisy, truth in islice(source, options.limit):
        picture = Picture(quantize(noisy, "uint8"))
        denoised = denoiser.denoise_picture(picture).picture.tensor()[0]
        for shift in (pixels, squares):
            shift.add(truth, noisy, denoised)
    print("| levels from | pixels: noisy | denoised | squares: noisy | denoised |")
    print("| ---: |" + " ---: |" * 4)
    for band, figures in enumerate(torch.cat([pixels.rows(), squares.rows()]).T.tolist()):
        if pixels.count[band] >= FEWEST:
            print(f"| {band * BAND} |", " | ".join(f"{figure:+.2f}" for figure in figures), "|")


if __name__ == "__main__":
    main()
