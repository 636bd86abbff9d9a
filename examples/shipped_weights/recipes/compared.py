"""What is shipped to compare with: the paper's objective, and Noise2Void."""

from __future__ import annotations

from recipes.recipe import ALL_NOISY, NOISY, SPLIT, Recipe, weights

_NINTH = (
    *("--set", "loop.learning_rate=2e-3", "--set", "loop.seed=7"),
    *("--set", "training.objective.seen=0.11"),
)
_SIXTH = (
    *("--set", "loop.learning_rate=2e-3", "--set", "training.objective.masked=0.05"),
    *("--set", "training.objective.seen=0.16"),
)
_ALIKE = "The share of pixels that are seen was the same at all levels of noise, as it was then."
_SHARE = (
    "Of the pixels that are judged, 16 % keep their own value at sigma 25, more where noise is "
    "weaker and less where it is stronger; before these steps, none did in 14000 and 11 % in"
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
    "n2v-gray-second": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", "--gray", *ALL_NOISY),
            *("--initial", weights("n2v-gray-first"), *_NINTH),
        ),
        6000,
        f"{NOISY} {_ALIKE}",
        "What `n2v-gray` begins with.",
        shipped=False,
        wider=True,
    ),
    "n2v-gray": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", "--gray", *ALL_NOISY),
            *("--initial", weights("n2v-gray-second"), *_SIXTH, "--set", "loop.seed=21"),
        ),
        6000,
        f"{NOISY} {_SHARE} 6000.",
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
    "n2v-color-second": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", *ALL_NOISY),
            *("--initial", weights("n2v-color-first"), *_NINTH),
        ),
        3000,
        f"{NOISY} {_ALIKE}",
        "What `n2v-color` begins with.",
        shipped=False,
        wider=True,
    ),
    "n2v-color": Recipe(
        (
            *("train-denoiser", "--preset", "n2v", *ALL_NOISY),
            *("--initial", weights("n2v-color-second"), *_SIXTH, "--set", "loop.seed=22"),
        ),
        6000,
        f"{NOISY} {_SHARE} 3000.",
        "Noise2Void, color, to compare with.",
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
