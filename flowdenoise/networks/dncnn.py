"""DnCNN, the supervised baseline: a plain stack of convolutions that predicts the noise.

Zhang et al., "Beyond a Gaussian denoiser", IEEE TIP 2017: 17 layers for one noise level or gray,
20 layers for blind color; 64 channels; batch normalization between the layers. The network is
blind: the noise level is not an input. For use, the normalization is folded into the convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn

from flowdenoise.networks import DenoisingNetwork, NetworkConfig
from flowdenoise.system.rules import Range, Size


@dataclass(frozen=True)
class DnCNNConfig(NetworkConfig):
    """Sizes of a `DnCNN`.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
        channels: The width of the inner layers.
        layers: The number of convolutions.
        batch_norm: Whether to normalize between them, which only training needs.
    """

    channels: Size = 64
    layers: Annotated[int, Range(2, 1 << 16)] = 20
    batch_norm: bool = True

    @classmethod
    def published(cls, image_channels: int) -> DnCNNConfig:
        """The published sizes: 20 layers for color, 17 for gray."""
        return cls(image_channels=image_channels, layers=20 if image_channels == 3 else 17)

    @property
    def sigma_channels(self) -> int:
        """The number of noise maps: none, as the network is blind."""
        return 0

    @property
    def receptive_radius(self) -> int:
        """How far, in pixels, the input can influence an output pixel."""
        return self.layers

    @property
    def multiply_adds_per_pixel(self) -> float:
        """The multiply-adds per pixel of the image, with normalization folded."""
        ends = 2 * 9 * self.image_channels * self.channels
        return float(ends + 9 * self.channels**2 * (self.layers - 2))


class DnCNN(DenoisingNetwork):
    """The network.

    Args:
        config: The sizes of the network.
    """

    config: DnCNNConfig

    def __init__(self, config: DnCNNConfig) -> None:
        super().__init__()
        self.config = config
        width, norm = config.channels, config.batch_norm
        layers: list[nn.Module] = [_conv(config.image_channels, width), nn.ReLU()]
        for _ in range(config.layers - 2):
            layers.append(_conv(width, width, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers, _conv(width, config.image_channels))

    def forward(self, noisy: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """Estimate the clean images: see `DenoisingNetwork`."""
        weight = next(self.parameters())
        noise: Tensor = self.layers(noisy.to(weight.dtype))
        return noisy - noise.to(noisy.dtype)


def _conv(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


@torch.no_grad()
def fold_batch_norm(net: DnCNN) -> DnCNN:
    """Fold the normalization's statistics into the convolutions; the function stays the same.

    With running mean m, variance v, gain g and shift b of a channel,
    g (Wx - m) / sqrt(v + eps) + b = (g / sqrt(v + eps)) Wx + (b - g m / sqrt(v + eps)).
    """
    folded = DnCNN(replace(net.config, batch_norm=False)).eval()
    convs = iter(layer for layer in folded.layers if isinstance(layer, nn.Conv2d))
    layers = list(net.layers)
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, nn.Conv2d):
            continue
        conv = next(convs)
        weight, bias = layer.weight, layer.bias
        if isinstance(following, nn.BatchNorm2d):
            mean, variance = following.running_mean, following.running_var
            assert mean is not None and variance is not None  # noqa: S101, PT018 - it tracks them
            gain = following.weight / (variance + following.eps).sqrt()
            weight, bias = weight * gain[:, None, None, None], following.bias - gain * mean
        conv.weight.copy_(weight)
        assert conv.bias is not None and bias is not None  # noqa: S101, PT018 - made with them
        conv.bias.copy_(bias)
    return folded
