"""Noise that is not white and Gaussian, its level unknown: blur and n2v, and the prior.

Makes really noisy pictures of clean ones, trains a small denoiser on them by `flowdenoise
train-denoiser --noisy`, and measures it on other pictures with the same kind of noise.

    python examples/experiments/other_noise.py --data IMAGES --validation IMAGES \
        --prior WEIGHTS --out runs/other
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from small_runs import parser, slug, train

from flowdenoise import Denoiser, metrics
from flowdenoise.data.corpus import find_images, list_images
from flowdenoise.data.sources import divide

SIGMA, PHOTONS = 25 / 255, 60.0


def poisson(clean: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Photon noise: 60 photons at white."""
    return random.poisson(clean * PHOTONS) / PHOTONS


def demosaiced(clean: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """White noise of sigma 25 on a Bayer mosaic, interpolated: correlated noise."""
    mosaic = np.zeros_like(clean)
    mask = np.zeros_like(clean)
    for channel, row, column in ((0, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1)):
        mask[row::2, column::2, channel] = 1
    mosaic = mask * (clean + SIGMA * random.standard_normal(clean.shape))
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4

    def spread(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), "reflect")
        height, width = values.shape[:2]
        return sum(
            kernel[i, j] * padded[i : i + height, j : j + width]
            for i in range(3)
            for j in range(3)
        )

    return spread(mosaic) / spread(mask)


def jpeg(clean: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """White noise of sigma 25, then JPEG at quality 80."""
    noisy = clean + SIGMA * random.standard_normal(clean.shape)
    stream = io.BytesIO()
    Image.fromarray(eight_bit(noisy)).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream)) / 255


KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "poisson": poisson,
    "demosaiced": demosaiced,
    "jpeg": jpeg,
}

BLUR = [
    "--preset",
    "paper-text",
    "--set",
    "loop.optimizer=muon",
    "--set",
    "loop.precision=bfloat16",
]
METHODS = {
    "blur": [*BLUR, "--prior-scale", "0"],
    "blur, prior 3e-7": [*BLUR, "--prior-scale", "3e-7"],
    "n2v": ["--preset", "n2v", "--prior-scale", "0"],
    "n2v, prior 3e-8": ["--preset", "n2v", "--prior-weight", "fixed", "--prior-scale", "3e-8"],
}


def eight_bit(values: np.ndarray) -> np.ndarray:
    """As a file holds it."""
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def pictures(files: list[Path], kind: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, clean and noisy version of each file."""
    made = []
    for index, file in enumerate(files):
        clean = np.asarray(Image.open(file).convert("RGB")) / 255
        noisy = eight_bit(KINDS[kind](clean, np.random.default_rng(index)))
        made.append((file.stem, clean, noisy))
    return made


def measure(weights: Path, kind: str, validation: list[Path]) -> float:
    """Mean PSNR over the validation images, the network not told any noise level."""
    denoiser = Denoiser.load(str(weights))
    values = []
    for _, clean, noisy in pictures(validation, kind):
        tensor = torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            cleaned = denoiser(tensor, 1.0)[0].clamp(0, 1)
        values.append(metrics.psnr(cleaned, torch.from_numpy(clean).permute(2, 0, 1).float()))
    return sum(values) / len(values)


def main() -> None:
    """Print one row per method, one column per kind of noise."""
    options = parser(__doc__, steps=400).parse_args()
    corpus = [file.path for file in divide(find_images(options.data), 1 / 3, seed=0)[1]]
    validation = list_images(options.validation)
    table: dict[str, list[float]] = {"noisy": [], **{name: [] for name in METHODS}}
    for kind in KINDS:
        folder = options.out / kind
        folder.mkdir(parents=True, exist_ok=True)
        for name, _, noisy in pictures(corpus, kind) if not any(folder.iterdir()) else []:
            Image.fromarray(noisy).save(folder / f"{name}.png")
        errors = [
            np.square(noisy / 255 - clean).mean() for _, clean, noisy in pictures(validation, kind)
        ]
        table["noisy"].append(float(-10 * np.log10(errors).mean()))
        for name, extra in METHODS.items():
            given = ["--noisy", str(folder), "--prior", options.prior, *extra]
            weights = train(options.out / f"{kind}-{slug(name)}", options.steps, given)
            table[name].append(measure(weights, kind, validation))
            print(kind, name, f"{table[name][-1]:.2f}", file=sys.stderr, flush=True)
    print("| |", " | ".join(KINDS), "|")
    for name, values in table.items():
        print(f"| {name} |", " | ".join(f"{value:.2f}" for value in values), "|")


if __name__ == "__main__":
    main()
