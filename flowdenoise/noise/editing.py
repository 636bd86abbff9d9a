"""What people do to a photograph after the camera: exposure, curves, color, sharpening, size.

All of it changes noise: a curve makes it stronger here and weaker there, values that are cut off
lose it, sharpening and a new size change its grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.noise.camera import Ends, between, draw_log
from flowdenoise.noise.smoothing import sharpen
from flowdenoise.noise.tone import s_curve, tone, untone
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Share
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class EditConfig:
    """How photographs are edited: the range of each number that is drawn.

    Attributes:
        each: The probability of each of the edits.
        exposure: The factor of the light, drawn log-uniformly.
        gamma: The exponent of the values, drawn log-uniformly.
        contrast: The slope of a straight line through middle gray, drawn log-uniformly.
        curve: The share of an S-curve.
        saturation: The factor of color; 0 leaves brightness alone.
        sharpening: The strength of an unsharp mask.
    """

    each: Share = 0.4
    exposure: Ends = (0.6, 2.5)
    gamma: Ends = (0.6, 1.3)
    contrast: Ends = (0.7, 1.8)
    curve: Ends = (0.0, 1.0)
    saturation: Ends = (0.0, 1.8)
    sharpening: Ends = (0.0, 1.2)

    def __post_init__(self) -> None:
        check(self)


def edit(pictures: Tensor, keys: Tensor, config: EditConfig) -> Tensor:
    """Edit pictures, each in its own way.

    Args:
        pictures: The pictures, (B, 3, H, W) sRGB in [0, 1].
        keys: The keys, (B,) int32; the same key gives the same edits.
        config: How they are edited.

    Returns:
        The pictures, (B, 3, H, W) in [0, 1], not rounded.
    """
    number = _Numbers(keys, config.each)
    exposure = number.factor(Stream.EDIT_EXPOSURE, config.exposure)
    values = exposed(pictures, exposure[:, 0, 0, 0])
    values = values.clamp(min=1e-6).pow(number.factor(Stream.EDIT_GAMMA, config.gamma))
    contrast = number.factor(Stream.EDIT_CONTRAST, config.contrast)
    values = (0.5 + contrast * (values - 0.5)).clamp(0, 1)
    values = s_curve(values, number.share(Stream.EDIT_CURVE, config.curve, 0.0))
    gray = values.mean(1, keepdim=True)
    saturation = number.share(Stream.EDIT_SATURATION, config.saturation, 1.0)
    values = (gray + saturation * (values - gray)).clamp(0, 1)
    strength = number.share(Stream.EDIT_SHARPENING, config.sharpening, 0.0)
    return sharpen(values, strength[:, 0, 0, 0]).clamp(0, 1)


def exposed(pictures: Tensor, light: Tensor) -> Tensor:
    """Give pictures (B, C, H, W), sRGB in [0, 1], other light, (B,); too much of it is white."""
    none = light.new_zeros(len(light))
    return tone(untone(pictures, none) * light[:, None, None, None], none)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of edits: a share `each` of the keys draw theirs, others have a fixed one."""

    keys: Tensor
    each: float

    def factor(self, stream: int, ends: tuple[float, float]) -> Tensor:
        """Factors, (B, 1, 1, 1), drawn log-uniformly, or 1."""
        return self._chosen(stream, draw_log(self.keys, stream, ends), 1.0)

    def share(self, stream: int, ends: tuple[float, float], otherwise: float) -> Tensor:
        """Shares, (B, 1, 1, 1), or `otherwise`."""
        drawn = between(Draws(self.keys).uniform(stream), ends)
        return self._chosen(stream, drawn, otherwise)

    def _chosen(self, stream: int, drawn: Tensor, otherwise: float) -> Tensor:
        chosen = Draws(self.keys).uniform(stream + 64) < self.each
        return torch.where(chosen, drawn, otherwise)[:, None, None, None]


def resize(pictures: Tensor, factors: Tensor, side: int, *, bounded: bool = True) -> Tensor:
    """Resize pictures, each by a factor of its own, and cut out their middle.

    Args:
        pictures: The pictures, (B, C, H, W).
        factors: The factors, (B,); a smaller picture is made of means, without aliasing.
        side: The side of what is cut out; each picture must be as large after its factor.
        bounded: Whether values beyond [0, 1] are cut off.

    Returns:
        The middles, (B, C, side, side).
    """
    out = pictures.new_empty(*pictures.shape[:2], side, side)
    for index, factor in enumerate(factors.tolist()):
        whole = resize_whole(pictures[index : index + 1], factor, side, bounded=bounded)
        top, left = ((length - side) // 2 for length in whole.shape[2:])
        out[index] = whole[0, :, top : top + side, left : left + side]
    return out


def resize_whole(
    pictures: Tensor, factor: float, least: int = 1, *, bounded: bool = True
) -> Tensor:
    """Resize pictures by one factor, as programs do.

    Args:
        pictures: The pictures, (B, C, H, W).
        factor: The factor; a smaller picture is made of means, without aliasing.
        least: The least side of the results, in pixels.
        bounded: Whether values beyond [0, 1] are cut off.

    Returns:
        The pictures, (B, C, h, w).
    """
    size = [max(least, round(factor * length)) for length in pictures.shape[2:]]
    resized = F.interpolate(pictures, size=size, mode="bicubic", antialias=factor < 1)
    return resized.clamp_(0, 1) if bounded else resized
