"""Noise levels and their unit, and the kinds of noise.

`sigma` is the standard deviation of the noise on the scale where white is 1. The scale of 0 to
255 that the literature prints exists at two places only: on the command line and in the labels
of benchmarks, and both convert with `from_255`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from flowdenoise.errors import SigmaError
from flowdenoise.system.rules import Ascending, shown

WHITE = 255.0
"""The value of white in an 8-bit picture: the unit of a sigma on the command line."""


def check_sigma(sigma: float) -> float:
    """Return `sigma` if it is a noise level on the [0, 1] scale.

    Raises:
        SigmaError: The level is negative, above 1, or not a number.

    >>> check_sigma(25 / 255)
    0.09803921568627451
    """
    try:
        level = float(sigma)
    except OverflowError:  # of a whole number
        level = math.inf
    if not 0 <= level < math.inf:
        raise SigmaError(f"sigma must be a number of at least 0, not {shown(sigma)}")
    if level > 1:
        raise SigmaError(
            f"sigma is on the scale where white is 1, and {level:g} is above it: "
            f"did you mean {level:g}/255?"
        )
    return level


TRAINED_SIGMAS = (0.0, 55 / 255)
"""The lowest and the highest noise level at which networks learn unless a run says otherwise."""


class _Level:
    """The rule of a field that holds a noise level."""

    def complaint(self, value: float) -> str | None:
        """What is wrong with a number, or None."""
        try:
            check_sigma(value)
        except SigmaError as error:
            return f"holds noise levels: {error}"
        return None


Sigma = Annotated[float, _Level()]
"""A field of a configuration that holds a noise level, [0, 1] scale."""

SigmaRange = Annotated[tuple[Sigma, Sigma], Ascending()]
"""A field of a configuration that holds the lowest and the highest noise level, [0, 1] scale."""

NoiseKind = Literal["auto", "white", "camera"]
"""The kind of noise that a picture is assumed to have."""


def from_255(sigma: float) -> float:
    """Convert a noise level from the 0 to 255 scale to the [0, 1] scale.

    Raises:
        SigmaError: The level is negative, above 255, or not a number.

    >>> from_255(25.5)
    0.1
    """
    if not math.isfinite(sigma) or not 0 <= sigma <= WHITE:
        raise SigmaError(f"sigma must be a number from 0 to 255, not {sigma}")
    return sigma / WHITE


def to_255(sigma: float) -> float:
    """Convert a noise level from the [0, 1] scale to the 0 to 255 scale."""
    return sigma * WHITE
