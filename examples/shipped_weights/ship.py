"""Put trained weights among the shipped ones, with manifest, card and the floor of the tests.

    flowdenoise weights from-run runs/color --out color.safetensors
    flowdenoise benchmark cbsd68 --methods flowdenoise-blind=color.safetensors --out made
    python examples/shipped_weights/ship.py color.safetensors --trained "1.7 hours on one core" \
        --results made/results.json

The file's name is the recipe's. What the benchmark found for it, recognized by its sha256, goes
into the card.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from floors import floor
from recipes import DATA, RECIPES, WIDER

from flowdenoise import weights
from flowdenoise.engine.doctor import record_golden
from flowdenoise.weights import manifest
from flowdenoise.weights.manifest import Result
from flowdenoise.weights.publish import ship

ROOT = Path(__file__).parents[2]


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--trained", required=True, help="time and hardware, for the card")
    parser.add_argument("--results", type=Path, nargs="*", default=[])
    parser.add_argument("--log", type=Path, help="log.csv of a prior's run, for its last figures")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights")
    parser.add_argument("--hub", help="address on the Hub, if it is too large for the package")
    return parser.parse_args()


def measured(results: Path, sha256: str) -> Iterator[Result]:
    """What a benchmark found for the weights of that hash."""
    found = json.loads(results.read_text())
    methods = {method["label"]: method for method in found["methods"]}
    for line in found["lines"]:
        method = methods[line["method"]]
        if method["weights"] and sha256 in method["weights"]:
            told = "sigma estimated" if method["blind"] else "sigma told"
            where = f"{found['protocol']}, {told}"
            yield Result(
                found["image_set"],
                where,
                line["sigma_255"],
                round(line["psnr"], 3),
                round(line["ssim"], 4),
            )


def main() -> None:
    """Ship one file."""
    options = parse()
    name = options.file.stem
    recipe = RECIPES[name]
    network = weights.load(str(options.file)).network.eval()
    trained, likelihood = options.trained, []
    if options.log is not None:
        last = last_figures(options.log)
        likelihood = [
            Result("bsds500-val32", "dequantized", 0.0, bits_per_dim=last["bits_per_dim"])
        ]
        trained += f". Inverse error on validation patches: {last['inverse_error']:.1e}"
    entry = manifest.describe(options.file, **words(name, trained), hub=options.hub)
    results = [r for path in options.results for r in measured(path, entry.sha256)]
    results += [*floor(network, recipe.channels), *likelihood]
    ship(options.file, replace(entry, results=tuple(results)), options.weights)
    shipped = {item.name for item in manifest.read_manifest(options.weights).entries}
    if {"color", "gray"} <= shipped:
        record_golden(options.weights)


def last_figures(log: Path) -> dict[str, float]:
    """What a run's log says of its last validation, rounded."""
    rows = list(csv.DictReader(log.read_text().splitlines()))
    found: dict[str, float] = json.loads(next(r["metrics"] for r in rows[::-1] if r["metrics"]))
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def words(name: str, trained: str) -> dict[str, object]:
    """What the card says in words."""
    recipe = RECIPES[name]
    options = (word.format(runs="runs") for word in recipe.command)
    line = " ".join(("flowdenoise", *options, "--steps", str(recipe.steps)))
    corpus = WIDER if recipe.wider else DATA
    return {
        "name": name,
        "license": "MIT",
        "summary": recipe.summary,
        "data": f"{corpus}. {recipe.corpus} Command: `{line}` with --data and --validation. "
        f"Trained: {trained}.",
        "sigma_range": (0.0, recipe.sigma_255 / 255),
    }


if __name__ == "__main__":
    main()
