r"""The denoiser: residual blocks of convolutions, `d(noisy, sigma) -> denoised`.

The image is folded to half resolution (pixel unshuffle, as in FFDNet), joined by a map of the
noise level, and passed through residual blocks, at one scale or at several as in a U-Net:

    noisy --unshuffle--> head -> blocks -----------+-> blocks -> tail --shuffle--> minus noise
                                  \-> down -> ... -> up -/

There is nothing in it but convolutions, additions and ReLU: no normalization, no pooling over
the image, so what a pixel becomes depends only on its neighborhood of `receptive_radius`, and
tiles are exact. Without biases the network is homogeneous, `d(a y, a sigma) = a d(y, sigma)` for
a > 0 (Mohan et al., "Robust and interpretable blind image denoising via bias-free convolutional
neural networks", ICLR 2020), so levels beyond those it was trained at do not break it.

The same class expresses the small full-resolution network of the "Unpaired Image Denoising"
authors: see `ResNetConfig.paper`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.errors import UsageError
from flowdenoise.networks import DenoisingNetwork, NetworkConfig
from flowdenoise.networks.fused_convolution import added, rectified
from flowdenoise.networks.noise_map import sigma_maps
from flowdenoise.system.rules import Range, Size


@dataclass(frozen=True)
class ResNetConfig(NetworkConfig):
    """Sizes of a `ResNet`.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
        channels: The width of each scale, finest first; empty means that the blocks work on the
            image itself, without head and tail.
        blocks: The number of residual blocks of each scale. At all scales but the coarsest there
            are that many on the way down and again on the way up.
        unshuffle: The factor by which the image is folded before the first convolution.
        noise_map: Whether the noise level is an input.
        maps: The number of maps of the noise level: 1, or 2 for brightness and color apart.
        bottleneck: The inner width of a block of three convolutions, 3x3, 1x1 and 3x3; 0 means a
            block of two plain 3x3 convolutions.
        instance_norm: Whether to normalize inside the blocks by the statistics of the image. This
            only serves to reproduce the paper's code: it is a global operation, so tiles are not
            exact.
        sigmoid: Whether to squash the result into (0, 1), as the paper's code does.
        residual: Whether a network with head and tail predicts the noise, which is subtracted from
            the input. Where a network must not see the pixel that it predicts, there is nothing to
            subtract from: Höck et al., "N2V2" (ECCV 2022 workshops), leave it out, too.
    """

    channels: tuple[Size, ...] = (64,)
    blocks: tuple[Size, ...] = (11,)
    unshuffle: Size = 2
    noise_map: bool = True
    bottleneck: Annotated[int, Range(0, 1 << 16)] = 0
    instance_norm: bool = False
    sigmoid: bool = False
    residual: bool = True
    maps: Annotated[int, Range(1, 2)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        scales = max(1, len(self.channels))
        if len(self.blocks) != scales:
            raise UsageError(f"{scales} scales need {scales} numbers of blocks, not {self.blocks}")
        if not self.channels and (self.noise_map or self.unshuffle != 1):
            raise UsageError("without channels there is no place for a noise map or unshuffling")

    @classmethod
    def paper(cls, image_channels: int = NetworkConfig.image_channels) -> ResNetConfig:
        """The network of the paper's released code: 31,936 parameters for color."""
        return cls(
            image_channels=image_channels,
            channels=(),
            blocks=(64,),
            unshuffle=1,
            noise_map=False,
            bottleneck=8,
            instance_norm=True,
            sigmoid=True,
        )

    @property
    def stride(self) -> int:
        """The number of pixels of which sides and places of tiles must be multiples."""
        return int(self.unshuffle * 2 ** max(0, len(self.channels) - 1))

    @property
    def sigma_channels(self) -> int:
        """The number of maps of the noise level: `maps`, or none."""
        return self.maps * self.noise_map

    @property
    def receptive_radius(self) -> int:
        """How far, in pixels, the input can influence an output pixel."""
        scales = max(1, len(self.channels))
        radius = 0 if not self.channels else 2 * self.unshuffle  # head and tail
        for scale, blocks in enumerate(self.blocks):
            passes = 1 if scale == scales - 1 else 2
            radius += 2 * blocks * passes * self.unshuffle * 2**scale
        return radius + self.stride - 1  # within one cell of the coarsest grid

    @property
    def multiply_adds_per_pixel(self) -> float:
        """The multiply-adds per pixel of the image, the unit in which costs are compared."""
        folded = self.image_channels * self.unshuffle**2
        pixels = 1 / self.unshuffle**2  # cells of the finest grid per pixel of the image
        widths = self.channels or (self.image_channels,)
        total = 0.0
        if self.channels:
            total += 9 * widths[0] * (2 * folded + self.sigma_channels) * pixels
        for scale, (width, blocks) in enumerate(zip(widths, self.blocks, strict=True)):
            inner = self.bottleneck
            block = 18 * width * inner + inner**2 if inner else 18 * width**2
            last = scale == len(widths) - 1
            total += block * blocks * (1 if last else 2) * pixels / 4**scale
            if not last:
                total += 2 * 4 * width * widths[scale + 1] * pixels / 4 ** (scale + 1)
        return total

    def differs_in_depth(self, other: object) -> bool:
        """Whether these are the sizes of another network but for the number of its blocks."""
        if not isinstance(other, ResNetConfig) or self == other:
            return False
        alike = self.channels == other.channels
        return alike and replace(self, blocks=other.blocks) == other

    def adds_scales_to(self, other: object) -> bool:
        """Whether these are the sizes of a network of one scale, with coarser ones added."""
        if not isinstance(other, ResNetConfig) or len(self.channels) < 2:
            return False
        alike = len(other.channels) == 1 and other.channels == self.channels[:1]
        as_before = replace(self, channels=self.channels[:1], blocks=other.blocks[:1])
        return alike and 2 * self.blocks[0] <= other.blocks[0] and as_before == other


_MORE = 1.4  # times the mean of two maps stands for the one level that a network knew


class ResidualBlock(nn.Module):
    """The block `x + conv(relu(conv(x)))`, 3x3, without bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return added(self.conv2, rectified(self.conv1, x), x)


class BottleneckBlock(nn.Module):
    """The block `x + conv3x3(conv1x1(conv3x3(x)))`, narrow inside, as in the paper's code."""

    def __init__(self, channels: int, inner: int, instance_norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, inner, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(inner, inner, 1, bias=False)
        self.conv3 = nn.Conv2d(inner, channels, 3, padding=1)
        self.norm = nn.InstanceNorm2d(inner) if instance_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        inner = F.relu(self.norm(self.conv1(x)))
        inner = F.relu(self.norm(self.conv2(inner)))
        outer: Tensor = self.conv3(inner)
        return outer.add_(x)


class ResNet(DenoisingNetwork):
    """The denoiser.

    Args:
        config: The sizes of the network.
    """

    config: ResNetConfig

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        folded = config.image_channels * config.unshuffle**2
        widths = config.channels or (config.image_channels,)
        self.head: nn.Module = nn.Identity()
        self.tail: nn.Module = nn.Identity()
        if config.channels:
            inputs = folded + config.sigma_channels
            self.head = nn.Conv2d(inputs, widths[0], 3, padding=1, bias=False)
            self.tail = nn.Conv2d(widths[0], folded, 3, padding=1, bias=False)
        finer = list(zip(widths, widths[1:], config.blocks, strict=False))
        self.encoders = nn.ModuleList(self._stage(width, count) for width, _, count in finer)
        self.decoders = nn.ModuleList(self._stage(width, count) for width, _, count in finer)
        self.downs = nn.ModuleList(
            nn.Conv2d(width, coarser, 2, stride=2, bias=False) for width, coarser, _ in finer
        )
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(coarser, width, 2, stride=2, bias=False)
            for width, coarser, _ in finer
        )
        self.middle = self._stage(widths[-1], config.blocks[-1])
        self._initialize()

    def _stage(self, width: int, count: int) -> nn.Sequential:
        if not self.config.bottleneck:
            return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
        inner, norm = self.config.bottleneck, self.config.instance_norm
        return nn.Sequential(*(BottleneckBlock(width, inner, norm) for _ in range(count)))

    def _initialize(self) -> None:
        """Initialize as He et al. do, but each block's last convolution small.

        So a block starts near the identity. See Zhang et al., "Fixup initialization", ICLR 2019.
        """
        blocks = sum(self.config.blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    module.conv2.weight.mul_(blocks**-0.5)
                if isinstance(module, BottleneckBlock):
                    module.conv3.weight.mul_(0.1 * blocks**-0.5)
            if isinstance(self.tail, nn.Conv2d):
                self.tail.weight.mul_(0.1)

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images: see `DenoisingNetwork`.

        A network in bfloat16 given float32 images returns float32: only the predicted noise is
        rounded, not the image.
        """
        config = self.config
        weight = next(self.parameters())
        features = F.pixel_unshuffle(noisy.to(weight.dtype), config.unshuffle)
        if config.sigma_channels:
            level = sigma_maps(sigma, features, config.sigma_channels, config.unshuffle)
            level = level.contiguous(memory_format=torch.channels_last)  # or the next is not
            features = torch.cat([features, level], dim=1)
        features = self.head(features)
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            features = encoder(features)
            skips.append(features)
            features = down(features)
        features = self.middle(features)
        for decoder, up in reversed(list(zip(self.decoders, self.ups, strict=True))):
            features = decoder(up(features).add_(skips.pop()))
        result = F.pixel_shuffle(self.tail(features), config.unshuffle).to(noisy.dtype)
        if config.sigmoid:
            return torch.sigmoid(result)
        return noisy - result if config.channels and config.residual else result


def tell_two_maps(network: ResNet) -> ResNet:
    """A network that is told brightness and color apart, from one that is told one level.

    Told the same level twice, it does what the other one does told 1.4 times that level. A network
    that learned white noise must be told more than the level of coarser noise, or some is left.

    Args:
        network: A network with one map; it is not changed.
    """
    made = ResNet(replace(network.config, maps=2))
    state = dict(network.state_dict())
    head = state["head.weight"]
    picture, level = head[:, :-1], head[:, -1:]
    state["head.weight"] = torch.cat([picture, _MORE / 2 * level.expand(-1, 2, -1, -1)], 1)
    made.load_state_dict(state)
    return made
