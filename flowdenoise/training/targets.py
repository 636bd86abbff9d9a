"""The targets of the data terms: what a denoiser is asked to make of a noisy patch.

A target may come from whoever has not seen the clean picture either: a prior, by `flow.tweedie` or
`flow.descent`, or an earlier denoiser. `clean` and `second` see more of a picture than its one
noisy version and serve baselines only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from flowdenoise.data.patches import NoiseConfig, NoisyPatches, PatchSampler
from flowdenoise.errors import UsageError
from flowdenoise.flow import LEAST_SIGMA, Glow, as_denoiser, descend, tweedie_step
from flowdenoise.images import as_floats
from flowdenoise.system.random_streams import Draws
from flowdenoise.training.asking import ask_in_turns
from flowdenoise.training.prior_term import prior_weight

if TYPE_CHECKING:
    from flowdenoise.training.losses import ObjectiveConfig


@dataclass(frozen=True)
class BatchSources:
    """What batches and their targets are made from.

    Attributes:
        patches: Sampler of the noisy corpus.
        noise: The corpus's noise.
        objective: The settings of the objective.
        prior: The prior, where there is one.
        teacher: The teacher, where there is one.
        answers: Sampler, in the same places, of what the teacher made of the whole images, where
            it was asked about these.
    """

    patches: PatchSampler
    noise: NoiseConfig
    objective: ObjectiveConfig
    prior: Glow | None = None
    teacher: nn.Module | None = None
    answers: PatchSampler | None = None


def noisy_patches(sources: BatchSources, draws: Draws) -> NoisyPatches:
    """The one noisy version of each patch."""
    return sources.patches.noisy(draws, sources.noise)


def clean(sources: BatchSources, batch: NoisyPatches) -> Tensor:
    """The clean patch itself, x, (B, C, P, P): for the supervised baseline."""
    return as_floats(sources.patches.clean(batch.draws))


def second(sources: BatchSources, batch: NoisyPatches) -> Tensor:
    """The patch with another noise of the same level, x + n'. Lehtinen et al., ICML 2018.

    In Noise2Noise the best prediction of one noisy version from the other is the best estimate of
    x. The strict rule knows one noisy version of each image, so this is a baseline.
    """
    return sources.patches.noisy(batch.draws, sources.noise, version=1).noisy


def taught(sources: BatchSources, batch: NoisyPatches) -> Tensor:
    """The teacher's estimate of the clean patches, t(y), (B, C, P, P) float32."""
    if sources.answers is not None:
        return sources.answers.clean(batch.draws).float()
    if sources.teacher is None:
        raise UsageError("there is no teacher to ask")
    return ask_in_turns(as_denoiser(sources.teacher), batch.noisy, batch.sigma, batch.draws)


def descended(sources: BatchSources, batch: NoisyPatches) -> Tensor:
    """A point beside a minimum of `mse` with its prior, m(y), (B, C, P, P): see `flow.descent`."""
    prior, objective = sources.prior, sources.objective
    if prior is None:
        raise UsageError("there is no prior to descend by")
    sigma, dimensions = batch.sigma.clamp(min=LEAST_SIGMA), prior.config.dimensions
    return descend(
        prior,
        batch.noisy,
        sigma,
        tweedie_step(prior, batch.noisy, batch.sigma),
        scale=prior_weight(sigma, dimensions, objective) * dimensions / (2 * sigma.square()),
        steps=objective.descent_steps,
    )
