"""`flowdenoise weights push`: publish a weights file, its configuration and its card."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from flowdenoise.cli import console, options
from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.weights.manifest import Entry, Result
    from flowdenoise.weights.store import Inspection

Folder = Annotated[Path, typer.Option(help="Where to put what is uploaded; made if needed.")]
Name = Annotated[
    Optional[str],  # noqa: UP045 - typer reads this at run time
    typer.Option(help="What to call the weights; by default as the file."),
]
Summary = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="For the model card, one sentence: what the weights are for."),
]
License = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--license", help="For the model card, an SPDX identifier, such as MIT."),
]
TrainedOn = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--data", help="For the model card, one sentence: what they were trained on."),
]
SigmaRange = Annotated[
    Optional[tuple[float, float]],  # noqa: UP045
    typer.Option(
        help="For the model card, lowest and highest noise level they are for, 0 to 255; by "
        "default as the file's record of its training says."
    ),
]
Results = Annotated[
    list[str],
    typer.Option(
        "--result",
        help="For the model card, a measurement: set,protocol,sigma,psnr=...,ssim=..., or "
        "bits_per_dim=... of a prior. May be repeated.",
    ),
]


def push(
    address: options.Address,
    repo: Annotated[str, typer.Argument(help="Repository, owner/name; made if needed.")],
    folder: Folder,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the folder, upload nothing.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Close a new repository to others.")
    ] = False,
    name: Name = None,
    summary: Summary = None,
    license_name: License = None,
    data: TrainedOn = None,
    sigma_range: SigmaRange = None,
    results: Results = [],  # noqa: B006 - typer copies it
    overwrite: options.Overwrite = False,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Publish weights on the Hub with a model card, which is known for shipped weights."""
    console.set_verbosity(quiet, False)
    from flowdenoise import noise
    from flowdenoise.weights import publish, store

    given = {
        "name": name,
        "summary": summary,
        "license": license_name,
        "data": data,
        "sigma_range": sigma_range and tuple(map(noise.from_255, sigma_range)),
        "results": tuple(map(parse_result, results)) or None,
    }
    given = {key: value for key, value in given.items() if value is not None}
    inspection = store.inspect(address, offline=offline, report=console.say)
    made = publish.push(
        inspection.resolved.path,
        _entry(inspection, given),
        repo,
        folder,
        private=private,
        dry_run=dry_run,
        overwrite=overwrite,
        offline=offline,
        report=console.say,
    )
    console.result(str(made.address or made.folder))


def _entry(inspection: Inspection, given: dict[str, Any]) -> Entry:
    """The description of the weights: that of the manifest, or of the file and the options."""
    from flowdenoise.training.to_weights import trained_levels
    from flowdenoise.weights import manifest

    if inspection.entry is not None:
        return replace(inspection.entry, **given)
    given.setdefault("sigma_range", trained_levels(inspection.header.record.training))
    needed = {key: given.get(key) for key in ("summary", "license", "data", "sigma_range")}
    missing = [f"--{key.replace('_', '-')}" for key, value in needed.items() if value is None]
    if missing:
        raise UsageError(f"the model card needs {' and '.join(missing)}")
    return manifest.describe(inspection.resolved.path, **given)


def parse_result(text: str) -> Result:
    """Parse a measurement from the command line.

    Raises:
        UsageError: The text is no measurement.

    >>> parse_result("CBSD68,awgn,25,psnr=31.2").psnr
    31.2
    """
    from flowdenoise.weights.manifest import Result

    try:
        images, protocol, sigma, *pairs = (part.strip() for part in text.split(","))
        figures = {key: float(value) for key, value in (pair.split("=") for pair in pairs)}
        result = Result(images, protocol, float(sigma), **figures)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"a result is set,protocol,sigma,psnr=...,ssim=..., not {text!r}"
        ) from error
    if not figures or not all(map(math.isfinite, (result.sigma_255, *figures.values()))):
        raise UsageError(f"no figure in the result {text!r}")
    return result
