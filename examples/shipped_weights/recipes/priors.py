"""The flows: what pictures look like."""

from __future__ import annotations

from recipes.recipe import CLEAN, SPLIT, Recipe, weights

_PRIOR = (
    *("--set", "loop.batch=32", "--set", "loop.optimizer=muon"),
    *("--set", "loop.precision=bfloat16", "--set", "network.split=net"),
)
_SMALL = (
    *("--set", "network.steps_per_level=8", "--set", "network.hidden_channels=64"),
    *("--set", "loop.warmup=200"),
)
_LARGE = ("--set", "network.steps_per_level=16", "--set", "network.hidden_channels=96")
_HALF_CLEAN = ("--set", "training.clean_fraction=0.5")

PRIORS = {
    "prior-color-first": Recipe(
        ("train-prior", "--noise", *SPLIT, *_SMALL, *_PRIOR),
        6000,
        CLEAN,
        "What `prior-color` grew from.",
        shipped=False,
    ),
    "prior-color-second": Recipe(
        (
            *("train-prior", "--noise", "--initial", weights("prior-color-first"), *SPLIT),
            *(*_LARGE, "--set", "loop.learning_rate=7e-4", *_HALF_CLEAN, *_PRIOR),
        ),
        6400,
        CLEAN,
        "What `prior-color` goes on from.",
        shipped=False,
    ),
    "prior-color-third": Recipe(
        (
            *("train-prior", "--noise", "--initial", weights("prior-color-second"), *SPLIT),
            *(*_LARGE, "--set", "loop.learning_rate=6e-4", *_HALF_CLEAN, *_PRIOR),
        ),
        6400,
        CLEAN,
        "What `prior-color` goes on from.",
        shipped=False,
    ),
    "prior-color": Recipe(
        (
            *("train-prior", "--noise", "--initial", weights("prior-color-third"), *SPLIT),
            *(*_LARGE, "--set", "loop.learning_rate=7e-4", *_HALF_CLEAN, *_PRIOR),
            *("--set", "loop.ema=0.9995", "--set", "loop.seed=11"),
        ),
        8000,
        f"{CLEAN} It grew from a smaller flow (K=8, width 64) after 6000 steps of that, and had "
        "twice 6400 steps before these.",
        "What color pictures look like: a Glow prior, conditioned on the noise level.",
    ),
    "prior-gray-first": Recipe(
        ("train-prior", "--noise", "--gray", *SPLIT, *_SMALL, *_PRIOR),
        6000,
        CLEAN,
        "What `prior-gray` grew from.",
        shipped=False,
    ),
    "prior-gray": Recipe(
        (
            *("train-prior", "--noise", "--gray", "--initial", weights("prior-gray-first")),
            *("--set", "network.steps_per_level=16", "--set", "network.hidden_channels=64"),
            *("--set", "loop.learning_rate=7e-4", *_HALF_CLEAN, *_PRIOR, *SPLIT),
        ),
        6500,
        f"{CLEAN} It grew from a shallower flow (K=8) after 6000 steps of that.",
        "What gray pictures look like: a Glow prior, conditioned on the noise level.",
    ),
}
"""In an order in which each finds what it begins with."""
