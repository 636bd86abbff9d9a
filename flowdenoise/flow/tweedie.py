"""A density of noisy images is a denoiser, and an estimator of the noise level.

If p_sigma is the density of clean images plus Gaussian noise of level sigma, Tweedie's formula

    E[clean | noisy] = noisy + sigma^2 * grad log p_sigma(noisy)

is the estimate of least mean squared error: no pair, no target, no noisy corpus. (Robbins 1956;
Efron, "Tweedie's formula and selection bias", JASA 2011.) And the noise level at which the noisy
image is likeliest, argmax_sigma log p_sigma(noisy), is the maximum-likelihood estimate of its
noise.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.networks import DenoisingNetwork
from flowdenoise.noise import TRAINED_SIGMAS

_GRID = 12  # levels of the coarse grid
_COARSE = 12  # patches that are enough for it


class ConditionalDensity(Protocol):
    """A density of noisy patches at every noise level."""

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """The log-density in nats, (B,), of patches (B, C, H, W) at noise levels (B,) or one."""
        ...


def tweedie_step(density: ConditionalDensity, noisy: Tensor, sigma: Tensor | float) -> Tensor:
    """Denoise in one step.

    Args:
        density: The density; its parameters need no gradients.
        noisy: Noisy patches, (B, C, H, W), about [0, 1]; where they require gradients, these flow
            through.
        sigma: Noise level on the [0, 1] scale, a number or (B,).

    Returns:
        (B, C, H, W), not clamped.
    """
    sigmas = torch.as_tensor(sigma, device=noisy.device, dtype=noisy.dtype).expand(len(noisy))
    twice = torch.is_grad_enabled() and noisy.requires_grad
    with torch.enable_grad():
        variable = noisy if twice else noisy.detach().requires_grad_(True)
        log_prob = density.log_prob(variable, sigmas)
        (score,) = torch.autograd.grad(log_prob.sum(), variable, create_graph=twice)
    return noisy + sigmas.square().view(-1, 1, 1, 1) * score


class TweedieDenoiser(DenoisingNetwork):
    """A flow that is conditioned on the noise level, as the denoiser that it is.

    Args:
        flow: The flow, of which the score is asked for.

    Raises:
        UsageError: The flow knows clean images only.
    """

    config: GlowConfig

    def __init__(self, flow: Glow) -> None:
        super().__init__()
        if not flow.config.noise_levels:
            raise UsageError("this prior knows clean images only: it can't denoise by itself")
        self.flow, self.config = flow, flow.config

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """Estimate the clean patches: see `DenoisingNetwork`."""
        return tweedie_step(self.flow, noisy, sigma)


def as_denoiser(network: nn.Module) -> DenoisingNetwork:
    """A network that denoises as it is, a flow by Tweedie's formula.

    Raises:
        UsageError: The network is no denoiser.
    """
    if isinstance(network, Glow):
        return TweedieDenoiser(network)
    if not isinstance(network, DenoisingNetwork):
        raise UsageError(f"{type(network).__name__} is no denoiser")
    return network


@torch.no_grad()
def likeliest_sigma(
    density: ConditionalDensity, noisy: Tensor, *, limits: tuple[float, float] = TRAINED_SIGMAS
) -> float:
    """The one noise level at which all patches together are likeliest.

    A coarse grid, for which some of the patches are enough, finds the hill, and a golden-section
    search finds its top.

    Args:
        density: A density that is conditioned on sigma.
        noisy: Patches of one image, (B, C, H, W).
        limits: Range that is searched, [0, 1] scale.

    Returns:
        sigma on the [0, 1] scale.
    """

    def cost(sigma: float, every: int = 1) -> float:
        return -float(density.log_prob(noisy[::every], sigma).double().mean())

    low, high = limits
    grid = [low + (high - low) * k / (_GRID - 1) for k in range(_GRID)]
    best = min(range(_GRID), key=lambda k: cost(grid[k], -(-len(noisy) // _COARSE)))
    low, high = grid[max(0, best - 1)], grid[min(_GRID - 1, best + 1)]
    golden = (5**0.5 - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    cost_left, cost_right = cost(left), cost(right)
    while high - low > 0.1 / 255:
        if cost_left < cost_right:
            high, right, cost_right = right, left, cost_left
            left = high - golden * (high - low)
            cost_left = cost(left)
        else:
            low, left, cost_left = left, right, cost_right
            right = low + golden * (high - low)
            cost_right = cost(right)
    return (low + high) / 2
