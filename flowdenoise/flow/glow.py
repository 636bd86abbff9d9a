"""Glow: levels of steps, each ActNorm, invertible 1x1 convolution and coupling.

    x -> squeeze -> K steps -> split -> squeeze -> K steps -> split -> ... -> K steps -> z
                               |                              |
                               z1 ~ N(mean(h), scale(h))      z2 ~ ...

At each split half of the channels leave as latents; their Gaussian is predicted from the half
that goes on. Kingma and Dhariwal, NeurIPS 2018. With `noise_levels` the flow is conditioned on
sigma: it is then a density of noisy images at every level, and at sigma = 0 one of clean images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from flowdenoise.errors import UsageError
from flowdenoise.flow.base import Chain, Transform, gaussian_log_prob, no_volume_change
from flowdenoise.flow.conditioning import ConditionalScale, SigmaEmbedding
from flowdenoise.flow.coupling import Coupling, Scale
from flowdenoise.flow.layers import ActNorm, InvertibleConv1x1, Logit, Squeeze
from flowdenoise.flow.split import Split, leaving_gaussian, split_network

_CONTEXT = 64  # length of the noise level's embedding


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

    image_channels: int = 3
    size: int = 32
    levels: int = 3
    steps_per_level: int = 16
    hidden_channels: int = 128
    scale: Scale = "tanh"
    conv: Literal["lu", "plain"] = "lu"
    actnorm_in_coupling: bool = False
    noise_levels: bool = False
    logit_margin: float = 0.0
    split: Split = "net"

    def __post_init__(self) -> None:
        numbers = (self.image_channels, self.levels, self.steps_per_level, self.hidden_channels)
        if min(numbers) < 1:
            raise UsageError("sizes of a Glow must be positive")
        if self.size < 1 or self.size % 2**self.levels:
            raise UsageError(f"{self.levels} levels need a size divisible by {2**self.levels}")
        if self.logit_margin and self.noise_levels:
            raise UsageError("noisy images leave the unit interval: no logit with noise levels")

    @property
    def dimensions(self) -> int:
        """D, the number of values in a patch."""
        return self.image_channels * self.size**2


class FlowStep(Transform):
    """ActNorm, 1x1 convolution and coupling; the first two in one convolution.

    W ((x + shift) * scale) = (W diag(scale)) x + W (shift * scale): one pass over the image
    instead of three.
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
        with torch.autocast(x.device.type, enabled=False):
            mixing, mixed = self.conv.matrix()
            scale = self.norm.log_scale.exp().flatten()
            bias = mixing @ (self.norm.shift.flatten() * scale)
            x = F.linear(x.permute(0, 2, 3, 1), mixing * scale, bias).permute(0, 3, 1, 2)
            linear = (mixed + self.norm.log_scale.sum()) * (x.shape[2] * x.shape[3])
        value, log_abs_det = self.coupling(x, context)
        return value, log_abs_det + linear

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Undo the step."""
        return self.norm.inverse(self.conv.inverse(self.coupling.inverse(z, context)))

    def initialize(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Initialize ActNorm, then what follows it."""
        x, first = self.norm.initialize(x)
        x, second = self.conv(x)
        value, third = self.coupling.initialize(x, context)
        return value, first + second + third


class Glow(nn.Module):
    """The flow: a density of image patches.

    Args:
        config: Its sizes.
    """

    def __init__(self, config: GlowConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        """Recompute activations in the backward pass instead of keeping them."""
        context = _CONTEXT if config.noise_levels else 0
        self.embedding = SigmaEmbedding(context) if context else None
        self.logit = Logit(config.logit_margin) if config.logit_margin else None
        self.levels, self.splits = nn.ModuleList(), nn.ModuleList()
        channels = config.image_channels
        for level in range(config.levels):
            channels *= 4
            parts: list[Transform] = [Squeeze()]
            if context:
                parts.append(ConditionalScale(channels, context))
            parts += [FlowStep(channels, config, context) for _ in range(config.steps_per_level)]
            self.levels.append(Chain(parts))
            if level < config.levels - 1:
                channels //= 2
                self.splits.append(
                    split_network(
                        config.split,
                        channels,
                        hidden=config.hidden_channels,
                        context=context,
                        actnorm=config.actnorm_in_coupling,
                    )
                )

    def forward(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """Log-density of each image: see `log_prob`."""
        return self.log_prob(x, sigma)

    def log_prob(self, x: Tensor, sigma: Tensor | float = 0.0) -> Tensor:
        """Log-density of each image.

        Args:
            x: (B, C, size, size), values about [0, 1].
            sigma: Noise level in `x` on the [0, 1] scale, a number or (B,).

        Returns:
            (B,) in nats per image, for densities over the [0, 1] scale.
        """
        return self._flow(x, sigma)[1]

    def encode(self, x: Tensor, sigma: Tensor | float = 0.0) -> list[Tensor]:
        """Latents of each level, standardized: independent N(0, 1) if the flow were perfect."""
        return self._flow(x, sigma)[0]

    @torch.no_grad()
    def initialize(self, x: Tensor, sigma: Tensor | float = 0.0) -> None:
        """Set all ActNorms from a first batch."""
        self._flow(x, sigma, initialize=True)

    def _flow(
        self, x: Tensor, sigma: Tensor | float, *, initialize: bool = False
    ) -> tuple[list[Tensor], Tensor]:
        self._check(x)
        context = self._context(x, sigma)
        total = no_volume_change(x)
        if self.logit is not None:
            x, log_abs_det = self.logit(x)
            total = total + log_abs_det
        latents = []
        for index, level in enumerate(self.levels):
            x, log_abs_det = self._level(level, x, context, initialize)
            total = total + log_abs_det
            mean, log_scale, x, leaving = self._leaving(index, x, context, initialize)
            total = total + gaussian_log_prob(leaving, mean, log_scale)
            latents.append((leaving - mean) * (-log_scale).exp())
        return latents, total

    def _level(
        self, level: nn.Module, x: Tensor, context: Tensor | None, initialize: bool
    ) -> tuple[Tensor, Tensor]:
        if initialize:
            return level.initialize(x, context)  # type: ignore[operator, no-any-return]
        if not (self.checkpointing and torch.is_grad_enabled()):
            return level(x, context)  # type: ignore[no-any-return]
        total = no_volume_change(x)
        for transform in level.transforms:  # type: ignore[union-attr]
            x, log_abs_det = checkpoint(transform, x, context, use_reentrant=False)
            total = total + log_abs_det
        return x, total

    def _leaving(
        self, index: int, x: Tensor, context: Tensor | None, initialize: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gaussian of the half that leaves after a level, the half that stays, the half itself."""
        if index == len(self.splits):
            zero = x.new_zeros(())
            return zero, zero, x[:, :0], x
        staying, leaving = x.chunk(2, dim=1)
        raw = self.splits[index](staying, context, initialize=initialize)
        return *leaving_gaussian(raw), staying, leaving

    def decode(self, latents: list[Tensor], sigma: Tensor | float = 0.0) -> Tensor:
        """Undo `encode`: images from standardized latents."""
        context = self._context(latents[0], sigma)
        x = latents[-1]
        for index in reversed(range(len(self.levels))):
            if index < len(self.splits):
                mean, log_scale = leaving_gaussian(self.splits[index](x, context))
                x = torch.cat([x, latents[index] * log_scale.exp() + mean], dim=1)
            x = self.levels[index].inverse(x, context)  # type: ignore[operator]
        return x if self.logit is None else self.logit.inverse(x)

    def sample(
        self,
        count: int,
        *,
        sigma: float = 0.0,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw images from the density.

        Args:
            count: B.
            sigma: Noise level that the images shall have.
            temperature: Factor of the latents' deviation; below 1 gives likelier, flatter images.
            generator: Source of randomness.

        Returns:
            (B, C, size, size), about [0, 1], not clamped.
        """
        parameter = next(self.parameters())
        latents = [
            temperature
            * torch.randn(count, *shape, generator=generator, dtype=parameter.dtype).to(parameter)
            for shape in self.latent_shapes()
        ]
        return self.decode(latents, sigma)

    def latent_shapes(self) -> list[tuple[int, int, int]]:
        """(C, H, W) of each level's latents, finest first."""
        channels, size = self.config.image_channels, self.config.size
        shapes = []
        for _ in range(len(self.splits)):
            channels, size = channels * 2, size // 2
            shapes.append((channels, size, size))
        return [*shapes, (channels * 4, size // 2, size // 2)]

    def _context(self, x: Tensor, sigma: Tensor | float) -> Tensor | None:
        if self.embedding is None:
            return None
        level = torch.as_tensor(sigma, device=x.device, dtype=x.dtype)
        return self.embedding(level.expand(x.shape[0]))  # type: ignore[no-any-return]

    def _check(self, x: Tensor) -> None:
        config = self.config
        expected = (config.image_channels, config.size, config.size)
        if tuple(x.shape[1:]) != expected:
            raise UsageError(f"this flow takes patches of {expected}, not {tuple(x.shape[1:])}")


def dequantize(values: Tensor, noise: Tensor) -> Tensor:
    """Spread 8-bit values over their bins, so that a density can be asked of them.

    Args:
        values: Any shape, multiples of 1/255 in [0, 1].
        noise: Like `values`, uniform in (0, 1).

    Returns:
        `values` moved by up to half a step of 1/255.
    """
    return values + (noise - 0.5) / 255
