"""The reports of a run for people: tables, files, a figure, a page."""

from flowdenoise.benchmark.report.files import write_all
from flowdenoise.benchmark.report.grids import Grid, as_markdown, result_grids

__all__ = ["Grid", "as_markdown", "result_grids", "write_all"]
