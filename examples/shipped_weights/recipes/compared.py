"""What is shipped to compare with: the paper's objective, and Noise2Void."""

from __future__ import annotations

from recipes.recipe import ALL_NOISY, NOISY, SPLIT, Recipe, weights

_SEEN = (
    *("--set", "loop.learning_rate=2e-3", "--set", "loop.seed=7"),
    *("--set", "training.objective.seen=0.11"),
)
_SHARE = (
    "Of the pixels that are judged, 11 % keep their own value; in 14000 steps before, none did."
)

COMPARED = {
    "paper-color": Recipe(
        (
            *("train-denoiser", "--preset", "paper-text", "--data-term", "descent"),
            *("--prior", weights("prior-color-first")),
            *("--prior-weight", "map", "--prior-scale", "0.5", "--set", "loop.batch=32"),
            *("--set", "loop.optimizer=muon", "--set", "loop.precision=bfloat16"),
            *("--set", "loop.decay=0.5", "--set", "loop.warmup=50", "--set", "loop.ema=0.98"),
            *SPLIT,
        ),
        600,
        f"{NOISY} A prior that saw the clean corpus told what is likeliest for each noisy patch: "
        "the paper's objective, whose prior's weight follows the noise here, minimized by eight "
        "steps of descent from the prior's Tweedie step. The network learned the minima.",
        "The paper's objective, to compare with.",
        50.0,
    ),
    "n2v-gray-first": Recipe(
        ("train-denoiser", "--preset", "n2v", "--gray", *ALL_NOISY),
        14000,
        NOISY,
        "What `n2v-gray` begins with.",
        shipped=False,
        wider=True,
    ),
    "n2v-gray": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", "--gray", *ALL_NOISY),
            *("--initial", weights("n2v-gray-first"), *_SEEN),
        ),
        6000,
        f"{NOISY} {_SHARE}",
        "Noise2Void, gray, to compare with.",
        wider=True,
    ),
    "n2v-color-first": Recipe(
        ("train-denoiser", "--preset", "n2v", *ALL_NOISY),
        14000,
        NOISY,
        "What `n2v-color` begins with.",
        shipped=False,
        wider=True,
    ),
    "n2v-color": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", *ALL_NOISY),
            *("--initial", weights("n2v-color-first"), *_SEEN),
        ),
        3000,
        f"{NOISY} {_SHARE}",
        "Noise2Void, color, to compare with.",
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
