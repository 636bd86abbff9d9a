"""JSON from outside: parsed within bounds, then turned into a dataclass or an error.

Headers, manifests and cache records may come from strangers. There is one way in for all of
them: no duplicate keys, no NaN, bounded length and depth, exactly the fields of the dataclass,
each of its declared type.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar

from flowdenoise.errors import UsageError, WeightsIntegrityError
from flowdenoise.system.rules import shown
from flowdenoise.system.typed import from_json

MAX_DEPTH = 12
"""Deepest nesting of brackets that is read."""

_LONGEST = 180  # characters of an error that another one repeats

T = TypeVar("T")


def one_line(error: Exception) -> str:
    """What an error says, on one line, not too long."""
    return " ".join(str(error).split())[:_LONGEST]


def parse_json(text: bytes, what: str, *, limit: int) -> Any:
    """Parse JSON, strictly.

    Args:
        text: The JSON, in UTF-8.
        what: The words for the text in an error message.
        limit: Longest text that is looked at, in bytes.

    Raises:
        WeightsIntegrityError: The text is too long, nested too deep, no JSON, or has a key twice.
    """
    if len(text) > limit:
        raise WeightsIntegrityError(f"{what} is too long: {len(text)} bytes, at most {limit}")
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else one_line(error)
        raise WeightsIntegrityError(f"{what} is not valid JSON: {reason}") from error
    if _is_deeper(value, MAX_DEPTH):
        raise WeightsIntegrityError(f"{what} is nested deeper than {MAX_DEPTH} levels")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shown(text)} is not a finite number")
    return number


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether brackets nest deeper than `depth`: a loop, since recursion is the danger."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(inner, dict | list) for inner in level)


def build(cls: type[T], value: Any, what: str) -> T:
    """Turn parsed JSON into the dataclass `cls`, exactly: see `system.typed`.

    Raises:
        WeightsIntegrityError: A key is missing or unknown, or a value is not what it may be.
    """
    try:
        return from_json(value, cls, what)
    except UsageError as error:
        raise WeightsIntegrityError(str(error)) from error
