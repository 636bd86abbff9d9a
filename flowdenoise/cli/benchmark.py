"""`flowdenoise benchmark SET`, `benchmark table1` and `benchmark speed`: every claim, made again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from typer.core import TyperGroup

from flowdenoise.cli import benchmark_options as own
from flowdenoise.cli import console, options
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.benchmark.report import Grid
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


@app.command("set")
def measure_set(
    name: own.Set,
    methods: own.Methods = "",
    sigma: own.Sigmas = "15,25,35,50",
    protocol: own.Protocol = "awgn",
    data_dir: own.DataDir = None,
    gray: own.Gray = False,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
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
    from flowdenoise.benchmark.sets import open_set

    chosen = _methods(methods)
    all_images, limits = _limits(limit, chosen)
    config = BenchmarkConfig(_numbers(sigma), protocol, limits, pictures)
    image_set = open_set(name, data_dir=data_dir, gray=gray, report=console.fetching())
    image_set = image_set.first(all_images)
    folder = out or Path("benchmark") / f"{image_set.name}-{image_set.kind}-{protocol}"
    how = MethodOptions(precision, tile, overlap, offline)
    results = _run(image_set, chosen, config, how, device, threads, folder)
    _show(results, folder, as_json)


@app.command()
def table1(
    methods: own.Methods = "",
    settings: Annotated[
        str, typer.Option("--settings", help="Of gray-awgn, color-awgn, color-paper.")
    ] = "gray-awgn,color-awgn,color-paper",
    data_dir: own.DataDir = None,
    limit: own.Limit = [],  # noqa: B006 - typer copies it
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
    from flowdenoise.benchmark.sets import open_set

    wanted = paper.find_settings(settings)
    chosen = _methods(methods or ",".join(paper.METHODS))
    all_images, limits = _limits(limit, chosen)
    how, failed = MethodOptions(precision, offline=offline), False
    for setting in wanted:
        image_set = open_set(setting.image_set, data_dir=data_dir, report=console.fetching())
        config = BenchmarkConfig(paper.SIGMAS, setting.protocol, limits)
        folder = (out or Path("benchmark") / "table1") / setting.name
        image_set = image_set.first(all_images)
        results = _run(image_set, chosen, config, how, device, threads, folder)
        _print(paper.table(results))
        failed = _tell_failures(results) or failed
    if failed:
        raise typer.Exit(1)


@app.command()
def speed(
    methods: own.Methods = "flowdenoise,dncnn",
    tiles: Annotated[
        str, typer.Option("--tiles", help="Sides of tiles for networks; 0 is untiled.")
    ] = "32,64,128,256,512,0",
    side: Annotated[int, typer.Option(min=32, help="Side of the image, in pixels.")] = 1024,
    rounds: Annotated[int, typer.Option(min=1, help="How often; the best counts.")] = 3,
    gray: own.Gray = False,
    quality: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this at run time
        typer.Option(help="Set or folder on which to measure PSNR by tile, at sigma 25."),
    ] = None,
    data_dir: own.DataDir = None,
    limit: Annotated[int, typer.Option(min=0, help="Most images for --quality.")] = 0,
    whole_command: Annotated[
        bool,
        typer.Option(
            "--whole-command",
            help="Instead: time and memory of `flowdenoise denoise` on a photograph, "
            "against the bare network.",
        ),
    ] = False,
    megapixels: Annotated[
        str, typer.Option(help="Sizes of photographs for --whole-command.")
    ] = "12",
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure megapixels per second, and the share of the machine's peak that a network reaches."""
    console.set_verbosity(quiet, False)
    if whole_command:
        _whole_command(_numbers(megapixels), gray, device, precision, rounds, as_json)
        return
    from flowdenoise.benchmark import speed as timing
    from flowdenoise.benchmark.methods import MethodOptions
    from flowdenoise.benchmark.report.speed_grid import speed_grid
    from flowdenoise.benchmark.sets import open_set

    where = _device(device, threads)
    chosen = _methods(methods)
    config = timing.SpeedConfig(tuple(int(n) for n in _numbers(tiles)), side, rounds=rounds)
    images = open_set(quality, data_dir=data_dir, gray=gray).first(limit) if quality else None
    with console.progress() as display:
        task = display.add_task("timing")
        table = timing.measure(
            chosen,
            config,
            MethodOptions(precision),
            1 if gray else 3,
            where,
            quality=images,
            on_step=lambda done, total, what: display.update(
                task, completed=done, total=total, description=what
            ),
        )
    if as_json:
        console.result(json.dumps(asdict(table)))
    else:
        _print(speed_grid(table, where))


def _whole_command(
    sizes: tuple[float, ...], gray: bool, device: str, precision: str, rounds: int, as_json: bool
) -> None:
    """Time the command on photographs; the bare network only on the smallest."""
    from flowdenoise.benchmark import whole_command
    from flowdenoise.benchmark.report.speed_grid import whole_command_grid

    found = [
        whole_command.measure(
            size,
            model="gray" if gray else "color",
            device=device,
            precision=precision,
            rounds=rounds if size == min(sizes) else 1,
            bare=size == min(sizes),
            on_step=console.say,
        )
        for size in sorted(sizes)
    ]
    if as_json:
        console.result(json.dumps([asdict(one) | {"ratio": one.ratio} for one in found]))
    else:
        _print(whole_command_grid(found))


def _methods(text: str) -> tuple[str, ...]:
    """The methods that are named, or all that are quick and installed."""
    from flowdenoise.benchmark import methods

    if text:
        return methods.parse(text)
    for name, problem in methods.missing(methods.DEFAULT).items():
        console.warn(f"{name} is left out: {problem}")
    return tuple(n for n in methods.DEFAULT if n not in methods.missing(methods.DEFAULT))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"numbers apart by commas are needed, not {text!r}") from error


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


def _device(name: str, threads: int | None) -> Any:
    import torch

    from flowdenoise.device import choose_device

    if threads:
        torch.set_num_threads(threads)
    return choose_device(name)


def _run(
    image_set: ImageSet,
    chosen: tuple[str, ...],
    config: BenchmarkConfig,
    how: Any,
    device: str,
    threads: int | None,
    folder: Path,
) -> Results:
    """Run, showing progress, and write all reports."""
    from flowdenoise.benchmark import methods, runner
    from flowdenoise.benchmark.report import write_all
    from flowdenoise.benchmark.results import collect

    where = _device(device, threads)
    built = methods.build(chosen, how)
    with console.benchmark_progress() as report:
        found = runner.run(image_set, built, config, where, folder, on_progress=report)
    results = collect(found, image_set, built, config, where)
    write_all(results, folder)
    return results


def _show(results: Results, folder: Path, as_json: bool) -> None:
    from flowdenoise.benchmark.report import grids

    if as_json:
        console.result(json.dumps(results.as_json()))
    else:
        for grid in grids(results):
            _print(grid)
    console.say(f"all of it is in {folder}: results.json, cells.csv, table.md, index.html")
    if _tell_failures(results):
        raise typer.Exit(1)


def _print(grid: Grid) -> None:
    console.result(grid.title)
    console.table(grid.header, grid.rows)
    console.result("".join(f"  {note}\n" for note in grid.notes))


def _tell_failures(results: Results) -> bool:
    for cell in results.failed:
        console.error(f"{cell.method}, {cell.image}, sigma {cell.sigma_255:g}: {cell.error}")
    return bool(results.failed)
