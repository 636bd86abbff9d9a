"""The tone curve of a camera: from linear light to sRGB and back.

IEC 61966-2-1 defines sRGB; the S-curve of contrast on top of it is that of most cameras' pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor


def tone(light: Tensor, contrast: Tensor) -> Tensor:
    """Apply the tone curve: linear light in [0, 1] to sRGB, with a share of an S-curve.

    Args:
        light: The linear light, (B, C, H, W), which is clamped to [0, 1].
        contrast: The share of the S-curve, (B,).
    """
    light = light.clamp(0, 1)
    low = light < 0.0031308
    value = torch.where(low, 12.92 * light, 1.055 * light.clamp(min=1e-4).pow(1 / 2.4) - 0.055)
    return s_curve(value, contrast[:, None, None, None])


def s_curve(value: Tensor, share: Tensor) -> Tensor:
    """Mix values of [0, 1] with a share of the S-curve 3 v^2 - 2 v^3."""
    return value + share * (value * value * (3 - 2 * value) - value)


def untone(picture: Tensor, contrast: Tensor) -> Tensor:
    """Undo `tone`. Beyond [0, 1] the curve goes on along its tangent.

    Gradients flow to `picture`.
    """
    inside = picture.detach().clamp(0, 1)
    share = contrast[:, None, None, None]
    value = inside
    for _ in range(5):  # Newton; the curve is monotonic, its slope at least 1 - share
        rest = s_curve(value, share) - inside
        value = (value - rest / (1 - share + share * 6 * value * (1 - value))).clamp(0, 1)
    low = value < 0.04045
    light = torch.where(low, value / 12.92, ((value + 0.055) / 1.055).pow(2.4))
    slope = torch.where(low, 1 / 12.92, ((value + 0.055) / 1.055).pow(1.4) * (2.4 / 1.055))
    slope = slope / (1 - share + share * 6 * value * (1 - value))
    return light + (picture - inside) * slope


def tone_slope(light: Tensor, contrast: Tensor) -> Tensor:
    """The derivative of `tone` at linear light, (B, C, H, W), which is clamped to [0, 1]."""
    light = light.clamp(0, 1)
    low = light < 0.0031308
    safe = light.clamp(min=0.0031308)
    value = torch.where(low, 12.92 * light, 1.055 * safe.pow(1 / 2.4) - 0.055)
    slope = torch.where(low, 12.92, (1.055 / 2.4) * safe.pow(1 / 2.4 - 1))
    share = contrast[:, None, None, None]
    return slope * (1 - share + share * 6 * value * (1 - value))
