"""Recipes by name: what the paper's text says, what its code did, and what we ship.

A recipe is a complete run; the command line replaces single values of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flowdenoise.data.patches import NoiseConfig
from flowdenoise.data.sources import DataConfig
from flowdenoise.errors import UsageError
from flowdenoise.flow import GlowConfig
from flowdenoise.networks import DnCNNConfig, NoiseLevelConfig, NoiseMapConfig, ResNetConfig
from flowdenoise.optimization.loop import LoopConfig
from flowdenoise.training.camera_stage import CameraTraining
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.losses import ObjectiveConfig
from flowdenoise.training.run_config import (
    DenoiserRun,
    NoiseLevelRun,
    NoiseMapRun,
    PhotoRun,
    PriorRun,
)

PAPER_PRIOR_WEIGHT = 1.5e-6
"""lambda of the paper: times the nats of a patch, against a mean squared error per value."""


def default(channels: int) -> DenoiserRun:
    """What the shipped denoisers are trained with."""
    return DenoiserRun(
        data=DataConfig(channels=channels),
        network=ResNetConfig(image_channels=channels),
        training=DenoiserTraining(
            objective=ObjectiveConfig(alpha=(0.2, 50.0), balance=0.5),
            noise=NoiseConfig(prefer_quiet=1.0),
            late_patch=128,
        ),
        loop=LoopConfig(optimizer="muon", learning_rate=1e-3, warmup=500, precision="auto"),
    )


def paper_text(channels: int) -> DenoiserRun:
    """Section 4.1 of the paper, equation 15; the ResNet, of which it says nothing, is ours."""
    return DenoiserRun(
        data=DataConfig(channels=channels),
        network=ResNetConfig(image_channels=channels, noise_map=False),
        training=DenoiserTraining(
            objective=ObjectiveConfig(
                data_term="blur", blur=3, prior_weight="fixed", prior_scale=PAPER_PRIOR_WEIGHT
            ),
            noise=NoiseConfig(sigma_range=(0.0, 50 / 255)),
            patch=32,
        ),
        loop=LoopConfig(steps=40_000, batch=50, learning_rate=1e-3, decay=0.0, warmup=0),
    )


def paper_code(channels: int) -> DenoiserRun:
    """The authors' released code: its small network, plain squared error, clipped 8-bit noise."""
    return DenoiserRun(
        data=DataConfig(channels=channels),
        network=ResNetConfig.paper(channels),
        training=DenoiserTraining(
            objective=ObjectiveConfig(
                data_term="mse", prior_weight="fixed", prior_scale=PAPER_PRIOR_WEIGHT
            ),
            noise=NoiseConfig(sigma_range=(0.0, 0.2), eight_bit=True),
            patch=32,
        ),
        loop=LoopConfig(steps=40_000, batch=50, learning_rate=1e-4, decay=0.0, warmup=0),
    )


def n2v(channels: int) -> DenoiserRun:
    """Noise2Void: noisy images alone, and nothing known of their noise.

    To predict a pixel that is hidden is to interpolate, which a network in full resolution learns
    in half the steps of one whose pixels are folded (docs/experiments/baselines.md).
    """
    return DenoiserRun(
        data=DataConfig(channels=channels),
        network=ResNetConfig(
            image_channels=channels,
            channels=(24, 48, 64),
            blocks=(1, 2, 4),
            unshuffle=1,
            noise_map=False,
            residual=False,
        ),
        training=DenoiserTraining(
            objective=ObjectiveConfig(data_term="n2v", masked=0.2), late_patch=0
        ),
        loop=LoopConfig(
            optimizer="muon",
            learning_rate=3e-3,
            warmup=200,
            decay=0.7,
            ema=0.998,
            precision="auto",
        ),
    )


def dncnn(channels: int) -> DenoiserRun:
    """The supervised baseline: DnCNN as published, with clean targets and fresh noise."""
    return DenoiserRun(
        data=DataConfig(channels=channels, clean_share=0.0),
        network=DnCNNConfig.published(channels),
        training=DenoiserTraining(
            objective=ObjectiveConfig(data_term="supervised"),
            noise=NoiseConfig(mode="fresh"),
            baseline=True,
        ),
        loop=LoopConfig(optimizer="muon", learning_rate=1e-3, precision="auto"),
    )


def photo(channels: int) -> PhotoRun:
    """Photographs as cameras make them: recorruption where light is measured."""
    return PhotoRun(
        data=DataConfig(channels=channels, clean_share=0.0),
        network=ResNetConfig(image_channels=channels, maps=2),
        training=CameraTraining(patch=96, late_patch=0),
        loop=LoopConfig(
            optimizer="muon", batch=10, learning_rate=1.5e-4, decay=0.6, precision="auto"
        ),
    )


PRESETS: Mapping[str, Callable[[int], DenoiserRun | PhotoRun]] = {
    "default": default,
    "paper-text": paper_text,
    "paper-code": paper_code,
    "n2v": n2v,
    "dncnn": dncnn,
    "photo": photo,
}
"""Recipes of denoisers by name; the first is taken where none is named."""


def find_preset(name: str | None) -> Callable[[int], DenoiserRun | PhotoRun]:
    """The function that makes the recipe of that name; None is that of the shipped denoisers.

    Raises:
        UsageError: No recipe has this name. The message lists those that exist.
    """
    name = name or next(iter(PRESETS))
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def preset(name: str | None, channels: int) -> DenoiserRun | PhotoRun:
    """The recipe of that name, see `find_preset`, for color (3) or gray (1)."""
    return find_preset(name)(channels)


def prior(channels: int, *, noise_levels: bool) -> PriorRun:
    """The paper's recipe for the prior, and what makes it stable.

    100 epochs over 20,000 images in batches of 50 are 40,000 steps.
    """
    return PriorRun(
        data=DataConfig(channels=channels),
        network=GlowConfig(image_channels=channels, noise_levels=noise_levels),
        loop=LoopConfig(steps=40_000, batch=50, learning_rate=1e-3, warmup=100),
    )


def noise_level(channels: int) -> NoiseLevelRun:
    """What the shipped estimators of the noise level are trained with."""
    return NoiseLevelRun(
        data=DataConfig(channels=channels),
        network=NoiseLevelConfig(image_channels=channels),
        loop=LoopConfig(steps=8_000, batch=16, learning_rate=1e-3),
    )


def noise_map(channels: int) -> NoiseMapRun:
    """What the shipped estimators of noise maps are trained with; they need no clean corpus.

    Args:
        channels: The number of channels of the pictures that they are for; photographs are
            simulated in color anyway.
    """
    return NoiseMapRun(
        network=NoiseMapConfig(image_channels=channels),
        data=DataConfig(clean_share=0.0),
        loop=LoopConfig(steps=6_000, batch=16, learning_rate=1e-3, ema=0.998),
    )
