"""Make the part of the training corpus that has full-resolution chroma: halved pictures, charts.

    python examples/shipped_weights/full_chroma.py --bsds IMAGES --out FOLDER

All JPEGs of BSDS500 hold color at half resolution, so a network that sees only them can't hold
fine saturated color. Averaged over 2x2 pixels they have full chroma; and drawn charts have what
photographs lack: lines, text and flat areas in every hue. The same seed draws the same charts.
"""

from __future__ import annotations

import argparse
import colorsys
import string
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE, CHARTS = 448, 120


def halve(file: Path, out: Path) -> None:
    """Write a picture averaged over 2x2 pixels."""
    pixels = np.asarray(Image.open(file).convert("RGB"), np.float32)
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    Image.fromarray(blocks.mean((1, 3)).round().astype(np.uint8)).save(out / f"{file.stem}.png")


def color(rng: np.random.Generator) -> tuple[int, int, int]:
    """A color, more often saturated, black or white than chance would have it."""
    kind = rng.random()
    if kind < 0.2:
        return (int(rng.integers(2)) * 255,) * 3
    if kind < 0.3:
        return (int(rng.integers(256)),) * 3
    saturation = 1.0 if kind < 0.6 else rng.random()
    value = 1.0 if rng.random() < 0.4 else rng.uniform(0.1, 1)
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def chart(seed: int) -> Image.Image:
    """Flat areas, ramps, lines of 1 to 4 pixels, discs and text."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (SIDE, SIDE), color(rng))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 9))):
        left, top = rng.integers(0, SIDE, 2)
        width, height = rng.integers(24, SIDE, 2)
        box = (int(left), int(top), int(left + width), int(top + height))
        if rng.random() < 0.3:
            pen.ellipse(box, fill=color(rng))
        elif rng.random() < 0.3:
            picture.paste(ramp(rng, int(width), int(height)), box[:2])
        else:
            pen.rectangle(box, fill=color(rng))
    for _ in range(int(rng.integers(8, 40))):
        ends = [int(value) for value in rng.integers(0, SIDE, 4)]
        if rng.random() < 0.4:  # upright and level lines, as in charts
            ends[2 + int(rng.integers(2))] = ends[int(rng.integers(2))]
        pen.line(ends, fill=color(rng), width=int(rng.integers(1, 5)))
    stripes(rng, pen)
    letters = np.array(list(string.ascii_letters + string.digits + " .,"))
    for _ in range(int(rng.integers(4, 20))):
        words = "".join(rng.choice(letters, int(rng.integers(4, 30))))
        place = (int(rng.integers(0, SIDE)), int(rng.integers(0, SIDE)))
        font = ImageFont.load_default(size=int(rng.integers(8, 40)))
        pen.text(place, words, fill=color(rng), font=font)
    return picture


def ramp(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A change from one color to another."""
    ends = np.array([color(rng), color(rng)], np.float32)
    share = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    pixels = np.broadcast_to(ends[0] + share * (ends[1] - ends[0]), (height, width, 3))
    return Image.fromarray(pixels.round().astype(np.uint8))


def stripes(rng: np.random.Generator, pen: ImageDraw.ImageDraw) -> None:
    """Fine stripes of two colors, upright or level."""
    left, top = (int(value) for value in rng.integers(0, SIDE - 64, 2))
    first, second, period = color(rng), color(rng), int(rng.integers(2, 9))
    upright = rng.random() < 0.5
    for place in range(0, 64 + int(rng.integers(96)), period):
        for offset, ink in ((0, first), (period // 2, second)):
            at = place + offset
            line = (
                (left + at, top, left + at, top + 96)
                if upright
                else (left, top + at, left + 96, top + at)
            )
            pen.line(line, fill=ink, width=max(1, period // 2))


def main() -> None:
    """Write both folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bsds", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    halved, charts = options.out / "bsds-halved", options.out / "charts"
    for folder in (halved, charts):
        folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(options.bsds.glob("*.jpg")):
        halve(file, halved)
    for seed in range(CHARTS):
        chart(seed).save(charts / f"chart-{seed:03}.png")


if __name__ == "__main__":
    main()
