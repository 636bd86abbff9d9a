"""Statistics of simulated camera noise beside those of real noise, measured alike.

    python examples/benchmarks/camera_statistics.py --images FOLDER [--pairs FOLDER ...]

--images are clean pictures that photographs are simulated of; --pairs are folders of real pairs,
whose names end as `flowdenoise benchmark` knows them. The figures are means over pictures whose
noise is at least 1.5 of 255.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from flowdenoise import images, metrics
from flowdenoise.data.corpus import list_images
from flowdenoise.data.pairs import find_pairs
from flowdenoise.noise import camera
from flowdenoise.system import random_streams

SIDE = 256
LEAST = 1.5  # rms below which the rounding to 8 bits is most of the noise
HEADINGS = (
    "rms",
    "Y 1",
    "Y 2",
    "Y 3",
    "Y 4",
    "RG",
    "GB",
    "RB",
    "R/G",
    "B/G",
    "Cb/Y",
    "Cr/Y",
    "Cb 1",
    "Cb 2",
    "Cb 4",
    "mean",
)


def autocorrelation(plane: Tensor, lag: int) -> Tensor:
    """The autocorrelation of a plane (H, W) without its mean, averaged over both directions."""
    across = (plane[:, lag:] * plane[:, :-lag]).mean()
    down = (plane[lag:] * plane[:-lag]).mean()
    return (across + down) / 2 / plane.square().mean()


def statistics(noise: Tensor) -> Tensor:
    """The figures of `HEADINGS` for noise (3, H, W) on the [0, 1] scale."""
    mean = noise.mean()
    noise = noise - noise.mean((1, 2), keepdim=True)
    red, green, blue = noise
    luma = metrics.luma(noise)
    cb, cr = 0.564 * (blue - luma), 0.713 * (red - luma)
    correlation = torch.corrcoef(noise.flatten(1))
    power = luma.square().mean()
    return torch.stack(
        [
            255 * noise.square().mean().sqrt(),
            *(autocorrelation(luma, lag) for lag in (1, 2, 3, 4)),
            *(correlation[0, 1], correlation[1, 2], correlation[0, 2]),
            *(red.std() / green.std(), blue.std() / green.std()),
            *(cb.square().mean() / power, cr.square().mean() / power),
            *(autocorrelation(cb, lag) for lag in (1, 2, 4)),
            255 * mean,
        ]
    )


def read(file: Path) -> Tensor:
    """A picture as (3, H, W) in [0, 1]."""
    return torch.from_numpy(images.read_uint8(file, 3).copy()).permute(2, 0, 1).float() / 255


def simulated(files: list[Path], name: camera.Camera) -> Iterator[Tensor]:
    """Noise of simulated photographs."""
    config = camera.CAMERAS[name]
    for index, file in enumerate(files):
        clean = read(file)[:, :SIDE, :SIDE]
        if min(clean.shape[1:]) < SIDE:
            continue
        key = random_streams.fold(torch.tensor([index]), 1)
        noisy, quiet = (camera.simulate(clean[None], key, config, noise=n) for n in (1.0, 0.0))
        yield noisy.picture[0] - quiet.picture[0]


def pairs(folder: Path) -> Iterator[Tensor]:
    """Noise of real pairs."""
    for truth, file in find_pairs(list_images([folder])).items():
        pair = read(file), read(truth)
        top, left = ((side - SIDE) // 2 for side in pair[0].shape[1:])
        yield (pair[0] - pair[1])[:, top : top + SIDE, left : left + SIDE]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    files = sorted(file for file in options.images.iterdir() if images.looks_like_image(file))
    rows = {folder.name: list(pairs(folder)) for folder in options.pairs}
    rows |= {f"simulated {name}": list(simulated(files, name)) for name in camera.CAMERAS}
    print("| noise | " + " | ".join(HEADINGS) + " |\n|" + " --- |" * (len(HEADINGS) + 1))
    for label, noises in rows.items():
        figures = torch.stack([statistics(noise) for noise in noises])
        values = figures[figures[:, 0] > LEAST].mean(0)
        print(f"| {label} | " + " | ".join(f"{value:.2f}" for value in values.tolist()) + " |")


if __name__ == "__main__":
    main()
