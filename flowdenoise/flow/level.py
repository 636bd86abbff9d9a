"""A level of Glow: steps, whose linear parts are made all at once.

Each step is ActNorm, an invertible 1x1 convolution and a coupling. The first two are one matrix
and one bias,

    W ((x + shift) * scale) = (W diag(scale)) x + W (shift * scale),

and W itself is a product of small matrices. Made step by step, these are dozens of operations on
next to no data, which take longer to start than to do. Therefore they are stacked over the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.flow.coupling import Coupling
from flowdenoise.flow.layers import ActNorm, InvertibleConv1x1, matrices
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.flow.transform import Chain, Transform


class Mixing(NamedTuple):
    """ActNorm and 1x1 convolution of a step as one affine map of a pixel's channels.

    Attributes:
        weight: The matrix, (C, C).
        bias: The values that are added, (C,).
        log_abs_det: Log of the absolute determinant of `weight`, a scalar.
    """

    weight: Tensor
    bias: Tensor
    log_abs_det: Tensor


class FlowStep(Transform):
    """ActNorm, 1x1 convolution and coupling.

    Args:
        channels: C.
        config: The flow's configuration.
        context: Length of the context, 0 for none.
    """

    def __init__(self, channels: int, config: GlowConfig, context: int) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.conv = InvertibleConv1x1(channels, config.conv)
        self.coupling = Coupling(
            channels,
            config.hidden_channels,
            scale=config.scale,
            context=context,
            actnorm=config.actnorm_in_coupling,
        )

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Apply the step."""
        return self.mix_and_couple(mixings([self])[0], x, context)

    def mix_and_couple(
        self, mixing: Mixing, x: Tensor, context: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Apply the step, whose linear part is `mixing`."""
        with torch.autocast(x.device.type, enabled=False):
            mixed = F.linear(x.permute(0, 2, 3, 1), mixing.weight, mixing.bias)
        value, log_abs_det = self.coupling(mixed.permute(0, 3, 1, 2), context)
        return value, log_abs_det + mixing.log_abs_det * (x.shape[2] * x.shape[3])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo the step."""
        return self.norm.inverse(self.conv.inverse(self.coupling.inverse(z, context)))

    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Initialize ActNorm, then what follows it."""
        x, first = self.norm.initialize(x)
        x, second = self.conv(x)
        value, third = self.coupling.initialize(x, context)
        return value, first + second + third


def mixings(steps: Sequence[FlowStep]) -> list[Mixing]:
    """The linear parts of steps with the same number of channels."""
    with torch.autocast(steps[0].norm.shift.device.type, enabled=False):
        matrix, mixed = matrices([step.conv for step in steps])
        log_scale = torch.cat([step.norm.log_scale for step in steps]).flatten(1)
        shift = torch.cat([step.norm.shift for step in steps]).flatten(1)
        scale = log_scale.exp()
        bias = (matrix @ (shift * scale)[:, :, None]).squeeze(2)
        parts = matrix * scale[:, None, :], bias, mixed + log_scale.sum(1)
    return [Mixing(*part) for part in zip(*(stack.unbind() for stack in parts), strict=True)]


class Level(Chain):
    """A chain in which the linear parts of all steps are made at once."""

    def parts(self) -> list[Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]]:
        """The transforms in order, each step with its mixing."""
        steps = [part for part in self.transforms if isinstance(part, FlowStep)]
        ready = iter(mixings(steps))
        return [
            partial(part.mix_and_couple, next(ready)) if isinstance(part, FlowStep) else part
            for part in self.transforms
        ]
