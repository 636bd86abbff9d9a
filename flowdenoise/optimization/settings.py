"""Settings of a run by their dotted names, `loop.batch=32`, as `settings.json` shows them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, TypeVar

from flowdenoise.errors import UsageError
from flowdenoise.system.typed import from_text, hints_of

T = TypeVar("T")


def plain(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of `part.name: value`, tuples as lists.

    >>> plain({"loop": {"steps": 5}, "alpha": (1, 2)})
    {'loop.steps': 5, 'alpha': [1, 2]}
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat.update(plain(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = list(value) if isinstance(value, tuple) else value
    return flat


def changed_settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what differs between two settings, one `name: old -> new` each."""
    names = sorted(set(old) | set(new))
    return [
        f"{name}: {old.get(name)} -> {new.get(name)}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def override(run: T, assignments: Sequence[str]) -> T:
    """A copy of a run with some settings replaced.

    Args:
        run: Nested frozen dataclasses.
        assignments: `name=value`; lists are separated by commas.

    Raises:
        UsageError: A setting has no such name, or can't have such a value.
    """
    every = list(plain(asdict(run)))  # type: ignore[call-overload]
    return _replace(run, assigned(assignments), "", every)


def assigned(assignments: Sequence[str]) -> dict[str, str]:
    """The texts that `name=value` gives to names; of several for a name the last.

    Raises:
        UsageError: A text is no assignment.
    """
    changes: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"a setting is name=value, not {text!r}")
        changes[name.strip()] = value.strip()
    return changes


def read_setting(run: Any, name: str, text: str) -> Any:
    """The value that a text stands for, for a setting that the run has.

    Args:
        run: Nested frozen dataclasses.
        name: The dotted name of the setting.
        text: The text, as in `override`.

    Raises:
        UsageError: The setting can't have such a value.
    """
    *parts, last = name.split(".")
    for part in parts:
        run = getattr(run, part)
    return from_text(text, hints_of(type(run))[last], name)


def _replace(part: T, changes: dict[str, str], prefix: str, every: Sequence[str]) -> T:
    """Replace all at once, since some values are only valid together."""
    hints = hints_of(type(part))
    values: dict[str, Any] = {}
    deeper: dict[str, dict[str, str]] = {}
    for path, text in changes.items():
        first, _, rest = path.partition(".")
        name = prefix + path
        if first not in hints:
            raise UsageError(_unknown(first, list(hints), name, every))
        inner = getattr(part, first)
        if is_dataclass(inner) != bool(rest):
            names = [field.name for field in fields(inner)] if is_dataclass(inner) else []
            raise UsageError(_unknown(rest, names, name, every))
        if rest:
            deeper.setdefault(first, {})[rest] = text
        else:
            values[first] = from_text(text, hints[first], name)
    for first, inside in deeper.items():
        values[first] = _replace(getattr(part, first), inside, f"{prefix}{first}.", every)
    return replace(part, **values)  # type: ignore[type-var]


def _unknown(word: str, known: list[str], name: str, every: Sequence[str]) -> str:
    last = name.rpartition(".")[2]
    close = [other for other in every if other.rpartition(".")[2] == last]
    close = close or difflib.get_close_matches(word, known, 1)
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else f"there are {', '.join(known) or 'none'}"
    )
    return f"no setting {name!r}: {hint}"
