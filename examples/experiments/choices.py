r"""Why the default is what it is: objectives and settings of the loop, one small run for each.

What all rows share stands in small_runs.py.

    python examples/experiments/choices.py objective --data IMAGES --validation IMAGES \
        --out runs/choices
    python examples/experiments/choices.py targets ...; python ... choices.py loop ...
"""

from __future__ import annotations

import argparse

from small_runs import answer, parser


def setting(*values: str) -> list[str]:
    """Options of the command."""
    return [word for value in values for word in ("--set", value)]


NOT_QUIET = setting("training.noise.prefer_quiet=0")
ALPHA_TO_8 = setting("training.objective.alpha=0.2,8.0")
_CLEAN_TARGETS = ["--baseline", "--data-term", "supervised", *NOT_QUIET]
BASELINES = {
    "`n2n`, a second noise for each image": ["--baseline", "--data-term", "n2n", *NOT_QUIET],
    "supervised, one noise for each image": _CLEAN_TARGETS,
    "supervised, fresh noise": [*_CLEAN_TARGETS, "--noise-mode", "fresh"],
}


def objective(options: argparse.Namespace) -> dict[str, list[str]]:
    """Data terms, the strengths of `r2r`, and which images patches are drawn from."""
    sure = ["--data-term", "sure"]
    return {
        "default (`r2r`, alpha .2 to 50, quiet images preferred)": [],
        "quiet images not preferred": NOT_QUIET,
        "alpha .2 to 8": ALPHA_TO_8,
        "alpha .5": setting("training.objective.alpha=0.5,0.5"),
        "alpha .5, quiet images not preferred": [
            *setting("training.objective.alpha=0.5,0.5"),
            *NOT_QUIET,
        ],
        "`sure`": sure,
        "`sure`, quiet images not preferred": [*sure, *NOT_QUIET],
        **BASELINES,
    }


def targets(options: argparse.Namespace) -> dict[str, list[str]]:
    """What a second noisy version or clean targets would have brought, in a long run."""
    return {"`r2r`, alpha .2 to 8": ALPHA_TO_8, **BASELINES}


def loop(options: argparse.Namespace) -> dict[str, list[str]]:
    """Settings of the loop; as many patches in all."""
    steps = options.steps
    return {
        "default (Muon 1e-3, falling over the second half, 32 patches)": [],
        "16 patches, twice the steps": ["--steps", str(2 * steps), *setting("loop.batch=16")],
        "64 patches, half the steps": ["--steps", str(steps // 2), *setting("loop.batch=64")],
        "rate constant": setting("loop.decay=0"),
        "rate 2e-3": setting("loop.learning_rate=2e-3"),
        "rate 5e-4": setting("loop.learning_rate=5e-4"),
        "Adam 1e-3": setting("loop.optimizer=adam"),
        "last weights, no average": setting("loop.ema=0"),
        "patches of 64 in the last 30 %": setting("training.late_patch=64"),
    }


if __name__ == "__main__":
    arguments = parser(__doc__, steps=600, prior=False)
    answer({"objective": objective, "targets": targets, "loop": loop}, arguments)
