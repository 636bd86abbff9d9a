"""`flowdenoise train-prior`, `train-denoiser` and `train-noise-level`: the stages of training.

Each parses, builds one run, and calls one function. Under `torchrun` the same commands share the
work among processes. What has no option of its own is set by `--set`, under the name that
`settings.json` in the run folder shows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowdenoise.cli import console, options
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.training.progress import Report
    from flowdenoise.training.runs import Place

Data = Annotated[
    list[str],
    typer.Option(
        "--data",
        "-d",
        help="Folder of clean images, may be repeated, or coco: fetch MS COCO's val2014. The "
        "images are divided into a clean corpus for priors and a noisy one for denoisers.",
    ),
]
Noisy = Annotated[
    list[str],
    typer.Option(help="Folder of really noisy images; no noise is added. May be repeated."),
]
Validation = Annotated[
    list[str], typer.Option(help="Folder of clean images to measure on; may be repeated.")
]
Gray = Annotated[bool, typer.Option("--gray", help="Train for gray pictures.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Optimizer steps.")]
Preset = Annotated[str, typer.Option(help="Recipe: default, paper-text, paper-code.")]
DataTerm = Annotated[
    str | None,
    typer.Option(help="blur, mse, r2r, sure or n2v; supervised needs --baseline."),
]
Baseline = Annotated[
    bool, typer.Option("--baseline", help="Allow clean targets, for comparison only.")
]
Prior = Annotated[
    str, typer.Option(help="Weights of the prior that judges the denoiser's output.")
]
PriorWeight = Annotated[
    str | None,
    typer.Option(help="fixed, as in the paper, or map: following 2 sigma^2 / D."),
]
PriorScale = Annotated[
    float | None,
    typer.Option(min=0.0, help="Factor of the prior; lambda itself if its weight is fixed."),
]
Teacher = Annotated[
    str, typer.Option(help="Weights of a noise-conditional prior to learn denoising from.")
]
NoiseMode = Annotated[
    str | None,
    typer.Option(help="fixed: each image has one noise for ever; fresh: new at each visit."),
]
Initial = Annotated[str, typer.Option(help="Weights to begin with.")]
WithNoise = Annotated[bool, typer.Option("--noise", help="Condition the flow on the noise level.")]
Checkpointing = Annotated[
    bool, typer.Option("--checkpointing", help="Recompute activations to save memory.")
]
Set = Annotated[
    list[str],
    typer.Option("--set", help="Any other setting, name=value; see settings.json of a run."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder for decoded pixels, where they don't fit the memory."),
]
Board = Annotated[bool, typer.Option("--tensorboard", help="Keep a TensorBoard log, too.")]


def train_prior(
    data: Data,
    out: Out,
    validation: Validation = [],  # noqa: B006 - typer copies it
    gray: Gray = False,
    noise: WithNoise = False,
    checkpointing: Checkpointing = False,
    steps: Steps = None,
    settings: Set = [],  # noqa: B006
    resume: Resume = False,
    tensorboard: Board = False,
    cache: Cache = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a flow on clean images: the prior, stage one of the paper."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import presets, runs
    from flowdenoise.training.settings import override

    run = presets.prior(1 if gray else 3, noise_levels=noise)
    run = replace(run, data=_data(run.data, data, [], validation))
    run = override(run, [*_steps(steps), *settings])
    with _report(run.loop.steps) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        finished = runs.train_prior(run, place, checkpointing=checkpointing)
    _tell_the_end(finished, out)


def train_denoiser(
    out: Out,
    data: Data = [],  # noqa: B006 - typer copies it
    noisy: Noisy = [],  # noqa: B006
    validation: Validation = [],  # noqa: B006
    gray: Gray = False,
    preset: Preset = "default",
    data_term: DataTerm = None,
    baseline: Baseline = False,
    prior: Prior = "",
    prior_weight: PriorWeight = None,
    prior_scale: PriorScale = None,
    teacher: Teacher = "",
    noise_mode: NoiseMode = None,
    initial: Initial = "",
    steps: Steps = None,
    settings: Set = [],  # noqa: B006
    resume: Resume = False,
    tensorboard: Board = False,
    cache: Cache = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a denoiser on noisy images alone: stage two of the paper, and beyond."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import presets, runs
    from flowdenoise.training.settings import override

    chosen = {
        "training.objective.data_term": "teacher" if teacher else data_term,
        "training.objective.prior_weight": prior_weight,
        "training.objective.prior_scale": prior_scale,
        "training.noise.mode": "none" if noisy else noise_mode,
        "training.baseline": "true" if baseline else None,
        "prior": teacher or prior or None,
        "initial": initial or None,
    }
    run = presets.preset(preset, 1 if gray else 3)
    run = replace(run, data=_data(run.data, data, noisy, validation))
    named = [f"{name}={value}" for name, value in chosen.items() if value is not None]
    run = override(run, [*named, *_steps(steps), *settings])
    judge = _load(run.prior, "prior")
    begin = _load(run.initial, "denoiser")
    levels = f"noise-level-{'gray' if gray else 'color'}" if runs.needs_levels(run) else ""
    estimator = _load(levels, "noise level")
    with _report(run.loop.steps) as report:
        place = _place(out, device, threads, report, resume, tensorboard, cache)
        finished = runs.train_denoiser(run, place, prior=judge, initial=begin, estimator=estimator)
    _tell_the_end(finished, out)


Scales = Annotated[str, typer.Option(help="Prior scales to try, separated by commas.")]
Blurs = Annotated[str, typer.Option(help="Sides of the mean filter to try, separated by commas.")]


def tune(
    data: Data,
    validation: Validation,
    prior: Prior,
    out: Out,
    scales: Scales = "5e-7,1.5e-6,5e-6",
    blurs: Blurs = "1,3,5",
    preset: Preset = "paper-text",
    gray: Gray = False,
    steps: Steps = None,
    settings: Set = [],  # noqa: B006 - typer copies it
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Sweep the prior's weight and the blur's size, as the paper did, and write a table."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import presets, tune
    from flowdenoise.training.settings import override

    run = presets.preset(preset, 1 if gray else 3)
    run = replace(run, data=_data(run.data, data, [], validation), prior=prior)
    run = override(run, [*_steps(steps), *settings])
    with _report(run.loop.steps) as report:
        place = _place(out, device, threads, report, False, False, None)
        trials = tune.tune(
            run,
            _numbers(scales, float),
            _numbers(blurs, int),
            place,
            prior=_load(prior, "prior"),
            on_trial=lambda trial: console.say(
                f"scale {trial.prior_scale:g}, blur {trial.blur}: {trial.mean:.3f} dB"
            ),
        )
    best = trials[0]
    console.result(f"best: prior scale {best.prior_scale:g}, blur {best.blur}; see {out}/table.md")


def _numbers(text: str, kind: Any) -> list[Any]:
    try:
        return [kind(word) for word in text.split(",")]
    except ValueError as error:
        raise UsageError(f"not a list of numbers: {text!r}") from error


def train_noise_level(
    data: Data,
    out: Out,
    validation: Validation = [],  # noqa: B006 - typer copies it
    gray: Gray = False,
    steps: Steps = None,
    settings: Set = [],  # noqa: B006
    resume: Resume = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
) -> None:
    """Train the estimator of the noise level, for --sigma auto."""
    console.set_verbosity(quiet, False)
    from flowdenoise.training import presets, runs
    from flowdenoise.training.settings import override

    run = presets.noise_level(1 if gray else 3)
    run = replace(run, data=_data(run.data, data, [], validation))
    run = override(run, [*_steps(steps), *settings])
    with _report(run.loop.steps) as report:
        place = _place(out, device, threads, report, resume, False, None)
        finished = runs.train_noise_level(run, place)
    _tell_the_end(finished, out)


def _steps(steps: int | None) -> list[str]:
    return [] if steps is None else [f"loop.steps={steps}"]


def _data(base: Any, data: list[str], noisy: list[str], validation: list[str]) -> Any:
    """The sources of images, in place of the preset's."""
    return replace(base, paths=tuple(data), noisy=tuple(noisy), validation=tuple(validation))


def _load(address: str, role: Any) -> Any:
    """The network at an address, or None without one."""
    if not address:
        return None
    from flowdenoise import weights

    return weights.load(address, role=role, report=console.say).network


def _place(
    out: Path,
    device: str,
    threads: int | None,
    report: Report,
    resume: bool,
    tensorboard: bool,
    cache: Path | None,
) -> Place:
    """Where and how the run runs; joins the other processes under torchrun."""
    import torch

    from flowdenoise.device import choose_device
    from flowdenoise.training.devices import Workers
    from flowdenoise.training.runs import Place

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
    )


def _report(steps: int) -> Any:
    return console.training_progress(steps)


def _tell_the_end(finished: bool, out: Path) -> None:
    if finished:
        console.say(f"done; the weights are {out / 'weights.safetensors'}")
        return
    console.say(f"interrupted and saved; the same command with --resume goes on ({out})")
    raise typer.Exit(130)
