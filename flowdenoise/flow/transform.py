"""The contract of a transform: a bijection that returns its value and log-determinant together.

`forward` goes from image to latent, `inverse` back. For z = f(x) the density of x is

    log p(x) = log p_Z(f(x)) + log |det df/dx|

and for a chain the log-determinants add up. Subclasses fill in `forward` and `inverse`, and
`initialize` where their first parameters depend on data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Transform(nn.Module, ABC):
    """A bijection between tensors of (B, C, H, W).

    `context` is what is known besides the image, (B, E), or None: here the noise level.
    """

    @abstractmethod
    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Go towards the latent.

        Returns:
            The value and `log_abs_det`, (B,) float32: the log of the absolute Jacobian
            determinant of this map at `x`.
        """

    @abstractmethod
    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Go back: `inverse(forward(x)[0]) == x` up to rounding."""

    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Set what depends on data from a first batch, then go forward.

        Most transforms have nothing to set.
        """
        value, log_abs_det = self(x, context)
        return value, log_abs_det


class Chain(Transform):
    """Transforms one after the other.

    Args:
        transforms: Applied in this order by `forward`.
    """

    def __init__(self, transforms: Iterable[Transform]) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)

    def forward(
        self, x: Tensor, context: Tensor | None = None, *, recompute: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Apply all in order; log-determinants add up.

        Args:
            x: (B, C, H, W).
            context: The embedding of the noise level, (B, E).
            recompute: Recompute activations in the backward pass instead of keeping them.
        """
        total = no_volume_change(x)
        for part in self.parts():
            if recompute and torch.is_grad_enabled():
                x, log_abs_det = checkpoint(part, x, context, use_reentrant=False)
            else:
                x, log_abs_det = part(x, context)
            total = total + log_abs_det
        return x, total

    def parts(self) -> Iterable[Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]]:
        """What `forward` applies, in order."""
        return self.transforms

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo all in reverse order."""
        for transform in reversed(self.transforms):
            assert isinstance(transform, Transform)  # noqa: S101 - for the type checker
            z = transform.inverse(z, context)
        return z

    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Initialize each on what the ones before it make of the batch."""
        total = no_volume_change(x)
        for transform in self.transforms:
            assert isinstance(transform, Transform)  # noqa: S101 - for the type checker
            x, log_abs_det = transform.initialize(x, context)
            total = total + log_abs_det
        return x, total


def no_volume_change(x: Tensor) -> Tensor:
    """The log-determinant of a map that only moves values around: zeros, (B,)."""
    return x.new_zeros(x.shape[0], dtype=torch.promote_types(x.dtype, torch.float32))


def gaussian_log_prob(z: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-density of independent Gaussians, summed over all but the batch, (B,) in nats."""
    log_two_pi = 1.8378770664093453
    squared = ((z - mean) * torch.exp(-log_scale)).square()
    return (-0.5 * (squared + log_two_pi) - log_scale).expand_as(z).flatten(1).sum(1)
