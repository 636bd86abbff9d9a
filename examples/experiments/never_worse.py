"""Is the result ever worse than the file that came in? PSNR of both, noise weak to strong.

Noise is added to clean pictures, which are stored in 8 bits as files are, and denoised as the
command does, told the level and automatically. "Network" is the bare network without what guards
it. Worst is the picture that gains least: below zero it came out worse than it came in.

    python examples/experiments/never_worse.py --images FOLDER --crop 384 --limit 12
    python examples/experiments/never_worse.py --images open-photos-2 --list docs/heldout.csv
    python examples/experiments/never_worse.py --drawn
"""

from __future__ import annotations

import argparse
import colorsys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from flowdenoise import Denoiser, images, metrics, noise, weights
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.corpus import list_images
from flowdenoise.images import Picture

SIDE = 256
PAPERS = ((0, 0, 0), (255, 255, 255), (24, 40, 90), (250, 240, 220))
WORDS = "noise goes, lines and letters stay as they are, thin and bold; 0123456789 "


def hues(count: int = 12) -> list[tuple[int, ...]]:
    """Saturated colors all around the circle."""
    colors = (colorsys.hsv_to_rgb(index / count, 1, 1) for index in range(count))
    return [tuple(round(255 * value) for value in color) for color in colors]


def lines(paper: tuple[int, ...]) -> np.ndarray:
    """Lines of 1 to 3 pixels in all hues, upright and aslant."""
    sheet = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(sheet)
    for index, color in enumerate(hues() + hues()):
        x = 6 + 10 * index
        draw.line((x, 4, x, 120), fill=color, width=1 + index % 3)
        draw.line((x, 136, SIDE - x, 250), fill=color, width=1 + index % 3)
    return np.array(sheet)


def text(paper: tuple[int, ...]) -> np.ndarray:
    """Text of 9 to 16 pixels, black or white and in colors."""
    sheet = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(sheet)
    plain = (0, 0, 0) if sum(paper) > 380 else (255, 255, 255)
    for row in range(14):
        ink = hues(7)[row // 2] if row % 2 else plain
        font = ImageFont.load_default(9 + row % 8)
        draw.text((5, 4 + 18 * row), (WORDS * 2)[3 * row :], fill=ink, font=font)
    return np.array(sheet)


def chart(paper: tuple[int, ...]) -> np.ndarray:
    """Flat saturated fields with sharp borders, and stripes of two pixels between them."""
    samples = np.empty((SIDE, SIDE, 3), np.uint8)
    samples[:] = paper
    for index, color in enumerate(hues(16)):
        top, left = 8 + 62 * (index // 4), 8 + 62 * (index % 4)
        samples[top : top + 54, left : left + 26] = color
        samples[top : top + 54, left + 28 : left + 54 : 4] = color
        samples[top : top + 54, left + 29 : left + 54 : 4] = color
    return samples


DRAWINGS: dict[str, Callable[[tuple[int, ...]], np.ndarray]] = {
    "lines": lines,
    "text": text,
    "chart": chart,
}


def drawn() -> Iterator[np.ndarray]:
    """All drawings on all papers."""
    yield from (draw(paper) for draw in DRAWINGS.values() for paper in PAPERS)


def photographs(paths: Sequence[Path], crop: int, limit: int) -> Iterator[np.ndarray]:
    """The middle of evenly chosen pictures."""
    for path in paths[:: max(1, -(-len(paths) // limit))]:
        pixels = images.read_uint8(path, 3)
        top, left = (max(0, (side - crop) // 2) for side in pixels.shape[:2])
        yield pixels[top : top + crop, left : left + crop]


class Trial:
    """Denoises pictures in three ways.

    Args:
        gray: Whether the pictures are gray, and stored in three channels.
    """

    def __init__(self, *, gray: bool) -> None:
        self.denoiser, self.gray = Denoiser.load(), gray
        self.bare = weights.load("gray" if gray else "color").network.eval()

    def __call__(self, clean: np.ndarray, sigma: float) -> list[float]:
        """PSNR of a picture as it comes in, by the bare network, told, and automatically."""
        planes = torch.from_numpy(np.ascontiguousarray(clean)).permute(2, 0, 1).float() / 255
        if self.gray:
            planes = planes[1:2]
        noisy = images.quantize(noise.add_gaussian(planes, sigma, seed=0), "uint8")
        picture = Picture(noisy.repeat(3, 2) if self.gray else noisy)
        results = [picture.tensor(), self._bare(noisy, sigma)]
        results += [
            self.denoiser.denoise_picture(picture, level).picture.tensor()
            for level in (sigma, "auto")
        ]
        return [metrics.psnr(result[0], planes.expand_as(result[0])) for result in results]

    @torch.no_grad()
    def _bare(self, noisy: np.ndarray, sigma: float) -> torch.Tensor:
        tensor = Picture(noisy).tensor()
        height, width = tensor.shape[-2:]
        step = self.bare.config.stride
        padded = F.pad(tensor, (0, -width % step, 0, -height % step), "reflect")
        result = self.bare(padded, sigma)[..., :height, :width].clamp(0, 1)
        return result.mul(255).round() / 255


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, nargs="*", default=[])
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--drawn", action="store_true", help="lines, text and charts drawn here")
    parser.add_argument("--gray", action="store_true", help="gray, stored as RGB")
    parser.add_argument("--crop", type=int, default=10**6)
    parser.add_argument("--limit", type=int, default=10**6)
    parser.add_argument("--sigma", default="1,2,3,5,10", help="0 to 255")
    options = parser.parse_args()
    pictures = list(drawn()) if options.drawn else []
    if options.images:
        paths = list_images(options.images)
        if options.list:
            paths = open_set(str(options.images[0])).listed(options.list).files
        pictures += photographs(paths, options.crop, options.limit)
    trial = Trial(gray=options.gray)
    print("| sigma | comes in | network | worst | told | worst | automatic | worst |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for word in options.sigma.split(","):
        sigma = noise.from_255(float(word))
        table = np.array([trial(picture, sigma) for picture in pictures])
        cells = [f"{table[:, 0].mean():.2f}"]
        for column in (1, 2, 3):
            gains = table[:, column] - table[:, 0]
            cells += [f"{table[:, column].mean():.2f}", f"{gains.min():+.2f}"]
        print("| " + " | ".join((word, *cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
