"""Options that several commands share, each named and explained once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from flowdenoise.errors import UsageError

Device = Annotated[
    str | None, typer.Option("--device", help="Where to compute: auto, cpu, cuda, cuda:1, mps.")
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="float32, bfloat16, or auto: bfloat16 where the hardware is fast in it.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Processor threads; all by default."),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Weights: a shipped name, a file, or hf://owner/repo@revision/file; auto takes the "
        "shipped denoiser and auto-prior the shipped prior, which is slow, for color or gray as "
        "a picture needs.",
    ),
]
Effort = Annotated[
    str | None,
    typer.Option(
        "--effort",
        help="How much time a picture may take: {efforts}; {engine.effort} if unset. The best is "
        "a little better, and six to seven times as slow; fast has small networks of its own.",
    ),
]
Address = Annotated[
    str,
    typer.Argument(help="A shipped name, a file, or hf://owner/repo@revision/file.safetensors."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never ask the network.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Results as JSON on standard output, one line each.")
]
MaxPixels = Annotated[
    int | None,
    typer.Option("--max-pixels", min=1, help="Refuse larger pictures before decoding them."),
]
Black = Annotated[
    float | None,
    typer.Option("--black", help="The value of black in the file's own units, if not found well."),
]
White = Annotated[
    float | None,
    typer.Option("--white", help="That of white: 4095 for 12 bits, the most that is counted."),
]
MaxMemory = Annotated[
    int | None,
    typer.Option("--max-memory", min=1, help="Refuse files that take more bytes to decode."),
]
Quality = Annotated[
    int | None,
    typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF; a high one unless given."),
]
Tile = Annotated[
    int | None,
    typer.Option("--tile", help="Side of a tile, a multiple of 32; 0 is the whole picture."),
]
Overlap = Annotated[
    int | None,
    typer.Option("--overlap", help="Context on each side of a tile, in pixels."),
]
TileBatch = Annotated[
    int | None,
    typer.Option("--tile-batch", min=1, help="Tiles that are run together."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")]


def given(**options: Any) -> dict[str, Any]:
    """The options that the user gave, without those that are None, which keep their defaults."""
    return {name: value for name, value in options.items() if value is not None}


def check_new(file: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that is there already, unless it may be replaced.

    Raises:
        UsageError: The file is there.
    """
    if file.exists() and not overwrite:
        raise UsageError(f"{file} is there already: `overwrite` replaces it")


def check_no_input(file: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write to an input, which no option allows.

    Raises:
        UsageError: The file is one of the inputs.
    """
    if file.exists() and any(one.exists() and file.samefile(one) for one in inputs):
        raise UsageError(f"{file} is an input, and no input is ever replaced: take another name")


def check_png(file: Path) -> None:
    """Refuse a name for a PNG file that says something else.

    Raises:
        UsageError: The name does not end in .png.
    """
    if file.suffix.lower() != ".png":
        raise UsageError(f"{file} becomes a PNG file: its name must end in .png")
