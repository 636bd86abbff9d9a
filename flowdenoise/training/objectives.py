"""What a denoiser is asked to minimize, each data term by name.

`loss = data_term(d, y, sigma) + prior_weight(sigma) * nll(d(y)) / D`, the second part with a prior
only. `DATA_TERMS` is the one table of the data terms: everything that asks which there are, what
one of them needs, or how it is computed reads it. A new data term is a row there and a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from torch import Tensor

from flowdenoise.data.patches import NoisyPatches
from flowdenoise.errors import UsageError
from flowdenoise.noise import TRAINED_SIGMAS, Sigma
from flowdenoise.system.random_streams import Draws
from flowdenoise.system.rules import Ascending, Factor, Multiple, Range, Share, Steps
from flowdenoise.system.typed import check
from flowdenoise.training import losses, targets
from flowdenoise.training.losses import Denoise, LossValue
from flowdenoise.training.targets import BatchSources

Blur = Annotated[int, Range(1, 63), Multiple(2, plus=1)]
"""Side of a mean filter, in pixels."""

_Alpha = Annotated[float, Range(1e-3, 1e3)]


@dataclass(frozen=True)
class ObjectiveConfig:
    """What to minimize.

    Attributes:
        data_term: A name in `DATA_TERMS`.
        blur: Side of the mean filter of `blur`, odd.
        alpha: Range of the recorruption strength of `r2r`. The level of the denoiser's input,
            sigma * sqrt(1 + alpha^2), is drawn uniformly between the ends, up to `level_limit`.
        level_limit: Highest input level that `r2r` makes on purpose, [0, 1] scale.
        balance: Exponent p of the weight level^-p of a patch: 0 counts squared errors alike,
            about 1.3 counts decibels alike.
        anchor: Share of the target of `r2r` in that of `relay`.
        probe_step: Step of the finite difference of `sure`.
        masked: Share of pixels that `n2v` replaces.
        prior_weight: `fixed` multiplies the prior's nats per patch by `prior_scale`, as the
            paper does; `map` by `prior_scale` times 2 sigma^2 / D, the weight at which the
            minimum is the maximum a posteriori, D being the number of values in a patch.
        prior_scale: Factor of the prior's nats: see `prior_weight`; 0 leaves the prior out.
        prior_level: The noise level at which the prior judges, as a share of the input's; 0 is
            the density of clean patches. See `prior_term`.
        descent_steps: How many steps `descent` makes from the prior's Tweedie step.
    """

    data_term: str = "r2r"
    blur: Blur = 3
    alpha: Annotated[tuple[_Alpha, _Alpha], Ascending()] = (0.5, 0.5)
    level_limit: Sigma = TRAINED_SIGMAS[1]
    balance: Annotated[float, Range(-10, 10)] = 0.0
    anchor: Share = 0.1
    probe_step: Annotated[float, Range(1e-6, 1)] = 1e-4
    masked: Annotated[float, Range(1e-4, 0.9)] = 0.02
    prior_weight: Literal["fixed", "map"] = "map"
    prior_scale: Factor = 0.0
    prior_level: Factor = 0.0
    descent_steps: Steps = 8

    def __post_init__(self) -> None:
        check(self)
        data_term(self.data_term)


Need = Literal["prior", "teacher", "levels", "clean", "second"]

NEEDS: dict[Need, str] = {
    "prior": "a prior that is conditioned on the noise level",
    "teacher": "a teacher",
    "levels": "the noise level of each image",
    "clean": "clean targets",
    "second": "a second noisy version of each image",
}
"""What a data term may need besides noisy patches, in words."""

_BREAK_THE_RULE: frozenset[Need] = frozenset({"clean", "second"})


@dataclass(frozen=True)
class DataTerm:
    """A row of the table of data terms.

    Attributes:
        name: Its name in settings.
        loss: The function that is minimized.
        target: The function that makes the batch's target; None where the loss takes its target
            from the noisy patches.
        needs: What it needs besides noisy patches: keys of `NEEDS`.
        sample: The function that draws the batch that the denoiser sees.
    """

    name: str
    loss: Callable[[Denoise, NoisyPatches, ObjectiveConfig], LossValue]
    target: Callable[[BatchSources, NoisyPatches], Tensor] | None = None
    needs: frozenset[Need] = frozenset()
    sample: Callable[[BatchSources, Draws], NoisyPatches] = targets.noisy_patches

    @property
    def breaks_the_rule(self) -> bool:
        """Whether it sees more of an image than one noisy version, and is a baseline only."""
        return bool(self.needs & _BREAK_THE_RULE)


def _needs(*needs: Need) -> frozenset[Need]:
    return frozenset(needs)


_TABLE = (
    DataTerm("blur", losses.blur),
    DataTerm("mse", losses.mse),
    DataTerm("n2v", losses.n2v),
    DataTerm("r2r", losses.r2r, needs=_needs("levels")),
    DataTerm("sure", losses.sure, needs=_needs("levels")),
    DataTerm("teacher", losses.regression, targets.taught, _needs("teacher", "levels")),
    DataTerm("relay", losses.relay, targets.taught, _needs("teacher", "levels")),
    DataTerm("descent", losses.regression, targets.descended, _needs("prior", "levels")),
    DataTerm("n2n", losses.regression, targets.second, _needs("second")),
    DataTerm("supervised", losses.regression, targets.clean, _needs("clean")),
)

DATA_TERMS = {term.name: term for term in _TABLE}
"""The data terms by name."""


def data_term(name: str) -> DataTerm:
    """The data term of that name.

    Raises:
        UsageError: No data term has this name. The message lists those that exist.
    """
    if name not in DATA_TERMS:
        raise UsageError(f"no data term {name!r}; there are {', '.join(DATA_TERMS)}")
    return DATA_TERMS[name]
