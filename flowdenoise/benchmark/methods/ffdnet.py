"""FFDNet, a peer: convolutions at half the resolution, told the noise level by a map of it.

Zhang, Zuo and Zhang, "FFDNet: toward a fast and flexible solution for CNN-based image denoising",
IEEE TIP 2018. Each 2x2 block of pixels becomes channels of one, and one more channel holds sigma:

    (B, C, H, W) -> fold -> (B, 4C, H/2, W/2) + sigma -> convolutions -> unfold -> (B, C, H, W)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.networks import DenoisingNetwork, NetworkConfig, sigma_maps
from flowdenoise.system.rules import Range, Size


@dataclass(frozen=True)
class FFDNetConfig(NetworkConfig):
    """Sizes of an `FFDNet`.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
        channels: The width of the inner layers.
        layers: The number of convolutions.
    """

    channels: Size = 96
    layers: Annotated[int, Range(2, 1 << 16)] = 12

    @property
    def stride(self) -> int:
        """The number of pixels of which sides and places of tiles must be multiples."""
        return 2

    @property
    def sigma_channels(self) -> int:
        """The number of maps of the noise level, one."""
        return 1

    @property
    def receptive_radius(self) -> int:
        """How far, in pixels, the input can influence an output pixel."""
        return 2 * self.layers + 1

    @property
    def multiply_adds_per_pixel(self) -> float:
        """The multiply-adds per pixel of the image."""
        folded = 4 * self.image_channels
        ends = (folded + 1 + folded) * self.channels
        return 9 * (ends + self.channels**2 * (self.layers - 2)) / 4


class FFDNet(DenoisingNetwork):
    """The network.

    Args:
        config: The sizes of the network.
    """

    config: FFDNetConfig

    def __init__(self, config: FFDNetConfig) -> None:
        super().__init__()
        self.config = config
        width, folded = config.channels, 4 * config.image_channels
        inner: list[nn.Module] = [nn.Conv2d(folded + 1, width, 3, padding=1), nn.ReLU()]
        for _ in range(config.layers - 2):
            inner += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        self.inner = nn.Sequential(*inner)
        self.last = nn.Conv2d(width, folded, 3, padding=1)

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images: see `DenoisingNetwork`.

        The last convolution is always computed in the images' type: it gives the image itself, for
        which eight bits of mantissa are too few.
        """
        folded = F.pixel_unshuffle(noisy, 2)
        level = sigma_maps(sigma, folded, channels=1, unshuffle=2)
        features: Tensor = self.inner(torch.cat([folded, level], 1).to(self.last.weight.dtype))
        last = self.last
        bias = None if last.bias is None else last.bias.to(noisy.dtype)
        clean = F.conv2d(features.to(noisy.dtype), last.weight.to(noisy.dtype), bias, padding=1)
        return F.pixel_shuffle(clean, 2)
