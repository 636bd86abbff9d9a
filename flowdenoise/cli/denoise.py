"""`flowdenoise denoise`: pictures in, clean pictures out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from flowdenoise.cli import console, options, outcomes
from flowdenoise.cli.help_texts import Command
from flowdenoise.errors import SigmaError, UsageError

if TYPE_CHECKING:
    from flowdenoise.batch import (
        BatchConfig,
        Existing,
        Job,
        Naming,
        OnTileOf,
        Outcome,
        Plan,
        RemoteJob,
    )
    from flowdenoise.engine import Denoiser, SigmaOrAuto

Inputs = Annotated[
    list[str],
    typer.Argument(
        help="Pictures, folders, glob patterns, addresses such as s3://, or - for stdin."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", help="Folder, file name, address of a folder, or - for stdout."
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="Template of the results' names, with {{stem}}, {{suffix}} and {{index}}; "
        "{{stem}}_denoised{{suffix}} beside the source, {{stem}}{{suffix}} in another folder."
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help="Format of the results: {formats}; its own if unset."),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Also sub-folders, kept in the output.")
]
SigmaText = Annotated[
    str | None,
    typer.Option(
        "--sigma", "-s", help="Noise level, 0 to 255, or auto; unset is {removal.sigma}."
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        help="How much of the noise to remove: 1 all, 0.5 half of it, above 1 more than is seen; "
        "{removal.strength:g} if unset."
    ),
]
Noise = Annotated[
    str | None,
    typer.Option(
        help="What the noise is taken for: white, camera, or auto, what it looks like; "
        "{removal.noise} if unset."
    ),
]
Luma = Annotated[
    float | None,
    typer.Option(
        help="Factor of a camera's noise of brightness to remove; {removal.luma:g} if unset."
    ),
]
Chroma = Annotated[
    float | None,
    typer.Option(
        help="Factor of a camera's noise of color to remove; {removal.chroma:g} if unset."
    ),
]
Detail = Annotated[
    float | None,
    typer.Option(
        help="Share, 0 to 1, of fine texture to give back where more was removed than a camera's "
        "noise explains; {removal.detail:g} if unset."
    ),
]
Crop = Annotated[
    str | None,
    typer.Option(
        help="Only this part, WIDTHxHEIGHT+LEFT+TOP, as it looks in the whole result: a preview."
    ),
]
Thorough = Annotated[bool, typer.Option("--thorough", help="The same as --effort best.")]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave results that are there already.")
]
KeepGoing = Annotated[
    bool | None,
    typer.Option("--keep-going/--fail-fast", help="After a failure: go on, as usual, or stop."),
]
SaveNoise = Annotated[
    bool, typer.Option("--save-noise", help="Also write the removed noise as a picture.")
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Also write before, after and a zoom in one PNG.")
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        help="Let workers of Ray do the pictures: on this machine, or at an address: auto, "
        "HOST:PORT, ray://HOST:PORT. Each takes --threads cores, one if unset, or a GPU.",
    ),
]

_ADDRESS = re.compile(r"auto|local|(ray://)?[\w.-]+:\d+")


class DenoiseCommand(Command):
    """The command, whose `--ray` needs no address behind it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the address of this machine where none is."""
        following = (*args, "")[1:]
        bare = [
            arg == "--ray" and not _ADDRESS.fullmatch(after)
            for arg, after in zip(args, following, strict=True)
        ]
        plain = ["--ray=local" if here else arg for arg, here in zip(args, bare, strict=True)]
        return super().parse_args(ctx, plain)


def denoise(
    inputs: Inputs,
    output: Output = None,
    name: Name = None,
    image_format: Format = None,
    recursive: Recursive = False,
    sigma: SigmaText = None,
    strength: Strength = None,
    noise: Noise = None,
    luma: Luma = None,
    chroma: Chroma = None,
    detail: Detail = None,
    crop: Crop = None,
    model: options.Model = None,
    tile: options.Tile = None,
    overlap: options.Overlap = None,
    tile_batch: options.TileBatch = None,
    effort: options.Effort = None,
    thorough: Thorough = False,
    device: options.Device = None,
    precision: options.Precision = None,
    threads: options.Threads = None,
    ray: Ray = None,
    skip_existing: SkipExisting = False,
    overwrite: options.Overwrite = False,
    keep_going: KeepGoing = None,
    quality: options.Quality = None,
    save_noise: SaveNoise = False,
    compare: Compare = False,
    black: options.Black = None,
    white: options.White = None,
    max_pixels: options.MaxPixels = None,
    max_memory: options.MaxMemory = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Remove the noise from pictures.

    The result has the kind of its source: format, bit depth, transparency, orientation, EXIF,
    color profile. A picture that is found clean is copied bit for bit.
    """
    console.set_verbosity(quiet, verbose)
    _check_streams(inputs, output, as_json)
    from flowdenoise.batch import PREVIEW, BatchConfig, Naming
    from flowdenoise.engine import Crop as Part

    if crop is not None and name is None:
        name = PREVIEW
    naming = Naming(output, name, image_format, recursive, save_noise, compare)
    treatment = options.given(
        sigma=None if sigma is None else parse_sigma(sigma),
        strength=strength,
        noise=noise,
        luma=luma,
        chroma=chroma,
        detail=detail,
        crop=None if crop is None else Part.parse(crop),
        existing=_existing(skip_existing, overwrite),
        keep_going=keep_going,
        quality=quality,
        black=black,
        white=white,
        max_pixels=max_pixels,
        max_memory=max_memory,
    )
    config = BatchConfig(**treatment)
    plan = _plan(inputs, naming, offline)
    engine = options.given(
        model=model,
        device=device,
        precision=precision,
        tile=tile,
        overlap=overlap,
        tile_batch=tile_batch,
        effort=_effort(effort, thorough),
        offline=offline,
    )
    if ray is None:
        work = _by_this_process(plan.jobs, engine, threads, config)
    else:
        cluster = options.given(address=ray, threads=threads)
        work = _by_cluster(plan.jobs, engine, config, cluster)
    fine = console.left_out(plan.left_out)
    if not _run(plan.jobs, work, config, as_json) or not fine:
        raise typer.Exit(1)


def _check_streams(inputs: list[str], output: str | None, as_json: bool) -> None:
    to_stdout = output == "-" or ("-" in inputs and output is None)
    if to_stdout and as_json:
        raise UsageError("the picture and --json can't both go to standard output")


def _plan(inputs: list[str], naming: Naming, offline: bool) -> Plan[Job] | Plan[RemoteJob]:
    from flowdenoise import batch

    places = (*inputs, naming.output or "")
    if offline and (far := next(filter(batch.is_on_network, places), None)):
        raise UsageError(f"{far} lies on the network, which `offline` rules out")
    remote = any(map(batch.is_address, places))
    return batch.plan_remote(inputs, naming) if remote else batch.plan_jobs(inputs, naming)


def parse_sigma(text: str) -> SigmaOrAuto:
    """Parse a noise level of the command line into one on the [0, 1] scale.

    Raises:
        SigmaError: The text is neither `auto` nor a number from 0 to 255.
    """
    from flowdenoise import noise

    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError as error:
        raise SigmaError(f"sigma must be auto or a number from 0 to 255, not {text!r}") from error
    return noise.from_255(value)


def _effort(effort: str | None, thorough: bool) -> str | None:
    if thorough and effort not in (None, "best"):
        raise UsageError(f"--thorough is --effort best, and not {effort}")
    return "best" if thorough else effort


def _existing(skip: bool, overwrite: bool) -> Existing | None:
    if skip and overwrite:
        raise UsageError("--skip-existing and --overwrite exclude each other")
    return "skip" if skip else "overwrite" if overwrite else None


def _load(engine: dict[str, Any], threads: int | None) -> Denoiser:
    """Load the engine that the options ask for."""
    import torch

    from flowdenoise.engine import Denoiser
    from flowdenoise.system.allocator import keep_freed_memory

    keep_freed_memory()
    if threads:
        torch.set_num_threads(threads)
    return Denoiser.load(**engine, report=console.say)


Jobs: TypeAlias = "Sequence[Job] | Sequence[RemoteJob]"

Work = Callable[["OnTileOf"], "Iterator[Outcome]"]
"""Denoises pictures, tells of tiles, and yields what became of each."""


def _by_this_process(
    jobs: Jobs, engine: dict[str, Any], threads: int | None, config: BatchConfig
) -> Work:
    from flowdenoise import batch

    def load() -> Denoiser:
        denoiser = _load(engine, threads)
        console.detail(f"{len(jobs)} pictures, on {denoiser.device}, in {denoiser.precision}")
        return denoiser

    return lambda on_tile: batch.run_anywhere(load, jobs, config, on_tile=on_tile)


def _by_cluster(
    jobs: Jobs, engine: dict[str, Any], config: BatchConfig, cluster: dict[str, Any]
) -> Work:
    """Workers of Ray, whose failures are told once more at the end."""
    from flowdenoise.batch import Cluster, ClusterConfig
    from flowdenoise.engine import EngineConfig

    where = ClusterConfig(**cluster)

    def work(_: OnTileOf) -> Iterator[Outcome]:
        failed = []
        with Cluster(EngineConfig(**engine), where) as workers:
            console.say(f"{len(jobs)} pictures, {workers.size} workers")
            for outcome in workers.run(jobs, config):
                failed += [outcome] if outcome.status == "failed" else []
                yield outcome
        if failed:
            console.error(f"{len(failed)} of {len(jobs)} pictures failed:")
        for outcome in failed:
            console.error(outcomes.with_name(outcome))

    return work


def _run(jobs: Jobs, work: Work, config: BatchConfig, as_json: bool) -> bool:
    """Denoise all pictures and show the progress; return whether all went well."""
    fine, done = True, 0
    with console.progress() as display:
        files = display.add_task("pictures", total=len(jobs), visible=len(jobs) > 1)
        tiles = display.add_task("tiles")

        def on_tile(job: Job, finished: int, total: int) -> None:
            name = console.printable(Path(job.name).name)
            display.update(tiles, description=name, completed=finished, total=total)

        for found in work(on_tile):
            outcome = outcomes.with_idle_options(found, config)
            done += 1
            display.update(files, completed=done)
            fine = fine and outcome.status != "failed"
            outcomes.tell(outcome)
            if as_json and not outcomes.print_json(outcome):
                fine = as_json = False
    if done < len(jobs):
        console.say(f"stopped: {len(jobs) - done} pictures were not tried")
    return fine
