"""A default stands once, in the configuration of what it configures."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import flowdenoise
from flowdenoise import api
from flowdenoise.benchmark.config import BenchmarkConfig, SpeedConfig, WholeCommandConfig
from flowdenoise.benchmark.table1 import SETTINGS
from flowdenoise.cli.app import app
from flowdenoise.engine import denoiser


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield name.strip(), command
        return
    for word, inner in inside.items():
        yield from commands(inner, f"{name} {word}")


COMMANDS = dict(commands(get_command(app)))
SPEED, WHOLE, SET = SpeedConfig(), WholeCommandConfig(), BenchmarkConfig()
READ = {  # what the benchmark's options show, because the command line read it
    "benchmark speed": {
        "methods": SPEED.methods,
        "tiles": ",".join(map(str, SPEED.tiles)),
        "side": SPEED.side,
        "rounds": SPEED.rounds,
    },
    "benchmark whole-command": {
        "megapixels": ",".join(f"{size:g}" for size in WHOLE.megapixels),
        "rounds": WHOLE.rounds,
    },
    "benchmark set": {
        "sigma": ",".join(f"{sigma:g}" for sigma in SET.sigmas_255),
        "pictures": SET.pictures,
    },
    "benchmark table1": {"settings": ",".join(setting.name for setting in SETTINGS)},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_has_no_default_of_its_own(name: str) -> None:
    own = {option.name: option.default for option in COMMANDS[name].params}
    shown = {key: value for key, value in own.items() if value not in (None, False, (), [], "")}
    assert shown == READ.get(name, {})


@pytest.mark.parametrize(
    ("module", "function"), [(api, "denoise"), (denoiser, "load"), (denoiser, "denoise_picture")]
)
def test_a_function_takes_its_defaults_from_a_configuration(module: Any, function: str) -> None:
    (found,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    literals = [
        default.value
        for default in (*found.args.defaults, *found.args.kw_defaults)
        if isinstance(default, ast.Constant)
    ]
    assert set(literals) <= {None, False}


def defaults_of_fields(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The name and the default of each field of a dataclass, as they are written."""
    for kind in ast.walk(module):
        if isinstance(kind, ast.ClassDef) and kind.decorator_list:
            for field in kind.body:
                if isinstance(field, ast.AnnAssign) and field.value is not None:
                    yield ast.unparse(field.target), ast.unparse(field.value)


def defaults_of_arguments(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The name and the default of each argument of a function, as they are written."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            own = function.args
            given = zip(
                reversed([*own.posonlyargs, *own.args]), reversed(own.defaults), strict=False
            )
            for argument, default in (*given, *zip(own.kwonlyargs, own.kw_defaults, strict=True)):
                if default is not None:
                    yield argument.arg, ast.unparse(default)


NOTHING = {"None", "False", "True", "0", "1", "0.0", "1.0", "()", "[]", "''"}
"""Defaults that stand for nothing or all of something, whatever it is."""


def test_no_function_repeats_the_default_of_a_configuration() -> None:
    package = Path(flowdenoise.__file__).parent
    modules = {path: ast.parse(path.read_text()) for path in package.rglob("*.py")}
    fields = {pair for module in modules.values() for pair in defaults_of_fields(module)}
    for path, module in modules.items():
        for name, default in defaults_of_arguments(module):
            named = re.fullmatch(r"[\w.]+", default) and not default[0].isdigit()
            if not named and default not in NOTHING:
                assert (name, default) not in fields, f"{path}: {name}={default}"
