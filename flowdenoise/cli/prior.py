"""`flowdenoise score` and `flowdenoise sample`: the likelihood of pictures, and samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowdenoise.cli import console, options
from flowdenoise.errors import FlowdenoiseError

if TYPE_CHECKING:
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
    device: options.Device = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Say how likely pictures are under the prior, in bits per value; less is likelier.

    This is no measure of quality: flat and blurred pictures are likely, too.
    """
    from flowdenoise import images
    from flowdenoise.engine import likelihood

    failed = False
    for file in files:
        try:
            picture = images.read(file)
            flow = _flow(prior, picture.channels, device, offline)
            result = likelihood.score(flow, picture)
            if heat_map is not None:
                heat_map.mkdir(parents=True, exist_ok=True)
                target, bounds = heat_map / f"{file.stem}_bits.png", likelihood.HEAT_RANGE
                if relative:
                    bounds = likelihood.relative_range(result.heat)
                images.write_png(target, likelihood.heat_map(result.heat, bounds))
                console.say(
                    f"{target}: from {bounds[0]:.1f} bits, dark, to {bounds[1]:.1f}, white"
                )
        except FlowdenoiseError as error:
            console.error(str(error))
            failed = True
            continue
        rate = round(result.bits_per_dim, 4)
        facts = {"file": str(file), "bits_per_dim": rate}
        line = f"{rate:.3f} bits per value  {console.printable(str(file))}"
        console.result(json.dumps(facts) if as_json else line)
    if failed:
        raise typer.Exit(1)


def sample(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file for the sheet.")],
    prior: Prior = None,
    gray: Annotated[bool, typer.Option("--gray", help="From the gray prior.")] = False,
    count: Count = None,
    temperature: Temperature = None,
    sigma: Sigma = None,
    seed: Seed = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Draw a sheet of patches from the prior."""
    from flowdenoise import images, noise
    from flowdenoise.flow import SampleConfig, sample_sheet

    level = None if sigma is None else noise.from_255(sigma)
    config = SampleConfig(
        **options.given(count=count, temperature=temperature, sigma=level, seed=seed)
    )
    flow = _flow(prior, 1 if gray else 3, device, offline)
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
