"""Coupling: one half of the channels is scaled and shifted by what a network makes of the other.

Dinh et al., "Density estimation using Real NVP", ICLR 2017; the network is Glow's: 3x3, 1x1, 3x3,
the last one starting at zero so that a new layer changes nothing.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.flow.layers import ActNorm
from flowdenoise.flow.transform import Transform

Scale = Literal["tanh", "sigmoid", "none"]
"""How a scale is bounded: exp(gain * tanh(h)), sigmoid(h + 2), or none (additive coupling)."""

_OPEN = 2.0


class CouplingNet(nn.Module):
    """3x3 to `hidden`, 1x1, 3x3 to `outputs`; ReLU between; the noise level joins at both layers.

    Args:
        inputs: Channels in.
        hidden: Width.
        outputs: Channels out; the outputs are zero at first.
        context: Length of the context, 0 for none.
        actnorm: Normalize the hidden layers by ActNorm, initialized with the flow.
    """

    def __init__(
        self, inputs: int, hidden: int, outputs: int, *, context: int, actnorm: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, hidden, 1)
        self.conv3 = nn.Conv2d(hidden, outputs, 3, padding=1)
        # The files call what adds the noise level so; elsewhere in here a level is Glow's.
        self.level = nn.Linear(context, 2 * hidden) if context else None
        self.norm1 = ActNorm(hidden) if actnorm else None
        self.norm2 = ActNorm(hidden) if actnorm else None
        nn.init.zeros_(self.conv3.weight)
        nn.init.zeros_(torch.as_tensor(self.conv3.bias))
        if self.level is not None:
            nn.init.zeros_(self.level.weight)
            nn.init.zeros_(self.level.bias)

    def forward(
        self, x: Tensor, context: Tensor | None = None, *, initialize: bool = False
    ) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W), float32 or better."""
        first = second = None
        if self.level is not None and context is not None:
            first, second = self.level(context)[:, :, None, None].chunk(2, dim=1)
        hidden = self._layer(self.conv1(x), self.norm1, first, initialize)
        hidden = self._layer(self.conv2(hidden), self.norm2, second, initialize)
        return self.conv3(hidden).to(x.dtype)  # type: ignore[no-any-return]

    @staticmethod
    def _layer(x: Tensor, norm: ActNorm | None, shift: Tensor | None, initialize: bool) -> Tensor:
        if norm is not None:
            x = (norm.initialize(x) if initialize else norm(x))[0]
        if shift is not None:
            x = x + shift
        return F.relu(x, inplace=True)


class Coupling(Transform):
    """Scale and shift the second half of the channels, given the first.

    Args:
        channels: C, even.
        hidden: Width of the network.
        scale: How the scale is bounded; `none` makes the coupling additive.
        context: Length of the context, 0 for none.
        actnorm: ActNorm inside the network.
    """

    def __init__(
        self, channels: int, hidden: int, *, scale: Scale, context: int = 0, actnorm: bool = False
    ) -> None:
        super().__init__()
        self.scale = scale
        kept = channels // 2
        outputs = channels - kept
        count = outputs if scale == "none" else 2 * outputs
        self.kept, self.outputs = kept, outputs
        self.net = CouplingNet(kept, hidden, count, context=context, actnorm=actnorm)
        self.gain = nn.Parameter(torch.ones(1, outputs, 1, 1)) if scale == "tanh" else None

    def scale_at_first(self) -> Tensor:
        """(C,) float64 factors by which a coupling multiplies before anything is learned."""
        factors = torch.ones(self.kept + self.outputs, dtype=torch.float64)
        if self.scale == "sigmoid":
            factors[self.kept :] = 1 / (1 + math.exp(-_OPEN))
        return factors

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return `[a, (b + shift(a)) * scale(a)]` and the sum of the log-scales."""
        return self._forward(x, context, initialize=False)

    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Initialize the network's ActNorms."""
        with torch.no_grad():
            return self._forward(x, context, initialize=True)

    def _forward(
        self, x: Tensor, context: Tensor | None, *, initialize: bool
    ) -> tuple[Tensor, Tensor]:
        kept, changed = torch.split_with_sizes(x, [self.kept, self.outputs], dim=1)
        raw = self.net(kept, context, initialize=initialize)
        if self.scale == "none":
            return torch.cat([kept, changed + raw], dim=1), x.new_zeros(x.shape[0])
        moved, log_abs_det, *_ = Affine.apply(changed, raw, self.gain)  # type: ignore[no-untyped-call]
        return torch.cat([kept, moved], dim=1), log_abs_det

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo `forward`: the kept half is unchanged, so the network answers the same."""
        kept, changed = torch.split_with_sizes(z, [self.kept, self.outputs], dim=1)
        raw = self.net(kept, context)
        if self.scale == "none":
            return torch.cat([kept, changed - raw], dim=1)
        shift, scale = raw.chunk(2, dim=1)
        changed = changed * (-_bounded(scale, self.gain)[1]).exp() - shift
        return torch.cat([kept, changed], dim=1)


def _bounded(scale: Tensor, gain: Tensor | None) -> tuple[Tensor | None, Tensor]:
    """Tanh of a scale and the log-scale: gain * tanh, or without gain log sigmoid(scale + 2)."""
    if gain is None:
        return None, -F.softplus(-_OPEN - scale)
    squashed = torch.tanh(scale)
    return squashed, gain * squashed


class Affine(torch.autograd.Function):
    """`(x + shift) * exp(l)` and the sum of l, the bounded log-scale, with its derivatives.

    Written out because the derivatives of the single operations pass over the image many times
    more, and leave it in a memory format that is slow for the convolutions. With y the result,
    and G, g the gradients by y and by the sum: d/dx = d/dshift = G exp(l); d/dl = G y + g;
    dl/dscale = gain (1 - tanh^2), or 1 - sigmoid. What is kept for that is returned as well,
    because autograd can differentiate once more only through what it saw returned.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, raw: Tensor, gain: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Return y and the sum, exp(l) and the tanh.

        Args:
            ctx: autograd's store for the backward pass.
            x: (B, C, H, W).
            raw: (B, 2C, H, W), shift and scale.
            gain: (1, C, 1, 1).
        """
        shift, scale = raw.chunk(2, dim=1)
        scale = scale.clone()  # without gaps in memory all that follows is several times as fast
        squashed, log_scale = _bounded(scale, gain)
        factor = log_scale.exp()
        result = (x + shift).mul_(factor)
        ctx.save_for_backward(result, factor, squashed, gain)
        ctx.set_materialize_grads(False)
        return result, log_scale.sum((1, 2, 3)), factor, squashed

    @staticmethod
    def backward(
        ctx: Any,
        by_result: Tensor | None,
        by_sum: Tensor | None,
        by_factor: Tensor | None,
        by_squashed: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Gradients by the three arguments; the last two gradients come with a second round."""
        result, factor, squashed, gain = ctx.saved_tensors
        by_result = torch.zeros_like(result) if by_result is None else by_result
        by_log_scale = by_result * result
        if by_sum is not None:
            by_log_scale = by_log_scale.add_(by_sum[:, None, None, None])
        if by_factor is not None:
            by_log_scale = by_log_scale + by_factor * factor
        by_shift, by_gain = by_result * factor, None
        if squashed is None:
            by_scale = by_log_scale * (1 - factor)
        else:
            by_gain = (by_log_scale * squashed).sum((0, 2, 3), keepdim=True)
            by_tanh = gain * by_log_scale
            if by_squashed is not None:
                by_tanh = by_tanh + by_squashed
            by_scale = by_tanh * (1 - squashed.square())
        return by_shift, torch.cat([by_shift, by_scale], dim=1), by_gain
