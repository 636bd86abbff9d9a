"""Train the estimator of the noise level: pictures, noise of known level, guess the level.

No picture is a target here, clean or noisy: the target is a number. A share of the pictures is
clipped and rounded to 8 bits, and of these a part is stored as JPEG, as cameras and people do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from flowdenoise import images, noise
from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import PatchSampler
from flowdenoise.images import as_floats
from flowdenoise.networks import NoiseLevelNet, from_scale, to_scale
from flowdenoise.noise import Sigma
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.system.rules import Ascending, Multiple, Range, Share
from flowdenoise.system.typed import check

_Quality = Annotated[int, Range(1, 100)]


@dataclass(frozen=True)
class NoiseLevelTraining:
    """What this stage does, apart from the loop.

    Attributes:
        patch: Side of the crops.
        most: Highest level, [0, 1] scale.
        clean_fraction: Share of crops without noise.
        eight_bit: Share of crops that are clipped and rounded.
        jpeg: Share of crops that are also stored as JPEG.
        qualities: Range of the JPEG qualities.
    """

    patch: Annotated[int, Range(8, 2048), Multiple(NoiseLevelNet.stride)] = 128
    most: Sigma = 80 / 255
    clean_fraction: Annotated[float, Range(0, 1, below=True)] = 0.1
    eight_bit: Share = 0.5
    jpeg: Share = 0.25
    qualities: Annotated[tuple[_Quality, _Quality], Ascending()] = (70, 99)

    def __post_init__(self) -> None:
        check(self)


class NoiseLevelStage:
    """An estimator in training: see `optimization.loop.Stage`."""

    def __init__(
        self,
        model: NoiseLevelNet,
        corpus: Corpus,
        training: NoiseLevelTraining,
        *,
        seed: int,
        validation: Corpus | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.training = training
        self.sampler = PatchSampler(corpus, training.patch, seed=seed, device=device)
        self.validation = None
        if validation is not None:
            self.validation = PatchSampler(validation, training.patch, seed=0, device=device)

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """Mean absolute error on the learned scale, with a round bottom."""
        patches, sigma = self._batch(self.sampler, self.sampler.draws(step, count, first))
        return nn.functional.smooth_l1_loss(model(patches), to_scale(sigma), beta=0.05)

    def _batch(self, sampler: PatchSampler, draws: Draws) -> tuple[Tensor, Tensor]:
        """Crops as people have them, and the level of the noise that was added."""
        settings = self.training
        clean = as_floats(sampler.clean(draws))
        share = settings.clean_fraction
        chosen = ((draws.uniform(Stream.LEVEL_SIGMA) - share).clamp(min=0) / (1 - share)).square()
        sigma = settings.most * chosen  # low levels more often: there it matters
        unit = draws.normal(Stream.LEVEL_NOISE, tuple(clean.shape[1:]))
        noisy = clean + sigma[:, None, None, None] * unit
        fate = draws.uniform(Stream.LEVEL_FATE)[:, None, None, None]
        rounded = noisy.clamp(0, 1).mul(noise.WHITE).round()
        noisy = torch.where(fate < settings.eight_bit, as_floats(rounded), noisy)
        low, high = settings.qualities
        qualities = (low + (high + 1 - low) * draws.uniform(Stream.LEVEL_QUALITY)).int().tolist()
        for index in (fate.flatten() < settings.jpeg).nonzero().flatten().tolist():
            stored = images.jpeg_round_trip(rounded[index].byte(), int(qualities[index]))
            noisy[index] = as_floats(stored.to(noisy))
        return noisy, sigma

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean absolute error of sigma over validation crops, 0 to 255 scale."""
        if self.validation is None:
            return {}
        patches, sigma = self._batch(self.validation, self.validation.draws(0, 256))
        error = float((from_scale(model(patches)) - sigma).abs().mean())
        return {"sigma_error": noise.to_255(error)}

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """Return no pictures: a level is a number."""
        return {}
