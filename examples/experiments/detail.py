"""What `--detail` gives back: PSNR and contrast of fine detail against the truth.

    python examples/experiments/detail.py --images FOLDER --pairs FOLDER [--limit 8]

The sources are those of `mean_shift.py`; contrast is the mean difference of neighbors, 1 for the
truth's own.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from pathlib import Path

import torch
from mean_shift import pairs, simulated
from torch import Tensor

from flowdenoise.engine import Denoiser, RemovalConfig
from flowdenoise.images import Picture, quantize
from flowdenoise.metrics import psnr
from flowdenoise.noise import camera

SHARES = (0.0, 0.5, 1.0)


def contrast(picture: Tensor) -> Tensor:
    """The mean difference of neighbors in brightness, of (3, h, w)."""
    gray = picture.mean(0)
    return (gray[:, 1:] - gray[:, :-1]).abs().mean() + (gray[1:] - gray[:-1]).abs().mean()


def measure(denoiser: Denoiser, source: Iterable[Tensor]) -> Tensor:
    """Mean PSNR and contrast for each of `SHARES`, (shares, 2)."""
    rows = []
    for noisy, truth in source:
        examined = denoiser.examine(Picture(quantize(noisy, "uint8")), noise="camera")
        for share in SHARES:
            result = denoiser.remove(examined, RemovalConfig(detail=share)).tensor()[0]
            figures = float(psnr(result[None], truth[None])), contrast(result) / contrast(truth)
            rows.append(torch.tensor(figures))
    return torch.stack(rows).reshape(-1, len(SHARES), 2).mean(0)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()
    denoiser = Denoiser.load()
    sources = {
        f"{name}, ISO {iso}": simulated(options.images, name, iso, options.side)
        for name, iso in zip(camera.CAMERAS, (1600, 25600, 25600), strict=True)
    }
    if options.pairs is not None:
        sources[options.pairs.name] = pairs(options.pairs, options.side)
    print("| noise | " + " | ".join(f"{share:g}" for share in SHARES) + " |")
    print("| --- |" + " ---: |" * len(SHARES))
    for name, source in sources.items():
        found = measure(denoiser, itertools.islice(source, options.limit)).tolist()
        print(f"| {name} | " + " | ".join(f"{db:.2f} ({c:.2f})" for db, c in found) + " |")


if __name__ == "__main__":
    main()
