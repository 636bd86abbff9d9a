"""Networks that denoise, `d(noisy, sigma) -> denoised`, and what each promises its callers.

```
resnet             the denoiser
fused_convolution  convolutions that rectify and add in passing
eight_bits         blocks in integers of 8 bits
dncnn              the supervised baseline
noise_map          the noise level as channels of the input
noise_level        an estimator of the level of white noise
noise_estimator    an estimator of maps of noise of any kind
filter_bank        what it learns to see of pixels
growing            networks that begin as others of other sizes
```
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from flowdenoise.system.lazy import homes
from flowdenoise.system.rules import Channels
from flowdenoise.system.typed import check

if TYPE_CHECKING:
    from flowdenoise.networks.dncnn import DnCNN, DnCNNConfig, fold_batch_norm
    from flowdenoise.networks.eight_bits import with_integers, without_integers
    from flowdenoise.networks.growing import grown, with_depth, with_filters, with_scales
    from flowdenoise.networks.noise_estimator import (
        FLOOR,
        KINDS,
        MAPS,
        Noise,
        NoiseMapConfig,
        NoiseMapNet,
        around,
        band_energies,
        level_loss,
        measured,
        of_gray,
        opponent,
    )
    from flowdenoise.networks.noise_level import (
        NoiseLevelConfig,
        NoiseLevelNet,
        blocks_of,
        cosine_transform,
        from_scale,
        to_scale,
    )
    from flowdenoise.networks.noise_map import sigma_maps
    from flowdenoise.networks.resnet import (
        ResNet,
        ResNetConfig,
        tell_two_maps,
    )


@dataclass(frozen=True)
class NetworkConfig(ABC):
    """Sizes of a network that denoises; its properties are what the network promises.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
    """

    image_channels: Channels = 3

    def __post_init__(self) -> None:
        check(self)

    @property
    def stride(self) -> int:
        """The number of pixels of which sides and places of tiles must be multiples."""
        return 1

    @property
    def tile(self) -> int | None:
        """The only side of a tile that the network takes, in pixels; None where any will do."""
        return None

    @property
    def full_precision(self) -> bool:
        """Whether the network computes in float32 even where bfloat16 is asked for."""
        return False

    @property
    @abstractmethod
    def sigma_channels(self) -> int:
        """The number of maps of the noise level that the network takes.

        0 is a blind network; 1 takes one level for all channels of a pixel; 2 takes a level of
        brightness and one of color.
        """

    @property
    @abstractmethod
    def receptive_radius(self) -> int:
        """How far, in pixels, the input can influence an output pixel."""

    @property
    @abstractmethod
    def multiply_adds_per_pixel(self) -> float:
        """The multiply-adds per pixel of the image, the unit in which costs are compared."""


class DenoisingNetwork(nn.Module, ABC):
    """The base of all networks that denoise: `d(noisy, sigma) -> denoised`."""

    config: NetworkConfig

    @abstractmethod
    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean images.

        Args:
            noisy: The noisy images, (B, C, H, W), about [0, 1]; C, H and W are as the
                configuration promises.
            sigma: The noise level on the [0, 1] scale: a number, (B,), or maps that broadcast to
                (B, `config.sigma_channels`, H, W). A blind network does not look at it.

        Returns:
            (B, C, H, W) like `noisy`, not clamped.
        """


__all__ = [
    "FLOOR",
    "KINDS",
    "MAPS",
    "DenoisingNetwork",
    "DnCNN",
    "DnCNNConfig",
    "NetworkConfig",
    "Noise",
    "NoiseLevelConfig",
    "NoiseLevelNet",
    "NoiseMapConfig",
    "NoiseMapNet",
    "ResNet",
    "ResNetConfig",
    "around",
    "band_energies",
    "blocks_of",
    "cosine_transform",
    "fold_batch_norm",
    "from_scale",
    "grown",
    "level_loss",
    "measured",
    "of_gray",
    "opponent",
    "sigma_maps",
    "tell_two_maps",
    "to_scale",
    "with_depth",
    "with_filters",
    "with_integers",
    "with_scales",
    "without_integers",
]

__getattr__ = homes(
    __name__,
    {
        "dncnn": ("DnCNN", "DnCNNConfig", "fold_batch_norm"),
        "eight_bits": ("with_integers", "without_integers"),
        "growing": ("grown", "with_depth", "with_filters", "with_scales"),
        "noise_estimator": (
            "FLOOR",
            "KINDS",
            "MAPS",
            "Noise",
            "NoiseMapConfig",
            "NoiseMapNet",
            "around",
            "band_energies",
            "level_loss",
            "measured",
            "of_gray",
            "opponent",
        ),
        "noise_level": (
            "NoiseLevelConfig",
            "NoiseLevelNet",
            "blocks_of",
            "cosine_transform",
            "from_scale",
            "to_scale",
        ),
        "noise_map": ("sigma_maps",),
        "resnet": ("ResNet", "ResNetConfig", "tell_two_maps"),
    },
)
