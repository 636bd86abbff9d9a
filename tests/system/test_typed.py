"""Values and their hints: three ways in, one set of rules, and every configuration keeps them."""

from __future__ import annotations

import importlib
import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union

import numpy as np
import pytest

import flowdenoise
from flowdenoise.errors import UsageError
from flowdenoise.networks.resnet import ResNetConfig
from flowdenoise.system.rules import Ascending, Multiple, Range, Seed
from flowdenoise.system.typed import check, from_json, from_text, hints_of

PACKAGE = Path(flowdenoise.__file__).parent


@dataclass(frozen=True)
class Inner:
    word: Literal["a", "b", 3] = "a"


@dataclass(frozen=True)
class Outer:
    """A field of every kind."""

    truth: bool = False
    whole: Annotated[int, Range(1, 9)] = 3
    number: Annotated[float, Range(0, 1, below=True)] = 0.5
    text: str = ""
    pair: Annotated[tuple[int, int], Ascending()] = (1, 2)
    many: tuple[Annotated[int, Multiple(2)], ...] = (2, 4)
    inner: Inner = field(default_factory=Inner)
    maybe: float | None = None
    free: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)


PLAIN: dict[str, Any] = {
    "truth": True,
    "whole": 9,
    "number": 0,
    "text": "x",
    "pair": [3, 3],
    "many": [],
    "inner": {"word": 3},
    "maybe": None,
    "free": {"x": [1]},
}
MADE = Outer(True, 9, 0.0, "x", (3, 3), (), Inner(3), None, {"x": [1]})

WRONG: dict[str, tuple[Any, str]] = {
    "truth": (1, "must be true or false"),
    "whole": (10, "must be from 1 to 9, not '10'"),
    "number": (1.0, "must be from 0 to below 1, not '1.0'"),
    "text": (3, "must be text"),
    "pair": ((3, 2), "must ascend"),
    "many": ((2, 3), "must be a multiple of 2, not '3'"),
    "maybe": ("x", "must be a number"),
    "free": ([], "must be an object"),
}


def test_json_becomes_the_dataclass_and_nothing_else() -> None:
    assert from_json(PLAIN, Outer, "it") == MADE
    with pytest.raises(UsageError, match="it has the unknown key 'more'"):
        from_json({**PLAIN, "more": 1}, Outer, "it")
    with pytest.raises(UsageError, match="it lacks the key 'maybe'"):
        from_json({k: v for k, v in PLAIN.items() if k != "maybe"}, Outer, "it")
    with pytest.raises(UsageError, match="it, 'inner',, 'word', must be one of a, b, 3, not 'c'"):
        from_json({**PLAIN, "inner": {"word": "c"}}, Outer, "it")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_where_it_is_made_and_in_json(name: str) -> None:
    value, message = WRONG[name]
    with pytest.raises(UsageError, match=f"{name} {message}"):
        replace(MADE, **{name: value})
    plain = list(value) if isinstance(value, tuple) else value
    with pytest.raises(UsageError, match=f"it, '{name}', {message}"):
        from_json({**PLAIN, name: plain}, Outer, "it")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None, 10**400])
def test_only_a_finite_number_is_a_number(value: Any) -> None:
    with pytest.raises(UsageError, match="number"):
        replace(MADE, number=value)


def test_numbers_of_numpy_become_those_of_python() -> None:
    made = replace(
        MADE,
        whole=np.int64(9),
        number=np.float32(0.25),
        pair=(np.uint8(3), 3),
        maybe=np.float64(0.5),
    )
    assert (made.whole, made.number, made.pair, made.maybe) == (9, 0.25, (3, 3), 0.5)
    json.dumps(asdict(made))
    for number in (made.whole, made.number, *made.pair, made.maybe):
        assert type(number) in (int, float)


def test_numbers_of_python_stay_as_they_are() -> None:
    assert type(replace(MADE, number=0).number) is int


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", np.float64(3)),
        ("whole", np.bool_(True)),
        ("number", np.bool_(True)),
        ("number", np.float32("nan")),
        ("number", np.complex64(0.5)),
        ("number", np.array(0.5)),
        ("truth", np.int64(1)),
    ],
)
def test_a_number_of_numpy_is_checked_as_another_is(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"{name} must be"):
        replace(MADE, **{name: value})


def test_text_becomes_what_the_hint_says() -> None:
    hints = hints_of(Outer)
    for text, name, value in (
        ("true", "truth", True),
        ("7", "whole", 7),
        ("1e-3", "number", 0.001),
        ("1, 2", "pair", (1, 2)),
        ("2,4,", "many", (2, 4)),
        ("0.5", "maybe", 0.5),
    ):
        assert from_text(text, hints[name], name) == value
    assert from_text("3", hints_of(Inner)["word"], "word") == 3
    for text, name, message in (
        ("1", "truth", "must be true or false, not '1'"),
        ("seven", "whole", "must be a whole number, not 'seven'"),
        ("nan", "number", "must be a finite number"),
        ("1", "pair", "must have 2 elements, not 1"),
    ):
        with pytest.raises(UsageError, match=f"{name} {message}"):
            from_text(text, hints[name], name)


def configs() -> Iterator[type[Any]]:
    """Every configuration of the package: the frozen dataclasses that are named like one."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem == "__main__":
            continue
        name = ".".join(["flowdenoise", *path.relative_to(PACKAGE).with_suffix("").parts])
        module = importlib.import_module(name.removesuffix(".__init__"))
        for found in vars(module).values():
            own = isinstance(found, type) and found.__module__ == module.__name__
            if (
                own
                and not inspect.isabstract(found)
                and is_dataclass(found)
                and found.__name__.endswith(("Config", "Training"))
            ):
                yield found


def bare(hint: Any) -> bool:
    """Whether a hint lets any number or any text through."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (tuple, Union, UnionType):
        return any(bare(inner) for inner in arguments if inner is not Ellipsis)
    return hint in (int, float, str)


FREE = {
    *("paths", "noisy", "validation", "format"),
    *("data_term", "preset", "protocol", "methods"),
    *("model", "device", "precision", "sigma", "address"),
}
"""Fields that name files, rows of a table that says which there are, or what only the machine or
the network can tell; and the level of a picture, which has a check of its own."""


def made(config: type[Any]) -> Any:
    """An instance: examples for what has no default."""
    needed = [f for f in fields(config) if f.default is MISSING and f.default_factory is MISSING]
    return config(**{own.name: example(hints_of(config)[own.name]) for own in needed})


def example(hint: Any) -> Any:
    """4 or 0.5 for numbers, and tuples of these."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Annotated:
        return example(arguments[0])
    if typing.get_origin(hint) is tuple:
        return tuple(example(inner) for inner in arguments if inner is not Ellipsis)
    return {int: 4, float: 0.5}[hint]


def test_every_field_of_every_configuration_is_checked_where_it_is_made() -> None:
    found = list(configs())
    assert ResNetConfig in found
    assert len(found) > 10
    for config in found:
        for name, hint in hints_of(config).items():
            assert name in FREE or not bare(hint), f"{config.__name__}.{name} holds anything"
        for own in fields(config):
            with pytest.raises(UsageError, match=own.name):
                replace(made(config), **{own.name: object()})


def test_numbers_out_of_all_bounds_are_refused_by_every_configuration() -> None:
    for config in configs():
        for name, hint in hints_of(config).items():
            kinds = typing.get_args(hint)
            if name in FREE or hint == Seed or not kinds or kinds[0] not in (int, float):
                continue
            for value in (-(10**6), float("nan")):
                with pytest.raises(UsageError, match=name):
                    replace(made(config), **{name: value})
