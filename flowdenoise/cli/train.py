"""`flowdenoise train-prior`, `train-denoiser`, `train-noise-level`, `train-noise-map`, `tune`.

Each parses, builds one run, and calls one function. Under `torchrun` the same commands share the
work among processes. What has no option of its own is set by `--set`, under the name that
`settings.json` in the run folder shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flowdenoise.cli import console, options
from flowdenoise.cli import train_options as given
from flowdenoise.cli.interruption import Interruption
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.training.place import Place
    from flowdenoise.training.progress import Report
    from flowdenoise.training.run_config import DenoiserRun, PhotoRun


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
    from flowdenoise.training.settings import override

    run = recipes.prior(1 if gray else 3, noise_levels=noise)
    run = replace(run, data=_data(run.data, data, [], validation))
    begin = [f"initial={initial}"] if initial else []
    run = override(run, [*begin, *_steps(steps), *settings])
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
    from flowdenoise.training.settings import override

    if noisy and noise_mode is not None:
        raise UsageError("images of --noisy keep the noise that they have: leave out --noise-mode")
    run = recipes.preset(preset, 1 if gray else 3)
    term = "teacher" if teacher and isinstance(run, DenoiserRun) else None
    chosen = {
        "training.objective.data_term": data_term or term,
        "training.objective.prior_weight": prior_weight,
        "training.objective.prior_scale": prior_scale,
        "training.noise.mode": "none" if noisy else noise_mode,
        "training.baseline": "true" if baseline else None,
        "prior": prior or None,
        "teacher": teacher or None,
        "initial": initial or None,
        "estimator": estimator or None,
    }
    run = replace(run, data=_data(run.data, data, noisy, validation))
    run = override(run, [*_named(chosen), *_steps(steps), *settings])
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
    from flowdenoise.training import tune
    from flowdenoise.training.settings import override

    chosen = {"preset": preset, "prior_scales": scales, "blurs": blurs}
    config = override(tune.TuneConfig(), _named(chosen))
    run = config.recipe(1 if gray else 3)
    run = replace(run, data=_data(run.data, data, [], validation), prior=prior)
    run = override(run, [*_steps(steps), *settings])
    with _report(run.loop.steps, out) as report:
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
    best = trials[0]
    console.result(f"best: prior scale {best.prior_scale:g}, blur {best.blur}; see {out}/table.md")


def _named(chosen: dict[str, Any]) -> list[str]:
    """The chosen values as texts for `--set`."""
    return [f"{name}={value}" for name, value in chosen.items() if value is not None]


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
    from flowdenoise.training.settings import override

    run = recipes.noise_level(1 if gray else 3)
    run = replace(run, data=_data(run.data, data, [], validation))
    run = override(run, [*_steps(steps), *settings])
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
    from flowdenoise.training.settings import override

    run = recipes.noise_map(1 if gray else 3)
    run = replace(run, data=_data(run.data, data, [], validation))
    begin = [f"initial={initial}"] if initial else []
    run = override(run, [*begin, *_steps(steps), *settings])
    first = _load(run.initial, "noise map")
    with _report(run.loop.steps, out) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        finished = runs.train_noise_map(run, place, initial=first)
    _tell_the_end(finished, out)


def _steps(steps: int | None) -> list[str]:
    return [] if steps is None else [f"loop.steps={steps}"]


def _data(base: Any, data: list[str], noisy: list[str], validation: list[str]) -> Any:
    """The sources of images, which replace those of the preset."""
    return replace(base, paths=tuple(data), noisy=tuple(noisy), validation=tuple(validation))


def _load(address: str, role: Any) -> Any:
    """Load the network at an address; None without an address."""
    if not address:
        return None
    from flowdenoise import weights

    return weights.load(address, role=role, report=console.say).network


def _helpers(run: DenoiserRun | PhotoRun) -> dict[str, Any]:
    """The networks that a denoiser's run needs beside its own, as arguments of that run."""
    from flowdenoise.engine import ESTIMATORS
    from flowdenoise.training import runs
    from flowdenoise.training.run_config import PhotoRun

    initial = _load(run.initial, "denoiser")
    if isinstance(run, PhotoRun):
        teacher = _load(run.teacher, "denoiser")
        estimator = _load(run.estimator, "noise map")
        return {"initial": initial, "teacher": teacher, "estimator": estimator}
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

    from flowdenoise.system.device import choose_device
    from flowdenoise.training.place import Place
    from flowdenoise.training.processes import Workers

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
def _report(steps: int, out: Path) -> Iterator[Report]:
    """Show the progress of training; if it is interrupted, say how to resume it."""
    with console.training_progress(steps) as report:
        try:
            yield report
        except Interruption:
            console.say(f"with --resume the same command goes on from its checkpoint in {out}")
            raise


def _tell_the_end(finished: bool, out: Path) -> None:
    if finished:
        console.say(f"done; the weights are {out / 'weights.safetensors'}")
        return
    console.say(f"another process was interrupted, and the run saved; --resume goes on ({out})")
    raise typer.Exit(1)
