"""Noise that was cut off at black or white: find it, and undo what it does to a denoised picture.

A file can't hold values below black. Where the picture is dark, noise of deviation sigma that went
below 0 was stored as 0, so the noise left has a mean above zero, and the better a denoiser
averages it out, the surer the result is too bright: black becomes 0.4 sigma. With n ~ N(0, 1) and
phi, Phi its density and distribution,

    E[clip(x + sigma n)] = x + sigma r(x / sigma) - sigma r((1 - x) / sigma)
    r(t) = E[max(-t - n, 0)] = phi(t) - t Phi(-t)

is monotonic in x, so a denoised value is taken back to the x that it is the mean of. (A. Foi,
"Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 2009.)

What counts is the noise at the end of the range, which need not be that of the picture: the noise
of light fades in the shadows, where nothing is cut off then, and is strongest in the highlights.
So the variance is fitted as a line, `sigma^2 = at_end + slope x`, to where the picture is clear of
its ends, and followed to them. An end is only treated where the picture shows, too, that its noise
was cut off there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise.images import Picture
from flowdenoise.system.side_by_side import both

Floats = npt.NDArray[np.floating]

_RUN = 16  # pixels of a row that are looked at together
_MOST = 1 << 22  # samples of a picture that are looked at
_FEWEST = 50  # values at the end of the range, below which there is nothing to correct
_TABLE = 4096
_CLEAR = 2.0  # deviations from an end, at which hardly any noise is cut off
_DARK = (0.0, 0.35, 0.7, 1.0, 1.5)  # bins of brightness, in deviations, up to where all is clear
_BINS = 12  # of brightness beyond
_LINES = (0.003, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 16.0, 32.0)
_FEWEST_RUNS = 40  # in a bin
_QUIET = 3.74  # lower quartile of a run's mean square second difference, in units of the variance
_FADED = 0.4  # noise whose variance falls below this share of its mean is not cut off
_SAME = (0.6, 1.5)  # variance at an end, over its mean: here it is that of the whole picture


@dataclass(frozen=True)
class NoiseLaw:
    """The variance of the noise at a distance from an end of the range.

    It is `at_end + slope * distance`.

    Attributes:
        at_end: The variance at the end itself.
        slope: The variance that each unit of brightness away from the end adds.
    """

    at_end: float
    slope: float = 0.0

    def deviation(self, distance: Tensor) -> Tensor:
        """The standard deviation at distances of any shape; it is never zero."""
        return (self.at_end + self.slope * distance).clamp(min=1e-3 * self.at_end).sqrt()


@dataclass(frozen=True)
class ClippedEnds:
    """The noise at the ends of the range where some of it was cut off.

    Attributes:
        black: The noise at black; None if nothing was cut off there.
        white: The noise at white; None if nothing was cut off there.
    """

    black: NoiseLaw | None = None
    white: NoiseLaw | None = None

    def __bool__(self) -> bool:
        return self.black is not None or self.white is not None

    def scaled(self, factor: float) -> ClippedEnds:
        """The ends for noise that is weaker or stronger by a factor."""
        laws = (
            law and NoiseLaw(factor**2 * law.at_end, factor**2 * law.slope)
            for law in (self.black, self.white)
        )
        return ClippedEnds(*laws)


def clipped_ends(
    picture: Picture, sigma: float, channel: int | None = None, *, threads: int = 1
) -> ClippedEnds:
    """Find the ends of the range at which a picture's noise was cut off.

    Four things tell: no value lies beyond the end; the noise does not fade towards it; where the
    picture is close to it, at least half as many values lie at it as the noise there would bring;
    and they lie there one by one, as noise does, not in areas, as black bars and burnt-out skies.

    Args:
        picture: The noisy picture.
        sigma: The noise level of the whole picture on the [0, 1] scale.
        channel: The channel to look at; None looks at all of them.
        threads: The number of threads that compute.
    """
    width = picture.width // _RUN * _RUN
    if not sigma or not width:
        return ClippedEnds()
    step = -(-picture.samples.size // _MOST)
    values = picture.tensor(slice(None, None, step), slice(0, width))[0].numpy()
    if channel is not None:
        values = values[channel, None]
    runs = values.reshape(-1, _RUN)
    return ClippedEnds(
        *both(lambda: _cut_off(runs, sigma), lambda: _cut_off(1 - runs, sigma), threads)
    )


def clipped_ends_of(
    picture: Picture, levels: Sequence[float], threads: int = 1
) -> tuple[ClippedEnds, ...]:
    """Find the ends, by `clipped_ends`, for one noise level of all channels or one of each."""
    apart = range(len(levels)) if len(levels) > 1 else (None,)
    return tuple(
        clipped_ends(picture, level, channel, threads=threads)
        for level, channel in zip(levels, apart, strict=True)
    )


def _cut_off(runs: Floats, sigma: float) -> NoiseLaw | None:
    """The noise at zero, if some was cut off there; `runs` is (N, 16)."""
    at_end = runs <= 0
    if at_end.sum() < _FEWEST or runs.min() < 0:
        return None
    law = _fit(runs, sigma)
    if law is None:
        return None
    means = runs.mean(axis=1)
    dark = (means < math.sqrt(law.at_end)) & ~at_end.all(axis=1)
    at_end = at_end[dark]
    if at_end.sum() < _FEWEST:
        return None
    table = _inverse(ClippedEnds(black=law))
    truth = torch.from_numpy(np.interp(means[dark], np.linspace(0, 1, len(table)), table))
    predicted = float(torch.special.ndtr(-truth / law.deviation(truth)).mean())
    both = (at_end[:, 1:] & at_end[:, :-1]).sum()
    one = (at_end[:, 1:] ^ at_end[:, :-1]).sum()
    return law if one > both and at_end.mean() > 0.5 * predicted else None


def _fit(runs: Floats, sigma: float) -> NoiseLaw | None:
    """The line of the variance, or None if it falls to nothing at zero.

    The line is chosen whose noise, cut off at zero, comes nearest to the picture's variance at
    each brightness. Where there is only one brightness, the noise is the same everywhere.
    """
    places, variances, counts = _variances(runs, sigma)
    same = NoiseLaw(sigma**2)
    if len(places) < 2:
        return same
    ends = far = np.array(_LINES)
    for finer in (1.0, 0.25, 0.1):
        lines = np.array(list(itertools.product(ends, far)))
        ratios = _variances_at(places, sigma**2 * torch.from_numpy(lines)) / variances
        faults = np.average(np.log(ratios) ** 2, axis=1, weights=counts)
        end, other = lines[np.argmin(faults)]
        steps = 2.0 ** (finer * np.linspace(-1, 1, 9) / 2)
        ends, far = end * steps, other * steps
    law = _line(sigma, end, other)
    share = law.at_end / float(np.average(variances, weights=counts))
    if _SAME[0] <= share <= _SAME[1]:
        return same
    return None if share < _FADED else law


def _line(sigma: float, end: float, far: float) -> NoiseLaw:
    """The law with these multiples of sigma^2 at the end and at the other end of the range."""
    return NoiseLaw(float(end * sigma**2), float((far - end) * sigma**2))


def _variances(runs: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """The variance of the noise at each brightness: means, variances, numbers of runs.

    The variance is measured by second differences, in the quieter runs, which have no edges.
    """
    runs = runs[runs.max(axis=1) > 0]
    means = runs.mean(axis=1)
    rows = []
    high = max(_CLEAR * sigma, 1 - _CLEAR * sigma)
    edges = [*(sigma * np.array(_DARK)), *np.linspace(_CLEAR * sigma, high, _BINS + 1)]
    for first, last in itertools.pairwise(edges):
        inside = runs[(means >= first) & (means < last)]
        if len(inside) < _FEWEST_RUNS:
            continue
        bend = inside[:, 2:] - 2 * inside[:, 1:-1] + inside[:, :-2]
        variance = float(np.quantile((bend**2).mean(axis=1), 0.25)) / _QUIET
        if variance > 0:
            rows.append((float(inside.mean()), variance, len(inside)))
    means, variances, counts = np.array(rows or np.empty((0, 3)), dtype=np.float64).T
    return means, variances, counts


def _variances_at(places: Floats, lines: Tensor) -> Floats:
    """The variances, where the mean is `places`, of noise that was cut off at zero.

    Args:
        places: (N,).
        lines: (L, 2), the variance of the noise at the end and at the other end of the range.

    Returns:
        (L, N).
    """
    clean = torch.linspace(0, 1, 257, dtype=torch.float64).square()
    at_end, slope = lines[:, :1], lines[:, 1:] - lines[:, :1]
    deviation = torch.maximum(at_end + slope * clean, 1e-3 * at_end).sqrt()
    distance = clean / deviation
    density = torch.exp(-distance.square() / 2) / math.sqrt(2 * math.pi)
    above = torch.special.ndtr(distance)
    mean = clean * above + deviation * density
    square = (clean.square() + deviation.square()) * above + clean * deviation * density
    curves = zip(mean.numpy(), (square - mean.square()).numpy(), strict=True)
    return np.array([np.interp(places, *curve) for curve in curves])


def expected(clean: Tensor, ends: ClippedEnds) -> Tensor:
    """The mean of noisy values that were cut off at these ends, for true values of any shape."""
    result = clean
    if ends.black is not None:
        result = result + _excess(clean, ends.black)
    if ends.white is not None:
        result = result - _excess(1 - clean, ends.white)
    return result


def _excess(distance: Tensor, law: NoiseLaw) -> Tensor:
    """E[max(-x - noise, 0)] at a distance x from the end.

    For n ~ N(0, 1) and t = x / sigma it is sigma (phi(t) - t Phi(-t)). Noise whose variance grows
    with brightness is that of light, which is skewed: the third cumulant of a Poisson variable is
    its variance times the slope of that. By Edgeworth's series this adds -slope t phi(t) / 6.
    """
    deviation = law.deviation(distance)
    place = distance / deviation
    density = torch.exp(-place.square() / 2) / math.sqrt(2 * math.pi)
    share: Tensor = torch.special.ndtr(-place)
    return deviation * (density - place * share) - law.slope * place * density / 6


def _inverse(ends: ClippedEnds) -> npt.NDArray[np.float64]:
    """The true values that belong to the means 0, 1 / 4096, ... 1."""
    clean = torch.linspace(0, 1, _TABLE + 1, dtype=torch.float64)
    means = np.maximum.accumulate(expected(clean, ends).numpy())
    return np.asarray(np.interp(clean.numpy(), means, clean.numpy()))


class Unclip:
    """Takes denoised values, which are means of noise that was cut off, back to the true values.

    Args:
        ends: The ends at which noise was cut off, one for all channels or one for each.
        device: The device of the values.
    """

    def __init__(self, ends: Sequence[ClippedEnds], device: torch.device) -> None:
        self.ends = ends
        self.shifts = [self._shifts(end).to(device) if end else None for end in ends]

    @staticmethod
    def _shifts(ends: ClippedEnds) -> Tensor:
        table = _inverse(ends) - np.linspace(0, 1, _TABLE + 1)
        return torch.from_numpy(np.append(table, table[-1])).float()

    def __call__(self, values: Tensor) -> Tensor:
        """Correct values (B, C, H, W), about [0, 1], float32; the shape stays."""
        if not any(self.ends):
            return values
        parts = torch.chunk(values, len(self.ends), 1)
        pairs = zip(parts, self.ends, self.shifts, strict=True)
        return torch.cat([self._undo(*pair) for pair in pairs], 1)

    @staticmethod
    def _undo(values: Tensor, ends: ClippedEnds, shifts: Tensor | None) -> Tensor:
        if shifts is None:
            return values
        place = (values.clamp(0, 1) * _TABLE).flatten()
        below = place.int()
        lower, upper = (shifts.index_select(0, index) for index in (below, below + 1))
        shift = torch.lerp(lower, upper, place - below).view_as(values)
        low = -math.inf if ends.black is None else 0.0
        high = math.inf if ends.white is None else 1.0
        return (values + shift).clamp(low, high)
