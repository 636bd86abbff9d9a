"""Values checked against the type hints of a dataclass, wherever they come from.

A configuration checks itself where it is made (`check`), text of the command line becomes a value
(`from_text`), and so does parsed JSON of a file from outside (`from_json`). The hint of a field
alone says what it may hold: `bool`, `int`, `float`, `str`, a `Literal` of words, a tuple,
a dataclass, one of these or None, or a free `Mapping`. `Annotated` adds rules (`system.rules`).
Numbers are finite, a truth value is no number, and no value is guessed or filled in. Those of
other libraries, such as NumPy's, become Python's own.
"""

from __future__ import annotations

import functools
import math
import numbers
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar

from flowdenoise.errors import UsageError
from flowdenoise.system.rules import Rule, shown

T = TypeVar("T")


def check(config: Any) -> None:
    """Check every field of a dataclass against its hint.

    Args:
        config: An instance of the dataclass, which calls this when it is made; where a field
            holds a number of another library, it gets Python's own.

    Raises:
        UsageError: A value has another type, or breaks a rule.
    """
    for name, hint in hints_of(type(config)).items():
        value = getattr(config, name)
        read = _PYTHON.read(value, hint, name)
        if read is not value:
            object.__setattr__(config, name, read)  # as it may be frozen


def from_text(text: str, hint: Any, name: str) -> Any:
    """Turn text of the command line into a value; commas separate the elements of a tuple.

    Args:
        text: The text.
        hint: The type hint of the setting.
        name: The name of the setting, for the error message.

    Raises:
        UsageError: The text does not stand for a value that the hint allows.
    """
    return _TEXT.read(text, hint, name)


def from_json(value: Any, cls: type[T], what: str) -> T:
    """Turn parsed JSON into the dataclass `cls`, which must have exactly its keys.

    Args:
        value: The parsed JSON.
        cls: The dataclass.
        what: The words for the value in an error message.

    Raises:
        UsageError: A key is missing or unknown, or a value has another type or breaks a rule.
    """
    made: T = _JSON.read(value, cls, what)
    return made


def hints_of(cls: type[Any]) -> dict[str, Any]:
    """The type hints of a dataclass's fields by their names, with their rules."""
    return _hints(cls)  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class _Json:
    """Reads values of JSON; the other two readers override some of its methods."""

    def read(self, value: Any, hint: Any, name: str) -> Any:
        """Read the value of a field with this hint."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is Annotated:
            return self._ruled(self.read(value, arguments[0], name), arguments[1:], name)
        if hint in _KINDS:
            return self.scalar(value, hint, name)
        if origin in (types.UnionType, typing.Union):
            return self.union(value, arguments, name)
        if origin is Literal:
            return self._word(value, arguments, name)
        if origin is tuple:
            return self._tuple(self.items(value, name), arguments, name)
        if origin is Mapping:
            return self._mapping(value, name)
        if isinstance(hint, type) and is_dataclass(hint):
            return self.record(value, hint, name)
        raise TypeError(f"no rule to read {hint}")

    def scalar(self, value: Any, kind: type, name: str) -> Any:
        """Read a value of one of the four plain types."""
        accepted = {float: numbers.Real, int: numbers.Integral}.get(kind, kind)
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise UsageError(f"{name} must be {_KINDS[kind]}, not {shown(value)}")
        try:
            return self._finite(kind(value), name)
        except OverflowError as error:
            raise UsageError(f"{name} must be {_KINDS[kind]}, not {shown(value)}") from error

    def same(self, value: Any, word: Any) -> bool:
        """Whether a value is this word of a `Literal`."""
        return type(value) is type(word) and value == word

    def items(self, value: Any, name: str) -> Sequence[Any]:
        """Take the elements of a tuple."""
        if not isinstance(value, list):
            raise UsageError(f"{name} must be a list")
        return value

    def record(self, value: Any, cls: type[Any], name: str) -> Any:
        """Read a dataclass."""
        hints, content = hints_of(cls), self._mapping(value, name)
        for key in content:
            if key not in hints:
                raise UsageError(f"{name} has the unknown key {shown(key)}")
        for key in hints:
            if key not in content:
                raise UsageError(f"{name} lacks the key {key!r}")
        values = {
            key: self.read(content[key], hint, f"{name}, {key!r},") for key, hint in hints.items()
        }
        try:
            return cls(**values)
        except UsageError as error:  # of values that do not fit together
            raise UsageError(f"{name} is not valid: {error}") from error

    def union(self, value: Any, arguments: tuple[Any, ...], name: str) -> Any:
        """Read a value of one of several hints; an error message is that of the first hint."""
        if value is None and type(None) in arguments:
            return None
        complaint: UsageError | None = None
        for hint in (argument for argument in arguments if argument is not type(None)):
            try:
                return self.read(value, hint, name)
            except UsageError as error:
                complaint = complaint or error
        raise complaint or UsageError(f"{name} must be None, not {shown(value)}")

    def _ruled(self, value: Any, rules: tuple[Rule, ...], name: str) -> Any:
        for rule in rules:
            if complaint := rule.complaint(value):
                raise UsageError(f"{name} {complaint}")
        return value

    def _word(self, value: Any, words: tuple[Any, ...], name: str) -> Any:
        for word in words:
            if self.same(value, word):
                return word
        raise UsageError(f"{name} must be one of {', '.join(map(str, words))}, not {shown(value)}")

    def _tuple(self, items: Sequence[Any], hints: tuple[Any, ...], name: str) -> tuple[Any, ...]:
        if len(hints) == 2 and hints[1] is Ellipsis:
            hints = (hints[0],) * len(items)
        if len(hints) != len(items):
            raise UsageError(f"{name} must have {len(hints)} elements, not {len(items)}")
        return tuple(self.read(item, hint, name) for item, hint in zip(items, hints, strict=True))

    def _mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise UsageError(f"{name} must be an object of keys and values")
        return value

    def _finite(self, value: Any, name: str) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{name} must be a finite number, not {value}")
        return value


class _Python(_Json):
    """Checks the values of a dataclass that has been made."""

    def scalar(self, value: Any, kind: type, name: str) -> Any:
        """Take a value of one of the four plain types as it is, or else as Python's own."""
        read = super().scalar(value, kind, name)
        return value if type(value) in _KINDS else read

    def items(self, value: Any, name: str) -> Sequence[Any]:
        """Take the elements of a tuple."""
        if not isinstance(value, tuple):
            raise UsageError(f"{name} must be a tuple, not {shown(value)}")
        return value

    def record(self, value: Any, cls: type[Any], name: str) -> Any:
        """Take a dataclass, which has checked itself."""
        if not isinstance(value, cls):
            raise UsageError(f"{name} must be a {cls.__name__}, not {shown(value)}")
        return value


class _Text(_Json):
    """Reads what was written on the command line."""

    def scalar(self, value: Any, kind: type, name: str) -> Any:
        """Read a value of one of the four plain types."""
        if kind is bool:
            if value not in ("true", "false"):
                raise UsageError(f"{name} must be true or false, not {shown(value)}")
            return value == "true"
        try:
            return self._finite(kind(value), name)
        except ValueError as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{name} must be {_KINDS[kind]}, not {shown(value)}") from error

    def same(self, value: Any, word: Any) -> bool:
        """Whether a value is this word of a `Literal`."""
        return bool(value == str(word))

    def items(self, value: Any, name: str) -> Sequence[Any]:
        """Take the elements of a tuple, which commas separate."""
        return [item.strip() for item in value.split(",") if item.strip()]


_JSON, _PYTHON, _TEXT = _Json(), _Python(), _Text()
