"""How many clean pictures are left alone, bit for bit, as PNG and as JPEG.

    python examples/benchmarks/clean_pictures.py --images FOLDER [--list docs/heldout.csv]
        [--crop 512] [--cut 3] [--enlarge 2] [--iso 1600] [--gray]

A picture that is touched is named, with what was found. JPEG is Pillow's own: color at half
resolution. Where the first rows and columns are cut away, the blocks of an earlier compression are
not those of the next. Enlarged pictures are as soft as photographs often are at their own pixels.
With an ISO, the files pretend that a camera took them at it.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import ExifTags, Image

from flowdenoise import images, noise
from flowdenoise.benchmark.sets import open_set
from flowdenoise.engine import Denoiser

FORMATS: dict[str, dict[str, int]] = {
    "PNG": {},
    "JPEG 95": {"quality": 95},
    "JPEG 75": {"quality": 75},
}


def pictures(
    folder: Path, table: Path | None, side: int | None, cut: int, channels: int, factor: float = 1
) -> Iterator[tuple[str, Image.Image]]:
    """The pictures of a folder, or those that a table names; whole, or parts of them."""
    for file in open_set(str(folder)).listed(table).files:
        pixels = images.read_uint8(file, channels)[cut:, cut:]
        picture = Image.fromarray(pixels if channels > 1 else pixels[..., 0])
        if side is not None:
            left, top = ((length - side) // 2 for length in picture.size)
            right, bottom = left + side, top + side
            picture = picture.crop((max(0, left), max(0, top), right, bottom))
        if factor != 1:
            size = (round(factor * picture.width), round(factor * picture.height))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        yield file.stem, picture


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--crop", type=int, help="side of the middle that is taken")
    parser.add_argument("--cut", type=int, default=0, help="rows and columns that are cut away")
    parser.add_argument("--enlarge", type=float, default=1, help="factor of the sides, after that")
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--iso", type=int, help="the ISO that the files state")
    parser.add_argument("--gray", action="store_true", help="turn the pictures gray")
    options = parser.parse_args()
    channels = 1 if options.gray else 3
    exif = Image.Exif()
    if options.iso is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = options.iso
    denoiser = Denoiser.load()
    touched: dict[str, list[str]] = {label: [] for label in FORMATS}
    count = 0
    found = pictures(
        options.images, options.list, options.crop, options.cut, channels, options.enlarge
    )
    for name, picture in found:
        count += 1
        for label, settings in FORMATS.items():
            file = io.BytesIO()
            picture.save(file, label.split()[0], exif=exif, **settings)
            estimate = denoiser.estimate(images.read(file.getvalue()))
            if not estimate.untouched:
                level = f"{noise.to_255(estimate.sigma):.1f}"
                touched[label].append(f"{name} ({estimate.verdict} {level})")
    print(f"| {count} clean pictures as | left alone | touched |\n| --- | ---: | --- |")
    for label, names in touched.items():
        print(f"| {label} | {1 - len(names) / count:.1%} | {', '.join(names)} |")


if __name__ == "__main__":
    main()
