"""A sheet of samples: what a prior dreams of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.flow.glow import Glow
from flowdenoise.images.sheets import sheet
from flowdenoise.noise import Sigma
from flowdenoise.system.rules import Factor, Seed, Size
from flowdenoise.system.typed import check


@dataclass(frozen=True)
class SampleConfig:
    """What to draw.

    Attributes:
        count: The number of samples.
        temperature: Factor of the latents' deviation; below 1 gives likelier, flatter samples.
        sigma: Noise level that the samples shall have, [0, 1] scale.
        seed: Another seed gives other samples.
    """

    count: Size = 64
    temperature: Factor = 0.7
    sigma: Sigma = 0.0
    seed: Seed = 0

    def __post_init__(self) -> None:
        check(self)


@torch.no_grad()
def sample_sheet(flow: Glow, config: SampleConfig) -> Tensor:
    """Samples side by side in about as many rows as columns, (C, H, W) in [0, 1].

    Raises:
        UsageError: Samples with noise are asked of a flow that knows clean images only.
    """
    if config.sigma > 0 and not flow.config.noise_levels:
        raise UsageError("this prior knows clean images only: its samples have a `sigma` of 0")
    samples = flow.sample(
        config.count,
        sigma=config.sigma,
        temperature=config.temperature,
        generator=torch.Generator().manual_seed(config.seed),
    )
    columns = max(1, round(config.count**0.5))
    return sheet(samples.cpu().nan_to_num().clamp(0, 1), columns)
