"""Vary the colors of training patches, so that a network sees more of them than its corpus has.

Photographs are mostly dull, and where they are colorful, JPEG has halved the resolution of their
color. A network that never saw fine saturated color takes it for noise.

Two variations, each with a probability of its own:

- A **mix** rotates hue, scales saturation and multiplies each channel by a gain, on the clean
  bytes, before any noise. The result is clamped and rounded to bytes: another clean picture.
- A **permutation** of the channels comes last and moves noise and picture together, as turning a
  patch does. Noise that is independent and alike in all channels stays so.

With fixed noise every picture has one noisy version, and nothing that is seen may tell more than
that version does. Two mixes of one picture under the same noise would: their difference is free
of noise. So there a picture has one mix, chosen by its name like its noise, and only permutations
differ from visit to visit, because they are functions of the noisy values alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from flowdenoise.noise.camera import between
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Ascending, Range, Share
from flowdenoise.system.typed import check

_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))

_Factor = Annotated[float, Range(0, 100)]
_Factors = Annotated[tuple[_Factor, _Factor], Ascending()]


@dataclass(frozen=True)
class ColorConfig:
    """How the colors of a color corpus are varied; the default leaves them alone.

    Attributes:
        permute: Probability that the channels of a patch take a random order.
        mix: Probability that hue, saturation and gains are drawn at random.
        saturation: Range of the factor of saturation; 1 keeps it, 0 is gray.
        hue: Largest rotation of the hue, in degrees to either side; 120 moves red to green.
        gain: Range of the factor of each channel. Unequal gains turn differences of brightness,
            which a JPEG keeps in full resolution, into fine color.
        by_image: Each image has one mix for good, which fixed noise demands; otherwise each
            visit draws its own.
    """

    permute: Share = 0.0
    mix: Share = 0.0
    saturation: _Factors = (0.5, 2.0)
    hue: Annotated[float, Range(0, 180)] = 180.0
    gain: _Factors = (0.5, 1.0)
    by_image: bool = True

    def __post_init__(self) -> None:
        check(self)

    @property
    def varies(self) -> bool:
        """Whether anything is varied."""
        return self.permute > 0 or self.mix > 0


def mix(patches: Tensor, draws: Draws, config: ColorConfig) -> Tensor:
    """Mix the channels of a share `config.mix` of the patches.

    Args:
        patches: Clean patches, (B, 3, H, W) uint8.
        draws: Random numbers of each patch, or of the image that it belongs to.
        config: How the colors are varied.

    Returns:
        (B, 3, H, W) uint8; patches that are not chosen are unchanged.
    """
    if config.mix == 0:
        return patches
    chosen = draws.uniform(Stream.MIX) < config.mix
    unchanged = torch.eye(3, device=patches.device).expand(len(draws), 3, 3)
    matrices = torch.where(chosen[:, None, None], _matrices(draws, config), unchanged)
    mixed = torch.einsum("bij,bjhw->bihw", matrices, patches.float())
    return mixed.round_().clamp_(0, 255).to(torch.uint8)


def _matrices(draws: Draws, config: ColorConfig) -> Tensor:
    """(B, 3, 3): gains times saturation times a rotation around the axis of grays."""
    angle = torch.deg2rad(config.hue * (2 * draws.uniform(Stream.HUE) - 1))[:, None, None]
    saturation = between(draws.uniform(Stream.SATURATION), config.saturation)[:, None, None]
    gains = [
        between(draws.uniform(stream), config.gain)
        for stream in (Stream.RED_GAIN, Stream.GREEN_GAIN, Stream.BLUE_GAIN)
    ]
    gray = torch.full((3, 3), 1 / 3, device=angle.device)
    color = torch.eye(3, device=angle.device) - gray
    # A quarter turn in the plane of colors: the cross product with (1, 1, 1) / sqrt(3).
    quarter = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=angle.device) / 3**0.5
    rotated = gray + saturation * (angle.cos() * color + angle.sin() * quarter)
    return torch.stack(gains, 1)[:, :, None] * rotated


def permute(patches: Tensor, draws: Draws, config: ColorConfig) -> Tensor:
    """Reorder the channels of a share `config.permute` of the patches.

    Args:
        patches: Patches of any type, (B, 3, H, W).
        draws: Random numbers of each patch.
        config: How the colors are varied. One of the six orders is the old one.

    Returns:
        Patches like `patches`.
    """
    if config.permute == 0:
        return patches
    share = draws.uniform(Stream.PERMUTATION) / config.permute
    which = torch.where(share < 1, (6 * share).long(), torch.zeros_like(share).long())
    order = torch.tensor(_ORDERS, device=patches.device)[which]
    return patches.gather(1, order[:, :, None, None].expand_as(patches))
