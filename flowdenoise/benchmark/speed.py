"""Megapixels per second by method and tile, and how much of the machine's peak that is.

The peak is that of a large float32 matrix product in the same run: a network of convolutions can
hardly do better. Everything is timed once per round, and the best round counts, because other work
of the machine can only slow things down.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from flowdenoise import metrics, noise
from flowdenoise.benchmark.config import SpeedConfig
from flowdenoise.benchmark.image_set import ImageSet
from flowdenoise.benchmark.methods import METHODS, Choice, Method, MethodOptions, build
from flowdenoise.benchmark.protocols import PROTOCOLS
from flowdenoise.benchmark.statistics import mean
from flowdenoise.benchmark.synthetic import photograph
from flowdenoise.images import as_floats

_SIGMA = 25 / 255


@dataclass(frozen=True)
class Speed:
    """The speed of one method.

    Attributes:
        method: The label of the method.
        tile: The side of the tiles; None for methods without tiles.
        precision: The type in which a network multiplies; None for other methods.
        megapixels_per_second: The megapixels of the image per second; pixels that tiles compute
            twice count once.
        share_of_peak: The share of the machine's float32 peak, by the network's multiply-adds per
            pixel.
        psnr: The mean PSNR at sigma 25 over the images that were given for it, if any were.
    """

    method: str
    tile: int | None
    precision: str | None
    megapixels_per_second: float
    share_of_peak: float | None
    psnr: float | None


@dataclass(frozen=True)
class SpeedTable:
    """All measurements of a run.

    Attributes:
        peak_flops: The machine's peak, in float32 operations per second.
        speeds: The speeds, by method and tile.
    """

    peak_flops: float
    speeds: tuple[Speed, ...]


def measure(
    chosen: Sequence[Choice],
    config: SpeedConfig,
    options: MethodOptions,
    channels: int,
    device: torch.device,
    *,
    quality: ImageSet | None = None,
    on_step: Callable[[int, int, str], None] | None = None,
) -> SpeedTable:
    """Time methods.

    Args:
        chosen: The methods.
        config: The settings of the run.
        options: The options of the methods, besides their tiles.
        channels: The number of channels, 1 or 3.
        device: The device on which networks compute.
        quality: The images on which PSNR is measured, too; None measures none.
        on_step: Called with the number of steps done, that of all steps, and the next step in
            words.
    """
    runs = list(_runs(chosen, config, options, channels, device))
    best = [math.inf] * len(runs)
    product = math.inf
    total = config.rounds * len(runs) + (len(runs) if quality else 0)
    for turn in range(config.rounds):
        product = min(product, _seconds(_product(config.matrix, device), device))
        for number, run in enumerate(runs):
            if on_step:
                on_step(turn * len(runs) + number, total, run.name)
            best[number] = min(best[number], _seconds(run.once, device))
    peak = 2 * config.matrix**3 / product
    speeds = []
    for number, (run, seconds) in enumerate(zip(runs, best, strict=True)):
        if on_step and quality:
            on_step(config.rounds * len(runs) + number, total, f"PSNR of {run.name}")
        psnr = None if quality is None else _psnr(run.method, quality)
        speeds.append(_speed(run, seconds, peak, psnr))
    return SpeedTable(peak, tuple(speeds))


@dataclass(frozen=True)
class _Run:
    """A method that is ready to run, with its image."""

    method: Method
    tile: int | None
    noisy: torch.Tensor

    @property
    def name(self) -> str:
        if self.tile is None:
            return self.method.label
        return f"{self.method.label}, {f'tile {self.tile}' if self.tile else 'untiled'}"

    def once(self) -> None:
        """Denoise the image."""
        self.method.denoise(self.noisy, self.method.level(_SIGMA))


def _runs(
    chosen: Sequence[Choice],
    config: SpeedConfig,
    options: MethodOptions,
    channels: int,
    device: torch.device,
) -> Iterator[_Run]:
    for choice in chosen:
        tiled = METHODS[choice.name].tiled
        for tile in config.tiles if tiled else (None,):
            (method,) = build([choice], replace(options, tile=tile))
            method.prepare(channels, device)
            yield _Run(method, tile, _image(config.side if tiled else config.slow_side, channels))


def _image(side: int, channels: int) -> torch.Tensor:
    """Draw a noisy square image, (1, C, side, side)."""
    pixels = as_floats(torch.from_numpy(photograph(side, side, sigma_255=0)))
    clean = pixels.permute(2, 0, 1)[None, :channels].contiguous()
    return noise.add_gaussian(clean, _SIGMA, seed=0)


def _product(side: int, device: torch.device) -> Callable[[], None]:
    left, right = (torch.rand(side, side, device=device) for _ in range(2))

    def multiply() -> None:
        torch.mm(left, right)

    multiply()
    return multiply


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _psnr(method: Method, images: ImageSet) -> float:
    protocol = PROTOCOLS["awgn"]
    values = []
    for file in images.files:
        clean = images.load(file).clean
        noisy = protocol.noisy(clean, _SIGMA)
        denoised = method.denoise(noisy[None], method.level(_SIGMA))[0]
        values.append(metrics.psnr(protocol.finish(denoised), clean))
    return mean(values)


def _speed(run: _Run, seconds: float, peak: float, psnr: float | None) -> Speed:
    pixels = run.noisy.shape[-2] * run.noisy.shape[-1]
    cost = run.method.multiply_adds_per_pixel
    return Speed(
        method=run.method.label,
        tile=run.tile,
        precision=str(run.method.settings()["precision"]) if run.tile is not None else None,
        megapixels_per_second=pixels / seconds / 1e6,
        share_of_peak=None if cost is None else 2 * cost * pixels / seconds / peak,
        psnr=psnr,
    )
