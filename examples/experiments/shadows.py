"""Does denoising keep the brightness of shadows and highlights? Mean shift in bands of 16 levels.

A gray ramp gets the noise of light (so many photons at white), or white noise that the file cuts
off at black and white, or none; it is stored in 8 bits and denoised automatically, without noise
told sigma 5.

    python examples/experiments/shadows.py
"""

from __future__ import annotations

import numpy as np

from flowdenoise import Denoiser
from flowdenoise.images import Picture

HEIGHT, WIDTH, SIGMA = 256, 512, 25 / 255
KINDS = ("30 photons", "100 photons", "sigma 25", "none")


def noisy(clean: np.ndarray, kind: str) -> np.ndarray:
    """The ramp as a file holds it, (H, W, 1) uint8."""
    random = np.random.default_rng(0)
    values = clean
    if kind.endswith("photons"):
        photons = int(kind.split()[0])
        values = random.poisson(clean * photons) / photons
    elif kind != "none":
        values = clean + SIGMA * random.standard_normal(clean.shape)
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def main() -> None:
    """Print a table."""
    denoiser = Denoiser.load()
    ramp = np.linspace(0, 1, WIDTH, dtype=np.float64)[None, :, None].repeat(HEIGHT, 0)
    bands = (16 * ramp).astype(int).clip(max=15)
    firsts = range(0, 256, 16)
    print("| levels from | " + " | ".join(str(first) for first in firsts) + " |")
    print("| --- |" + " --- |" * 16)
    for kind in KINDS:
        picture = Picture(noisy(ramp, kind))
        result = denoiser.denoise_picture(picture, 5 / 255 if kind == "none" else "auto")
        error = result.picture.samples - 255 * ramp
        shifts = (f"{error[bands == band].mean():+.1f}" for band in range(16))
        print(f"| {kind} | " + " | ".join(shifts) + " |")


if __name__ == "__main__":
    main()
