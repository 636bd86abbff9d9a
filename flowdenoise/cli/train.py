"""`flowdenoise train-prior`, `train-denoiser`, `train-noise-level`, `train-noise-map`, `tune`.

Each parses, builds one run, and calls one function. Under `torchrun` the same commands share the
work among processes. What has no option of its own is set by `--set`, under the name that
`settings.json` in the run folder shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import typer

from flowdenoise.cli import console, options
from flowdenoise.cli import train_options as given
from flowdenoise.cli.interruption import Interruption
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.optimization.progress import Report
    from flowdenoise.training.place import Place
    from flowdenoise.training.run_config import DenoiserRun, PhotoRun

T = TypeVar("T")

Choices: TypeAlias = dict[tuple[str, str], Any]
"""What options say, by the option and the name of the setting; None where one was not given."""

_SWEPT = {
    "training.objective.prior_scale": "--scales",
    "training.objective.blur": "--blurs",
}
"""The settings that a sweep varies, and the options that name their values."""


def train_prior(
    data: given.Data,
    out: given.Out,
    validation: given.Validation = [],  # noqa: B006 - typer copies it
    gray: given.Gray = False,
    noise: given.WithNoise = False,
    initial: given.Initial = "",
    recompute: given.Recompute = False,
    steps: given.PriorSteps = None,
    settings: given.Set = [],  # noqa: B006
    resume: given.Resume = False,
    tensorboard: given.Board = False,
    cache: given.Cache = None,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a flow on clean images: the prior, stage one of the paper."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import recipes, runs

    chosen = {
        **_shared(data, validation, gray, steps),
        ("--noise", "network.noise_levels"): True if noise else None,
        ("--initial", "initial"): initial or None,
    }
    run = _set(recipes.prior(1 if gray else 3, noise_levels=noise), chosen, settings)
    first = _load(run.initial, "prior")
    with _report(run.loop.steps, out) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        finished = runs.train_prior(run, place, initial=first, recompute=recompute)
    _tell_the_end(finished, out)


def train_denoiser(
    out: given.Out,
    data: given.Data = [],  # noqa: B006 - typer copies it
    noisy: given.Noisy = [],  # noqa: B006
    validation: given.Validation = [],  # noqa: B006
    gray: given.Gray = False,
    preset: given.Preset = None,
    data_term: given.DataTerm = None,
    baseline: given.Baseline = False,
    prior: given.Prior = "",
    prior_weight: given.PriorWeight = None,
    prior_scale: given.PriorScale = None,
    teacher: given.Teacher = "",
    noise_mode: given.NoiseMode = None,
    initial: given.Initial = "",
    estimator: given.Estimator = "",
    steps: given.DenoiserSteps = None,
    settings: given.Set = [],  # noqa: B006
    resume: given.Resume = False,
    tensorboard: given.Board = False,
    cache: given.Cache = None,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a denoiser on noisy images alone: stage two of the paper, and beyond."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import recipes, runs
    from flowdenoise.training.run_config import DenoiserRun, PhotoRun

    if noisy and noise_mode is not None:
        raise UsageError("images of --noisy keep the noise that they have: leave out --noise-mode")
    run = recipes.preset(preset, 1 if gray else 3)
    taught = teacher and isinstance(run, DenoiserRun)
    implied = ["training.objective.data_term=teacher"] if taught else []
    chosen = {
        **_shared(data, validation, gray, steps),
        ("--noisy", "data.noisy"): tuple(noisy) or None,
        ("--noisy", "training.noise.mode"): "none" if noisy else None,
        ("--noise-mode", "training.noise.mode"): noise_mode,
        ("--data-term", "training.objective.data_term"): data_term,
        ("--prior-weight", "training.objective.prior_weight"): prior_weight,
        ("--prior-scale", "training.objective.prior_scale"): prior_scale,
        ("--baseline", "training.baseline"): True if baseline else None,
        ("--prior", "prior"): prior or None,
        ("--teacher", "teacher"): teacher or None,
        ("--initial", "initial"): initial or None,
        ("--estimator", "estimator"): estimator or None,
    }
    run = _set(run, chosen, settings, implied)
    networks = _helpers(run)
    with _report(run.loop.steps, out) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        if isinstance(run, PhotoRun):
            finished = runs.train_photo(run, place, **networks)
        else:
            finished = runs.train_denoiser(run, place, **networks)
    _tell_the_end(finished, out)


def tune(
    data: given.Data,
    validation: given.Validation,
    prior: given.Prior,
    out: given.Out,
    scales: given.Scales = None,
    blurs: given.Blurs = None,
    preset: given.TunePreset = None,
    gray: given.Gray = False,
    steps: given.TrialSteps = None,
    settings: given.Set = [],  # noqa: B006 - typer copies it
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Sweep the prior's weight and the blur's size, as the paper did, and write a table."""
    console.set_verbosity(quiet, False)
    from flowdenoise.optimization.settings import assigned, override
    from flowdenoise.training import tune

    tried = {"preset": preset, "prior_scales": scales, "blurs": blurs}
    texts = [f"{name}={value}" for name, value in tried.items() if value is not None]
    config = override(tune.TuneConfig(), texts)
    for name in assigned(settings):
        if name in _SWEPT:
            raise UsageError(
                f"a sweep tries several values of {name}: name them by {_SWEPT[name]}"
            )
    chosen = {**_shared(data, validation, gray, steps), ("--prior", "prior"): prior}
    run = _set(config.recipe(1 if gray else 3), chosen, settings)
    with _report(run.loop.steps, out, again="the same command") as report:
        place = _place(out, device, threads, report, False, False, None)
        trials = tune.tune(
            run,
            config,
            place,
            prior=_load(prior, "prior"),
            on_trial=lambda trial: console.say(
                f"scale {trial.prior_scale:g}, blur {trial.blur}: {trial.mean:.3f} dB"
            ),
        )
    if len(trials) < len(config.prior_scales) * len(config.blurs):
        console.say(f"another process was interrupted; the same command goes on ({out})")
        raise typer.Exit(1)
    best = trials[0]
    console.result(f"best: prior scale {best.prior_scale:g}, blur {best.blur}; see {out}/table.md")


def train_noise_level(
    data: given.Data,
    out: given.Out,
    validation: given.Validation = [],  # noqa: B006 - typer copies it
    gray: given.Gray = False,
    steps: given.NoiseLevelSteps = None,
    settings: given.Set = [],  # noqa: B006
    resume: given.Resume = False,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the estimator of the noise level, for --sigma auto."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import recipes, runs

    chosen = _shared(data, validation, gray, steps)
    run = _set(recipes.noise_level(1 if gray else 3), chosen, settings)
    with _report(run.loop.steps, out) as report:
        place = _place(out, device, threads, report, resume, False, None)
        finished = runs.train_noise_level(run, place)
    _tell_the_end(finished, out)


def train_noise_map(
    data: given.Clean,
    out: given.Out,
    validation: given.Validation = [],  # noqa: B006 - typer copies it
    gray: given.Gray = False,
    initial: given.Initial = "",
    steps: given.NoiseMapSteps = None,
    settings: given.Set = [],  # noqa: B006
    resume: given.Resume = False,
    tensorboard: given.Board = False,
    cache: given.Cache = None,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the estimator of noise maps, for photographs, on noise of simulated cameras."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import recipes, runs

    chosen = {
        **_shared(data, validation, gray, steps),
        ("--gray", "data.channels"): None,  # cameras are simulated in color
        ("--initial", "initial"): initial or None,
    }
    run = _set(recipes.noise_map(1 if gray else 3), chosen, settings)
    first = _load(run.initial, "noise map")
    with _report(run.loop.steps, out) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        finished = runs.train_noise_map(run, place, initial=first)
    _tell_the_end(finished, out)


def _shared(data: list[str], validation: list[str], gray: bool, steps: int | None) -> Choices:
    """What the options say that all commands have."""
    channels = 1 if gray else None
    return {
        ("--data", "data.paths"): tuple(data) or None,
        ("--validation", "data.validation"): tuple(validation) or None,
        ("--gray", "data.channels"): channels,
        ("--gray", "network.image_channels"): channels,
        ("--steps", "loop.steps"): steps,
    }


def _set(run: T, chosen: Choices, settings: list[str], implied: Sequence[str] = ()) -> T:
    """The run with what its options and `--set` say.

    Args:
        run: The recipe.
        chosen: What the options say; folders are tuples.
        settings: The texts of `--set`.
        implied: Settings that follow from options, in the same form; they give way to both.

    Raises:
        UsageError: An option and `--set` contradict each other, or a setting can't be so.
    """
    from flowdenoise.optimization.settings import assigned, override, read_setting

    recipe: Any = run
    told = {key: value for key, value in chosen.items() if value is not None}
    folders = {
        name.removeprefix("data."): value
        for (_, name), value in told.items()
        if isinstance(value, tuple)
    }
    recipe = replace(recipe, data=replace(recipe.data, **folders))
    texts = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for (_, name), value in told.items()
        if not isinstance(value, tuple)
    ]
    run = override(recipe, [*implied, *texts, *settings])
    again = assigned(settings)
    for (option, name), value in told.items():
        if name in again and read_setting(run, name, again[name]) != value:
            raise UsageError(
                f"{option} and --set {name}={again[name]} contradict each other: leave one out"
            )
    return run


def _load(address: str, role: Any) -> Any:
    """Load the network at an address; None without an address."""
    if not address:
        return None
    from flowdenoise import weights

    return weights.load(address, role=role, report=console.say).network


def _helpers(run: DenoiserRun | PhotoRun) -> dict[str, Any]:
    """The networks that a denoiser's run needs beside its own, as arguments of that run."""
    from flowdenoise.estimation import ESTIMATORS
    from flowdenoise.training import runs
    from flowdenoise.training.run_config import PhotoRun

    initial = _load(run.initial, "denoiser")
    if isinstance(run, PhotoRun):
        addresses = [address for address in (run.teacher, run.second_teacher) if address]
        teachers = [_load(address, "denoiser") for address in addresses]
        estimator = _load(run.estimator, "noise map")
        return {"initial": initial, "teachers": teachers, "estimator": estimator}
    estimator = ESTIMATORS[run.data.channels] if runs.needs_levels(run) else ""
    return {
        "prior": _load(run.prior, "prior"),
        "teacher": _load(run.teacher, None),
        "initial": initial,
        "estimator": _load(estimator, "noise level"),
    }


def _place(
    out: Path,
    device: str | None,
    threads: int | None,
    report: Report,
    resume: bool,
    tensorboard: bool,
    cache: Path | None,
) -> Place:
    """Decide where and how the run runs; under torchrun, join the other processes."""
    import torch

    from flowdenoise.optimization.processes import Workers
    from flowdenoise.system.device import choose_device
    from flowdenoise.training.place import Place

    if threads:
        torch.set_num_threads(threads)
    workers = Workers.from_environment(choose_device(device))
    return Place(
        folder=out,
        workers=workers,
        report=report,
        on_skip=(lambda path, why: console.warn(f"left out: {why}")) if workers.first else None,
        on_fetch=console.fetching() if workers.first else None,
        resume=resume,
        tensorboard=tensorboard,
        cache=cache,
        on_taught=_teaching() if workers.first else None,
    )


def _teaching() -> Callable[[int, int], None]:
    report = console.fetching()
    return lambda done, total: report("asking the teacher", done, total)


@contextmanager
def _report(steps: int, out: Path, again: str | None = None) -> Iterator[Report]:
    """Show the progress of training; if it is interrupted, say how to resume it.

    Args:
        steps: The number of steps.
        out: The folder of the run.
        again: What goes on with what was interrupted; None is `--resume`, once there is a
            checkpoint.
    """
    from flowdenoise.optimization.checkpoint import CHECKPOINT

    with console.training_progress(steps) as report:
        try:
            yield report
        except Interruption:
            if again is None and (out / CHECKPOINT).exists():
                again = "with --resume the same command"
            if again is not None:
                console.say(f"{again} goes on from its checkpoint in {out}")
            raise


def _tell_the_end(finished: bool, out: Path) -> None:
    if finished:
        console.say(f"done; the weights are {out / 'weights.safetensors'}")
        return
    console.say(f"another process was interrupted, and the run saved; --resume goes on ({out})")
    raise typer.Exit(1)
