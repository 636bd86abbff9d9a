"""What it brings to undo the cutting of noise at black and white: PSNR with and without.

Noise is added to each image, and the result stored in 8 bits as a camera would. "Without" is the
network's own output, `Denoiser.forward`; "with" is what `flowdenoise denoise` writes.

    python examples/benchmarks/clipped_noise.py --images FOLDER
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch

from flowdenoise import Denoiser, images, metrics, noise
from flowdenoise.data.corpus import list_images
from flowdenoise.images import Picture


def trial(denoiser: Denoiser, clean: torch.Tensor, sigma: float) -> tuple[float, float]:
    """PSNR of one (C, H, W) image without and with the correction, both rounded to 8 bits."""
    noisy = noise.add_gaussian(clean, sigma, seed=0)
    samples = images.quantize(noisy, "uint8")
    picture = Picture(samples)
    with torch.no_grad():
        plain = denoiser(picture.tensor(), sigma)[0]
    plain = (plain.clamp(0, 1) * 255).round() / 255
    corrected = denoiser.denoise_picture(picture, sigma).picture.tensor()[0]
    return metrics.psnr(plain, clean), metrics.psnr(corrected, clean)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--sigma", default="5,15,25,35,50", help="0 to 255")
    options = parser.parse_args()
    denoiser = Denoiser.load()
    print("| sigma | without | with | least gain | largest gain |")
    print("| --- | --- | --- | --- | --- |")
    for word in options.sigma.split(","):
        pairs = []
        for path in list_images(options.images):
            pixels = images.read_uint8(path, 1 if options.gray else 3)
            clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
            pairs.append(trial(denoiser, clean, noise.from_255(float(word))))
        without, with_it = (statistics.mean(values) for values in zip(*pairs, strict=True))
        gains = [after - before for before, after in pairs]
        row = (f"{without:.2f}", f"{with_it:.2f}", f"{min(gains):+.2f}", f"{max(gains):+.2f}")
        print("| " + " | ".join((word, *row)) + " |")


if __name__ == "__main__":
    main()
