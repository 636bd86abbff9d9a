"""Options of the benchmark commands, each named and explained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, TypeVar

import typer

from flowdenoise.benchmark.catalog import SETS
from flowdenoise.benchmark.config import BenchmarkConfig, SpeedConfig, WholeCommandConfig
from flowdenoise.benchmark.methods import METHODS
from flowdenoise.benchmark.protocols import PROTOCOLS, REAL
from flowdenoise.benchmark.table1 import SETTINGS
from flowdenoise.data.pairs import PAIR_ENDS
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

_DEFAULTS, _SPEED, _WHOLE = BenchmarkConfig(), SpeedConfig(), WholeCommandConfig()

SIGMAS, PICTURES = ",".join(f"{sigma:g}" for sigma in _DEFAULTS.sigmas_255), _DEFAULTS.pictures
SPEED_METHODS, SIDE, ROUNDS = _SPEED.methods, _SPEED.side, _SPEED.rounds
TILES = ",".join(map(str, _SPEED.tiles))
MEGAPIXELS, WHOLE_ROUNDS = ",".join(f"{size:g}" for size in _WHOLE.megapixels), _WHOLE.rounds
TABLE1 = ",".join(setting.name for setting in SETTINGS)

Set = Annotated[
    str,
    typer.Argument(
        metavar="SET",
        help=f"{', '.join(SETS)}; or a folder of clean images, or of pairs: "
        f"{', '.join(f'*{noisy} and *{clean}' for noisy, clean in PAIR_ENDS.items())}.",
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        "--methods",
        help="With commas between, the first is what others are compared with: "
        + "; ".join(f"{name}: {kind.summary}" for name, kind in METHODS.items())
        + ". Networks of ours take other weights, flowdenoise=ADDRESS; what is told a noise level "
        "can be told one of your own, ffdnet@12. By default all that are quick.",
    ),
]
Sigmas = Annotated[str, typer.Option("--sigma", "-s", help="Noise levels from 0 to 255.")]
Protocol = Annotated[
    str,
    typer.Option(
        "--protocol",
        help="; ".join(f"{protocol.name}: {protocol.summary}" for protocol in PROTOCOLS.values())
        + f". By default {REAL} for pairs, {_DEFAULTS.protocol} for clean images.",
    ),
]
Settings = Annotated[str, typer.Option("--settings", help=f"Of {TABLE1}.")]
DataDir = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads this at run time
    typer.Option(
        "--data-dir",
        help="Folder that holds the set, or a sub-folder of its name: no download. Weights of "
        "others are looked for there, too, and in the sub-folder peers.",
    ),
]
Gray = Annotated[bool, typer.Option("--gray", help="Measure color images in gray.")]
Listed = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--list", help="CSV file that names the images to measure, in a column image."),
]
Limit = Annotated[
    list[str],
    typer.Option("--limit", help="Most images: a number, or METHOD=number; may be repeated."),
]
Middle = Annotated[
    int,
    typer.Option(
        "--middle",
        min=0,
        help="Measure only the middle square of this side, for slow methods. Smaller images are "
        "left out.",
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
    str, typer.Option("--megapixels", help="Sizes of the photographs, separated by commas.")
]


def numbers(text: str) -> tuple[float, ...]:
    """Parse numbers that are separated by commas.

    Raises:
        UsageError: The text does not consist of such numbers.
    """
    return _parsed(text, float, "numbers")


def whole_numbers(text: str) -> tuple[int, ...]:
    """Parse whole numbers that are separated by commas.

    Raises:
        UsageError: The text does not consist of such numbers.
    """
    return _parsed(text, int, "whole numbers")


def _parsed(text: str, kind: Callable[[str], T], what: str) -> tuple[T, ...]:
    try:
        found = tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"{what} separated by commas are needed, not {text!r}") from error
    if not found:
        raise UsageError(f"{what} separated by commas are needed, not {text!r}")
    return found


def device(name: str | None, threads: int | None) -> torch.device:
    """Choose the device of that name, and set the number of the processor's threads."""
    import torch

    from flowdenoise.system.device import choose_device

    if threads:
        torch.set_num_threads(threads)
    return choose_device(name)
