"""The benchmark: methods x images x noise levels, and the tables and pictures that come of it.

```
protocols      how noise is added and how a result is measured, by name
config         what a run does unless the user says otherwise
catalog, sets  named sets of images, where they come from, whether they are what they should be
image_set      images and pairs, decoded one by one
methods/       each system behind one small contract
measurements, runner  one method on one image at one level; all of them, going on where it stopped
statistics     mean, spread, bootstrap interval
summary        measurements to lines of a table
report/        tables, files, the figure, the page
table1         the paper's Table 1, done again
speed, whole_command  megapixels per second, share of the machine's peak, time and memory
```
"""

__all__ = [
    "catalog",
    "config",
    "image_set",
    "methods",
    "protocols",
    "report",
    "results",
    "runner",
    "sets",
    "speed",
    "table1",
    "whole_command",
]
