"""What the denoised patches cost under a prior, and how that weighs against the data term."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from flowdenoise.flow import Glow as Prior

if TYPE_CHECKING:
    from flowdenoise.training.losses import LossValue, ObjectiveConfig

_ABSURD = 5.0  # nats per value; uniform over [0, 1] has 0, pictures about -3.5


def prior_term(prior: Prior, value: LossValue, config: ObjectiveConfig) -> Tensor:
    """What the denoised patches cost under the prior, (B,).

    A patch larger than the prior's is judged in pieces, and the mean of their nats is taken. No
    fresh dequantization noise is added: it would only add variance to the gradient.

    A flow is exponentially sure about what it has never seen, such as the output of a denoiser
    that has learned nothing yet. So beyond a rate at which nothing is a picture any more the cost
    grows with the logarithm of the nats: the direction stays, the size does not explode.

    The density of clean patches is steepest where pictures are flat, so its maximum is smoother
    than any picture. Judged at a noise level t > 0 its gradient is (D_t(x) - x) / t^2 with D_t the
    prior's own denoiser: the patch is pulled to what remains when a noise of level t is removed.
    """
    side = prior.config.size
    batch, channels, height, width = value.denoised.shape
    rows, columns = height // side, width // side
    inside = value.denoised[:, :, : rows * side, : columns * side]
    pieces = inside.reshape(batch, channels, rows, side, columns, side)
    pieces = pieces.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, side, side)
    dimensions = channels * side * side
    level: Tensor | float = 0.0  # of the input, NaN may be all that is known
    if config.prior_level:
        level = (config.prior_level * value.level).repeat_interleave(rows * columns)
    rate = -prior(pieces, level) / dimensions
    rate = rate.clamp(max=_ABSURD) + torch.log1p((rate - _ABSURD).clamp(min=0))
    nats: Tensor = dimensions * rate.reshape(batch, -1).mean(1)
    return prior_weight(value.level, dimensions, config) * nats


def prior_weight(level: Tensor, dimensions: int, config: ObjectiveConfig) -> Tensor:
    """What a nat costs in squared error per value at each noise level, shaped like `level`."""
    if config.prior_weight == "fixed":
        return torch.full_like(level, config.prior_scale)
    return config.prior_scale * 2 * level.square() / dimensions
