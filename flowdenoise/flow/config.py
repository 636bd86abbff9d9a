"""The sizes and kind of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from flowdenoise.errors import UsageError
from flowdenoise.flow.coupling import Scale
from flowdenoise.flow.split import Split
from flowdenoise.system.rules import Channels, Range, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class GlowConfig:
    """Sizes and kind of a `Glow`; in brackets the letters of the paper.

    Attributes:
        image_channels: 3 for color, 1 for gray.
        size: Side of the square patch.
        levels: How often the image is squeezed (L).
        steps_per_level: Flow steps between squeezes (K).
        hidden_channels: Width of the coupling networks.
        scale: Bound of the coupling's scale; `none` is additive coupling.
        conv: Form of the invertible convolution.
        actnorm_in_coupling: ActNorm inside the coupling networks.
        noise_levels: Condition everything on sigma.
        logit_margin: Margin of the logit before the flow, 0 for no logit.
        split: What predicts the half that leaves after a level; Glow has `conv`.
    """

    image_channels: Channels = 3
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
        check(self)
        if self.size % 2**self.levels:
            raise UsageError(f"{self.levels} levels need a size divisible by {2**self.levels}")
        if self.logit_margin and self.noise_levels:
            raise UsageError("noisy images leave the unit interval: no logit with noise levels")

    @property
    def dimensions(self) -> int:
        """D, the number of values in a patch."""
        return self.image_channels * self.size**2
