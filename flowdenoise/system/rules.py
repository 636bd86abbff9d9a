"""Rules for the fields of configurations, such as bounds, beside the type in `Annotated`.

    steps: Annotated[int, Range(1, 10**9)] = 100_000

`system.typed` enforces the rules wherever a value comes from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

_SHOWN = 60  # characters of a stranger's text that an error message repeats


def shown(text: object) -> str:
    """A stranger's text, safe to print: on one line, quoted, not too long."""
    plain = str(text)
    return repr(plain if len(plain) <= _SHOWN else plain[:_SHOWN] + "...")


class Rule(Protocol):
    """A rule that a value must obey, besides having its type."""

    def complaint(self, value: Any) -> str | None:
        """What is wrong with a value, in words to follow the field's name; None if nothing."""
        ...


@dataclass(frozen=True)
class Range:
    """Bounds of a number.

    Attributes:
        least: The smallest value that is allowed.
        most: The largest value that is allowed.
        below: Whether `most` itself is too large.
    """

    least: float
    most: float = math.inf
    below: bool = False

    def complaint(self, value: float) -> str | None:
        """What is wrong with a number, or None."""
        if self.least <= value < self.most or (value == self.most and not self.below):
            return None
        if self.most == math.inf:
            return f"must be at least {self.least:g}, not {shown(value)}"
        to = "to below" if self.below else "to"
        return f"must be from {_plain(self.least)} {to} {_plain(self.most)}, not {shown(value)}"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


@dataclass(frozen=True)
class Multiple:
    """A whole number that is a multiple of another.

    Attributes:
        of: The other number.
        plus: The remainder: `Multiple(2, 1)` is an odd number.
    """

    of: int
    plus: int = 0

    def complaint(self, value: int) -> str | None:
        """What is wrong with a number, or None."""
        if value % self.of == self.plus:
            return None
        if (self.of, self.plus) == (2, 1):
            return f"must be odd, not {shown(value)}"
        return f"must be a multiple of {self.of}, not {shown(value)}"


@dataclass(frozen=True)
class OneOf:
    """One of a few values of any type.

    Attributes:
        values: The values that are allowed.
    """

    values: tuple[Any, ...]

    def complaint(self, value: Any) -> str | None:
        """What is wrong with a value, or None."""
        if value in self.values:
            return None
        words = list(map(str, self.values))
        allowed = f"one of {', '.join(words)}" if len(words) > 2 else " or ".join(words)
        return f"must be {allowed}, not {shown(value)}"


@dataclass(frozen=True)
class Ascending:
    """Two numbers of which the second is not the smaller."""

    def complaint(self, value: Sequence[float]) -> str | None:
        """What is wrong with a pair, or None."""
        if value[0] <= value[1]:
            return None
        return f"must ascend, which {value[0]} and {value[1]} do not"


@dataclass(frozen=True)
class Filled:
    """A tuple that is not empty."""

    def complaint(self, value: Sequence[Any]) -> str | None:
        """What is wrong with a tuple, or None."""
        return None if value else "must have at least one element"


Size = Annotated[int, Range(1, 1 << 16)]
"""A width, a side or a number of parts."""

Steps = Annotated[int, Range(0, 10**9)]
"""A number of steps, which may be 0."""

Share = Annotated[float, Range(0, 1)]
"""A share of a whole, or a probability."""

Factor = Annotated[float, Range(0)]
"""A factor, which is not negative."""

Seed = Annotated[int, Range(-(1 << 63), (1 << 63) - 1)]
"""The seed of random numbers."""

COLORS = {3: "color", 1: "gray"}
"""The word for a picture, by the number of its channels."""

Channels = Annotated[int, OneOf(tuple(sorted(COLORS)))]
"""The number of channels of a picture, or of a network for it."""
