"""What a denoiser is asked to minimize, each data term by name.

`loss = data_term(d, y, sigma) + prior_weight(sigma) * nll(d(y)) / D`, the second part with a prior
only. `DATA_TERMS` is the one table of the data terms: everything that asks which there are, what
one of them needs, or how it is computed reads it. A new data term is a row there and a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from flowdenoise.data.patches import NoisyPatches
from flowdenoise.errors import UsageError
from flowdenoise.system.random_streams import Draws
from flowdenoise.training import losses, targets
from flowdenoise.training.losses import Denoise, LossValue, ObjectiveConfig
from flowdenoise.training.targets import BatchSources

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
        name: The name in settings.
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
