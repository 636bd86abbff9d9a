"""The benchmark: methods x images x noise levels, with tables and pictures of the results.

```
protocols      how noise is added and how a result is measured, by name
config         the settings of a run and their defaults
catalog, sets  named sets of images: where they come from, and how they are checked
image_set      images and pairs, decoded one by one
methods/       each system behind one small contract
merit          PSNR and other figures of merit of one result
measurements   one method on one image at one level, and the file that keeps the results
runner         all methods on all images, going on where an earlier run stopped
statistics     mean, spread, bootstrap interval
summary        from measurements to the lines of a table
environment    versions, processor and device of a run
results        the results of a run with everything they depend on
report/        tables, files, the figure, the page
table1         the paper's Table 1, measured again
speed          megapixels per second, and the share of the machine's peak
whole_command  time and memory of the whole command on a large photograph
synthetic      a photograph of any size that nobody took, for measuring time and memory
peak_memory    the memory that a piece of work takes at its peak
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
