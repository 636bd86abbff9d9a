"""Sweep the prior's weight and the blur's size on the validation images, as the paper did.

Each combination is a run of its own in a sub-folder, so a sweep that was interrupted goes on
where it was, and each run can be looked at. A run that was finished with the same settings is not
trained again; one of other settings is refused, as it would be to resume it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from flowdenoise.data.sources import COCO
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow
from flowdenoise.optimization.run_folder import RunFolder
from flowdenoise.system.atomic import replacing
from flowdenoise.system.rules import Factor, Filled
from flowdenoise.system.typed import check
from flowdenoise.training.losses import Blur
from flowdenoise.training.place import Place, changes_since, settings_of
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
        The trials, best first; not all of them if another process was interrupted.

    Raises:
        UsageError: The run has no validation images.
        TrainingError: A sub-folder holds a run of other settings, or its records are damaged.
    """
    if not base.data.validation and base.data.paths != (COCO,):
        raise UsageError("a sweep needs validation images to decide by")
    trials = []
    for trial in _trials(base, config, place, prior):
        trials.append(trial)
        if on_trial:
            on_trial(trial)
        best = sorted(trials, key=lambda done: done.mean, reverse=True)
        if place.workers.first:
            _write_tables(place.folder, best)
    return sorted(trials, key=lambda done: done.mean, reverse=True)


def _trials(base: DenoiserRun, config: TuneConfig, place: Place, prior: Glow) -> Iterator[Trial]:
    for scale in config.prior_scales:
        for blur in config.blurs:
            objective = replace(base.training.objective, prior_scale=scale, blur=blur)
            run = replace(base, training=replace(base.training, objective=objective))
            folder = RunFolder(place.folder / f"scale-{scale:g}-blur-{blur}")
            finished = _is_finished(folder, run)
            place.workers.barrier()  # all decide before one of them begins to write
            if not finished:
                here = replace(place, folder=folder.path, resume=folder.checkpoint.exists())
                if not train_denoiser(run, here, prior=prior):
                    return  # interrupted; the folder can be resumed
                place.workers.barrier()  # the first process writes the weights last
            _, psnr = folder.records()
            yield Trial(scale, blur, psnr)


def _is_finished(folder: RunFolder, run: DenoiserRun) -> bool:
    """Whether a folder holds this very run, which has come to its end."""
    if not folder.weights.exists():
        return False
    settings, _ = folder.records()
    return not changes_since(settings, settings_of(run, settings.get("kind", "")), run)


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
