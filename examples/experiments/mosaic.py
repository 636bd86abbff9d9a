"""What photographs lose if a row or a column is cut away, so that their mosaic begins elsewhere.

    python examples/experiments/mosaic.py bsds500-val32 [--camera phone] [--effort fast ...]

A simulated camera takes a photograph of the middle 256x256 of every second picture of the folder.
Each row is an effort, each column what is cut away, and the last two what the program made of the
mosaic: how many photographs it takes for whole, and for cut by a column, that are so.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from torch import Tensor

from flowdenoise import Denoiser, metrics
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.estimation import LEARNED, mosaic_phase
from flowdenoise.images import Picture, quantize
from flowdenoise.noise import camera
from flowdenoise.training.validation_photos import Pair, validation_photos

CUTS = {"whole": (0, 0), "without a column": (0, 1), "a row": (1, 0), "both": (1, 1)}
BORDER = 4  # pixels that are not measured


def photographs(folder: Path, kind: str, step: int) -> list[Pair]:
    """The simulated photographs of some of a folder's pictures."""
    files = open_set(str(folder)).files[::step]
    config = DataConfig(validation=tuple(map(str, files)))
    photos = validation_photos(Sources(config), smallest=64, stride=2, most=len(files))
    return list(photos[kind])


def cut(photo: Tensor, where: tuple[int, int]) -> Tensor:
    """A photograph (3, H, W) without its first rows and columns, (1, 3, h, w)."""
    return photo[None, :, where[0] :, where[1] :].contiguous()


def psnr(denoiser: Denoiser, pair: Pair, where: tuple[int, int]) -> float:
    """What the program makes of a photograph that is cut."""
    noisy, truth = (cut(one, where) for one in pair)
    result = denoiser.denoise_picture(Picture(quantize(noisy, "uint8"))).picture.tensor()
    inside = (..., slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return metrics.psnr(result[inside], truth[inside])


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="folder of clean pictures")
    parser.add_argument("--camera", choices=list(camera.CAMERAS), default="phone")
    parser.add_argument("--effort", action="append", default=["normal"])
    parser.add_argument("--step", type=int, default=2, help="take every so many-th picture")
    options = parser.parse_args()
    photos = photographs(options.images, options.camera, options.step)
    found = [mosaic_phase(cut(noisy, (0, 0))) == LEARNED for noisy, _ in photos]
    moved = [mosaic_phase(cut(noisy, (0, 1))) != LEARNED for noisy, _ in photos]
    print(
        f"{options.camera}: of {len(photos)}, {sum(found)} whole and {sum(moved)} cut are told\n"
    )
    print("| effort |", " | ".join(CUTS), "|")
    print("| --- |" + " ---: |" * len(CUTS))
    for effort in options.effort:
        denoiser = Denoiser.load(effort=effort)
        means = (
            statistics.mean(psnr(denoiser, pair, where) for pair in photos)
            for where in CUTS.values()
        )
        print(f"| {effort} |", " | ".join(f"{mean:.2f}" for mean in means), "|")


if __name__ == "__main__":
    main()
