"""Maximum a posteriori, patch by patch: the paper's objective minimized without a network.

    |noisy - x|^2 / (2 sigma^2) - scale * log p(x)

is what the paper's denoiser is asked to make small on average (its equation 14, with a weight that
follows the noise). Here x itself is moved, by Adam, from a given beginning. The flow's density is
highest at flat patches, far from any picture; a few steps from a good beginning find the minimum
beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flowdenoise.flow.tweedie import ConditionalDensity

_BETAS = (0.7, 0.99)  # of Adam: a short memory, for few steps
LEAST_SIGMA = 1e-4
"""Noise level below which the objective is taken at it, [0, 1] scale."""


def descend(
    density: ConditionalDensity,
    noisy: Tensor,
    sigma: Tensor | float,
    start: Tensor,
    *,
    scale: Tensor | float,
    steps: int,
    rate: float = 0.1,
    on_step: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Go down from `start`.

    Args:
        density: The density of clean patches; its parameters need no gradients.
        noisy: Noisy patches, (B, C, H, W), about [0, 1].
        sigma: Noise level of `noisy` on the [0, 1] scale, a number or (B,).
        start: The patches to begin with, shaped like `noisy`.
        scale: Factor of the density's share, a number or (B,); 1 is the maximum a posteriori.
        steps: Number of steps.
        rate: Size of the first step in units of sigma; it falls linearly to zero.
        on_step: Called with the number of steps made and where they led.

    Returns:
        (B, C, H, W), not clamped.
    """
    unit = torch.as_tensor(sigma, device=noisy.device, dtype=noisy.dtype).expand(len(noisy))
    unit = unit.clamp(min=LEAST_SIGMA).view(-1, 1, 1, 1)
    moved = torch.zeros_like(noisy)
    optimizer = torch.optim.Adam([moved], lr=rate, betas=_BETAS)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        with torch.enable_grad():
            variable = moved.detach().requires_grad_(True)
            x = start + unit * variable
            cost = ((noisy - x) / unit).square().sum() / 2 - (scale * density.log_prob(x)).sum()
            (moved.grad,) = torch.autograd.grad(cost, variable)
        optimizer.step()
        if on_step:
            on_step(step + 1, start + unit * moved)
    return start + unit * moved
