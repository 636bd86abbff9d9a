"""JSON from outside: parsed within bounds, then turned into a dataclass or an error.

Headers, manifests and cache records may come from strangers. There is one way in for all of
them: no duplicate keys, no NaN, bounded length and depth, exactly the fields of the dataclass,
each of its declared type. Nothing is guessed, filled in or ignored.
"""

from __future__ import annotations

import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from flowdenoise.errors import WeightsIntegrityError

MAX_DEPTH = 12
"""Deepest nesting of brackets that is read."""

_SHOWN = 60  # characters of a stranger's text that an error message repeats

T = TypeVar("T")


def shown(text: object) -> str:
    """A stranger's text, safe to print: on one line, quoted, not too long."""
    plain = str(text)
    return repr(plain if len(plain) <= _SHOWN else plain[:_SHOWN] + "...")


def one_line(error: Exception) -> str:
    """What an error says, on one line, not too long."""
    return " ".join(str(error).split())[: 3 * _SHOWN]


def parse_json(text: bytes, what: str, *, limit: int) -> Any:
    """Parse JSON, strictly.

    Args:
        text: UTF-8.
        what: What it is, for the error message.
        limit: Longest text that is looked at, in bytes.

    Raises:
        WeightsIntegrityError: It is too long, too deep, not JSON, or has a key twice.
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
    """Whether brackets nest deeper than `depth`; a loop, as recursion is what is being bounded."""
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
    """Turn parsed JSON into the dataclass `cls`, exactly.

    A field may be bool, int, float, str, one of several words (`Literal`), a tuple of these, a
    dataclass, any of these or None, or `Mapping[str, Any]` for a free record.

    Raises:
        WeightsIntegrityError: A key is missing or unknown, or a value of the wrong type.
    """
    if not isinstance(value, dict):
        raise WeightsIntegrityError(f"{what} must be an object of keys and values")
    hints = _hints(cls)  # type: ignore[arg-type]  # classes are hashable
    for name in value:
        if name not in hints:
            raise WeightsIntegrityError(f"{what} has the unknown key {shown(name)}")
    for name in hints:
        if name not in value:
            raise WeightsIntegrityError(f"{what} lacks the key {name!r}")
    converted = {
        name: _convert(value[name], hint, f"{what}, {name!r},") for name, hint in hints.items()
    }
    return cls(**converted)


@functools.cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _convert(value: Any, hint: Any, what: str) -> Any:
    if hint in (bool, int, float, str):
        return _convert_scalar(value, hint, what)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _convert(value, next(a for a in arguments if a is not type(None)), what)
    if origin is typing.Literal:
        if not any(type(value) is type(word) and value == word for word in arguments):
            words = ", ".join(map(str, arguments))
            raise WeightsIntegrityError(f"{what} must be one of {words}, not {shown(value)}")
        return value
    if origin is tuple:
        return _convert_tuple(value, arguments, what)
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, value, what)
    if origin is Mapping and isinstance(value, dict):
        return value
    if origin is Mapping:
        raise WeightsIntegrityError(f"{what} must be an object of keys and values")
    raise TypeError(f"no rule to read a {hint} from JSON")


def _convert_scalar(value: Any, hint: type, what: str) -> Any:
    accepted = (int, float) if hint is float else hint
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise WeightsIntegrityError(f"{what} must be {hint.__name__}, not {shown(value)}")
    return hint(value)


def _convert_tuple(value: Any, arguments: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise WeightsIntegrityError(f"{what} must be a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise WeightsIntegrityError(f"{what} must have {len(arguments)} elements")
    return tuple(_convert(item, hint, what) for item, hint in zip(value, arguments, strict=True))
