"""What a blind spot costs: Noise2Void beside what hiding a pixel allows, and with the pixel back.

    python examples/experiments/blind_spot.py bsds500-val32 --sigma 25 --limit 8 --data-dir FOLDER

A network that can't see a pixel loses what the pixel itself tells of its value. Gray pictures,
protocol `awgn`, at pixels of a lattice of 16 by 16 at some random offsets. Rows:

- `noise2void`, which learned to see a little of the pixel, and `gray`, which sees it and is told
  the level.
- `limit`: where the posterior of a pixel is Gaussian with the variance p, that of the pixel given
  all others is v = p s^2 / (s^2 - p), and p = s^2 J for the best denoiser, J the derivative of its
  output by the same pixel (Tweedie's formula). The mean of s^2 J / (1 - J), with the J of `gray`,
  is the least squared error of a blind spot that knows what `gray` knows.
- `mixed`: Noise2Void and the noisy picture, each by how sure it is: the method `n2v-mixed` of the
  benchmark (`flowdenoise.benchmark.methods.noise2void`).
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from flowdenoise import images, noise, weights
from flowdenoise.benchmark.methods.noise2void import mixed
from flowdenoise.benchmark.sets import open_set
from flowdenoise.training.denoiser_stage import whole

LATTICE = 16
"""Pixels so far apart are changed at once and hardly see one another."""
STEP = 0.1  # of the level, for the difference quotient
MOST = 0.98  # of the derivative, beyond which its inverse means nothing


exactly = partial(whole, exact=True)  # derivatives need the digits of float32


def derivative(denoiser: nn.Module, noisy: Tensor, sigma: float, spots: Tensor) -> Tensor:
    """The derivative of each spot's output by the spot itself, (H, W), zero elsewhere."""
    step = STEP * sigma * spots
    higher, lower = (exactly(denoiser, changed, sigma) for changed in (noisy + step, noisy - step))
    return ((higher - lower)[0] / (2 * STEP * sigma)).clamp(0, MOST) * spots


def errors(
    networks: dict[str, nn.Module], clean: Tensor, sigma: float, seed: int, offsets: int
) -> dict[str, float]:
    """The summed squared errors of each row at the spots of one picture (1, H, W), and `count`."""
    noisy = noise.add_gaussian(clean, sigma, seed=seed)
    results = {name: exactly(network, noisy, sigma) for name, network in networks.items()}
    results["mixed"] = mixed(
        lambda image: exactly(networks["noise2void"], image[0], sigma)[None], noisy[None], sigma
    )[0]
    results["noisy"] = noisy
    sums = dict.fromkeys((*results, "limit", "count"), 0.0)
    chosen = torch.Generator().manual_seed(seed)
    for _ in range(offsets):
        row, column = (int(n) for n in torch.randint(LATTICE, (2,), generator=chosen))
        spots = torch.zeros_like(clean[0])
        spots[row::LATTICE, column::LATTICE] = 1
        for name, result in results.items():
            sums[name] += float(((result - clean).square() * spots).sum())
        own = derivative(networks["gray"], noisy, sigma, spots)
        sums["limit"] += float((sigma**2 * own / (1 - own)).sum())
        sums["count"] += float(spots.sum())
    return sums


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("--sigma", type=float, default=25.0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--offsets", type=int, default=6)
    parser.add_argument("--data-dir", type=Path, help="folder of the set; it is fetched without")
    options = parser.parse_args()
    loaded = {name: weights.load(name).network for name in ("n2v-gray", "gray")}
    networks = {"noise2void": loaded["n2v-gray"], "gray": loaded["gray"]}
    sigma = noise.from_255(options.sigma)
    files = open_set(options.set, gray=True, data_dir=options.data_dir).files
    totals: dict[str, list[float]] = {}
    for index, file in enumerate(files[: options.limit]):
        clean = torch.from_numpy(images.read_uint8(file, 1)).permute(2, 0, 1) / 255
        sums = errors(networks, clean, sigma, index, options.offsets)
        for name in sums.keys() - {"count"}:
            psnr = -10 * math.log10(sums[name] / sums["count"])
            totals.setdefault(name, []).append(psnr)
    for name in ("noisy", "noise2void", "limit", "mixed", "gray"):
        print(f"{name:12s} {sum(totals[name]) / len(totals[name]):.2f}")


if __name__ == "__main__":
    main()
