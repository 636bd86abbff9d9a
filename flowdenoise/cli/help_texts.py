"""Help texts with the library's own defaults, words and tables, which are read when help is shown.

A help text contains `{noise_mode}` or `{sample.count}`, which is replaced from the configuration
or the table itself, so that the two can't differ. Modules that hold these may import torch, which
takes long, so they are only imported when the help is shown.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help texts are filled in when they are shown."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        facts = _Facts()
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text and "{" in text:
                parameter.help = text.format_map(facts)  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


_OPTIONS = {
    "prior": "--prior",
    "teacher": "--teacher",
    "clean": "--baseline",
    "second": "--baseline",
}
"""The option that gives a data term what it needs."""


class _Facts(dict[str, Any]):
    """Facts by name, each of which is found when a help text names it."""

    def __missing__(self, name: str) -> Any:
        sources = {
            "efforts": _engine,
            "engine": _engine,
            "formats": _formats,
            "page": _page,
            "removal": _removal,
            "sample": _sample,
            "simulation": _simulation,
            "cameras": _simulation,
            "demosaickings": _simulation,
        }
        self.update(sources.get(name, _training)())
        return self[name]


def _removal() -> dict[str, Any]:
    from flowdenoise.engine import RemovalConfig

    return {"removal": RemovalConfig()}


def _page() -> dict[str, Any]:
    from flowdenoise.page import PageConfig

    return {"page": PageConfig()}


def _formats() -> dict[str, Any]:
    from flowdenoise.images import WRITABLE

    return {"formats": WRITABLE}


def _engine() -> dict[str, Any]:
    from flowdenoise.engine import EFFORTS, EngineConfig

    *efforts, last = EFFORTS
    return {"engine": EngineConfig(), "efforts": f"{', '.join(efforts)} or {last}"}


def _sample() -> dict[str, Any]:
    from flowdenoise.flow import SampleConfig

    return {"sample": SampleConfig()}


def _simulation() -> dict[str, Any]:
    from flowdenoise.batch import SimulationConfig
    from flowdenoise.noise.camera import CAMERAS
    from flowdenoise.noise.demosaicking import METHODS

    return {
        "simulation": SimulationConfig(),
        "cameras": _one_of(CAMERAS),
        "demosaickings": _one_of(METHODS),
    }


def _training() -> dict[str, Any]:
    from flowdenoise.data.patches import NoiseConfig
    from flowdenoise.training import recipes
    from flowdenoise.training.losses import ObjectiveConfig
    from flowdenoise.training.run_config import PhotoRun
    from flowdenoise.training.tune import TuneConfig

    return {
        "presets": ", ".join(recipes.PRESETS),
        "preset": next(iter(recipes.PRESETS)),
        "data_terms": _data_terms(),
        "prior_weight": _words(ObjectiveConfig, "prior_weight"),
        "noise_mode": _words(NoiseConfig, "mode"),
        "denoiser": SimpleNamespace(steps=recipes.preset(None, 3).loop.steps),
        "prior": SimpleNamespace(steps=recipes.prior(3, noise_levels=True).loop.steps),
        "noise_level": SimpleNamespace(steps=recipes.noise_level(3).loop.steps),
        "noise_map": SimpleNamespace(steps=recipes.noise_map(3).loop.steps),
        "photo": SimpleNamespace(estimator=PhotoRun.estimator),
        "tune": SimpleNamespace(
            preset=TuneConfig().preset,
            prior_scales=_list(TuneConfig().prior_scales),
            blurs=_list(TuneConfig().blurs),
        ),
    }


def _data_terms() -> str:
    """The data terms; those that need an option come last."""
    from flowdenoise.training.objectives import DATA_TERMS

    groups: dict[str, list[str]] = {}
    for term in DATA_TERMS.values():
        options = [option for need, option in _OPTIONS.items() if need in term.needs]
        groups.setdefault(" ".join(options), []).append(term.name)
    plain = ", ".join(groups.pop("", []))
    rest = [f"{', '.join(names)} with {options}" for options, names in groups.items()]
    return "; ".join([plain, *rest])


def _words(config: type[Any], field: str) -> str:
    """The words that a field of a configuration may hold."""
    return _one_of(typing.get_args(typing.get_type_hints(config)[field]))


def _one_of(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"


def _list(values: Iterable[Any]) -> str:
    return ",".join(f"{value:g}" for value in values)
