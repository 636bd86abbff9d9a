"""Tables as rows of text, for the terminal, Markdown and HTML alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from flowdenoise.benchmark.protocols import level_name
from flowdenoise.benchmark.results import MethodRecord, Results
from flowdenoise.benchmark.statistics import LEVEL
from flowdenoise.benchmark.summary import Line


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        title: The title, which says what is measured, on what, and how.
        header: The headings of the columns.
        rows: The rows, each with a text for each column.
        notes: The remarks below the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def result_grids(results: Results) -> list[Grid]:
    """All tables of a run."""
    first = results.methods[0].label
    tables = [
        _grid(results, "PSNR in dB", lambda line: f"{line.psnr:.2f}", costs=True),
        _grid(
            results,
            f"PSNR in dB less that of {first}, image by image, "
            f"with its {100 * LEVEL:.0f} % bootstrap interval",
            _difference,
        ),
        _grid(results, "Spread of PSNR over the images, dB", lambda line: _text(line.psnr_spread)),
        _grid(results, "SSIM", lambda line: f"{line.ssim:.4f}"),
        _grid(results, "GMSD, less is better", lambda line: f"{line.gmsd:.4f}"),
    ]
    return tables if len(results.methods) > 1 else [tables[0], *tables[2:]]


def _grid(
    results: Results, what: str, show: Callable[[Line], str], *, costs: bool = False
) -> Grid:
    header = ["method", "sigma known", *map(level_name, results.sigmas_255)]
    if costs:
        header += ["s/megapixel", "multiply-adds/pixel", "peak MB"]
    lines = {(line.method, line.sigma_255): line for line in results.lines}
    rows = []
    for method in results.methods:
        own = [lines.get((method.label, sigma)) for sigma in results.sigmas_255]
        row = [method.label, _told(method), *(_cell(line, show) for line in own)]
        if costs:
            row += _costs(method, [line for line in own if line and line.images])
        rows.append(tuple(row))
    notes = _notes(results) if costs else ()
    return Grid(f"{what}: {results.title}", tuple(header), tuple(rows), notes)


def _told(method: MethodRecord) -> str:
    if method.blind:
        return "no"
    return "yes" if method.told_255 is None else f"told {method.told_255:g}"


def _cell(line: Line | None, show: Callable[[Line], str]) -> str:
    if line is None:
        return "-"
    text = show(line) if line.images else "failed"
    return f"{text} ({line.failed} failed)" if line.failed and line.images else text


def _difference(line: Line) -> str:
    interval = line.difference
    if interval is None:
        return "-"
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


def _text(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _costs(method: MethodRecord, lines: list[Line]) -> list[str]:
    if not lines:
        return ["-", "-", "-"]
    seconds = sum(line.seconds_per_megapixel for line in lines) / len(lines)
    peaks = [line.peak_bytes for line in lines if line.peak_bytes is not None]
    cost = method.multiply_adds_per_pixel
    return [
        f"{seconds:.3g}",
        f"{cost / 1e6:.3f} M" if cost is not None else "-",
        f"{max(peaks) / 1e6:.0f}" if peaks else "-",
    ]


def _notes(results: Results) -> tuple[str, ...]:
    notes = [f"{method.label}: {method.note}" for method in results.methods if method.note]
    notes += [
        f"{method.label}: the first {method.images} of {results.images} images only"
        for method in results.methods
        if 0 < method.images < results.images
    ]
    machines = sorted({cell.machine for cell in results.cells if cell.machine})
    notes.append(f"timed on {'; and on '.join(machines)}" if machines else "nothing was timed")
    return tuple(notes)


def as_markdown(grid: Grid) -> str:
    """The table in Markdown."""
    rule = tuple("---" if column == 0 else "---:" for column in range(len(grid.header)))
    rows = ["| " + " | ".join(row) + " |" for row in (grid.header, rule, *grid.rows)]
    notes = [f"- {note}" for note in grid.notes]
    return "\n".join([f"### {grid.title}", "", *rows, "", *notes, ""])
