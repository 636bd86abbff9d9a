"""Crops of photographs before and after, at their own size, on one sheet.

    python examples/experiments/contact_sheet.py PHOTO ... --out sheet.png
    python examples/experiments/contact_sheet.py PHOTO --crop 360x240+1000+600 --out docs/crop.png

Under each pair stands what was found, or --words. The crop is the middle of a photograph, or the
one named.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flowdenoise import images, noise
from flowdenoise.engine import Crop, Denoiser
from flowdenoise.images import quantize
from flowdenoise.images.drawing import Sheet

LINE, GAP = 22, 8


def middle(width: int, height: int, side: int) -> Crop:
    """A square of that side in the middle of a picture, or as much as there is."""
    wide, high = min(side, width), min(side, height)
    return Crop(wide, high, (width - wide) // 2, (height - high) // 2)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--crop", type=Crop.parse)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--columns", type=int, default=3, help="pairs beside each other")
    parser.add_argument("--detail", type=float, default=0.0)
    parser.add_argument("--zoom", type=int, default=1, help="size of a pixel on the sheet")
    parser.add_argument("--words", help="words under each pair")
    options = parser.parse_args()
    denoiser = Denoiser.load()
    cells = []
    for photo in options.photos:
        picture = images.read(photo)
        crop = options.crop or middle(picture.width, picture.height, options.side)
        result = denoiser.denoise_picture(picture, crop=crop, detail=options.detail)
        before = picture.part(*crop.of(picture.width, picture.height))
        verdict = "" if result.estimate is None else result.estimate.verdict
        words = f"{photo.stem}: {verdict} {noise.to_255(result.sigma):.1f}"
        shown = [
            quantize(part.tensor(), "uint8").repeat(options.zoom, 0).repeat(options.zoom, 1)
            for part in (before, result.picture)
        ]
        cells.append((options.words or words, shown))
        print(words)
    columns = min(options.columns, len(cells))
    wide = max(2 * shown[0].shape[1] + GAP for _, shown in cells) + GAP
    high = max(shown[0].shape[0] for _, shown in cells) + LINE
    sheet = Sheet(columns * wide, -(-len(cells) // columns) * high)
    for index, (words, shown) in enumerate(cells):
        top, left = index // columns * high, index % columns * wide
        for place, pixels in enumerate(shown):
            sheet.paste(pixels, left + place * (pixels.shape[1] + GAP), top)
        sheet.text(words, left, top + high - LINE + 2, wide - GAP, size=12)
    sheet.write(options.out)


if __name__ == "__main__":
    main()
