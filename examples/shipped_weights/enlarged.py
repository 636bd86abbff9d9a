"""Make the part of the training corpus that is as soft as photographs are at their own pixels.

    python examples/shipped_weights/enlarged.py IMAGES... --out FOLDER

Corpora hold pictures that were reduced, so their finest detail is as strong as any other. At the
pixels of a camera it is not: of the clean pictures of Nam25 the detail of one pixel has a third of
the contrast of detail of four, where BSDS500 has nine tenths. A network that learns from reduced
pictures alone takes too much of a photograph's noise for detail. So each picture is enlarged by a
factor of its own, and a part of it is kept; the same name gives the same part.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from flowdenoise.images import looks_like_image

SMALLEST, LARGEST = 1.3, 3.5
SIDE = 640


def enlarge(file: Path, out: Path) -> None:
    """Write a part of a picture that was enlarged."""
    rng = np.random.default_rng(zlib.crc32(file.name.encode()))
    factor = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    width, height = (min(side, int(SIDE / factor)) for side in picture.size)
    left, top = (
        int(rng.integers(0, whole - part + 1))
        for whole, part in zip(picture.size, (width, height), strict=True)
    )
    size = (round(factor * width), round(factor * height))
    box = (left, top, left + width, top + height)
    resized = picture.resize(size, Image.Resampling.LANCZOS, box=box)
    resized.save(out / f"{file.stem}-enlarged.png", compress_level=1)


def change_all(change: Callable[[Path, Path], None], description: str | None) -> None:
    """Change all pictures of the folders that the command line names.

    Args:
        change: A function of the file of a picture and the folder to write into.
        description: What the command does.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("images", type=Path, nargs="+", help="folders of pictures")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for folder in options.images:
        for file in sorted(filter(looks_like_image, folder.iterdir())):
            change(file, options.out)


if __name__ == "__main__":
    change_all(enlarge, __doc__)
