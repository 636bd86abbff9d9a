"""The files of a finished run: `results.json`, `cells.csv`, `table.md`, figures, `index.html`."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, fields
from pathlib import Path

from flowdenoise import images
from flowdenoise.benchmark.measurements import Measurement
from flowdenoise.benchmark.report import figure, page
from flowdenoise.benchmark.report.grids import as_markdown, result_grids
from flowdenoise.benchmark.results import Results


def write_all(results: Results, folder: Path) -> list[Path]:
    """Write every report into the run's folder; each file appears whole.

    Raises:
        ImageWriteError: A file can't be written.
    """
    texts = {
        "results.json": json.dumps(results.as_json(), indent=1, allow_nan=False) + "\n",
        "cells.csv": _as_csv(results),
        "table.md": "\n".join(as_markdown(grid) for grid in result_grids(results)),
        "index.html": page.render(results, folder),
    }
    written = []
    for name, text in texts.items():
        written.append(folder / name)
        images.write_bytes(written[-1], text.encode("utf-8"))
    for sigma in results.sigmas_255:
        written += figure.write(results, sigma, folder)
    return written


def _as_csv(results: Results) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, [field.name for field in fields(Measurement)], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(asdict(cell) for cell in results.cells)
    return stream.getvalue()
