"""The reports of a run for people: tables, files, a figure, a page.

```
grids       tables as rows of text, for the terminal, Markdown and HTML
speed_grid  tables of time and memory
panels      the kept pictures of a run, read back
figure      truth, noisy and each method side by side
chart       lines and dots over two axes, as SVG
page        tables and pictures to compare, in one HTML file
files       the files of a finished run
```
"""

from flowdenoise.benchmark.report.files import write_all
from flowdenoise.benchmark.report.grids import Grid, as_markdown, result_grids

__all__ = ["Grid", "as_markdown", "result_grids", "write_all"]
