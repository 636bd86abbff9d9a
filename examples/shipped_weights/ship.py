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
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from recipes import DATA, RECIPES

from flowdenoise import images, metrics, noise, weights
from flowdenoise.doctor import record_golden
from flowdenoise.noise_level import NoiseLevelNet
from flowdenoise.training.denoiser import whole
from flowdenoise.weights import manifest
from flowdenoise.weights.manifest import Result
from flowdenoise.weights.publish import ship

ROOT = Path(__file__).parents[2]
EXAMPLES = ("coffee", "cat", "camera")
FLOOR_SIGMA = 25


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--trained", required=True, help="time and hardware, for the card")
    parser.add_argument("--results", type=Path, nargs="*", default=[])
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


def floor(network: torch.nn.Module, channels: int) -> float:
    """Mean PSNR over the example pictures at the floor's noise level, for the tests."""
    values = []
    for name in EXAMPLES:
        picture = images.read(ROOT / "examples" / f"{name}.png")
        clean = torch.as_tensor(picture.tensor())[0].float()
        clean = clean.mean(0, keepdim=True) if channels == 1 else clean.expand(3, -1, -1)
        noisy = noise.add_gaussian(clean, FLOOR_SIGMA / 255, seed=0)
        values.append(metrics.psnr(whole(network, noisy, FLOOR_SIGMA / 255).clamp(0, 1), clean))
    return sum(values) / len(values)


def main() -> None:
    """Ship one file."""
    options = parse()
    name = options.file.stem
    recipe = RECIPES[name]
    loaded = weights.load(str(options.file))
    entry = manifest.describe(options.file, **words(name, options.trained), hub=options.hub)
    results = [r for path in options.results for r in measured(path, entry.sha256)]
    if entry.role == "denoiser" and not isinstance(loaded.network, NoiseLevelNet):
        value = round(floor(loaded.network, recipe.channels), 3)
        results.append(Result("examples", "awgn, sigma told", FLOOR_SIGMA, value))
    entry = manifest.describe(
        options.file, **words(name, options.trained), hub=options.hub, results=tuple(results)
    )
    ship(options.file, entry, options.weights)
    shipped = {item.name for item in manifest.read_manifest(options.weights).entries}
    if {"color", "gray"} <= shipped:
        record_golden(options.weights)


def words(name: str, trained: str) -> dict[str, object]:
    """What the card says in words."""
    recipe = RECIPES[name]
    line = " ".join(("flowdenoise", *recipe.command, "--steps", str(recipe.steps)))
    return {
        "name": name,
        "license": "MIT",
        "summary": recipe.summary,
        "data": f"{DATA}. {recipe.corpus} Command: `{line}` with --data and --validation. "
        f"Trained: {trained}.",
        "sigma_range": (0.0, recipe.sigma_255 / 255),
    }


if __name__ == "__main__":
    main()
