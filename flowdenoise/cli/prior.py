"""`flowdenoise score` and `flowdenoise sample`: the likelihood of pictures, and samples."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowdenoise.cli import console, options, outcomes
from flowdenoise.errors import FlowdenoiseError, UsageError

if TYPE_CHECKING:
    from flowdenoise.engine.likelihood import Score
    from flowdenoise.flow import Glow


Prior = Annotated[
    str | None,
    typer.Option(help="Weights of the prior; by default the shipped one for color or gray."),
]
HeatMap = Annotated[
    Path | None,
    typer.Option(help="Folder for heat maps, a PNG per picture: bright is a surprise."),
]
Relative = Annotated[
    bool,
    typer.Option(
        "--relative",
        help="Color heat maps from the least to the most of each picture, not from 0 to 8 bits.",
    ),
]
Count = Annotated[int | None, typer.Option(help="How many samples; {sample.count} by default.")]
Temperature = Annotated[
    float | None,
    typer.Option(
        help="Below 1 gives likelier and flatter samples; {sample.temperature} by default."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Another seed gives other samples; {sample.seed} by default."),
]
Sigma = Annotated[
    float | None,
    typer.Option(
        help="Noise level that the samples shall have, 0 to 255; {sample.sigma} by default."
    ),
]


def score(
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    prior: Prior = None,
    heat_map: HeatMap = None,
    relative: Relative = False,
    overwrite: options.Overwrite = False,
    device: options.Device = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Say how likely pictures are under the prior, in bits per value; less is likelier.

    This is no measure of quality: flat and blurred pictures are likely, too.
    """
    console.set_verbosity(quiet, False)
    from flowdenoise import images
    from flowdenoise.engine import likelihood

    if relative and heat_map is None:
        raise UsageError("--relative colors heat maps: --heat-map names a folder for them")
    maps = _places_of_maps(files, heat_map, overwrite)
    flow_for = functools.cache(lambda channels: _flow(prior, channels, device, offline))
    failed = False
    for file in files:
        try:
            picture = images.read(file)
            result = likelihood.score(flow_for(picture.channels), picture)
            if file in maps:
                _write_map(maps[file], result, relative)
        except FlowdenoiseError as error:
            console.error(outcomes.of_file(str(file), str(error)))
            failed = True
            continue
        rate = round(result.bits_per_dim, 4)
        facts = {"file": str(file), "bits_per_dim": rate}
        line = f"{rate:.3f} bits per value  {console.printable(str(file))}"
        console.result(json.dumps(facts) if as_json else line)
    if failed:
        raise typer.Exit(1)


def _places_of_maps(files: list[Path], folder: Path | None, overwrite: bool) -> dict[Path, Path]:
    """Name the heat map of each picture, and make the folder for them.

    Raises:
        UsageError: Two pictures would share a heat map, one is there already or is an input, or
            the folder can't be made.
    """
    if folder is None:
        return {}
    maps = {file: folder / f"{file.stem}_bits.png" for file in files}
    for target, count in Counter(maps.values()).items():
        if count > 1:
            raise UsageError(f"{target} would be the heat map of {count} pictures")
        options.check_no_input(target, files)
        options.check_new(target, overwrite=overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise UsageError(f"can't make the folder {folder}: {reason}") from error
    return maps


def _write_map(target: Path, result: Score, relative: bool) -> None:
    from flowdenoise import images
    from flowdenoise.engine import likelihood

    bounds = likelihood.relative_range(result.heat) if relative else likelihood.HEAT_RANGE
    images.write_png(target, likelihood.heat_map(result.heat, bounds))
    console.say(f"{target}: from {bounds[0]:.1f} bits, dark, to {bounds[1]:.1f}, white")


def sample(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file for the sheet.")],
    prior: Prior = None,
    gray: Annotated[bool, typer.Option("--gray", help="From the gray prior.")] = False,
    count: Count = None,
    temperature: Temperature = None,
    sigma: Sigma = None,
    seed: Seed = None,
    overwrite: options.Overwrite = False,
    device: options.Device = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw a sheet of patches from the prior."""
    console.set_verbosity(quiet, False)
    options.check_png(output)
    options.check_new(output, overwrite=overwrite)
    from flowdenoise import images, noise
    from flowdenoise.flow import SampleConfig, sample_sheet

    level = None if sigma is None else noise.from_255(sigma)
    config = SampleConfig(
        **options.given(count=count, temperature=temperature, sigma=level, seed=seed)
    )
    flow = _flow(prior, 1 if gray else 3, device, offline)
    if gray and flow.config.image_channels != 1:
        raise UsageError(f"{prior} is a prior of color pictures: leave out --gray")
    images.write_png(output, sample_sheet(flow, config))
    console.say(f"{config.count} samples -> {output}")


def _flow(prior: str | None, channels: int, device: str | None, offline: bool) -> Glow:
    from flowdenoise import weights
    from flowdenoise.engine import AUTOMATIC
    from flowdenoise.flow import Glow
    from flowdenoise.system.device import choose_device

    name = AUTOMATIC["auto-prior"][channels] if prior in (None, "auto") else prior
    network = weights.load(name, role="prior", offline=offline, report=console.say).network
    assert isinstance(network, Glow)  # noqa: S101 - the role says so
    return network.to(choose_device(device)).requires_grad_(False)
