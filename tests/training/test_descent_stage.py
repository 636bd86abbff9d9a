"""The data term `descent`: the network learns what prior and noisy patch make likeliest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from flowdenoise.data.corpus import Corpus, load_corpus
from flowdenoise.errors import UsageError
from flowdenoise.flow.descent import descend
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.sizes import GlowConfig
from flowdenoise.flow.tweedie import tweedie_step
from flowdenoise.training import targets
from flowdenoise.training.denoiser_stage import DenoiserStage, DenoiserTraining
from flowdenoise.training.losses import ObjectiveConfig

FLOW = GlowConfig(1, 8, 1, 1, 4, noise_levels=True)
OBJECTIVE = ObjectiveConfig(data_term="descent", prior_scale=0.5, descent_steps=3)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "0.png")
    return load_corpus([tmp_path / "0.png"], channels=1)


class Descended(nn.Module):
    """Gives the very answers that are to be learned, for this weight of the prior."""

    def __init__(self, flow: Glow, scale: float) -> None:
        super().__init__()
        self.flow, self.scale = flow, scale

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        start = tweedie_step(self.flow, noisy, sigma)
        return descend(self.flow, noisy, sigma, start, scale=self.scale, steps=3)


def stage(corpus: Corpus, flow: Glow | None, objective: ObjectiveConfig) -> DenoiserStage:
    training = DenoiserTraining(objective, patch=8)
    return DenoiserStage(nn.Identity(), corpus, training, steps=1, seed=0, prior=flow)


def test_what_descent_finds_is_the_target(corpus: Corpus) -> None:
    torch.manual_seed(0)
    flow = Glow(FLOW)
    made = stage(corpus, flow, OBJECTIVE)
    loss = {scale: float(made.loss(Descended(flow, scale), 0, 0, 4)) for scale in (0.5, 0.1)}
    assert loss[0.5] == pytest.approx(0, abs=1e-10)
    assert loss[0.1] > 1e-6


def test_a_fixed_weight_is_that_of_the_objective(corpus: Corpus) -> None:
    """`fixed` and `map` agree at the one level where lambda = 2 sigma^2 / D."""
    torch.manual_seed(0)
    flow = Glow(FLOW)
    sigma, dimensions = 0.1, 64
    fixed = replace(OBJECTIVE, prior_weight="fixed", prior_scale=0.5 * 2 * sigma**2 / dimensions)
    made = stage(corpus, flow, fixed)
    sources = made.sources.early
    draws = sources.patches.draws(0, 4)
    batch = replace(targets.noisy_patches(sources, draws), sigma=torch.full((4,), sigma))
    target = targets.descended(sources, batch)
    assert torch.allclose(target, Descended(flow, 0.5)(batch.noisy, batch.sigma), atol=1e-6)


def test_without_a_prior_that_knows_noise_it_is_refused(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="needs a prior"):
        stage(corpus, None, OBJECTIVE)
    with pytest.raises(UsageError, match="conditioned on the noise"):
        stage(corpus, Glow(replace(FLOW, noise_levels=False)), OBJECTIVE)
    larger = DenoiserTraining(OBJECTIVE, patch=16)
    made = DenoiserStage(nn.Identity(), corpus, larger, steps=1, seed=0, prior=Glow(FLOW))
    with pytest.raises(UsageError, match=r"patches of \(1, 8, 8\)"):
        made.loss(nn.Identity(), 0, 0, 1)
