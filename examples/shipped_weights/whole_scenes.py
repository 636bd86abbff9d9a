"""Make the part of the training corpus that shows whole scenes in few pixels.

    python examples/shipped_weights/whole_scenes.py IMAGES... --out FOLDER

Photographs that were reduced are full of fine detail, which is easily taken for noise. Crops of
larger pictures do not show it, so each picture is reduced until its shorter side has about as many
pixels as a crop that is cut from it. What is smaller already stays as it is.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from enlarged import change_all
from PIL import Image

SIDE, LEAST = 260, 256
FILTERS = (Image.Resampling.BOX, Image.Resampling.LANCZOS)


def reduce(file: Path, out: Path) -> None:
    """Write a picture whose shorter side has `SIDE` pixels; smaller ones are left out."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    factor = min(1.0, SIDE / min(picture.size))
    width, height = (max(round(factor * side), min(side, SIDE)) for side in picture.size)
    resampling = FILTERS[zlib.crc32(file.name.encode()) % len(FILTERS)]
    reduced = picture.resize((width, height), resampling)
    if min(reduced.size) >= LEAST:
        reduced.save(out / f"{file.stem}.png", compress_level=1)


if __name__ == "__main__":
    change_all(reduce, __doc__)
