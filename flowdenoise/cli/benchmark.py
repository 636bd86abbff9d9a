"""`flowdenoise benchmark SET` and `benchmark table1`: every claim of quality, measured again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from flowdenoise.benchmark import table1 as paper
from flowdenoise.benchmark.config import BenchmarkConfig
from flowdenoise.benchmark.methods import (
    METHODS,
    Choice,
    MethodOptions,
    build,
    missing,
    parse,
    quick,
)
from flowdenoise.benchmark.protocols import REAL, find_protocol, level_text
from flowdenoise.cli import benchmark_options as own
from flowdenoise.cli import console, options
from flowdenoise.cli.benchmark_speed import show_grid, speed, whole_command
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    import torch

    from flowdenoise.benchmark.image_set import ImageSet
    from flowdenoise.benchmark.results import Results


class _SetByDefault(TyperGroup):
    """Takes a word that is no command for the name of a set: `benchmark bsd68`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command `set` before arguments that name none."""
        if args and not {*self.commands, "--help", "-h"} & {args[0]}:
            args = ["set", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="benchmark",
    cls=_SetByDefault,
    help="Measure methods side by side on the same pixels: benchmark SET, table1, speed.",
    no_args_is_help=True,
)


app.command()(speed)
app.command()(whole_command)


@app.command("set")
def measure_set(
    name: own.Set,
    methods: own.Methods = "",
    sigma: own.Sigmas = own.SIGMAS,
    protocol: own.Protocol = "",
    data_dir: own.DataDir = None,
    gray: own.Gray = False,
    listed: own.Listed = None,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
    middle: own.Middle = 0,
    out: own.Out = None,
    pictures: own.Pictures = own.PICTURES,
    tile: options.Tile = None,
    overlap: options.Overlap = None,
    device: options.Device = None,
    precision: options.Precision = None,
    threads: options.Threads = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure methods on a set of images: `flowdenoise benchmark SET` is enough.

    The results are kept in the folder --out, so the same command goes on after an interruption,
    and measures only what has changed.
    """
    console.set_verbosity(quiet, False)
    how = MethodOptions(precision or MethodOptions.precision, tile, overlap, offline, data_dir)
    most, limits = _limits(limit)
    where = own.device(device, threads)
    image_set = _middle(_open(name, how, gray=gray).listed(listed).first(most), middle)
    default = REAL if image_set.partners else BenchmarkConfig.protocol
    config = BenchmarkConfig(own.numbers(sigma), protocol or default, limits, pictures)
    chosen = _methods(methods, config)
    folder = out or Path("benchmark") / f"{image_set.name}-{image_set.kind}-{config.protocol}"
    _show(_run(image_set, chosen, config, how, where, folder), folder, as_json)


@app.command()
def table1(
    methods: own.Methods = "",
    settings: own.Settings = own.TABLE1,
    data_dir: own.DataDir = None,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
    middle: own.Middle = 0,
    out: own.Out = None,
    device: options.Device = None,
    precision: options.Precision = None,
    threads: options.Threads = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure the paper's Table 1 again, in gray and in color, beside the numbers that it printed.

    Deep image prior takes hours: limit its images, for instance by --limit dip=2.
    """
    console.set_verbosity(quiet, False)
    wanted, failed = paper.find_settings(settings), False
    how = MethodOptions(precision or MethodOptions.precision, offline=offline, data_dir=data_dir)
    most, limits = _limits(limit)
    where = own.device(device, threads)
    for setting in wanted:
        config = BenchmarkConfig(paper.SIGMAS, setting.protocol, limits)
        chosen = _methods(methods or ",".join(paper.METHODS), config)
        folder = (out or Path("benchmark") / "table1") / setting.name
        image_set = _middle(_open(setting.image_set, how).first(most), middle)
        results = _run(image_set, chosen, config, how, where, folder)
        show_grid(paper.table(results))
        failed = _tell_failures(results) or failed
    if failed:
        raise typer.Exit(1)


def _open(name: str, how: MethodOptions, *, gray: bool = False) -> ImageSet:
    """Find the images of that name, and fetch them if needed."""
    from flowdenoise.benchmark.sets import open_set

    return open_set(name, data_dir=how.data_dir, gray=gray, report=console.fetching())


def _middle(image_set: ImageSet, side: int) -> ImageSet:
    """Cut the images to their middles, and tell which are too small."""
    cut = image_set.middle(side)
    if cut.left_out:
        count = f"{len(cut.left_out)} of {len(image_set.files)}"
        console.warn(
            f"{count} images are smaller than {side} pixels and are left out: "
            f"{', '.join(cut.left_out)}"
        )
    return cut


def _run(
    image_set: ImageSet,
    chosen: Sequence[Choice],
    config: BenchmarkConfig,
    how: MethodOptions,
    where: torch.device,
    folder: Path,
) -> Results:
    """Run the benchmark, show the progress, and write all reports."""
    from flowdenoise.benchmark import runner
    from flowdenoise.benchmark.report import write_all
    from flowdenoise.benchmark.results import collect

    built = build(chosen, replace(how, eight_bit=find_protocol(config.protocol).eight_bit))
    with console.benchmark_progress() as report:
        found = runner.run(image_set, built, config, where, folder, on_progress=report)
    results = collect(found, image_set, built, config, where)
    write_all(results, folder)
    return results


def _methods(text: str, config: BenchmarkConfig) -> Sequence[Choice]:
    """The methods that are named, or all quick ones that are installed and fit the protocol."""
    if text:
        chosen: Sequence[Choice] = parse(text)
    else:
        for name, problem in missing().items():
            console.warn(f"{name} is left out: {problem}")
        told = find_protocol(config.protocol).adds_noise
        chosen = [choice for choice in quick() if told or METHODS[choice.name].blind]
    unknown = [label for label in config.limits if label not in {c.label for c in chosen}]
    if unknown:
        raise UsageError(f"--limit {unknown[0]} names no method that is run")
    return chosen


def _limits(texts: list[str]) -> tuple[int, dict[str, int]]:
    """The most images for all methods, 0 for no limit, and for single methods by label."""
    most, limits = 0, {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not number.isdecimal() or int(number) < 1:
            raise UsageError(f"a limit is a number or METHOD=number, not {text!r}")
        if equals:
            limits[name] = int(number)
        else:
            most = int(number)
    return most, limits


def _show(results: Results, folder: Path, as_json: bool) -> None:
    from flowdenoise.benchmark.report import result_grids

    if as_json:
        console.result(json.dumps(results.as_json()))
    else:
        for grid in result_grids(results):
            show_grid(grid)
    console.say(f"all of it is in {folder}: results.json, cells.csv, table.md, index.html")
    if _tell_failures(results):
        raise typer.Exit(1)


def _tell_failures(results: Results) -> bool:
    for cell in results.failed:
        console.error(f"{cell.method}, {cell.image}, {level_text(cell.sigma_255)}: {cell.error}")
    return bool(results.failed)
