r"""How contrasty a camera's tone curve is: its noise tells.

In linear light x the variance of a sensor's noise is a x + b (`noise.sensor`). Behind the tone
curve y = f(x) it is that times the square of the curve's slope, as long as nothing is cut off:

    variance(y) = f'(x)^2 (a x + b),    x = f^-1(y)

So the deviation that is measured at several tones y, of what a denoiser removed there, tells the
curve as well as a and b. Of the curves of `noise.tone`, sRGB with a share of an S-curve, that one
is taken whose law comes nearest to the logarithms of the variances, each channel having an a and b
of its own; sRGB itself, unless that is far from them. J. Takamatsu, Y. Matsushita and K. Ikeuchi,
"Estimating radiometric response functions from image noise variance", ECCV 2008, use what noise
tells of curves in this way.
"""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.noise.tone import tone_slope, untone

_BANDS = 16  # of brightness
_FEWEST = 4  # bands of a channel that tells
_FEW, _MANY = 1000, 8000  # pixels of a band: with fewer it tells nothing, with more nothing more
_MOST = 20_000  # pixels of a band that are looked at
_MOST_BLACK, _MOST_WHITE = 0.12, 0.05  # of a band's pixels are cut off
_LEAST = 3 / 255  # a deviation that rounding and compression leave alone
_QUARTILES = 1.349  # deviations of normal numbers between their quartiles
_SHARES = tuple(share / 20 for share in range(13))  # of the S-curve, as cameras have them
_CONTRADICTS = 2.0  # times the fault of the best curve: from there sRGB is not assumed
_READ = tuple(10 ** (step / 5) for step in range(-20, 8))  # b over a


def contrast_of(noisy: Tensor, denoised: Tensor) -> float:
    """The share of the S-curve in the tone curve of a photograph.

    Args:
        noisy: Windows of the noisy photograph, (B, C, h, w), [0, 1].
        denoised: What a denoiser made of them, (B, C, h, w).

    Returns:
        The share, from 0 to 0.6; 0, which is sRGB, unless the noise clearly speaks against that.
    """
    laws = [
        _law(before.flatten(), after.flatten())
        for before, after in zip(noisy.unbind(1), denoised.unbind(1), strict=True)
    ]
    faults = [_faults(*law) for law in laws if len(law[0]) >= _FEWEST]
    if not faults:
        return 0.0
    fault = torch.stack(faults).sum(0)
    best = int(fault.argmin())
    return _SHARES[best] if fault[0] >= _CONTRADICTS * fault[best] else 0.0


def _law(noisy: Tensor, denoised: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The noise by brightness of a channel (N,): tones, logarithms of variances, and weights."""
    rows = []
    band_of = (denoised.clamp(0, 1) * _BANDS).long().clamp(max=_BANDS - 1)
    counts = band_of.bincount(minlength=_BANDS).tolist()
    for inside in torch.split(band_of.argsort(stable=True), counts):
        if (count := len(inside)) < _FEW:
            continue
        some = inside[:: -(-count // _MOST)]
        before, after = noisy[some], denoised[some]
        cut = [float(end.to(before).mean()) for end in (before <= 0, before >= 1)]
        lower, upper = torch.quantile(before - after, before.new_tensor([0.25, 0.75])).tolist()
        deviation = (upper - lower) / _QUARTILES
        if cut[0] <= _MOST_BLACK and cut[1] <= _MOST_WHITE and deviation >= _LEAST:
            rows.append((float(after.mean()), deviation**2, min(count, _MANY)))
    tones, variances, weights = torch.tensor(rows).reshape(-1, 3).T
    return tones.clamp(0, 1), variances.log(), weights.sqrt()


def _faults(tones: Tensor, logs: Tensor, weights: Tensor) -> Tensor:
    """How far the best law of each curve is from a channel's, (shares,)."""
    shares = torch.tensor(_SHARES)
    values = tones.expand(len(shares), 1, 1, -1)
    light = untone(values, shares)
    slope = tone_slope(light, shares)[:, 0].square()
    read = torch.tensor(_READ)[:, None]
    rest = logs - (slope * (light[:, 0] + read)).log()  # (shares, reads, tones)
    mean = (rest * weights).sum(2, keepdim=True) / weights.sum()
    faults: Tensor = ((rest - mean).square() * weights).sum(2).amin(1)
    return faults
