"""How many clean pictures are left alone, bit for bit, as PNG and as JPEG.

    python examples/benchmarks/clean_pictures.py --images FOLDER [--crop 512]

A picture that is touched is named, with what was found. JPEG is Pillow's own: color at half
resolution.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from flowdenoise import images, noise
from flowdenoise.engine import Denoiser

FORMATS: dict[str, dict[str, int]] = {
    "PNG": {},
    "JPEG 95": {"quality": 95},
    "JPEG 75": {"quality": 75},
}


def pictures(folder: Path, side: int | None) -> Iterator[tuple[str, Image.Image]]:
    """The pictures of a folder, whole or their middles, each with its name."""
    for file in sorted(file for file in folder.iterdir() if images.looks_like_image(file)):
        picture = Image.fromarray(images.read_uint8(file, 3))
        if side is not None:
            left, top = ((length - side) // 2 for length in picture.size)
            right, bottom = left + side, top + side
            picture = picture.crop((max(0, left), max(0, top), right, bottom))
        yield file.stem, picture


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--crop", type=int, help="side of the middle that is taken")
    options = parser.parse_args()
    denoiser = Denoiser.load()
    touched: dict[str, list[str]] = {label: [] for label in FORMATS}
    count = 0
    for name, picture in pictures(options.images, options.crop):
        count += 1
        for label, settings in FORMATS.items():
            file = io.BytesIO()
            picture.save(file, label.split()[0], **settings)
            estimate = denoiser.estimate(images.read(file.getvalue()))
            if not estimate.untouched:
                level = f"{noise.to_255(estimate.sigma):.1f}"
                touched[label].append(f"{name} ({estimate.verdict} {level})")
    print(f"| {count} clean pictures as | left alone | touched |\n| --- | ---: | --- |")
    for label, names in touched.items():
        print(f"| {label} | {1 - len(names) / count:.1%} | {', '.join(names)} |")


if __name__ == "__main__":
    main()
