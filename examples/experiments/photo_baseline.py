"""Photographs learned from noisy ones alone, beside the supervised baseline, at equal steps.

    python examples/experiments/photo_baseline.py --data IMAGES --validation bsds500-val32 \
        --initial color --steps 2000 --out RUNS [--set NAME=VALUE ...]

Both runs begin with the same weights and see the same patches with the same noise; one has noisy
targets, the other clean ones. PSNR is that of `train-denoiser`'s validation: the middle 256x256 of
each clean picture, photographed by each kind of camera, and of each real pair in the folder, which
is `pairs` in the table. A run that was stopped goes on, one that is done is only read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from small_runs import last_validation

ROWS = {
    "before": ["--steps", "1", "--set", "loop.learning_rate=0"],
    "noisy targets": [],
    "clean targets": ["--baseline", "--set", "training.target=clean"],
}
"""What is trained, and its own options of the command."""


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, nargs="+", required=True)
    parser.add_argument("--initial", required=True, help="weights of a denoiser")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


def train(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Train one row, unless that was done; its last validation."""
    folder = options.out / name.replace(" ", "-")
    line = ["train-denoiser", "--preset", "photo", "--initial", options.initial, "--quiet"]
    line += ["--threads", "1", "--steps", str(options.steps), "--out", str(folder)]
    line += [word for path in options.data for word in ("--data", str(path))]
    line += [word for path in options.validation for word in ("--validation", str(path))]
    line += [word for setting in options.set for word in ("--set", setting)]
    line += ROWS[name]
    if (folder / "checkpoint.pt").exists():
        line.append("--resume")
    if not (folder / "weights.safetensors").exists():
        print("flowdenoise", *line, file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "flowdenoise", *line], check=True)  # noqa: S603 - our own program
    return last_validation(folder)


def main() -> None:
    """Print a row when it is done."""
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(ROWS):
        measured = train(name, options)
        if index == 0:
            kinds = [kind.removeprefix("psnr_") for kind in measured]
            print(f"| {options.steps} steps |", " | ".join(kinds), "|")
            print("| --- |" + " ---: |" * len(kinds))
        figures = " | ".join(f"{value:.2f}" for value in measured.values())
        print(f"| {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
