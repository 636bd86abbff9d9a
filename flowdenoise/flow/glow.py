"""Glow: levels of steps, each ActNorm, invertible 1x1 convolution and coupling.

    x -> squeeze -> K steps -> split -> squeeze -> K steps -> split -> ... -> K steps -> z
                               |                              |
                               z1 ~ N(mean(h), scale(h))      z2 ~ ...

At each split half of the channels leave as latents; their Gaussian is predicted from the half
that goes on. Kingma and Dhariwal, NeurIPS 2018. With `noise_levels` the flow is conditioned on
sigma: it is then a density of noisy images at every noise level, and at sigma = 0 one of clean
images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flowdenoise.errors import UsageError
from flowdenoise.flow.conditioning import ConditionalScale, SigmaEmbedding
from flowdenoise.flow.layers import Logit, Squeeze
from flowdenoise.flow.level import FlowStep, Level
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.flow.split import leaving_gaussian, split_network
from flowdenoise.flow.transform import Transform, gaussian_log_prob, no_volume_change
from flowdenoise.noise import WHITE

_CONTEXT = 64  # length of the noise level's embedding


class Glow(nn.Module):
    """The flow: a density of image patches.

    Args:
        config: The flow's sizes.
    """

    def __init__(self, config: GlowConfig) -> None:
        super().__init__()
        self.config = config
        self.recompute = False
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
            self.levels.append(Level(parts))
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
        """Map images to standardized latents of each level, N(0, 1) if the flow were perfect."""
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
            if initialize:
                x, log_abs_det = level.initialize(x, context)  # type: ignore[operator]
            else:
                x, log_abs_det = level(x, context, recompute=self.recompute)
            total = total + log_abs_det
            mean, log_scale, x, leaving = self._leaving(index, x, context, initialize)
            total = total + gaussian_log_prob(leaving, mean, log_scale)
            latents.append((leaving - mean) * (-log_scale).exp())
        return latents, total

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
        """Undo `encode`: map standardized latents to images."""
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
            count: Number of images, B.
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
        sigmas = torch.as_tensor(sigma, device=x.device, dtype=x.dtype)
        return self.embedding(sigmas.expand(x.shape[0]))  # type: ignore[no-any-return]

    def _check(self, x: Tensor) -> None:
        config = self.config
        expected = (config.image_channels, config.size, config.size)
        if tuple(x.shape[1:]) != expected:
            raise UsageError(f"this flow takes patches of {expected}, not {tuple(x.shape[1:])}")


def dequantize(values: Tensor, noise: Tensor) -> Tensor:
    """Spread 8-bit values over their bins, so that a density can be asked of them.

    Args:
        values: Multiples of 1/255 in [0, 1], of any shape.
        noise: Numbers that are uniform in (0, 1), shaped like `values`.

    Returns:
        `values` moved by up to half a step of 1/255.
    """
    return values + (noise - 0.5) / WHITE
