"""`flowdenoise benchmark SET` and `benchmark table1`: every claim of quality, made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from flowdenoise.cli import benchmark_options as own
from flowdenoise.cli import console, options
from flowdenoise.cli.benchmark_speed import show_grid, speed, whole_command
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.benchmark.methods import MethodOptions
    from flowdenoise.benchmark.results import Results
    from flowdenoise.benchmark.runner import BenchmarkConfig
    from flowdenoise.benchmark.sets import ImageSet


class _SetByDefault(TyperGroup):
    """Takes what is no command for the name of a set: `benchmark bsd68`."""

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
    sigma: own.Sigmas = "15,25,35,50",
    protocol: own.Protocol = "awgn",
    data_dir: own.DataDir = None,
    gray: own.Gray = False,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
    middle: own.Middle = 0,
    out: own.Out = None,
    pictures: own.Pictures = 2,
    tile: options.Tile = None,
    overlap: options.Overlap = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure methods on a set of images: `flowdenoise benchmark SET` is enough.

    What is measured is kept in the folder --out, so the same command goes on after an
    interruption, and measures only what has changed.
    """
    console.set_verbosity(quiet, False)
    from flowdenoise.benchmark.methods import MethodOptions
    from flowdenoise.benchmark.runner import BenchmarkConfig

    how = MethodOptions(precision, tile, overlap, offline)
    bench = _Bench(_methods(methods), limit, middle, data_dir, how, device, threads)
    config = BenchmarkConfig(own.numbers(sigma), protocol, bench.limits, pictures)
    image_set = bench.open(name, gray)
    _warn_of_missing(methods)
    folder = out or Path("benchmark") / f"{image_set.name}-{image_set.kind}-{protocol}"
    results = bench.run(image_set, config, folder)
    _show(results, folder, as_json)


@app.command()
def table1(
    methods: own.Methods = "",
    settings: Annotated[
        str, typer.Option("--settings", help="Of gray-awgn, color-awgn, color-paper.")
    ] = "gray-awgn,color-awgn,color-paper",
    data_dir: own.DataDir = None,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
    middle: own.Middle = 0,
    out: own.Out = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Do the paper's Table 1 again, in gray and in color, beside the numbers that it printed.

    Deep image prior takes hours: give it some images only, by --limit dip=2.
    """
    console.set_verbosity(quiet, False)
    from flowdenoise.benchmark import table1 as paper
    from flowdenoise.benchmark.methods import MethodOptions
    from flowdenoise.benchmark.runner import BenchmarkConfig

    wanted, failed = paper.find_settings(settings), False
    how = MethodOptions(precision, offline=offline)
    chosen = _methods(methods or ",".join(paper.METHODS))
    bench = _Bench(chosen, limit, middle, data_dir, how, device, threads)
    for setting in wanted:
        config = BenchmarkConfig(paper.SIGMAS, setting.protocol, bench.limits)
        image_set = bench.open(setting.image_set)
        folder = (out or Path("benchmark") / "table1") / setting.name
        results = bench.run(image_set, config, folder)
        show_grid(paper.table(results))
        failed = _tell_failures(results) or failed
    if failed:
        raise typer.Exit(1)


class _Bench:
    """What the user asked for, apart from the set: methods, limits, data, device.

    Args:
        chosen: Methods.
        limit: The texts of --limit.
        middle: Side of the square that is measured, 0 for whole images.
        data_dir: Where the sets are, if not in the cache.
        how: How the methods run.
        device: Name.
        threads: Of the processor.
    """

    def __init__(
        self,
        chosen: tuple[str, ...],
        limit: list[str],
        middle: int,
        data_dir: Path | None,
        how: MethodOptions,
        device: str,
        threads: int | None,
    ) -> None:
        self.chosen, self.how = chosen, how
        self.most, self.limits = _limits(limit, chosen)
        self.middle, self.data_dir = middle, data_dir
        self.where = own.device(device, threads)

    def open(self, name: str, gray: bool = False) -> ImageSet:
        """The images to measure on."""
        from flowdenoise.benchmark.sets import open_set

        found = open_set(name, data_dir=self.data_dir, gray=gray, report=console.fetching())
        return found.first(self.most).middle(self.middle)

    def run(self, image_set: ImageSet, config: BenchmarkConfig, folder: Path) -> Results:
        """Run, showing progress, and write all reports."""
        from flowdenoise.benchmark import methods, runner
        from flowdenoise.benchmark.report import write_all
        from flowdenoise.benchmark.results import collect

        built = methods.build(self.chosen, self.how)
        with console.benchmark_progress() as report:
            found = runner.run(image_set, built, config, self.where, folder, on_progress=report)
        results = collect(found, image_set, built, config, self.where)
        write_all(results, folder)
        return results


def _methods(text: str) -> tuple[str, ...]:
    """The methods that are named, or all that are quick and installed."""
    from flowdenoise.benchmark import methods

    if text:
        return methods.parse(text)
    return tuple(n for n in methods.DEFAULT if n not in methods.missing(methods.DEFAULT))


def _warn_of_missing(text: str) -> None:
    """Tell which methods are left out, unless the user named those to run."""
    from flowdenoise.benchmark import methods

    if text:
        return
    for name, problem in methods.missing(methods.DEFAULT).items():
        console.warn(f"{name} is left out: {problem}")


def _limits(texts: list[str], chosen: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    """The most images for all methods, 0 for no limit, and for single ones by their labels."""
    from flowdenoise.benchmark.methods import label

    labels = [label(text) for text in chosen]
    most, limits = 0, {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not number.isdecimal() or int(number) < 1 or (equals and name not in labels):
            raise UsageError(
                f"a limit is a number or METHOD=number, with a method that is run: {text!r}"
            )
        if equals:
            limits[name] = int(number)
        else:
            most = int(number)
    return most, limits


def _show(results: Results, folder: Path, as_json: bool) -> None:
    from flowdenoise.benchmark.report import grids

    if as_json:
        console.result(json.dumps(results.as_json()))
    else:
        for grid in grids(results):
            show_grid(grid)
    console.say(f"all of it is in {folder}: results.json, cells.csv, table.md, index.html")
    if _tell_failures(results):
        raise typer.Exit(1)


def _tell_failures(results: Results) -> bool:
    for cell in results.failed:
        console.error(f"{cell.method}, {cell.image}, sigma {cell.sigma_255:g}: {cell.error}")
    return bool(results.failed)
