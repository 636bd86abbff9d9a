"""What a prior learns from, and what it is judged by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from flowdenoise.data.coloring import ColorConfig
from flowdenoise.data.corpus import Corpus, load_corpus
from flowdenoise.flow import Glow, GlowConfig
from flowdenoise.training.prior_stage import PriorStage, PriorTraining

GRAY = ColorConfig(mix=1.0, saturation=(0.0, 0.0), gain=(1.0, 1.0), by_image=False)


@pytest.fixture(scope="module")
def reds(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """One picture that is red all over, brighter to the right."""
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(100, 228, 4)
    folder = tmp_path_factory.mktemp("album")
    Image.fromarray(pixels).save(folder / "a.png")
    return load_corpus([folder], channels=3)


def made(corpus: Corpus, color: ColorConfig) -> PriorStage:
    model = Glow(GlowConfig(size=8, levels=1, steps_per_level=1, hidden_channels=4))
    training = PriorTraining(initialization=4, color=color)
    return PriorStage(model, corpus, training, seed=0, validation=corpus)


def saturation(patches: Tensor) -> float:
    """The largest difference between the channels, on the scale of 0 to 255."""
    return 255 * float((patches.amax(1) - patches.amin(1)).max())


def test_colors_vary_where_a_prior_learns_and_not_where_it_is_judged(reds: Corpus) -> None:
    plain, varied = made(reds, ColorConfig()), made(reds, GRAY)
    for stage, least, most in ((plain, 90, 229), (varied, 0, 3)):
        patches, sigma = stage._batch(stage.sampler, stage.sampler.draws(0, 16))
        assert least < saturation(patches) < most
        assert torch.equal(sigma, torch.zeros(16))
    varied.model.load_state_dict(plain.model.state_dict())
    assert varied.validate(varied.model) == plain.validate(plain.model)
