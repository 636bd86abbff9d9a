"""`flowdenoise simulate`: clean pictures in, noisy photographs out."""

from __future__ import annotations

from typing import Annotated

import typer

from flowdenoise.cli import console, options, outcomes
from flowdenoise.cli.denoise import Inputs, Output, Recursive

Camera = Annotated[
    str | None,
    typer.Option(help="What takes the photograph: {cameras}; {simulation.camera} if unset."),
]
Iso = Annotated[
    float | None,
    typer.Option(help="Its sensitivity, which decides the noise; {simulation.iso:g} if unset."),
]
Demosaicking = Annotated[
    str | None,
    typer.Option(help="How its mosaic becomes colors: {demosaickings}; drawn if unset."),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Another one is another photograph; {simulation.seed} if unset."),
]


def simulate(
    inputs: Inputs,
    output: Output = None,
    camera: Camera = None,
    iso: Iso = None,
    demosaicking: Demosaicking = None,
    seed: Seed = None,
    recursive: Recursive = False,
    overwrite: options.Overwrite = False,
    quality: options.Quality = None,
    quiet: options.Quiet = False,
) -> None:
    """Make noisy photographs of clean pictures, to try things on.

    Light, a mosaic of colors, photon and read noise, and what a camera makes of it: smoothing,
    sharpening, tone curve, JPEG. The result is a PNG beside the picture unless you name another.
    """
    console.set_verbosity(quiet, False)
    from flowdenoise import batch

    config = batch.SimulationConfig(
        **options.given(camera=camera, iso=iso, demosaicking=demosaicking, seed=seed)
    )
    naming = batch.Naming(output, batch.NOISY, recursive=recursive)
    plan = batch.plan_jobs(inputs, naming)
    existing: batch.Existing = "overwrite" if overwrite else "refuse"
    treatment = batch.BatchConfig(existing=existing, quality=quality)
    fine = console.left_out(plan.left_out)
    console.say(f"{config.camera}, ISO {config.iso:g}: {1 / config.gain:,.0f} electrons at white")
    for outcome in batch.simulate(plan.jobs, config, treatment):
        for warning in outcome.warnings:
            console.warn(f"{outcome.job.name}: {warning}")
        if outcome.error is not None:
            console.error(outcomes.with_name(outcome))
            fine = False
        else:
            console.say(f"{outcome.job.name} -> {outcome.job.target or 'standard output'}")
    if not fine:
        raise typer.Exit(1)
