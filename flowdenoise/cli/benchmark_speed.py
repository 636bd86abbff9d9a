"""`benchmark speed` and `benchmark whole-command`: every claim of speed, measured again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from flowdenoise.benchmark.config import SpeedConfig, WholeCommandConfig
from flowdenoise.benchmark.methods import MethodOptions, parse
from flowdenoise.cli import benchmark_options as own
from flowdenoise.cli import console, options
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.benchmark.report import Grid


def speed(
    methods: own.Methods = own.SPEED_METHODS,
    tiles: own.Tiles = own.TILES,
    side: own.Side = own.SIDE,
    rounds: own.Rounds = own.ROUNDS,
    gray: own.Gray = False,
    quality: own.Quality = None,
    data_dir: own.DataDir = None,
    limit: own.Most = 0,
    device: options.Device = None,
    precision: options.Precision = None,
    threads: options.Threads = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure megapixels per second, and the share of the machine's peak that networks reach."""
    console.set_verbosity(quiet, False)
    from flowdenoise.benchmark.report.speed_grid import speed_grid
    from flowdenoise.benchmark.sets import open_set
    from flowdenoise.benchmark.speed import measure

    if limit and quality is None:
        raise UsageError("--limit is for the images of --quality, and none are named")
    where = own.device(device, threads)
    chosen = parse(methods)
    config = SpeedConfig(tiles=own.whole_numbers(tiles), side=side, rounds=rounds)
    how = MethodOptions(precision or MethodOptions.precision, data_dir=data_dir)
    images = open_set(quality, data_dir=data_dir, gray=gray).first(limit) if quality else None
    with console.progress() as display:
        task = display.add_task("timing")

        def step(done: int, total: int, what: str) -> None:
            display.update(task, completed=done, total=total, description=what)

        channels = 1 if gray else 3
        table = measure(chosen, config, how, channels, where, quality=images, on_step=step)
    if as_json:
        console.result(json.dumps(asdict(table)))
    else:
        show_grid(speed_grid(table, where))


def whole_command(
    megapixels: own.Megapixels = own.MEGAPIXELS,
    rounds: own.Rounds = own.WHOLE_ROUNDS,
    gray: own.Gray = False,
    device: options.Device = None,
    precision: options.Precision = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure time and memory of `flowdenoise denoise` on large photographs.

    For comparison, the bare network denoises the smallest one, too.
    """
    console.set_verbosity(quiet, False)
    from flowdenoise.benchmark.report.speed_grid import whole_command_grid
    from flowdenoise.benchmark.whole_command import measure

    config = WholeCommandConfig(own.numbers(megapixels), rounds)
    sizes = sorted(config.megapixels)
    found = [
        measure(
            size,
            model="gray" if gray else "color",
            **options.given(device=device, precision=precision),
            rounds=config.rounds,
            bare=size == sizes[0],
            on_step=console.say,
        )
        for size in sizes
    ]
    if as_json:
        console.result(json.dumps([asdict(one) | {"ratio": one.ratio} for one in found]))
    else:
        show_grid(whole_command_grid(found))


def show_grid(grid: Grid) -> None:
    """Print a table with its title and notes."""
    console.result(grid.title)
    console.table(grid.header, grid.rows)
    console.result("".join(f"  {note}\n" for note in grid.notes))
