"""The linear parts of Glow: activation normalization, invertible 1x1 convolution, squeeze, logit.

Kingma and Dhariwal, "Glow: generative flow with invertible 1x1 convolutions", NeurIPS 2018.
All log-determinants are computed in float32 at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.flow.transform import Transform


class ActNorm(Transform):
    """Scale and shift each channel: `(x + shift) * exp(log_scale)`.

    `initialize` sets both so that its batch leaves with mean 0 and deviation 1 per channel.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the normalized value and H * W * sum(log_scale)."""
        log_abs_det = self.log_scale.sum() * (x.shape[2] * x.shape[3])
        return (x + self.shift) * self.log_scale.exp(), log_abs_det.expand(x.shape[0])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        return z * (-self.log_scale).exp() - self.shift

    @torch.no_grad()
    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Take mean and deviation of the batch."""
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        deviation = x.std(dim=(0, 2, 3), keepdim=True, correction=0)
        self.shift.copy_(-mean)
        self.log_scale.copy_(-torch.log(deviation.clamp(min=1e-6)))
        return self(x)  # type: ignore[no-any-return]


class InvertibleConv1x1(Transform):
    """Mix the channels of each pixel by one invertible matrix, a generalized permutation.

    Args:
        channels: C.
        form: `lu` keeps W = P L (U + diag(s)), whose log-determinant is sum(log |s|) at once;
            `plain` keeps W itself.
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int, form: Literal["lu", "plain"] = "lu") -> None:
        super().__init__()
        self.form = form
        rotation = nn.init.orthogonal_(torch.empty(channels, channels))
        if form == "plain":
            self.weight = nn.Parameter(rotation)
            return
        self.register_buffer("permutation", torch.empty(channels, channels))
        self.register_buffer("sign", torch.empty(channels))
        self.lower = nn.Parameter(torch.empty(channels, channels))
        self.upper = nn.Parameter(torch.empty(channels, channels))
        self.log_diagonal = nn.Parameter(torch.empty(channels))
        if not rotation.is_meta:  # where nothing can be factorized
            self.set_matrix(rotation)

    @torch.no_grad()
    def set_matrix(self, matrix: Tensor) -> None:
        """Make W this (C, C) matrix, which must be invertible."""
        if self.form == "plain":
            self.weight.copy_(matrix)
            return
        permutation, lower, upper = torch.linalg.lu(matrix)
        diagonal = upper.diagonal()
        self.permutation.copy_(permutation)
        self.sign.copy_(diagonal.sign())
        self.lower.copy_(lower.tril(-1))
        self.upper.copy_(upper.triu(1))
        self.log_diagonal.copy_(diagonal.abs().log())

    def matrix(self) -> tuple[Tensor, Tensor]:
        """The (C, C) matrix and the log of its absolute determinant, a scalar."""
        matrix, log_abs_det = matrices([self])
        return matrix[0], log_abs_det[0]

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the mixed channels and H * W * log|det W|."""
        weight, log_abs_det = self.matrix()
        total = log_abs_det * (x.shape[2] * x.shape[3])
        return F.conv2d(x, weight[:, :, None, None]), total.expand(x.shape[0])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo `forward`; the matrix is inverted in float64."""
        weight = self.matrix()[0]
        inverse = torch.linalg.inv(weight.double()).to(z.dtype)
        return F.conv2d(z, inverse[:, :, None, None])


def matrices(convs: Sequence[InvertibleConv1x1]) -> tuple[Tensor, Tensor]:
    """The matrices of K convolutions of one form, and the logs of their absolute determinants.

    Returns:
        (K, C, C) and (K,).
    """
    if convs[0].form == "plain":
        weight = torch.stack([conv.weight for conv in convs])
        return weight, torch.linalg.slogdet(weight)[1]
    log_diagonal = torch.stack([conv.log_diagonal for conv in convs])
    sign = torch.stack([conv.sign for conv in convs])
    upper = torch.stack([conv.upper for conv in convs]).triu(1)
    upper = upper + torch.diag_embed(sign * log_diagonal.exp())
    lower = torch.stack([conv.lower for conv in convs]).tril(-1)
    permutation = torch.stack([conv.permutation for conv in convs])
    product = upper + lower @ upper  # L's diagonal is 1
    return permutation @ product, log_diagonal.sum(1)


class Squeeze(Transform):
    """Fold 2x2 pixels into channels: (B, C, H, W) to (B, 4C, H/2, W/2)."""

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Fold."""
        return F.pixel_unshuffle(x, 2), x.new_zeros(x.shape[0])

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Unfold."""
        return F.pixel_shuffle(z, 2)


class Logit(Transform):
    """Stretch the unit interval over the real line: logit(margin/2 + (1 - margin) x).

    For clean images only: noise leaves the unit interval.

    Args:
        margin: Distance kept from 0 and 1 in all; 0.05 and 0.1 are usual (Dinh et al., 2017).
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the stretched value and its log-determinant."""
        inside = 0.5 * self.margin + (1 - self.margin) * x
        value = torch.log(inside) - torch.log1p(-inside)
        slope = F.softplus(value) + F.softplus(-value) + math.log(1 - self.margin)
        return value, slope.flatten(1).sum(1)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        return (torch.sigmoid(z) - 0.5 * self.margin) / (1 - self.margin)
