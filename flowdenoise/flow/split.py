"""Split: half of the channels leave as latents, Gaussian given the half that goes on.

Dinh et al., "Density estimation using Real NVP", ICLR 2017; that the Gaussian is predicted is
Glow's idea, by one 3x3 convolution which starts at zero. A network as large as a coupling's, which
costs one more coupling per level, was no better where it was measured (docs/training.md).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from flowdenoise.flow.coupling import CouplingNet

Split = Literal["net", "conv"]
"""What predicts the leaving half: a network like those of the couplings, or one convolution."""

_MOST = 3.0  # bound of the log-scale


class SplitConv(nn.Module):
    """One 3x3 convolution, zero at first, to which the noise level adds.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        context: Length of the context, 0 for none.
    """

    def __init__(self, inputs: int, outputs: int, *, context: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        # The files call what adds the noise level so; elsewhere in here a level is Glow's.
        self.level = nn.Linear(context, outputs) if context else None
        for layer in (self.conv, self.level):
            if layer is not None:
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(torch.as_tensor(layer.bias))

    def forward(
        self, x: Tensor, context: Tensor | None = None, *, initialize: bool = False
    ) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W); nothing depends on the first batch."""
        raw = self.conv(x)
        if self.level is not None and context is not None:
            raw = raw + self.level(context)[:, :, None, None]
        return raw.to(x.dtype)  # type: ignore[no-any-return]


def split_network(
    kind: Split, channels: int, *, hidden: int, context: int, actnorm: bool
) -> CouplingNet | SplitConv:
    """What maps the half that stays, (B, channels, H, W), to (B, 2 channels, H, W).

    Args:
        kind: `conv` or `net`.
        channels: C of each half.
        hidden: Width of a `net`.
        context: Length of the context, 0 for none.
        actnorm: ActNorm inside a `net`.
    """
    if kind == "conv":
        return SplitConv(channels, 2 * channels, context=context)
    return CouplingNet(channels, hidden, 2 * channels, context=context, actnorm=actnorm)


def leaving_gaussian(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-scale, within 3 of 0, of the leaving half, from what the network says."""
    mean, log_scale = raw.chunk(2, dim=1)
    return mean, _MOST * torch.tanh(log_scale / _MOST)
