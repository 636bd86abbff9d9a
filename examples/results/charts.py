"""The charts of docs/results.md, from what the runs of `benchmark SET` left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowdenoise.benchmark.report.chart import Axis, Point, Series, chart

Runs = Mapping[str, dict[str, Any]]
"""The content of `results.json`, by section."""

TIME = "processor_seconds_per_megapixel"
"""The time that counts, a key of a line of `results.json`."""

_TIMED = ("cbsd68", "cbsd68-best", "cbsd68-classical", "cbsd68-dip")
_LEVEL = 25.0


def charts(runs: Runs) -> Iterator[tuple[str, str, str]]:
    """Every chart that there are results for: its name, what it shows, the SVG."""
    for name, title, draw in (
        ("quality-time", "Quality against time, CBSD68, sigma 25", _quality_by_time),
        ("noise-level", "How far the noise level that was found is off", _level_errors),
        ("psnr-sigma", "PSNR against noise level, CBSD68", _psnr_by_level),
    ):
        svg = draw(title, runs)
        if svg:
            yield name, title, svg


def _quality_by_time(title: str, runs: Runs) -> str | None:
    """All methods: dB above ours on the same images, processor's seconds per megapixel."""
    found: dict[str, Point] = {}
    for section in _TIMED:
        for line in runs.get(section, {}).get("lines", []):
            if line["sigma_255"] == _LEVEL and line["images"] and line[TIME]:
                gain = line["difference"]["mean"] if line["difference"] else 0.0
                if line["method"] != "noisy":
                    found.setdefault(line["method"], (line[TIME], gain))
    if not found:
        return None
    x = Axis.around(
        "processor's seconds per megapixel", [x for x, _ in found.values()], logarithmic=True
    )
    y = Axis.around("dB above flowdenoise, same images", [y for _, y in found.values()])
    series = [Series(name, (point,), joined=False) for name, point in found.items()]
    return chart(title, x, y, series)


def _level_errors(title: str, runs: Runs) -> str | None:
    """Each image: the level that was found, less the true one, at the true one."""
    kinds: dict[str, list[Point]] = {}
    for run in runs.values():
        for cell in run["cells"] if run["protocol"] == "awgn" else ():
            if cell["method"] == "flowdenoise-blind" and cell["found_255"] is not None:
                error = cell["found_255"] - cell["sigma_255"]
                kinds.setdefault(run["kind"], []).append((cell["sigma_255"], error))
    if not kinds:
        return None
    every = [point for points in kinds.values() for point in points]
    x = Axis.around("true sigma, 0 to 255", [x for x, _ in every])
    y = Axis.around("found less true", [0.0, *(y for _, y in every)])
    series = [Series(kind, tuple(sorted(points)), joined=False) for kind, points in kinds.items()]
    return chart(title, x, y, series)


def _psnr_by_level(title: str, runs: Runs) -> str | None:
    """Mean PSNR of each method at all levels at which it was measured."""
    found: dict[str, list[Point]] = {}
    for section in ("cbsd68-weak", "cbsd68"):
        for line in runs.get(section, {}).get("lines", []):
            if line["psnr"] is not None:
                found.setdefault(line["method"], []).append((line["sigma_255"], line["psnr"]))
    whole = {name: sorted(points) for name, points in found.items() if len(points) > 1}
    if not whole:
        return None
    x = Axis.around("sigma, 0 to 255", [x for points in whole.values() for x, _ in points])
    y = Axis.around("PSNR, dB", [y for points in whole.values() for _, y in points])
    return chart(title, x, y, [Series(name, tuple(points)) for name, points in whole.items()])
