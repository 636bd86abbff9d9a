"""Choose colorful pictures of a folder for validation, and write them down as CSV.

python examples/shipped_weights/heldout.py IMAGES > docs/heldout.csv

A picture is as colorful as its chroma is strong beside its luma: the root of the summed variances
of Cb and Cr, divided by the standard deviation of Y (BT.601). Every second of the most colorful is
chosen, so that training, which never sees those, still has others like them.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowdenoise import images
from flowdenoise.data.corpus import list_images

_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)


def chroma_to_luma(pixels: npt.NDArray[np.uint8]) -> float:
    """The ratio of an image, (H, W, 3)."""
    luma, blue, red = (pixels.reshape(-1, 3) / 255 @ _YCBCR.T).var(axis=0)
    return float(np.sqrt((blue + red) / max(luma, 1e-12)))


def main() -> None:
    """Print the chosen names in alphabetical order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--count", type=int, default=50)
    options = parser.parse_args()
    ratios = {
        file.name: chroma_to_luma(images.read_uint8(file, 3))
        for file in list_images([options.images])
    }
    ranked = sorted(ratios, key=lambda name: (-ratios[name], name))
    chosen = sorted(ranked[: 2 * options.count : 2])
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["image", "chroma_to_luma"])
    writer.writerows([name, f"{ratios[name]:.3f}"] for name in chosen)


if __name__ == "__main__":
    main()
