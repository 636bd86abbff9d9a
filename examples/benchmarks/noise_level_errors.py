"""How far the estimated noise level is off: true levels against ways to store the picture.

    python examples/benchmarks/noise_level_errors.py --images IMAGES [--gray] [--wavelet]

Prints a table in Markdown of mean absolute errors (and mean errors), 0 to 255 scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from flowdenoise import images, noise
from flowdenoise.data.corpus import list_images, load_corpus
from flowdenoise.engine import Denoiser
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseLevelNet
from flowdenoise.weights import load

Stored = Callable[[Tensor], Tensor]
Estimate = Callable[[Tensor], float]


def eight_bit(noisy: Tensor) -> Tensor:
    """Clipped and rounded, as uint8."""
    return noisy.clamp(0, 1).mul(255).round().byte()


STORED: dict[str, Stored] = {
    "float, unclipped": lambda noisy: noisy,
    "8 bits": lambda noisy: eight_bit(noisy).float() / 255,
    "JPEG 95": lambda noisy: images.jpeg_round_trip(eight_bit(noisy), 95).float() / 255,
    "JPEG 75": lambda noisy: images.jpeg_round_trip(eight_bit(noisy), 75).float() / 255,
}


def by_network(address: str) -> Estimate:
    """The shipped estimator, or, as the command asks it, a prior by its likelihood."""
    network = load(address).network.eval()
    if isinstance(network, NoiseLevelNet):
        return lambda noisy: network.estimate([_even(noisy)])
    denoiser = Denoiser.load(address, offline=True)
    return lambda noisy: denoiser.estimate_sigma(Picture(noisy.permute(1, 2, 0).numpy()))


def by_wavelet(noisy: Tensor) -> float:
    """Donoho's estimate from the finest wavelets, by scikit-image."""
    from skimage.restoration import estimate_sigma as wavelet

    return float(np.mean(wavelet(noisy.numpy(), channel_axis=0)))


def _even(noisy: Tensor) -> Tensor:
    height, width = (size // 4 * 4 for size in noisy.shape[1:])
    return noisy[None, :, :height, :width]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--weights", help="by default the shipped estimator; a prior will do")
    parser.add_argument("--wavelet", action="store_true", help="the wavelet estimate instead")
    parser.add_argument("--sigma", default="0,5,10,15,25,35,50", help="true levels, 0 to 255")
    parser.add_argument("--unclipped", action="store_true", help="float pictures only")
    options = parser.parse_args()
    sigmas = [float(word) for word in options.sigma.split(",")]
    default = "noise-level-gray" if options.gray else "noise-level-color"
    estimate = by_wavelet if options.wavelet else by_network(options.weights or default)
    corpus = load_corpus(list_images(options.images), channels=1 if options.gray else 3)
    print("| stored as | " + " | ".join(f"{s:g}" for s in sigmas) + " |")
    print("| --- |" + " --- |" * len(sigmas))
    for name, stored in list(STORED.items())[: 1 if options.unclipped else None]:
        cells = []
        for sigma in sigmas:
            errors = []
            for index in range(len(corpus)):
                clean = corpus.image(index).float() / 255
                noisy = stored(noise.add_gaussian(clean, sigma / 255, seed=0))
                errors.append(255 * estimate(noisy) - sigma)
            found = torch.tensor(errors)
            cells.append(f"{found.abs().mean():.2f} ({found.mean():+.2f})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
