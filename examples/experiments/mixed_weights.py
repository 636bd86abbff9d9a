"""PSNR of means of two files of weights, from one to the other, on the middles of pictures.

    python examples/experiments/mixed_weights.py FIRST SECOND --images FOLDER [--list FILE]

Noise is white and told, 192x192 pixels, nothing is rounded.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from pathlib import Path

import torch

from flowdenoise import images, metrics, noise, weights

SIDE = 192
SHARES = (0.0, 0.35, 0.5, 0.65, 1.0)
LEVELS = (15, 25, 50)


def middles(folder: Path, names: set[str]) -> list[torch.Tensor]:
    """The middles of the pictures that are large enough, (3, SIDE, SIDE) each."""
    found = []
    for file in sorted(folder.iterdir()):
        if not images.looks_like_image(file) or (names and file.name not in names):
            continue
        picture = images.read_uint8(file, 3)
        top, left = ((side - SIDE) // 2 for side in picture.shape[:2])
        if min(top, left) >= 0:
            middle = picture[top : top + SIDE, left : left + SIDE].copy()
            found.append(torch.from_numpy(middle).permute(2, 0, 1).float() / 255)
    return found


@torch.no_grad()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument(
        "--list", type=Path, help="a table whose first column has the names, as docs/heldout.csv"
    )
    options = parser.parse_args()
    first, second = (weights.load(name).network.eval() for name in (options.first, options.second))
    rows = options.list.read_text().splitlines() if options.list else []
    names = {row.split(",")[0] for row in rows}
    pictures = middles(options.images, names)
    print("| share of the second |", *(f"{level} |" for level in LEVELS))
    print("| --- |" + " --- |" * len(LEVELS))
    for share in SHARES:
        network, other = copy.deepcopy(first), second.state_dict()
        state = {name: own.lerp(other[name], share) for name, own in first.state_dict().items()}
        network.load_state_dict(state)
        row = []
        for level in LEVELS:
            sigma = level / 255
            values = []
            for index, clean in enumerate(pictures):
                noisy = noise.add_gaussian(clean, sigma, seed=index)
                values.append(metrics.psnr(network(noisy[None], sigma)[0].float(), clean))
            row.append(f"{statistics.mean(values):.2f} |")
        print(f"| {share} |", *row)


if __name__ == "__main__":
    main()
