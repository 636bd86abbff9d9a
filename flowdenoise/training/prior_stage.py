"""First stage: train a flow by maximum likelihood on patches of clean images.

With a flow conditioned on the noise level, noise of random level is added to the patches and the
flow is told the level: it learns the density of noisy images at each level, and that of clean
images at level 0. No image is a target of anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor, nn

from flowdenoise import metrics
from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import PatchSampler
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, SampleConfig, dequantize, sample_sheet
from flowdenoise.images import as_floats
from flowdenoise.noise import TRAINED_SIGMAS, SigmaRange
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Range, Size
from flowdenoise.system.typed import check

_VALIDATION_PATCHES = 1024


@dataclass(frozen=True)
class PriorTraining:
    """What the first stage does, apart from the loop.

    Attributes:
        sigma_range: Levels of the noise that a flow with `noise_levels` is shown, [0, 1] scale.
        clean_fraction: Share of the patches that such a flow is shown without noise.
        initialization: Number of patches from which ActNorm is initialized.
        color: How the colors of what it learns from are varied. A flow learns a small corpus by
            heart otherwise.
    """

    sigma_range: SigmaRange = TRAINED_SIGMAS
    clean_fraction: Annotated[float, Range(0, 1, below=True)] = 0.2
    initialization: Size = 256
    color: ColorConfig = field(default_factory=lambda: ColorConfig(by_image=False))

    def __post_init__(self) -> None:
        check(self)


class PriorStage:
    """A flow in training: see `optimization.loop.Stage`.

    Args:
        model: The flow.
        corpus: Clean images, on the training device.
        training: The stage's settings.
        seed: Seed of the patches and the noise.
        validation: Clean images for bits per dimension.
        device: The training device; None is where the images are.
    """

    def __init__(
        self,
        model: Glow,
        corpus: Corpus,
        training: PriorTraining,
        *,
        seed: int,
        validation: Corpus | None = None,
        device: torch.device | None = None,
    ) -> None:
        if model.config.image_channels != corpus.channels:
            raise UsageError(
                f"the flow is for {model.config.image_channels} channels, "
                f"the images have {corpus.channels}"
            )
        self.model: Glow = model
        self.training = training
        color, size = training.color, model.config.size
        self.sampler = PatchSampler(corpus, size, seed=seed, device=device, color=color)
        self.validation = None
        if validation is not None:
            self.validation = PatchSampler(validation, size, seed=0, device=device)

    def initialize(self) -> None:
        """Set the flow's ActNorms from a batch of their own."""
        draws = self.sampler.draws(-1, self.training.initialization)
        self.model.initialize(*self._batch(self.sampler, draws))

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Bits per dimension of a share of the batch of `step`."""
        patches, sigma = self._batch(self.sampler, self.sampler.draws(step, count, first))
        log_prob = model(patches, sigma)
        return metrics.bits_per_dim(log_prob, self.model.config.dimensions).mean()

    def _batch(self, sampler: PatchSampler, draws: Draws) -> tuple[Tensor, Tensor]:
        """Dequantized patches, noised if the flow knows of noise, and their levels."""
        values = as_floats(sampler.clean(draws))
        shape = tuple(values.shape[1:])
        spread = torch.special.ndtr(draws.normal(Stream.BIN, shape))  # uniform in (0, 1)
        patches = dequantize(values, spread)
        if not self.model.config.noise_levels:
            return patches, torch.zeros(len(draws), device=patches.device)
        low, high = self.training.sigma_range
        share, chosen = self.training.clean_fraction, draws.uniform(Stream.PRIOR_SIGMA)
        level = low + (high - low) * (chosen - share).clamp(min=0) / (1 - share)
        sigma = torch.where(chosen < share, 0.0, level)
        return patches + sigma[:, None, None, None] * draws.normal(
            Stream.PRIOR_NOISE, shape
        ), sigma

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Bits per dimension of clean patches, and the largest error of going there and back."""
        if self.validation is None:
            return {}
        assert isinstance(model, Glow)  # noqa: S101 - the loop hands back a copy of the model
        bits, worst = [], 0.0
        for step in range(_VALIDATION_PATCHES // 128):
            draws = self.validation.draws(step, 128)
            values = as_floats(self.validation.clean(draws))
            spread = torch.special.ndtr(draws.normal(Stream.BIN, tuple(values.shape[1:])))
            patches = dequantize(values, spread)
            bits.append(metrics.bits_per_dim(model(patches, 0.0), model.config.dimensions).mean())
            if step == 0:
                back = model.decode(model.encode(patches, 0.0), 0.0)
                worst = float((back - patches).abs().max())
        return {"bits_per_dim": float(torch.stack(bits).mean()), "inverse_error": worst}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """A sheet of samples."""
        assert isinstance(model, Glow)  # noqa: S101 - the loop hands back a copy of the model
        return {"samples": sample_sheet(model, SampleConfig())}
