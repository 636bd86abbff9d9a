"""Is a picture harmed whose noise is faint, or that has none? Parts of photographs, nothing told.

Each picture is seen in parts: its middle and, if it is large enough, its middle reduced to half
the size and a corner. A part without noise should stay as it is; one with faint white noise should
come out no worse than it came in. The table counts the parts that fare worse by more than 0.05 dB,
and names the worst. A part without noise has 70 dB before, which is the most that a result has.

    python examples/experiments/faint_noise.py bsds500-val32
    python examples/experiments/faint_noise.py open-photos-2 --list docs/heldout.csv --gray
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from flowdenoise import Denoiser, images, metrics, noise
from flowdenoise.benchmark.sets import open_set
from flowdenoise.images import Picture

LARGE, SIDE = 600, 400
SAME = 70.0  # dB, of what nobody can tell from the truth
WORSE = 0.05


def parts(file: Path) -> Iterator[np.ndarray]:
    """Parts of a picture, (h, w, 3); a small picture has one."""
    pixels = images.read_uint8(file, 3)
    yield middle(pixels, SIDE)
    if min(pixels.shape[:2]) > LARGE:
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        yield middle(np.array(Image.fromarray(pixels).resize(half, Image.Resampling.BOX)), SIDE)
        yield pixels[64 : 64 + SIDE, 64 : 64 + SIDE]


def middle(pixels: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture."""
    top, left = (max(0, (length - side) // 2) for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def gain(denoiser: Denoiser, clean: Tensor, sigma: float) -> float:
    """What a part (C, h, w) gains, in dB, stored in 8 bits with noise of a level."""
    values = noise.add_gaussian(clean, sigma, seed=0) if sigma else clean
    picture = Picture(images.quantize(values, "uint8"))
    before, after = (
        min(SAME, metrics.psnr(one.tensor()[0], clean))
        for one in (picture, denoiser.denoise_picture(picture).picture)
    )
    return after - before


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", help="a folder of clean pictures")
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--sigma", default="0,1,2,4", help="0 to 255")
    parser.add_argument("--gray", action="store_true", help="turn the pictures gray")
    parser.add_argument("--limit", type=int, help="take the first pictures only")
    options = parser.parse_args()
    found = open_set(options.images)
    files = (found.listed(options.list) if options.list else found).files[: options.limit]
    denoiser = Denoiser.load()
    shown: list[tuple[str, Tensor]] = []
    for file in files:
        for pixels in parts(file):
            clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
            gray = metrics.luma(clean)[None].mul(255).round() / 255
            shown.append((file.stem, gray if options.gray else clean))
    print("| sigma | parts | mean gain | fare worse | worst |")
    print("| ---: | ---: | ---: | ---: | --- |")
    for word in options.sigma.split(","):
        gains = [(gain(denoiser, part, noise.from_255(float(word))), name) for name, part in shown]
        values = np.array([value for value, _ in gains])
        least, name = min(gains)
        worst = f"{least:+.2f} ({name})" if least < -WORSE else ""
        row = (word, len(values), f"{values.mean():+.2f}", int((values < -WORSE).sum()), worst)
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
