"""Deblurring and doubling of resolution with the same priors, as the paper's end hopes for.

A picture x is blurred by a known kernel, maybe decimated, and gets noise of 2.55 of 255, so that
y = A x + n is known. It is restored in these ways:

    Wiener   the best linear estimate if all pictures had the spectrum 1/f^2
    descent  |y - A x|^2 / (2 sigma^2) - scale log p(x) is made small, beginning with Wiener; p is
             the flow's density of patches, whose grid lies elsewhere at each step
    PnP      half-quadratic splitting with a denoiser as the prior (K. Zhang et al., "Plug-and-play
             image restoration with deep denoiser prior", TPAMI 2021). In turn, a step fits the
             measurement, which Fourier transforms solve exactly, and a denoiser is told a level
             that falls. The denoiser is our network, or the Tweedie step of the flow

Beside them stands the measurement itself; for x2 it is enlarged by bicubic interpolation.

    python examples/experiments/restore.py --images open-photos-2 --list docs/heldout.csv
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise import Denoiser, metrics, noise, weights
from flowdenoise.benchmark.sets import open_set
from flowdenoise.flow import Glow

NOISE = noise.from_255(2.55)
PATCH = 32  # side of what the flow's density is of
FIRST, ROUNDS, BALANCE = noise.from_255(49), 8, 0.23  # of PnP: first level, rounds, lambda


def gaussian(deviation: float, side: int = 25) -> Tensor:
    """A Gaussian kernel, (side, side)."""
    line = torch.exp(-((torch.arange(side) - side // 2) ** 2) / (2 * deviation**2))
    kernel = line[:, None] * line
    return kernel / kernel.sum()


def motion(length: int, angle: float = math.pi / 6, side: int = 25) -> Tensor:
    """The kernel of a camera that moves evenly by so many pixels, (side, side)."""
    kernel = torch.zeros(side, side)
    for way in torch.linspace(-(length - 1) / 2, (length - 1) / 2, 16 * length).tolist():
        down, right = side // 2 + way * math.sin(angle), side // 2 + way * math.cos(angle)
        for row in (math.floor(down), math.floor(down) + 1):
            for column in (math.floor(right), math.floor(right) + 1):
                kernel[row, column] += (1 - abs(down - row)) * (1 - abs(right - column))
    return kernel / kernel.sum()


@dataclass(frozen=True)
class Blur:
    """Blurring at cyclic borders, then every `factor`-th pixel of both directions.

    Attributes:
        spectrum: The kernel's Fourier transform, (H, W).
        factor: The factor of decimation.
    """

    spectrum: Tensor
    factor: int

    @classmethod
    def by(cls, kernel: Tensor, size: Sequence[int], factor: int = 1) -> Blur:
        """Make the blur by a kernel for images of a size."""
        spread = torch.zeros(*size)
        spread[: kernel.shape[0], : kernel.shape[1]] = kernel
        center = [-(side // 2) for side in kernel.shape]
        return cls(torch.fft.fft2(spread.roll(center, (0, 1))), factor)

    def __call__(self, x: Tensor) -> Tensor:
        """Blur (and decimate) images (C, H, W)."""
        blurred = torch.fft.ifft2(self.spectrum * torch.fft.fft2(x)).real
        return blurred[..., :: self.factor, :: self.factor]

    def _spread(self, y: Tensor) -> Tensor:
        """The transform of an image with zeros between its pixels."""
        return torch.fft.fft2(y).repeat(1, self.factor, self.factor)

    def _aliased(self, spectrum: Tensor) -> Tensor:
        """The mean of the frequencies that decimation makes one, at each of them."""
        f, (height, width) = self.factor, spectrum.shape[-2:]
        parts = spectrum.unflatten(-1, (f, width // f)).unflatten(-3, (f, height // f))
        return parts.mean((-4, -2)).repeat(1, f, f)

    def wiener(self, y: Tensor, sigma: float) -> Tensor:
        """The best linear estimate for the spectrum 1/f^2 with the measurement's variances."""
        down, right = (torch.fft.fftfreq(side) for side in self.spectrum.shape)
        squared = down[:, None] ** 2 + right**2
        squared[0, 0] = squared[0, 1] / 100  # the mean brightness, nearly free
        power = y.var((1, 2))[:, None, None] / (1 / squared).flatten()[1:].mean() / squared
        energy = self._aliased(self.spectrum.abs() ** 2 * power)
        gain = power * self.spectrum.conj() / (energy + sigma**2)
        return torch.fft.ifft2(gain * self._spread(y)).real

    def nearest(self, y: Tensor, z: Tensor, weight: float) -> Tensor:
        """The x that makes |y - A x|^2 + weight |x - z|^2 least."""
        right = self.spectrum.conj() * self._spread(y) + weight * torch.fft.fft2(z)
        energy = self._aliased((self.spectrum.abs() ** 2)[None])
        part = self._aliased(self.spectrum * right) / (energy + weight)
        return torch.fft.ifft2((right - self.spectrum.conj() * part) / weight).real


def plug_and_play(y: Tensor, blur: Blur, start: Tensor, denoiser: Denoiser) -> Tensor:
    """Half-quadratic splitting with a denoiser, whose level falls to that of the noise."""
    z = start
    for level in torch.logspace(math.log10(FIRST), math.log10(NOISE), ROUNDS).tolist():
        x = blur.nearest(y, z, BALANCE * NOISE**2 / level**2)
        z = denoiser(x[None], level)[0]
    return z


def descent(
    y: Tensor, blur: Blur, start: Tensor, flow: Glow, *, scale: float, steps: int, rate: float
) -> Tensor:
    """The paper's objective for a measurement, by Adam."""
    x = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([x], lr=rate)
    chance = torch.Generator().manual_seed(0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        moved = torch.randint(PATCH, (2,), generator=chance).tolist()
        grid = x.roll(moved, (1, 2)).unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH)
        patches = grid.permute(1, 2, 0, 3, 4).flatten(0, 1)
        misfit = (y - blur(x)).square().sum() / (2 * NOISE**2)
        optimizer.zero_grad()
        torch.autograd.backward(misfit - scale * flow.log_prob(patches).sum())
        optimizer.step()
    return x.detach()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True)
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--limit", type=int, default=4, help="pictures, evenly chosen")
    parser.add_argument(
        "--side", type=int, default=64, help="of the middle of each, a multiple of 32"
    )
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--scale", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=0.02)
    options = parser.parse_args()
    chosen = open_set(options.images).listed(options.list).middle(options.side)
    files = chosen.files[:: -(-len(chosen.files) // options.limit)]
    network, tweedie = Denoiser.load("color"), Denoiser.load("prior-color")
    flow = weights.load("prior-color").network.eval().requires_grad_(False)
    ways: dict[str, Callable[[Tensor, Blur, Tensor], Tensor]] = {
        "as it is, or bicubic": lambda y, blur, start: F.interpolate(
            y[None], scale_factor=blur.factor, mode="bicubic"
        )[0],
        "Wiener": lambda y, blur, start: start,
        "flow, descent": lambda y, blur, start: descent(
            y, blur, start, flow, scale=options.scale, steps=options.steps, rate=options.rate
        ),
        "flow, PnP": lambda y, blur, start: plug_and_play(y, blur, start, tweedie),
        "network, PnP": lambda y, blur, start: plug_and_play(y, blur, start, network),
    }
    size = (options.side, options.side)
    blurs = {
        "Gaussian 1.6": Blur.by(gaussian(1.6), size),
        "motion 15": Blur.by(motion(15), size),
        "x2": Blur.by(torch.full((2, 2), 0.25), size, 2),
    }
    print("| | " + " | ".join(ways) + " |\n| --- |" + " ---: |" * len(ways))
    for name, blur in blurs.items():
        rows = []
        for file in files:
            clean = chosen.load(file).clean
            y = noise.add_gaussian(blur(clean), NOISE, seed=0)
            start = blur.wiener(y, NOISE)
            rows.append(
                [metrics.psnr(way(y, blur, start).clamp(0, 1), clean) for way in ways.values()]
            )
        means = torch.tensor(rows).mean(0).tolist()
        print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)


if __name__ == "__main__":
    main()
