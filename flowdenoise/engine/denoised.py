"""What comes out of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from flowdenoise.estimation import Estimate
from flowdenoise.images import Picture


@dataclass(frozen=True)
class Denoised:
    """A denoised picture and what was done to it.

    Attributes:
        picture: The result, of the same kind as the input.
        sigma: The noise level of the input, estimated or given, on the [0, 1] scale.
        estimate: The estimate of the noise; None if the level was given and the picture is not
            constant.
        untouched: Whether the result is the input, because it is clean, because nothing is known
            of its noise, or because none was to be removed.
        seconds: The time that estimating and denoising took.
        weights: The names of the weights that denoised it.
    """

    picture: Picture
    sigma: float
    estimate: Estimate | None
    untouched: bool
    seconds: float
    weights: tuple[str, ...] = ()
