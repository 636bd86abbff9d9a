"""The sizes and kind of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from flowdenoise.errors import UsageError
from flowdenoise.flow.coupling import Scale
from flowdenoise.flow.split import Split
from flowdenoise.networks import NetworkConfig
from flowdenoise.system.rules import Range, Size


@dataclass(frozen=True)
class GlowConfig(NetworkConfig):
    """Sizes and kind of a `Glow`; in brackets the letters of the paper.

    The promises are those of the denoiser that a flow with noise levels is by Tweedie's formula.

    Attributes:
        image_channels: 3 for color, 1 for gray.
        size: Side of the square patch.
        levels: The number of levels (L); each squeezes the image.
        steps_per_level: Flow steps between squeezes (K).
        hidden_channels: Width of the coupling networks.
        scale: Bound of the coupling's scale; `none` is additive coupling.
        conv: Form of the invertible convolution.
        actnorm_in_coupling: ActNorm inside the coupling networks.
        noise_levels: Condition everything on sigma.
        logit_margin: Margin of the logit before the flow, 0 for no logit.
        split: The network that predicts the half that leaves after a level; Glow has `conv`.
    """

    size: Annotated[int, Range(1, 1024)] = 32
    levels: Annotated[int, Range(1, 10)] = 3
    steps_per_level: Size = 16
    hidden_channels: Size = 128
    scale: Scale = "tanh"
    conv: Literal["lu", "plain"] = "lu"
    actnorm_in_coupling: bool = False
    noise_levels: bool = False
    logit_margin: Annotated[float, Range(0, 0.5, below=True)] = 0.0
    split: Split = "conv"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2**self.levels:
            raise UsageError(f"{self.levels} levels need a size divisible by {2**self.levels}")
        if self.logit_margin and self.noise_levels:
            raise UsageError("noisy images leave the unit interval: no logit with noise levels")

    @property
    def dimensions(self) -> int:
        """D, the number of values in a patch."""
        return self.image_channels * self.size**2

    @property
    def tile(self) -> int:
        """The size of a patch."""
        return self.size

    @property
    def full_precision(self) -> bool:
        """A density is a sum of many small terms."""
        return True

    @property
    def sigma_channels(self) -> int:
        """The number of maps of the noise level: one for the whole patch, or none."""
        return int(self.noise_levels)

    @property
    def receptive_radius(self) -> int:
        """All of a patch has influence on each of its pixels."""
        return self.size - 1

    @property
    def multiply_adds_per_pixel(self) -> float:
        """The multiply-adds per pixel of a patch: through the flow, and back for the gradient."""
        total, channels, hidden = 0.0, self.image_channels, self.hidden_channels

        def network(inputs: int, outputs: int) -> int:
            return 9 * inputs * hidden + hidden**2 + 9 * hidden * outputs

        for level in range(self.levels):
            channels *= 2
            coupling = network(channels, channels if self.scale == "none" else 2 * channels)
            cost = self.steps_per_level * (coupling + (2 * channels) ** 2)
            if level < self.levels - 1:
                convolution = 18 * channels**2
                cost += convolution if self.split == "conv" else network(channels, 2 * channels)
            total += 2 * cost / 4 ** (level + 1)
        return total
