"""Tables of time and memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from flowdenoise.benchmark import environment
from flowdenoise.benchmark.report.grids import Grid
from flowdenoise.benchmark.speed import Speed, SpeedTable
from flowdenoise.benchmark.whole_command import WholeCommand


def speed_grid(table: SpeedTable, device: torch.device) -> Grid:
    """The table of megapixels per second by method and tile."""
    with_psnr = any(speed.psnr is not None for speed in table.speeds)
    header = ("method", "tile", "precision", "megapixels/s", "share of the peak")
    rows = []
    for speed in table.speeds:
        rate = f"{speed.megapixels_per_second:.3g}"
        row = (speed.method, _tile(speed), speed.precision or "-", rate, _share(speed))
        rows.append((*row, "-" if speed.psnr is None else f"{speed.psnr:.3f}"))
    return Grid(
        "Speed",
        (*header, "PSNR at sigma 25") if with_psnr else header,
        tuple(row if with_psnr else row[:-1] for row in rows),
        (
            f"peak: {table.peak_flops / 1e9:.0f} GFLOP/s in a float32 matrix product",
            environment.machine(device),
        ),
    )


def _tile(speed: Speed) -> str:
    if speed.tile is None:
        return "-"
    return str(speed.tile) if speed.tile else "untiled"


def _share(speed: Speed) -> str:
    return "-" if speed.share_of_peak is None else f"{100 * speed.share_of_peak:.0f} %"


def whole_command_grid(found: Sequence[WholeCommand]) -> Grid:
    """The table of the command's time and memory by the photograph's size."""
    rows = tuple(
        (
            f"{one.width} x {one.height}",
            f"{one.seconds:.1f}",
            "-" if one.bare_seconds is None else f"{one.bare_seconds:.1f}",
            "-" if one.ratio is None else f"{one.ratio:.2f}",
            f"{one.peak_bytes / 1e9:.2f}",
        )
        for one in found
    )
    header = ("photograph", "whole command, s", "bare network, s", "ratio", "peak memory, GB")
    return Grid("The whole command against the bare network", header, rows)
