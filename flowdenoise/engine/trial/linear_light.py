r"""The mean of noise is zero in linear light, and not behind a tone curve.

A sensor's noise leaves the mean of the light as it is. The tone curve is concave, so behind it
strong noise makes a picture darker, by half the curve's second derivative times the variance:
tones around 64 of 255 by some ten levels where the noise has forty. A network undoes this as far
as the cameras that it learned from are like the one at hand. What was recorded tells it, too:

    a few windows -> noisy, denoised -> linear light -> means by brightness -> what is lacking

What was cut off at black lifts that mean, and that of the many shots whose mean is the truth of
real photographs; without noise that light would not be there. Nobody knows which of the two is
meant, nor whether a camera's curve is that of sRGB with as much contrast as the noise tells of
(`contrast`). So half of what is lacking is added, which lies between. In the darkest band, and
where more is cut off, the mean says nothing about the light, and nothing is concluded.

At white, what is cut off is reckoned with. If t deviations lie between the true mean and the end,
a share p = Phi(-t) is cut off, and the mean distance from the end became (t Phi(t) + phi(t)) / t
times as large (Tobin, "Estimation of relationships for limited dependent variables", Econometrica
26, 1958). If half of all is cut off, or more, the true mean is white. Near white, where networks
leave a picture too dark and all curves are alike, all that is lacking is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from flowdenoise.engine.trial.contrast import contrast_of
from flowdenoise.noise.tone import tone, untone

_BANDS = 8  # of brightness, each of which fades into its neighbors
_SHARE = 0.5  # of what is lacking
_FEW = 2000  # pixels of a band, about, below which it counts less
_MOST_BLACK = 0.35  # of a band's pixels may be cut off at black
_NEAR_WHITE = 0.05  # of a band's pixels are cut off at white, from which all that lacks is added
_KNOTS = 257  # of the table by which tones are changed
_TINY = 1e-6

STRONG = 12 / 255
"""The level of a camera's noise, [0, 1] scale, from which it changes brightness by a level."""


@dataclass(frozen=True)
class LinearLight:
    """What a denoised photograph lacks, by its tone.

    Attributes:
        changes: What is added to tones from 0 to 1 in even steps, (C, knots), [0, 1] scale.
    """

    changes: Tensor

    @classmethod
    def of(cls, noisy: Tensor, denoised: Tensor) -> Self:
        """Compare the light before and after denoising, channel by channel.

        Args:
            noisy: Windows of the noisy photograph, (B, C, h, w), [0, 1].
            denoised: What a denoiser made of them, (B, C, h, w).
        """
        tones = torch.linspace(0, 1, _KNOTS, device=noisy.device)
        curve = _Curve(contrast_of(noisy, denoised))
        light = curve.to_light(tones)
        place = tones * _BANDS - 0.5
        below, above, share = _between(place)
        rows = []
        for before, after in zip(noisy.unbind(1), denoised.clamp(0, 1).unbind(1), strict=True):
            lacking = _lacking(before.flatten(), after.flatten(), curve)
            changed = light + torch.lerp(lacking[below], lacking[above], share)
            rows.append(curve.from_light(changed) - tones)
        return cls(torch.stack(rows))

    def restore(self, denoised: Tensor, luma: float = 1.0, chroma: float = 1.0) -> Tensor:
        """Add what is lacking.

        Args:
            denoised: The denoised tiles, (B, C, h, w), about [0, 1].
            luma: The share of the noise of brightness that was removed, from 0 to 1.
            chroma: The share of the noise of color.
        """
        place = denoised.clamp(0, 1) * (_KNOTS - 1)
        below = place.long().clamp(max=_KNOTS - 2)
        part = place - below
        planes = []
        for channel, table in enumerate(self.changes):
            index = below[:, channel]
            planes.append(torch.lerp(table[index], table[index + 1], part[:, channel]))
        lacking = torch.stack(planes, 1)
        gray = lacking.mean(1, keepdim=True)
        return denoised + luma * gray + chroma * (lacking - gray)


@dataclass(frozen=True)
class _Curve:
    """A camera's tone curve, for values of any shape (N,).

    Attributes:
        contrast: The share of an S-curve in it.
    """

    contrast: float

    def to_light(self, tones: Tensor) -> Tensor:
        return untone(tones.reshape(1, 1, 1, -1), tones.new_tensor([self.contrast])).flatten()

    def from_light(self, light: Tensor) -> Tensor:
        return tone(light.reshape(1, 1, 1, -1), light.new_tensor([self.contrast])).flatten()


def _lacking(noisy: Tensor, denoised: Tensor, curve: _Curve) -> Tensor:
    """The linear light that a channel (N,) lacks in each band of brightness, (bands,)."""
    below, above, share = _between(denoised * _BANDS - 0.5)

    def sums(values: Tensor) -> Tensor:
        first = torch.bincount(below, (1 - share) * values, _BANDS)
        return first + torch.bincount(above, share * values, _BANDS)

    count = sums(torch.ones_like(share))
    before, after, black, white = (
        sums(values) / count.clamp(min=1)
        for values in (
            curve.to_light(noisy),
            curve.to_light(denoised),
            (noisy <= 0).to(share),
            (noisy >= 1).to(share),
        )
    )
    before = 1 - _before_cut(1 - before, white)
    telling = black <= _MOST_BLACK
    telling[0] = False
    share = torch.where(white > _NEAR_WHITE, 1.0, _SHARE)
    lacking: Tensor = telling * share * count / (count + _FEW) * (before - after)
    return lacking


def _before_cut(mean: Tensor, share: Tensor) -> Tensor:
    """The mean of normal values before those below 0 were set to 0, as a share of them was."""
    deviations = -torch.special.ndtri(share.clamp(_TINY, 0.5 - _TINY))
    density = torch.exp(-deviations.square() / 2) / math.sqrt(2 * math.pi)
    factor: Tensor = deviations / (deviations * torch.special.ndtr(deviations) + density)
    return factor * mean


def _between(place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The bands that a place lies between, and the share of the upper one."""
    place = place.clamp(0, _BANDS - 1)
    below = place.long().clamp(max=_BANDS - 2)
    return below, below + 1, place - below
