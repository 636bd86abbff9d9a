"""What is the flow worth? Small denoisers, trained with and without it, one table per question.

What all rows share stands in small_runs.py.

    python examples/experiments/flow_worth.py few-images --data IMAGES --validation IMAGES \
        --prior WEIGHTS --out runs/worth
    python examples/experiments/flow_worth.py teacher ... ; python ... flow_worth.py samples ...
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from small_runs import answer, parser, slug

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


QUESTIONS = {"few-images": few_images, "teacher": teacher, "samples": samples}


if __name__ == "__main__":
    answer(QUESTIONS, parser(__doc__, steps=600))
