"""`flowdenoise info` and `flowdenoise doctor`, which inspect and change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowdenoise import noise
from flowdenoise.cli import console, options, outcomes
from flowdenoise.errors import FlowdenoiseError, UsageError

if TYPE_CHECKING:
    from flowdenoise.engine import Denoiser, Examined
    from flowdenoise.estimation import NoiseMaps


Plot = Annotated[
    Path | None,
    typer.Option(help="PNG file for a drawing of the noise: where it is, at which brightness."),
]


def info(
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    plot: Plot = None,
    overwrite: options.Overwrite = False,
    effort: options.Effort = None,
    device: options.Device = None,
    black: options.Black = None,
    white: options.White = None,
    max_pixels: options.MaxPixels = None,
    max_memory: options.MaxMemory = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Say how pictures will be read, and how noisy they are."""
    console.set_verbosity(quiet, False)
    if plot is not None:
        _check_plot(plot, files, overwrite)
    from flowdenoise import images
    from flowdenoise.engine import Denoiser

    denoiser = Denoiser.load(**options.given(effort=effort, device=device), offline=True)
    reading = options.given(black=black, white=white, max_pixels=max_pixels, max_memory=max_memory)
    failed = False
    for file in files:
        try:
            examined = denoiser.examine(images.read(file, **reading))
            facts = _facts(file, denoiser, examined)
            if plot is not None:
                _draw(plot, denoiser, examined)
        except FlowdenoiseError as error:
            console.error(outcomes.of_file(str(file), str(error)))
            failed = True
            continue
        console.result(json.dumps(facts) if as_json else _as_text(facts))
    if failed:
        raise typer.Exit(1)


def _check_plot(plot: Path, files: list[Path], overwrite: bool) -> None:
    if len(files) > 1:
        raise UsageError(f"{plot} can hold the noise of one picture only")
    options.check_no_input(plot, files)
    options.check_png(plot)
    options.check_new(plot, overwrite=overwrite)


def _facts(file: Path, denoiser: Denoiser, examined: Examined) -> dict[str, Any]:
    picture, estimate = examined.picture, examined.known
    return {
        "file": str(file),
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "mode": picture.source_mode,
        "bits": picture.source_bits,
        "pages": picture.pages,
        "black": picture.span[0],
        "white": picture.span[1],
        "alpha": picture.alpha is not None,
        "contents": list(picture.contents),
        "dpi": picture.metadata.dpi,
        "iso": picture.metadata.iso,
        "sigma": round(noise.to_255(estimate.sigma), 2),
        "sigma_of_channels": [round(noise.to_255(sigma), 2) for sigma in estimate.channels],
        "verdict": estimate.verdict,
        "clean": estimate.verdict == "clean",
        "colorless": examined.is_colorless,
        "maps": None if examined.maps is None else _maps_as_facts(examined.maps),
        "weights": list(denoiser.weights_for(examined)),
        "warnings": list(picture.warnings),
    }


def _draw(plot: Path, denoiser: Denoiser, examined: Examined) -> None:
    """Draw the noise that was found; if it was not a camera's, as if it were."""
    from flowdenoise.estimation import noise_plot

    maps = examined.maps or denoiser.estimate(examined.picture, "camera").maps
    if maps is None:
        raise UsageError("there are no maps of the noise of such a picture")
    noise_plot.draw(maps).write(plot)


def _maps_as_facts(maps: NoiseMaps) -> dict[str, Any]:
    """The facts of noise maps, with levels from 0 to 255."""
    from flowdenoise import noise

    return {
        "brightness": round(noise.to_255(maps.level("brightness")), 2),
        "color": round(noise.to_255(maps.level("color")), 2),
        "grain": round(maps.grain, 2),
        "confidence": round(maps.confidence, 2),
        "by_brightness": [
            [round(noise.to_255(value), 2) for value in row] for row in maps.by_brightness()
        ],
    }


def _maps_as_text(maps: dict[str, Any]) -> str:
    grain = "fine" if maps["grain"] < 1.3 else "medium" if maps["grain"] < 2 else "coarse"
    rows = maps["by_brightness"]
    loudest = max(rows, key=lambda row: row[1])
    place = "dark" if loudest[0] < 85 else "middle" if loudest[0] < 170 else "bright"
    color = f"{maps['color']} in color" if maps["color"] else "none in color"
    return (
        f"that of a camera: {maps['brightness']} of 255 in brightness, {color}, "
        f"{grain} grain, strongest in {place} parts ({maps['confidence']:.0%} sure)"
    )


def _as_text(facts: dict[str, Any]) -> str:
    kept = ["transparency"] * facts["alpha"] + facts["contents"]
    lines = [
        f"{facts['file']}",
        f"  {facts['format']}, {facts['width']} x {facts['height']} pixels, "
        f"{facts['mode']}, {facts['bits']} bits",
        f"  black is {facts['black']:g}, white is {facts['white']:g}",
        f"  carries: {', '.join(kept) or 'nothing besides its pixels'}",
    ]
    if facts["iso"] is not None:
        lines.append(f"  taken at ISO {facts['iso']}, by the file")
    lines.append(f"  noise: {_noise_as_text(facts)}")
    if facts["weights"]:
        lines.append(f"  denoised by: {' and '.join(facts['weights'])}")
    lines += [f"  note: {warning}" for warning in facts["warnings"]]
    return "\n".join(map(console.printable, lines))


def _noise_as_text(facts: dict[str, Any]) -> str:
    from flowdenoise.estimation import VERDICTS

    level = f"sigma {facts['sigma']} of 255"
    if facts["sigma_of_channels"]:
        level += " (" + ", ".join(str(sigma) for sigma in facts["sigma_of_channels"]) + ")"
    if facts["verdict"] == "noisy":
        return level
    if facts["maps"] is not None:
        return _maps_as_text(facts["maps"])
    return f"{level}, {VERDICTS[facts['verdict']]}"


def doctor(
    device: options.Device = None,
    precision: options.Precision = None,
    as_json: options.AsJson = False,
) -> None:
    """Check this installation: versions, device, weights, and a golden image denoised."""
    from flowdenoise.engine import EngineConfig
    from flowdenoise.engine.doctor import examine

    config = EngineConfig(**options.given(device=device, precision=precision))
    sound = True
    for check in examine(config):
        sound = sound and check.fine
        if as_json:
            console.result(json.dumps(vars(check)))
        else:
            mark = "ok " if check.fine else "BAD"
            console.result(f"{mark}  {check.what}: {check.value}")
    if not sound:
        raise typer.Exit(1)
