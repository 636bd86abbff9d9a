"""Train the estimator of noise maps: noise of all kinds, two versions of it, their difference.

What noise that is, `training.noise_crops` tells.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.data.corpus import Corpus
from flowdenoise.data.patches import PatchSampler, by_area
from flowdenoise.images import turns
from flowdenoise.networks import KINDS, Noise, level_loss
from flowdenoise.system.random_streams import Draws, Stream
from flowdenoise.training.kept import Kept, fingerprint
from flowdenoise.training.noise_crops import CropMaker, Crops, NoiseMapTraining, kept_crops


class NoiseMapStage:
    """An estimator in training: see `optimization.loop.Stage`."""

    def __init__(
        self,
        model: nn.Module,
        corpus: Corpus,
        training: NoiseMapTraining,
        *,
        seed: int,
        validation: Corpus | None = None,
        folder: Path | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.training = training
        gray = getattr(getattr(model, "config", None), "image_channels", 3) == 1
        self.maker = CropMaker(training, gray)
        side = training.side
        weights = by_area(corpus, side, training.by_area)
        self.sampler = PatchSampler(
            corpus, side, seed=seed, device=device, weights=weights, color=training.color
        )
        self.validation = None
        if validation is not None:
            self.validation = PatchSampler(validation, side, seed=0, device=device)
        self.kept = None if folder is None else self._kept(folder, corpus, seed)

    def _kept(self, folder: Path, corpus: Corpus, seed: int) -> Kept[Crops] | None:
        """Where crops are kept: a folder of their own for all that they are made of."""
        batches = self.training.kept
        if not batches:
            return None
        made_of = (replace(self.training, kept=0), self.maker.gray, seed)
        name = f"crops-{fingerprint(made_of, [corpus.keys])}"
        return kept_crops(folder / name, batches, self.sampler.device)

    def loss(self, model: nn.Module, step: int, first: int, count: int) -> Tensor:
        """How far the levels are from those of the noise, and how well its kind was told."""
        crops = self._crops(step, first, count)
        found: Noise = model(crops.noisy)
        kind = F.cross_entropy(found.kind, crops.kind)
        return level_loss(found.levels, crops.squares).mean() + self.training.kind_weight * kind

    def _crops(self, step: int, first: int, count: int) -> Crops:
        """The crops of a share of the batch of `step`; those that are seen again are turned."""

        def make(batch: int) -> Crops:
            return self._made(self.sampler, self.sampler.draws(batch, count, first))

        if self.kept is None:
            return make(step)
        crops = self.kept.share(step, first, count, make)
        draws = self.sampler.draws(step, count, first)
        ways = (len(turns.WAYS) * draws.uniform(Stream.MAP_TURN)).long()
        return crops.turned(ways.to(crops.noisy.device))

    def _made(self, sampler: PatchSampler, draws: Draws) -> Crops:
        return self.maker.crops(sampler.clean(draws), draws)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss and share of right kinds over validation crops."""
        if self.validation is None:
            return {}
        crops = self._made(self.validation, self.validation.draws(0, 192))
        found: Noise = model(crops.noisy)
        result = {"log_error": float(level_loss(found.levels, crops.squares).mean())}
        right = found.kind.argmax(1) == crops.kind
        for index, name in enumerate(KINDS):
            result[f"right_{name}"] = float(right[crops.kind == index].float().mean())
        return result

    def pictures(self, model: nn.Module) -> dict[str, Tensor]:
        """There is nothing to see."""
        return {}
