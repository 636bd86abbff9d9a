"""Options of the benchmark commands, each named and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    import torch

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
Middle = Annotated[
    int,
    typer.Option(
        "--middle", min=0, help="Measure only the middle square of this side, for slow methods."
    ),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", "-o", help="Folder of the run; by default in ./benchmark."),
]
Pictures = Annotated[
    int, typer.Option("--pictures", min=0, help="Images to keep for the figure and the page.")
]
Tiles = Annotated[str, typer.Option("--tiles", help="Sides of tiles for networks; 0 is untiled.")]
Side = Annotated[int, typer.Option("--side", min=32, help="Side of the image, in pixels.")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="How often; the best counts.")]
Quality = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--quality", help="Set or folder on which to measure PSNR, too, at sigma 25."),
]
Most = Annotated[int, typer.Option("--limit", min=0, help="Most images for --quality.")]
Megapixels = Annotated[
    str, typer.Option("--megapixels", help="Sizes of the photographs, apart by commas.")
]


def numbers(text: str) -> tuple[float, ...]:
    """Numbers apart by commas.

    Raises:
        UsageError: They are not.
    """
    try:
        found = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"numbers apart by commas are needed, not {text!r}") from error
    if not found:
        raise UsageError(f"numbers apart by commas are needed, not {text!r}")
    return found


def device(name: str, threads: int | None) -> torch.device:
    """The device of that name, with so many threads for the processor."""
    import torch

    from flowdenoise.system.device import choose_device

    if threads:
        torch.set_num_threads(threads)
    return choose_device(name)
