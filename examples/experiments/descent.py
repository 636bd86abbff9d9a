"""Maximum a posteriori patch by patch: gradient descent on the paper's objective, no network.

For 32 patches of 32x32 with noise, minimizes |y - x|^2 / (2 sigma^2) - scale * log p(x) by Adam, p
being the prior's density of clean patches, and prints the mean PSNR on the way: what the objective
itself is worth, from three beginnings, apart from what a network learns of it.

    python examples/experiments/descent.py --images FOLDER --prior prior-color
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from flowdenoise import noise
from flowdenoise.data.corpus import list_images, load_corpus
from flowdenoise.flow import Glow, descend, tweedie_step
from flowdenoise.weights import load

SIDE, CORNERS, IMAGES = 32, ((100, 100), (200, 200)), 16
SIGMAS = (15, 25, 50)


def patches(folder: Path) -> Tensor:
    """Two patches of each of the first 16 images, (32, 3, 32, 32)."""
    corpus = load_corpus(list_images([folder])[:IMAGES], channels=3)
    return torch.stack(
        [
            corpus.image(index)[:, top : top + SIDE, left : left + SIDE].float() / 255
            for index in range(len(corpus))
            for top, left in CORNERS
        ]
    )


def psnr(x: Tensor, clean: Tensor) -> float:
    """Mean over patches, dB."""
    errors = (x.clamp(0, 1) - clean).square().flatten(1).mean(1)
    return float(-10 * torch.log10(errors).mean())


@dataclass(frozen=True)
class Descent:
    """How to descend.

    Attributes:
        steps: After which the PSNR is told; the last is the end.
        scale: Factor of the prior's share of the cost.
        rate: First step in units of sigma.
    """

    steps: tuple[int, ...]
    scale: float
    rate: float


def course(
    prior: Glow, start: Tensor, noisy: Tensor, clean: Tensor, sigma: float, descent: Descent
) -> list[float]:
    """PSNR at the beginning and after each of the told steps."""
    values = {0: psnr(start, clean)}

    def note(step: int, x: Tensor) -> None:
        if step in descent.steps:
            values[step] = psnr(x, clean)

    descend(
        prior,
        noisy,
        sigma,
        start,
        scale=descent.scale,
        steps=max(descent.steps),
        rate=descent.rate,
        on_step=note,
    )
    return [values[step] for step in descent.steps]


def main() -> None:
    """Print one row per noise level and beginning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--prior", default="prior-color")
    parser.add_argument("--denoiser", default="color")
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--steps", default="0,10,30,60,200")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prior = load(options.prior, role="prior").network.eval().requires_grad_(False)
    network = load(options.denoiser, role="denoiser").network.eval().requires_grad_(False)
    steps = tuple(int(word) for word in options.steps.split(","))
    clean = patches(options.images)
    print("| sigma | begins with |", " | ".join(str(step) for step in steps), "|")
    for sigma_255 in SIGMAS:
        sigma = noise.from_255(sigma_255)
        noisy = noise.add_gaussian(clean, sigma, seed=1)
        starts = {
            "the noisy patch": (noisy, 0.06),
            "Tweedie": (tweedie_step(prior, noisy, sigma), 0.06),
            options.denoiser: (network(noisy, sigma), 0.01),
        }
        for name, (start, rate) in starts.items():
            told = course(prior, start, noisy, clean, sigma, Descent(steps, options.scale, rate))
            cells = " | ".join(f"{value:.2f}" for value in told)
            print(f"| {sigma_255} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
