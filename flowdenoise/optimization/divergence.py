"""Tell that a run is diverging: its gradient grows long before its weights stop being finite.

Clipping can't stop it where the optimizer's steps have one length whatever the gradient's, as
those of Adam and Muon have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_USUAL = 1000  # steps over which the usual norm is averaged
_RECENT = 10  # and the present one: a single odd batch is no divergence
_WARMUP = 200  # steps after which it is known what is usual
_FACTOR = 20.0
"""In healthy runs the mean over 50 steps stayed below 6 times the usual norm, through changes of
the patch size too; in the two that diverged it reached 120 and 260 times
(docs/experiments/white-noise.md)."""


@dataclass
class GradientWatch:
    """Running means of the logarithm of the gradient's norm.

    Attributes:
        steps: Number of norms seen.
        usual: Mean over about the last thousand.
        recent: Mean over about the last ten.
    """

    steps: int = 0
    usual: float = 0.0
    recent: float = 0.0

    def runs_away(self, norm: float) -> bool:
        """Take in the next finite norm; returns whether the recent ones are far too large."""
        if norm == 0:  # it has no logarithm, and is far from running away
            return False
        logarithm = math.log(norm)
        self.steps += 1
        self.recent += (logarithm - self.recent) / min(self.steps, _RECENT)
        self.usual += (logarithm - self.usual) / min(self.steps, _USUAL)
        return self.steps > _WARMUP and self.recent - self.usual > math.log(_FACTOR)

    def calm(self) -> None:
        """Forget the recent norms: the weights that had them are gone."""
        self.recent = self.usual
