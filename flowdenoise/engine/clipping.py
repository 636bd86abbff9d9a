"""Noise that was cut off at black or white: find it, and undo what it does to a denoised picture.

A file can't hold values below black. Where the picture is dark, noise of deviation sigma that went
below 0 was stored as 0, so the noise left has a mean above zero, and the better a denoiser
averages it out, the surer the result is too bright: black becomes 0.4 sigma. With n ~ N(0, 1) and
phi, Phi its density and distribution,

    E[clip(x + sigma n)] = x + sigma r(x / sigma) - sigma r((1 - x) / sigma)
    r(t) = E[max(-t - n, 0)] = phi(t) - t Phi(-t)

is monotonic in x, so a denoised value is taken back to the x that it is the mean of. (A. Foi,
"Clipped noisy images: heteroskedastic modeling and practical denoising", Signal Processing 2009,
does the same with more parameters.) An end of the range is only treated where the picture shows
that its noise was cut off there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from flowdenoise.images import Picture

_RUN = 16  # pixels of a row that are looked at together
_MOST = 1 << 22  # samples of a picture that are looked at
_FEWEST = 50  # values at the end of the range, below which there is nothing to correct
_TABLE = 4096


@dataclass(frozen=True)
class ClippedEnds:
    """At which ends of the range noise was cut off."""

    black: bool = False
    white: bool = False

    def __bool__(self) -> bool:
        return self.black or self.white


def clipped_ends(picture: Picture, sigma: float) -> ClippedEnds:
    """At which ends a picture shows noise of that level cut off.

    Three things tell: no value lies beyond the end; where the picture is close to it, at least
    half as many values lie at it as noise of that level would bring there; and they lie there one
    by one, as noise does, not in areas, as black bars and burnt-out skies do.

    Args:
        picture: As it was read.
        sigma: Noise level on the [0, 1] scale.
    """
    width = picture.width // _RUN * _RUN
    if not sigma or not width:
        return ClippedEnds()
    step = -(-picture.samples.size // _MOST)
    values = picture.tensor(slice(None, None, step), slice(0, width))[0]
    runs = values.permute(1, 2, 0).numpy().reshape(-1, _RUN, picture.channels)
    return ClippedEnds(_piled_up(runs, sigma), _piled_up(np.float32(1) - runs, sigma))


def _piled_up(runs: npt.NDArray[np.floating], sigma: float) -> bool:
    """Whether noise was cut off at zero; runs are (N, 16, C)."""
    if runs.min() < 0:
        return False
    means = runs.mean(axis=1)
    at_end = runs <= 0
    dark = (means < sigma) & ~at_end.all(axis=1)
    at_end = at_end.transpose(0, 2, 1)[dark]
    if at_end.sum() < _FEWEST:
        return False
    table = _inverse(sigma, ClippedEnds(black=True))
    truth = np.interp(means[dark], np.linspace(0, 1, len(table)), table)
    predicted = torch.special.ndtr(torch.from_numpy(-truth / sigma)).mean()
    both = (at_end[:, 1:] & at_end[:, :-1]).sum()
    one = (at_end[:, 1:] ^ at_end[:, :-1]).sum()
    return bool(one > both and at_end.mean() > 0.5 * float(predicted))


def expected(clean: Tensor, sigma: float, ends: ClippedEnds) -> Tensor:
    """Mean of a noisy value that was cut off at these ends: any shape, the true value in."""
    result = clean
    if ends.black:
        result = result + sigma * _excess(clean / sigma)
    if ends.white:
        result = result - sigma * _excess((1 - clean) / sigma)
    return result


def _excess(distance: Tensor) -> Tensor:
    """E[max(-t - n, 0)] for n ~ N(0, 1)."""
    density = torch.exp(-distance.square() / 2) / math.sqrt(2 * math.pi)
    share: Tensor = torch.special.ndtr(-distance)
    return density - distance * share


def _inverse(sigma: float, ends: ClippedEnds) -> npt.NDArray[np.float64]:
    """True values for means 0, 1 / 4096, ... 1."""
    clean = torch.linspace(0, 1, _TABLE + 1, dtype=torch.float64)
    means = expected(clean, sigma, ends)
    return np.asarray(np.interp(clean.numpy(), means.numpy(), clean.numpy()))


class Unclip:
    """Takes denoised values, means of noise that was cut off, back to the true ones.

    Args:
        sigma: Noise level on the [0, 1] scale.
        ends: Where noise was cut off.
        device: Of the values.
    """

    def __init__(self, sigma: float, ends: ClippedEnds, device: torch.device) -> None:
        self.low = 0.0 if ends.black else -math.inf
        self.high = 1.0 if ends.white else math.inf
        table = _inverse(sigma, ends) - np.linspace(0, 1, _TABLE + 1)
        table = np.append(table, table[-1])
        self.shift = torch.from_numpy(table).to(device, torch.float32)

    def __call__(self, values: Tensor) -> Tensor:
        """Any shape, about [0, 1], float32; the same back."""
        place = values.clamp(0, 1) * _TABLE
        below = place.long()
        shift = torch.lerp(self.shift[below], self.shift[below + 1], place - below)
        return (values + shift).clamp(self.low, self.high)
