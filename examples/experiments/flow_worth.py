"""What is the flow worth? Small denoisers, trained with and without it, one table per question.

Each row is a run of the command `flowdenoise train-denoiser`, whose options are printed, in a
folder of its own; a row whose run is there already is only read. All rows have a ResNet of width
32 with six blocks, patches of 32x32 and batches of 32, and are measured on the validation images.

    python examples/experiments/flow_worth.py few-images --data IMAGES --validation IMAGES \
        --prior WEIGHTS --out runs/worth
    python examples/experiments/flow_worth.py teacher ... ; python ... flow_worth.py samples ...
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

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
AT_25 = "training.noise.sigma_range=0.09803921568627451,0.09803921568627451"


def few_images(options: argparse.Namespace) -> dict[str, list[str]]:
    """`r2r` plus the prior at several weights, on 1, 10, 50 and all images of sigma 25."""
    rows = {}
    for limit in (1, 10, 50, 0):
        for scale in ("0", "0.1", "0.4"):
            weight = ["--prior", options.prior, "--prior-weight", "map", "--prior-scale", scale]
            extra = ["--set", f"data.limit={limit}", "--set", AT_25]
            rows[f"{limit or 'all'} images, prior {scale}"] = [*weight, *extra]
    return rows


def teacher(options: argparse.Namespace) -> dict[str, list[str]]:
    """Taught by the flow: by its Tweedie step or by descent, mixed with `r2r`, `r2r` after it."""
    taught = ["--teacher", options.prior]
    weight = ["--prior", options.prior, "--prior-weight", "map", "--prior-scale", "0.5"]
    half = [*taught, "--data-term", "relay", "--set", "training.objective.anchor=0.5"]

    def begin(name: str) -> list[str]:
        return ["--initial", str(options.out / slug(name) / "weights.safetensors")]

    short = ["--set", "loop.learning_rate=5e-4", "--steps", str(options.steps // 2)]
    return {
        "r2r": [],
        "the flow alone": taught,
        "the flow by descent": ["--data-term", "descent", *weight],
        "the flow by relay, no r2r": [*half[:-1], "training.objective.anchor=0"],
        "half the flow, half r2r": half,
        "r2r, then r2r": [*begin("r2r"), *short],
        "the flow alone, then r2r": [*begin("the flow alone"), *short],
        "the flow by descent, then r2r": [*begin("the flow by descent"), *short],
    }


def samples(options: argparse.Namespace) -> dict[str, list[str]]:
    """Clean targets, fresh noise: samples of the flow against real images."""
    learn = ["--baseline", "--data-term", "supervised", "--noise-mode", "fresh"]
    drawn = options.out / "drawn"
    if not drawn.exists():
        script = Path(__file__).with_name("draw_patches.py")
        draw = ["--prior", options.prior, "--count", "4096", "--out", str(drawn)]
        subprocess.run([sys.executable, str(script), *draw], check=True)  # noqa: S603 - our own program
    return {
        "real images": learn,
        "4096 samples": [*learn, "--set", "data.clean_share=0", "--data", str(drawn)],
    }


def slug(name: str) -> str:
    """A folder's name for a row."""
    return name.replace(" ", "-").replace(",", "")


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
    folder = train(options.out / slug(name), options.steps, [*line, *extra]).parent
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    measured: dict[str, float] = json.loads(rows[-1]["metrics"])
    return measured


QUESTIONS = {"few-images": few_images, "teacher": teacher, "samples": samples}


def parser(description: str | None, steps: int) -> argparse.ArgumentParser:
    """The options of an experiment with small denoisers."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--data", type=Path, nargs="+", required=True)
    options.add_argument("--validation", type=Path, nargs="+", required=True)
    options.add_argument("--prior", required=True)
    options.add_argument("--steps", type=int, default=steps)
    options.add_argument("--out", type=Path, required=True)
    return options


def main() -> None:
    """Run the rows of one question and print the table."""
    arguments = parser(__doc__, steps=600)
    arguments.add_argument("question", choices=QUESTIONS)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, extra in QUESTIONS[options.question](options).items():
        measured = run(name, extra, options)
        print(
            f"| {name} |",
            " | ".join(f"{value:.2f}" for value in measured.values()),
            "|",
            flush=True,
        )


if __name__ == "__main__":
    main()
