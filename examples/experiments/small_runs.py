"""Small denoisers for comparisons: each row of a table is a run of `flowdenoise train-denoiser`.

All have a ResNet of width 32 with six blocks, patches of 32x32 and batches of 32 unless a row
says otherwise. The commands are printed; a row whose run is there already is only read.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Rows = Callable[[argparse.Namespace], dict[str, list[str]]]
"""From the options to what a row says and its options of the command."""

SMALL = {
    "network.channels": "32",
    "network.blocks": "6",
    "training.patch": "32",
    "training.late_patch": "0",
    "loop.batch": "32",
    "loop.warmup": "100",
    "loop.ema": "0.99",
    "data.clean_share": "0.3333",
}


def slug(name: str) -> str:
    """A folder's name for a row."""
    return "".join(c for c in name.replace(" ", "-") if c.isalnum() or c in "-.")


def train(folder: Path, steps: int, extra: list[str]) -> Path:
    """Train a small denoiser in a folder, unless that was done; its weights."""
    weights = folder / "weights.safetensors"
    if not weights.exists():
        line = ["train-denoiser", "--steps", str(steps), "--threads", "1", "--quiet"]
        line += [word for pair in SMALL.items() for word in ("--set", "=".join(pair))]
        line += ["--out", str(folder), *extra]
        print("flowdenoise", *line, file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "flowdenoise", *line], check=True)  # noqa: S603 - our own program
    return weights


def run(name: str, extra: list[str], options: argparse.Namespace) -> dict[str, float]:
    """Train one row; its last validation."""
    line = ["--set", f"loop.validate_every={options.steps}"]
    if "--data" not in extra:
        line += [word for path in options.data for word in ("--data", str(path))]
    line += [word for path in options.validation for word in ("--validation", str(path))]
    return last_validation(train(options.out / slug(name), options.steps, [*line, *extra]).parent)


def last_validation(folder: Path) -> dict[str, float]:
    """What the last validation of a finished run found."""
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    measured: dict[str, float] = json.loads(rows[-1]["metrics"])
    return measured


def parser(description: str | None, steps: int, *, prior: bool = True) -> argparse.ArgumentParser:
    """The options of an experiment with small denoisers."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--data", type=Path, nargs="+", required=True)
    options.add_argument("--validation", type=Path, nargs="+", required=True)
    if prior:
        options.add_argument("--prior", required=True)
    options.add_argument("--steps", type=int, default=steps)
    options.add_argument("--out", type=Path, required=True)
    return options


def answer(questions: dict[str, Rows], arguments: argparse.ArgumentParser) -> None:
    """Run the rows of the chosen question and print the table."""
    arguments.add_argument("question", choices=questions)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, extra in questions[options.question](options).items():
        measured = run(name, extra, options)
        print(
            f"| {name} |",
            " | ".join(f"{value:.2f}" for value in measured.values()),
            "|",
            flush=True,
        )
