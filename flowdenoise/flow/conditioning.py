"""How a flow knows the noise level: an embedding of sigma that every coupling network receives."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from flowdenoise.errors import UsageError
from flowdenoise.flow.transform import Transform
from flowdenoise.networks import to_scale

_FREQUENCIES = 4


class SigmaEmbedding(nn.Module):
    """Turn noise levels into feature vectors.

    Differences of sigma matter in proportion, so the features are smooth functions of
    log(1 + 255 sigma): sigma = 0 is a value like any other.

    Args:
        features: Length E of the embedding.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.mix = nn.Linear(1 + 2 * _FREQUENCIES, features)
        self.out = nn.Linear(features, features)

    def forward(self, sigma: Tensor) -> Tensor:
        """Embed (B,) noise levels on the [0, 1] scale into (B, E)."""
        place = to_scale(sigma) / math.log(56)  # about 0 to 1
        angles = place[:, None] * math.pi * torch.arange(1, _FREQUENCIES + 1).to(place)
        waves = torch.cat([place[:, None], angles.sin(), angles.cos()], dim=1)
        hidden: Tensor = self.out(torch.nn.functional.silu(self.mix(waves)))
        return torch.nn.functional.silu(hidden)


class ConditionalScale(Transform):
    """Scale and shift each channel by amounts that depend on the context alone.

    Noise raises the floor of every channel; one such layer per level lets the rest of the flow
    see values of like size at every noise level. Starts as the identity.

    Args:
        channels: C.
        features: E.
    """

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.affine = nn.Linear(features, 2 * channels)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def _parameters_of(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        if context is None:
            raise UsageError("a flow conditioned on noise needs a noise level")
        raw = self.affine(context).to(x.dtype)
        log_scale, shift = raw[:, :, None, None].chunk(2, dim=1)
        return log_scale, shift

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return `(x + shift) * scale` and the log-determinant."""
        log_scale, shift = self._parameters_of(x, context)
        size = x.shape[2] * x.shape[3]
        return (x + shift) * log_scale.exp(), log_scale.flatten(1).sum(1) * size

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        log_scale, shift = self._parameters_of(z, context)
        return z * (-log_scale).exp() - shift
