"""How much of what a denoiser removes repeats itself, as no noise does.

The dots of a print, an ordered dither, a weave or a hatching has the energy of noise in every
place, and neither its direction nor its places give it away. But its spectrum consists of a few
peaks, and that of noise, however coarse, is smooth.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_AROUND = 4  # frequencies on either side of one, to which it is compared
_PEAK = 20.0  # times the median around it: of a million frequencies of noise hardly one has this
_LEAST_SIDE = 64  # in pixels; of a smaller window the spectrum is too coarse


def periodicity(removed: Tensor) -> float:
    """The share of the energy of removed brightness that lies in peaks of its spectrum, 0 to 1.

    Args:
        removed: What was removed from windows, (B, C, h, w).
    """
    high, wide = removed.shape[2:]
    if min(high, wide) < _LEAST_SIDE:
        return 0.0
    brightness = removed.mean(1)
    brightness = brightness - brightness.mean((1, 2), keepdim=True)
    fade = (torch.hann_window(side, device=removed.device) for side in (high, wide))
    power = torch.fft.fft2(brightness * torch.outer(*fade)).abs().square().mean(0)
    padded = F.pad(power[None, None], (_AROUND,) * 4, mode="circular")
    usual = F.unfold(padded, 2 * _AROUND + 1).median(1).values.view_as(power)
    total = float(power.sum())
    return float(power[power > _PEAK * usual].sum()) / total if total else 0.0
