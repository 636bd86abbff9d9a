"""What the program makes of color photographs whose noise is one of brightness alone.

    python examples/benchmarks/colorless_noise.py bsds500-val32 [--list docs/heldout.csv]

Many phones and cameras smooth color until hardly any noise of color is left. The middle of each
clean picture gets such noise: that of a simulated phone without its color, as it is and stored as
JPEG of quality 85; white noise that is the same in all channels; the grain of film, which is
colored in half of the pictures; and coarse grain, blurred by a deviation of a pixel. A row for
each: PSNR of the photographs and of the automatic result, how many were left alone, how many of
these were called clean, and the least gain of one.
"""

from __future__ import annotations

import argparse
import io
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics, noise
from flowdenoise.benchmark.sets import open_set
from flowdenoise.images import Picture
from flowdenoise.noise import camera, grain, smoothing
from flowdenoise.system.random_streams import Draws, fold

_GRAINS = 64  # the stream of random numbers for the grains themselves

Noisy: TypeAlias = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""A function of a clean picture (3, H, W) and a seed: the noisy picture, and its truth."""


def by_phone(clean: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """What a phone makes of a picture that leaves noise of brightness alone."""
    scene, key = clean[None], torch.tensor([seed], dtype=torch.int32)
    photo = camera.simulate(scene, key, camera.CAMERAS["phone"]).picture[0]
    truth = camera.simulate(scene, key, camera.CAMERAS["phone"], noise=0.0).picture[0]
    return truth + metrics.luma(photo - truth), truth


def white(sigma: float) -> Noisy:
    """White noise of that level, 0 to 255, the same in all channels."""
    return lambda clean, seed: (
        clean + noise.add_gaussian(torch.zeros_like(clean[:1]), sigma / 255, seed=seed),
        clean,
    )


def film(level: float) -> Noisy:
    """Grain of film of that level, 0 to 255."""

    def grained(clean: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        draws = Draws(fold(torch.tensor([seed]), 0))
        levels = torch.tensor([level / 255])
        return grain.add_grain(clean[None], levels, draws, _GRAINS, widest=1.0)[0], clean

    return grained


def coarse(level: float) -> Noisy:
    """Coarse grain of that level, 0 to 255, the same in all channels and at every brightness."""

    def grained(clean: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        fine = noise.add_gaussian(torch.zeros_like(clean[None, :1]), 1.0, seed=seed)
        grains = smoothing.blur_each(fine, torch.ones(1))[0]
        return clean + level / 255 * grains / grains.std(), clean

    return grained


ROWS: dict[str, tuple[Noisy, int | None]] = {
    "phone": (by_phone, None),
    "phone, stored as JPEG 85": (by_phone, 85),
    "white, 3": (white(3), None),
    "white, 10": (white(10), None),
    "film, 4": (film(4), None),
    "film, 8": (film(8), None),
    "film, 16": (film(16), None),
    "coarse grain, 8": (coarse(8), None),
    "coarse grain, 16": (coarse(16), None),
    "coarse grain, 25": (coarse(25), None),
}
"""The kinds of noise, each with the quality of the JPEG that it is stored as, if any."""


def as_stored(noisy: Tensor, quality: int | None) -> Picture:
    """A noisy picture (3, H, W) as it comes out of a file of 8 bits."""
    picture = Picture(images.quantize(noisy.clamp(0, 1), np.uint8))
    if quality is None:
        return picture
    data, _ = images.encode(picture, "JPEG", quality=quality)
    return images.read(io.BytesIO(data))


def gains(
    denoiser: Denoiser, pictures: list[Tensor], noisy: Noisy, quality: int | None
) -> Iterator[tuple[float, float, bool, bool]]:
    """PSNR of each picture before and after, whether it was left alone, and called clean."""
    for seed, clean in enumerate(pictures):
        photo, truth = noisy(clean, seed)
        picture, truth = as_stored(photo, quality), truth.clamp(0, 1)
        done = denoiser.denoise_picture(picture)
        result, called_clean = done.picture, done.estimate.verdict == "clean"
        before, after = (metrics.psnr(one.tensor()[0], truth) for one in (picture, result))
        yield before, after, result is picture, called_clean


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="a set of the benchmark or a folder of clean pictures")
    parser.add_argument("--list", type=Path, help="a table that names the pictures to take")
    parser.add_argument("--crop", type=int, default=256, help="side of what is cut out")
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS), metavar="ROW")
    options = parser.parse_args()
    found = open_set(options.images).listed(options.list).middle(options.crop // 2 * 2)
    pictures = [found.load(file).clean for file in found.files]
    pictures = [one[:, : one.shape[1] // 2 * 2, : one.shape[2] // 2 * 2] for one in pictures]
    denoiser = Denoiser.load()
    print(f"| {found.name}, {len(pictures)} pictures | noisy | automatic | left", end="")
    print(" | called clean | least gain |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in options.rows:
        noisy, quality = ROWS[name]
        rows = list(gains(denoiser, pictures, noisy, quality))
        before, after = (statistics.mean(row[side] for row in rows) for side in (0, 1))
        least = min(row[1] - row[0] for row in rows)
        left, clean = (sum(row[side] for row in rows) for side in (2, 3))
        psnr = f"{before:.2f} | {after:.2f}"
        print(f"| {name} | {psnr} | {left} | {clean} | {least:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
