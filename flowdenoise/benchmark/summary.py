"""From cells to the lines of a table: one method at one noise level, over all its images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flowdenoise.benchmark.measurements import Measurement
from flowdenoise.benchmark.statistics import Interval, bootstrap, mean, spread


@dataclass(frozen=True)
class Line:
    """A method at a noise level.

    Attributes:
        method: The label of the method.
        sigma_255: The noise level on the scale of 0 to 255.
        images: The number of images in the means.
        failed: The number of images on which the method failed.
        psnr: The mean of the images' PSNR, in dB.
        psnr_spread: The standard deviation of the images' PSNR.
        ssim: The mean SSIM.
        gmsd: The mean GMSD.
        seconds_per_megapixel: The time for all images divided by all their pixels.
        processor_seconds_per_megapixel: The processor's time, the same way, over the images for
            which it was taken.
        peak_bytes: The largest peak memory among the images.
        difference: The PSNR minus that of the first method, over the images that both have, with
            its bootstrap interval; None for the first method itself.
    """

    method: str
    sigma_255: float
    images: int
    failed: int
    psnr: float
    psnr_spread: float
    ssim: float
    gmsd: float
    seconds_per_megapixel: float
    processor_seconds_per_megapixel: float
    peak_bytes: int | None
    difference: Interval | None


def summarize(cells: Sequence[Measurement]) -> list[Line]:
    """The lines of all methods and noise levels, in the order in which they first occur."""
    methods = list(dict.fromkeys(cell.method for cell in cells))
    sigmas = list(dict.fromkeys(cell.sigma_255 for cell in cells))
    groups = {(m, s): _group(cells, m, s) for m in methods for s in sigmas}
    return [
        _line(groups[method, sigma], None if method == methods[0] else groups[methods[0], sigma])
        for method in methods
        for sigma in sigmas
        if groups[method, sigma]
    ]


def _group(cells: Sequence[Measurement], method: str, sigma: float) -> list[Measurement]:
    return [cell for cell in cells if (cell.method, cell.sigma_255) == (method, sigma)]


def _line(group: list[Measurement], reference: list[Measurement] | None) -> Line:
    good = [cell for cell in group if cell.error is None]
    peaks = [cell.peak_bytes for cell in good if cell.peak_bytes is not None]
    values = [cell.psnr for cell in good]
    return Line(
        method=group[0].method,
        sigma_255=group[0].sigma_255,
        images=len(good),
        failed=len(group) - len(good),
        psnr=mean(values),
        psnr_spread=spread(values) if all(map(math.isfinite, values)) else math.nan,
        ssim=mean([cell.ssim for cell in good]),
        gmsd=mean([cell.gmsd for cell in good]),
        seconds_per_megapixel=_per_megapixel(good, [cell.seconds for cell in good]),
        processor_seconds_per_megapixel=_per_megapixel(
            good, [cell.processor_seconds for cell in good]
        ),
        peak_bytes=max(peaks) if peaks else None,
        difference=None if reference is None else _difference(good, reference),
    )


def _per_megapixel(cells: list[Measurement], seconds: list[float]) -> float:
    """Divide the times by the pixels of the cells that have one."""
    timed = [(s, cell.pixels) for s, cell in zip(seconds, cells, strict=True) if s >= 0]
    pixels = sum(count for _, count in timed)
    return 1e6 * math.fsum(s for s, _ in timed) / pixels if pixels else math.nan


def _difference(good: list[Measurement], reference: list[Measurement]) -> Interval | None:
    """The difference over the images that both have; None where there are none."""
    others = {cell.image: cell.psnr for cell in reference if cell.error is None}
    values = [cell.psnr - others[cell.image] for cell in good if cell.image in others]
    finite = [value for value in values if math.isfinite(value)]
    return bootstrap(finite) if finite else None
