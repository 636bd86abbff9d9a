"""Statistics of a table: the mean over images, their spread, and how sure a difference is.

Images differ by many dB, methods by tenths. So a difference is taken image by image, and its
interval is found by the bootstrap (Efron, Annals of Statistics 1979): as many images as there are
are drawn with replacement, many times, and the interval holds most of the means of these draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
LEVEL = 0.95
"""Share of the resampled means that lie in an interval."""

_SEED = 0


@dataclass(frozen=True)
class Interval:
    """A mean and the range in which it would lie with other images of the same kind."""

    mean: float
    low: float
    high: float


def mean(values: Sequence[float]) -> float:
    """The mean; not a number if there are no values."""
    return math.fsum(values) / len(values) if values else math.nan


def spread(values: Sequence[float]) -> float:
    """The standard deviation of the images' values, with the divisor n - 1; 0 for a single image.

    >>> spread([1.0, 3.0])
    1.4142135623730951
    """
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def bootstrap(
    values: Sequence[float], *, level: float = LEVEL, resamples: int = RESAMPLES
) -> Interval:
    """The mean and its percentile bootstrap interval; the same values give the same interval.

    Args:
        values: The values, at least one, all finite.
        level: The share of the resampled means within the interval.
        resamples: The number of draws.

    >>> bootstrap([2.0, 2.0, 2.0])
    Interval(mean=2.0, low=2.0, high=2.0)
    """
    data = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(_SEED).integers(0, len(data), (resamples, len(data)))
    means = data[draws].mean(1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail], method="inverted_cdf")
    return Interval(mean(values), float(low), float(high))
