r"""Fine texture that went with the noise of a photograph, and the share of it that comes back.

A denoiser that is told one level for grain of all sizes takes fine texture with it where the fine
part of the noise is weaker than that. How strong it is, the maps say: noise of grain g has a fine
level f, of which f / g lies above a quarter of a cycle per pixel. So with h the fine part of the
removed brightness (a removal less its blur) and e its mean square around a pixel,

    result = denoised + detail s h        s = max(0, 1 - bound (f / g)^2 / e)

gives back what the noise does not explain, as Wiener's filter would with h for a picture of
texture in noise. The bound keeps what chance alone makes of pure noise out of it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_RADIUS = 4  # of the window in which the energy is measured
_BOUND = 1.3
_LEAST = 1e-12


def give_back(noisy: Tensor, denoised: Tensor, level: Tensor, detail: float) -> Tensor:
    """Give back a share of the fine texture of brightness that was removed.

    Args:
        noisy: The noisy tiles, (B, C, h, w), about [0, 1].
        denoised: What a denoiser made of them, (B, C, h, w).
        level: The level of the fine part of the noise of brightness, (B, 1, h, w).
        detail: The share; 0 gives back nothing.
    """
    removed = (noisy - denoised).mean(1, keepdim=True)
    fine = removed - _blur(removed)
    side = 2 * _RADIUS + 1
    energy = noisy.shape[1] * F.avg_pool2d(
        fine.square(), side, 1, _RADIUS, count_include_pad=False
    )
    share = (1 - _BOUND * level.square() / energy.clamp(min=_LEAST)).clamp(min=0)
    return denoised + detail * share * fine


def _blur(planes: Tensor) -> Tensor:
    """Blur (B, 1, h, w) by a binomial filter of five pixels, with the border's repeated."""
    weights = planes.new_tensor(_BINOMIAL)
    padded = F.pad(planes, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, weights[None, None, None]), weights[None, None, :, None])
