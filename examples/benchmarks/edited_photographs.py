"""What the program makes of noisy photographs that were edited before they came to it.

    python examples/benchmarks/edited_photographs.py nam25 [--crop 256] [--gray]

The images are a set of real pairs. Both pictures of a pair are edited alike, so what is left
between them is what the noise became. A row for each edit: PSNR of the photographs and of the
automatic result, how many were left alone, and the least gain of one.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics
from flowdenoise.benchmark.sets import open_set
from flowdenoise.images import Picture
from flowdenoise.noise import editing
from flowdenoise.noise.editing import EditConfig

NONE = {
    "exposure": (1.0, 1.0),
    "gamma": (1.0, 1.0),
    "contrast": (1.0, 1.0),
    "curve": (0.0, 0.0),
    "saturation": (1.0, 1.0),
    "sharpening": (0.0, 0.0),
}
"""Edits that change nothing."""


def edit(**changes: float) -> Callable[[Tensor], Tensor]:
    """A function that edits a picture (3, H, W) by the numbers of `EditConfig`."""
    ends = NONE | {name: (value, value) for name, value in changes.items()}
    config, key = EditConfig(each=1.0, **ends), torch.zeros(1, dtype=torch.int32)
    return lambda picture: editing.edit(picture[None], key, config)[0]


def resize(factor: float) -> Callable[[Tensor], Tensor]:
    """A function that resizes a picture (3, H, W) and takes a square from its middle."""

    def resized(picture: Tensor) -> Tensor:
        side = int(factor * min(picture.shape[1:]))
        return editing.resize(picture[None], torch.tensor([factor]), side)[0]

    return resized


EDITS = {
    "as it is": lambda picture: picture,
    "light times 2": edit(exposure=2.0),
    "shadows raised (gamma 0.65)": edit(gamma=0.65),
    "contrast times 1.5": edit(contrast=1.5),
    "S-curve": edit(curve=1.0),
    "saturation times 1.7": edit(saturation=1.7),
    "sharpened": edit(sharpening=1.0),
    "gamma, S-curve, saturation, sharpened": edit(
        gamma=0.65, curve=1.0, saturation=1.3, sharpening=0.6
    ),
    "reduced to 0.7": resize(0.7),
    "enlarged to 1.5": resize(1.5),
}
"""The edits by what they are called."""


def as_stored(picture: Tensor, *, gray: bool) -> Picture:
    """A picture (3, H, W) as a file of 8 bits holds it."""
    kept = metrics.luma(picture)[None] if gray else picture
    return Picture(images.quantize(kept.clamp(0, 1), np.uint8))


def row(denoiser: Denoiser, pairs: list[tuple[Tensor, Tensor]], *, gray: bool) -> str:
    """The figures of one edit of noisy photographs and their truths."""
    before, after, left = [], [], 0
    for noisy, truth in pairs:
        picture, wanted = as_stored(noisy, gray=gray), as_stored(truth, gray=gray).tensor()[0]
        result = denoiser.denoise_picture(picture)
        left += result.picture is picture
        before.append(metrics.psnr(picture.tensor()[0], wanted))
        after.append(metrics.psnr(result.picture.tensor()[0], wanted))
    least = min(b - a for a, b in zip(before, after, strict=True))
    means = f"{statistics.mean(before):.2f} | {statistics.mean(after):.2f}"
    return f"{means} | {left} | {least:+.2f}"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="a set of the benchmark or a folder of real pairs")
    parser.add_argument(
        "--crop", type=int, default=256, help="side of what is cut from the middle"
    )
    parser.add_argument("--gray", action="store_true", help="turn the photographs gray")
    options = parser.parse_args()
    found = open_set(options.images).middle(options.crop)
    samples = [found.load(file) for file in found.files]
    pairs = [(one.noisy, one.clean) for one in samples if one.noisy is not None]
    if not pairs:
        parser.error("real pairs are needed")
    denoiser = Denoiser.load()
    print(f"| {found.name}, {len(pairs)} photographs | noisy | automatic | left | least gain |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, change in EDITS.items():
        changed = [(change(noisy), change(truth)) for noisy, truth in pairs]
        print(f"| {name} | {row(denoiser, changed, gray=options.gray)} |", flush=True)


if __name__ == "__main__":
    main()
