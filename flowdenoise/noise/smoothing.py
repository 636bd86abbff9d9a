"""What a camera does to detail: it smooths brightness and color band by band, and sharpens.

All of this is linear in light once its weights are known, so two pictures can be treated alike.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALL = 128  # up to this side one product with a matrix is quicker than a convolution


def gaussian(values: Tensor, deviation: float) -> Tensor:
    """Blur (B, C, H, W) by a Gaussian, borders mirrored."""
    height, width = values.shape[-2:]
    if max(height, width) <= _SMALL:
        kind = deviation, values.device, values.dtype
        return _blur_matrix(height, *kind).T @ (values @ _blur_matrix(width, *kind))
    kernel = _kernel(deviation, values).expand(values.shape[1], 1, 1, -1)
    padded = F.pad(values, (kernel.shape[-1] // 2,) * 4, mode="reflect")
    groups = values.shape[1]
    return F.conv2d(F.conv2d(padded, kernel, groups=groups), kernel.transpose(2, 3), groups=groups)


def _kernel(deviation: float, like: Tensor) -> Tensor:
    """The weights of a Gaussian, whose sum is 1."""
    radius = max(1, round(2.5 * deviation))
    place = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    kernel = torch.exp(-0.5 * (place / deviation) ** 2)
    return kernel / kernel.sum()


@lru_cache(maxsize=64)
def _blur_matrix(side: int, deviation: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The matrix (side, side) whose product with rows blurs them, borders mirrored."""
    with torch.inference_mode(False):  # or no gradient could go through it later
        unit = torch.eye(side, device=device, dtype=dtype)[:, None]
        kernel = _kernel(deviation, unit)
        padded = F.pad(unit, (len(kernel) // 2,) * 2, mode="reflect")
        return F.conv1d(padded, kernel[None, None])[:, 0]


def blur_each(values: Tensor, deviation: Tensor) -> Tensor:
    """Blur each of (B, C, H, W) by a Gaussian of its own deviation (B,), at most one pixel."""
    batch, channels, height, width = values.shape
    place = torch.arange(-3, 4, device=values.device, dtype=values.dtype)
    kernels = torch.exp(-0.5 * (place / deviation.clamp(min=0.05)[:, None]).square())
    kernels = kernels / kernels.sum(1, keepdim=True)
    kernels = kernels.repeat_interleave(channels, 0)[:, None, None]
    flat = F.pad(values.reshape(1, -1, height, width), (3, 3, 3, 3), mode="reflect")
    groups = batch * channels
    flat = F.conv2d(
        F.conv2d(flat, kernels, groups=groups), kernels.reshape(groups, 1, 7, 1), groups=groups
    )
    return flat.reshape(values.shape)


_SCALES = (0.7, 1.4, 2.8, 5.6)  # deviations in pixels between the bands of `smooth`


def smoothing_weight(light: Tensor, edge: Tensor, noise: Tensor) -> Tensor:
    """How much the camera smooths at each place: 1 in flat parts, 0 at edges, (B, 1, H, W).

    The weight depends on the input alone.

    Args:
        light: The linear light as the camera has it, (B, 3, H, W).
        edge: The contrast that counts as an edge, in deviations of the noise, (B,).
        noise: The deviation of the noise of brightness, (B, 1, H, W).
    """
    brightness = light.mean(1, keepdim=True)
    contrast = (gaussian(brightness, 0.7) - gaussian(brightness, 2.0)).abs()
    share = contrast / (edge[:, None, None, None] * 0.3 * noise + 1e-6)
    return torch.exp(-share.square())


def smooth(light: Tensor, bands: Tensor, weight: Tensor) -> Tensor:
    """Weaken detail of brightness and color, band by band, where `weight` says so.

    Color is smoothed up to edges of three times the contrast, as cameras do.

    Args:
        light: The linear light, (B, 3, H, W).
        bands: The gains of brightness and color, (B, 2, 4), see `Development`.
        weight: The weight of the smoothing, (B, 1, H, W), from `smoothing_weight`.
    """
    brightness = light.mean(1, keepdim=True)
    parts = torch.cat([brightness, light - brightness], 1)
    gains = torch.cat([bands[:, :1], bands[:, 1:].expand(-1, 3, -1)], 1)  # (B, 4, 4)
    weight = torch.cat([weight, weight.pow(1 / 9).expand(-1, 3, -1, -1)], 1)
    upper, kept = parts, torch.zeros_like(parts)
    for index, deviation in enumerate(_SCALES):
        lower = gaussian(parts, deviation)
        gain = 1 - weight * (1 - gains[:, :, index, None, None])
        kept = kept + gain * (upper - lower)
        upper = lower
    kept = kept + upper
    return kept[:, :1] + kept[:, 1:]


def sharpen(light: Tensor, strength: Tensor) -> Tensor:
    """Sharpen light (B, 3, H, W) by an unsharp mask of brightness of strength (B,)."""
    brightness = light.mean(1, keepdim=True)
    detail = brightness - gaussian(brightness, 1.0)
    return light + strength[:, None, None, None] * detail


def halve_color(light: Tensor, subsampling: Tensor) -> Tensor:
    """Halve the resolution of color as JPEG does, across or both ways.

    Args:
        light: The linear light, (B, 3, H, W).
        subsampling: How JPEG holds the color, (B,), indices of `compression.SUBSAMPLINGS`.
    """
    brightness = light.mean(1, keepdim=True)
    color = light - brightness
    size = color.shape[-2:]
    for sides, interpolated, repeated in (((1, 2), 1, 3), ((2, 2), 2, 4)):
        halves = F.avg_pool2d(light - brightness, sides)
        for index, mode in ((interpolated, "bilinear"), (repeated, "nearest")):
            held = F.interpolate(halves, size=size, mode=mode)
            color = torch.where(subsampling[:, None, None, None] == index, held, color)
    return brightness + color
