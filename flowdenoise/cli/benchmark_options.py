"""Options of the benchmark commands, each named and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

Set = Annotated[
    str,
    typer.Argument(
        metavar="SET",
        help="bsd68, cbsd68, set12, kodak24, mcmaster, urban100, or a folder of clean images.",
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="Apart by commas, the first is what others are compared with: flowdenoise, "
        "flowdenoise-x8, flowdenoise-blind, flowdenoise-blind-x8, bm3d, dncnn, n2v, dip, nlm, "
        "wavelet, noisy; networks with other weights as dncnn=ADDRESS.",
    ),
]
Sigmas = Annotated[str, typer.Option("--sigma", "-s", help="Noise levels from 0 to 255.")]
Protocol = Annotated[
    str,
    typer.Option(
        "--protocol",
        help="awgn: unclipped noise, output in 8 bits, as in the literature; paper: noisy images "
        "in 8 bits, output as float.",
    ),
]
DataDir = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads this at run time
    typer.Option(
        "--data-dir", help="Folder that holds the set, or a sub-folder of its name: no download."
    ),
]
Gray = Annotated[bool, typer.Option("--gray", help="Measure color images in gray.")]
Limit = Annotated[
    list[str],
    typer.Option("--limit", help="Most images: a number, or METHOD=number; may be repeated."),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", "-o", help="Folder of the run; by default in ./benchmark."),
]
Pictures = Annotated[
    int, typer.Option("--pictures", min=0, help="Images to keep for the figure and the page.")
]
