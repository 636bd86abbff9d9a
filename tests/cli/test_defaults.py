"""A default stands once, in the configuration of what it configures."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

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
