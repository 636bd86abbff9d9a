"""Sweep the prior's weight and the blur's size on the validation images, as the paper did.

Each combination is a run of its own in a sub-folder, so a sweep that was interrupted goes on
where it was, and each run can be looked at.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow
from flowdenoise.system.atomic import replacing
from flowdenoise.system.rules import Factor, Filled
from flowdenoise.system.typed import check
from flowdenoise.training.losses import Blur
from flowdenoise.training.place import Place
from flowdenoise.training.recipes import preset
from flowdenoise.training.run_config import DenoiserRun
from flowdenoise.training.runs import train_denoiser


@dataclass(frozen=True)
class TuneConfig:
    """What to try.

    Attributes:
        preset: Name of the recipe that is varied.
        prior_scales: Factors of the prior.
        blurs: Sides of the mean filter; 1 is no blur.
    """

    preset: str = "paper-text"
    prior_scales: Annotated[tuple[Factor, ...], Filled()] = (5e-7, 1.5e-6, 5e-6)
    blurs: Annotated[tuple[Blur, ...], Filled()] = (1, 3, 5)

    def __post_init__(self) -> None:
        check(self)
        self.recipe(channels=3)

    def recipe(self, channels: int) -> DenoiserRun:
        """The recipe that is varied, for color (3) or gray (1).

        Raises:
            UsageError: No recipe has this name, or the recipe uses no prior.
        """
        run = preset(self.preset, channels)
        if not isinstance(run, DenoiserRun):
            raise UsageError(f"no prior has a say in the recipe {self.preset}")
        return run


@dataclass(frozen=True)
class Trial:
    """One combination and what came of it.

    Attributes:
        prior_scale: Factor of the prior.
        blur: Side of the mean filter; 1 is no blur.
        psnr: Validation PSNR in dB by the name of the level, such as `psnr25`.
    """

    prior_scale: float
    blur: int
    psnr: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean PSNR over the levels: what the sweep is judged by."""
        return sum(self.psnr.values()) / len(self.psnr)


def tune(
    base: DenoiserRun,
    config: TuneConfig,
    place: Place,
    *,
    prior: Glow,
    on_trial: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Train a denoiser for each combination and write `table.md` and `table.csv`.

    Args:
        base: The run that is varied; its validation images decide.
        config: The settings to try.
        place: The place, whose folder holds the sub-folders of the runs and the tables.
        prior: The prior.
        on_trial: Called with each result.

    Returns:
        The trials, best first.

    Raises:
        UsageError: The run has no validation images.
    """
    if not base.data.validation and base.data.paths != ("coco",):
        raise UsageError("a sweep needs validation images to decide by")
    trials = []
    for trial in _trials(base, config, place, prior):
        trials.append(trial)
        if on_trial:
            on_trial(trial)
        best = sorted(trials, key=lambda done: done.mean, reverse=True)
        _write_tables(place.folder, best)
    return sorted(trials, key=lambda done: done.mean, reverse=True)


def _trials(base: DenoiserRun, config: TuneConfig, place: Place, prior: Glow) -> Iterator[Trial]:
    for scale in config.prior_scales:
        for blur in config.blurs:
            objective = replace(base.training.objective, prior_scale=scale, blur=blur)
            run = replace(base, training=replace(base.training, objective=objective))
            folder = place.folder / f"scale-{scale:g}-blur-{blur}"
            psnr = _finished(folder)
            if psnr is None:
                started = (folder / "checkpoint.pt").exists()
                here = replace(place, folder=folder, resume=started)
                if not train_denoiser(run, here, prior=prior):
                    return  # interrupted; the folder can be resumed
                psnr = _finished(folder) or {}
            yield Trial(scale, blur, psnr)


def _finished(folder: Path) -> dict[str, float] | None:
    """The last validation of a run that has come to its end."""
    if not (folder / "weights.safetensors").exists():
        return None
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    metrics: dict[str, float] = json.loads(rows[-1]["metrics"])
    return metrics


def _write_tables(folder: Path, trials: Sequence[Trial]) -> None:
    names = list(trials[0].psnr)
    rows = [
        [f"{trial.prior_scale:g}", str(trial.blur)]
        + [f"{trial.psnr[name]:.3f}" for name in names]
        + [f"{trial.mean:.3f}"]
        for trial in trials
    ]
    header = ["prior scale", "blur", *names, "mean"]
    lines = [header, ["---"] * len(header), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    sheet = io.StringIO()
    csv.writer(sheet).writerows([header, *rows])
    for name, text in (("table.md", table), ("table.csv", sheet.getvalue())):
        with replacing(folder / name) as stream:
            stream.write(text.encode())
