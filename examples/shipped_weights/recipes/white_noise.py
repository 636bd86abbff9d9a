"""The denoisers of white noise in color and in gray."""

from __future__ import annotations

from recipes.recipe import ALL_NOISY, NOISY, SPLIT, TWO_SCALES, Recipe, relay, weights

_AGAIN = ("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=200")
_TEACH_ONCE = ("--set", "training.teach_once=true", "--set", "training.objective.balance=1.0")
_THOROUGH = (*_TEACH_ONCE, "--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=200")
_LAST = (
    *(*_TEACH_ONCE, "--set", "training.objective.alpha=0.2,8.0", "--set", "loop.decay=0.8"),
    *("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=100"),
)
_HUES = ("--set", "training.color.mix=0.3", "--set", "training.color.permute=0.3")
_IN_TURNS = (
    *(*ALL_NOISY, "--set", "loop.learning_rate=6e-4", "--set", "loop.warmup=100"),
    *("--set", "loop.decay=0.8", "--set", "training.objective.alpha=0.5,16.0"),
    *("--set", "training.objective.balance=1.0"),
)
"""What networks have in common that learn from what they were, asked in turns."""
_OF_GRAY = (
    *("--set", "training.objective.alpha=0.4,16.0"),
    *("--set", "training.objective.balance=1.0", "--set", "training.late_share=0.2"),
)
"""What the rounds have in common in which `gray` learns from what it was, asked in turns."""
_FAST = (
    *TWO_SCALES,
    *("--set", "loop.batch=32", "--set", "loop.decay=0.6", "--set", "loop.warmup=300"),
    *("--set", "loop.learning_rate=1.5e-3", "--set", "training.objective.alpha=0.2,8.0"),
    *("--set", "training.objective.balance=1.0", *ALL_NOISY),
)
"""What the small networks of `--effort fast` have in common: two scales, and a larger teacher."""
_FAST_IN_TURNS = (
    *(*TWO_SCALES, *ALL_NOISY, "--set", "loop.batch=32", "--set", "loop.learning_rate=1.5e-3"),
    *("--set", "loop.warmup=200", "--set", "loop.decay=0.75"),
    *("--set", "training.objective.alpha=0.3,12.0", "--set", "training.late_share=0.2"),
    *("--set", "training.objective.balance=1.0"),
)
"""What their last steps have in common, in which the teacher is asked in turns."""

WHITE_NOISE = {
    "color-first": Recipe(
        ("train-denoiser", *SPLIT),
        13000,
        NOISY,
        "What `color` begins with and learns from.",
        shipped=False,
    ),
    "color-second": Recipe(
        (*relay("color-first"), *_AGAIN, *SPLIT),
        5000,
        NOISY,
        "What `color` goes on from.",
        shipped=False,
    ),
    "color-third": Recipe(
        (*relay("color-second"), *_AGAIN, *SPLIT),
        5000,
        NOISY,
        "What `color` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "color-fourth": Recipe(
        (*relay("color-third"), *_THOROUGH, *SPLIT),
        9000,
        NOISY,
        "What `color` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "color-fifth": Recipe(
        (*relay("color-fourth"), *_THOROUGH, *SPLIT),
        5000,
        NOISY,
        "What `color` begins with.",
        shipped=False,
    ),
    "color-narrow": Recipe(
        (*relay("color-fourth", "color-fifth"), *_LAST, *SPLIT),
        1500,
        f"{NOISY} It began with 13000 steps of `r2r`, twice 5000, 9000 and 5000 of `relay`; what "
        "it had become before the last 5000, averaged over eight turns, is its teacher.",
        "What `color-wide` begins with and is mixed with.",
        shipped=False,
    ),
    "color-wide": Recipe(
        (
            *("train-denoiser", "--initial", weights("color-narrow"), *ALL_NOISY),
            *("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.6", "--set", "training.color.mix=0.3"),
            *("--set", "training.color.permute=0.3"),
        ),
        4500,
        f"{NOISY} It began with `color-narrow`; these steps are `r2r` again. The file is the "
        "mean of their weights, 0.65, and those of `color-narrow`, 0.35 "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `color` begins with and is mixed with.",
        shipped=False,
        wider=True,
    ),
    "color-wider": Recipe(
        (
            *("train-denoiser", "--initial", weights("color-wide"), *ALL_NOISY),
            *("--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "training.color.mix=0.3"),
            *("--set", "training.color.permute=0.3"),
            *("--set", "training.objective.alpha=0.2,16.0", "--set", "loop.seed=7"),
        ),
        8500,
        f"{NOISY} It began with the mean that `color-wide` ends with; these steps are `r2r` "
        "again. The file is the mean of their weights, 0.65, and those of `color-wide`, 0.35 "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `color` begins with and learns from.",
        shipped=False,
        wider=True,
    ),
    "color-turned": Recipe(
        (*relay("color-wider"), *_IN_TURNS, *_HUES, "--set", "loop.seed=8"),
        5000,
        f"{NOISY} It began with `color-wider`, which is its teacher, asked about each patch in a "
        "turn of its own.",
        "What `color` begins with, learns from and is mixed with.",
        shipped=False,
        wider=True,
    ),
    "color-turned-twice": Recipe(
        (*relay("color-turned"), *_IN_TURNS, *_HUES, "--set", "loop.seed=9"),
        4000,
        f"{NOISY} It began with `color-turned`, which is its teacher, asked about each patch in a "
        "turn of its own. The file is the mean of their weights, 0.5, and those of "
        "`color-turned`, 0.5 (examples/shipped_weights/mean_of_weights.py).",
        "What `color-turned-thrice` begins with and learns from.",
        shipped=False,
        wider=True,
    ),
    "color-turned-thrice": Recipe(
        (
            *(*relay("color-turned-twice"), *ALL_NOISY, *_HUES, "--set", "loop.seed=71"),
            *("--set", "loop.learning_rate=8e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "training.objective.alpha=0.4,16.0"),
            *("--set", "training.objective.balance=0.7"),
        ),
        23000,
        f"{NOISY} It began with `color-turned-twice`, which is its teacher, asked about each "
        "patch in a turn of its own. The file is what it was after 18000 of these steps.",
        "What `color` begins with and learns from.",
        shipped=False,
        wider=True,
    ),
    "color": Recipe(
        (
            *(*relay("color-turned-thrice"), *ALL_NOISY, *_HUES, "--set", "loop.seed=72"),
            *("--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.8", "--set", "training.objective.alpha=0.4,16.0"),
            *("--set", "training.objective.balance=0.9"),
        ),
        16000,
        f"{NOISY} It began with `color-turned-thrice`, which is its teacher, asked about each "
        "patch in a turn of its own. 78500 steps went before.",
        "The default denoiser of color pictures, trained on noisy images alone.",
        wider=True,
    ),
    "color-fast-first": Recipe(
        (
            *("train-denoiser", "--data-term", "relay", "--teacher", weights("color-wide")),
            *(*_FAST, "--set", "training.color.mix=0.3"),
        ),
        6500,
        f"{NOISY} `color-wide` is its teacher.",
        "What `color-fast-second` begins with.",
        shipped=False,
        wider=True,
    ),
    "color-fast-second": Recipe(
        (
            *relay("color-wide", "color-fast-first"),
            *(*_FAST, "--set", "training.color.mix=0.3", "--set", "training.late_share=0.5"),
            *("--set", "loop.learning_rate=1.2e-3", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.7"),
        ),
        3600,
        f"{NOISY} `color-wide` is its teacher. It had 6500 steps of that before these.",
        "What `color-fast` begins with.",
        shipped=False,
        wider=True,
    ),
    "color-fast-third": Recipe(
        (
            *(*relay("color-turned-twice", "color-fast-second"), *_HUES, *_FAST_IN_TURNS),
            *("--set", "loop.seed=51"),
        ),
        16000,
        f"{NOISY} `color-turned-twice`, asked about each patch in a turn of its own, is its "
        "teacher.",
        "What `color-fast` begins with.",
        shipped=False,
        wider=True,
    ),
    "color-fast": Recipe(
        (
            *(*relay("color-turned-twice", "color-fast-third"), *_HUES, *_FAST_IN_TURNS),
            *("--set", "loop.seed=61"),
        ),
        16000,
        f"{NOISY} `color-turned-twice`, asked about each patch in a turn of its own, is its "
        "teacher. It had 16000 steps of that before these, and 10100 with `color-wide` as its "
        "teacher.",
        "The denoiser of color pictures for `--effort fast`, trained on noisy images alone.",
        wider=True,
    ),
    "gray-first": Recipe(
        ("train-denoiser", "--gray", *SPLIT),
        8500,
        NOISY,
        "What `gray` begins with and learns from.",
        shipped=False,
    ),
    "gray-second": Recipe(
        (*relay("gray-first"), "--gray", *_AGAIN, *SPLIT),
        4000,
        NOISY,
        "What `gray` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "gray-third": Recipe(
        (*relay("gray-second"), "--gray", *_THOROUGH, *SPLIT),
        9000,
        NOISY,
        "What `gray` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "gray-fourth": Recipe(
        (*relay("gray-third"), "--gray", *_LAST, *SPLIT),
        2500,
        NOISY,
        "What `gray` goes on from.",
        shipped=False,
    ),
    "gray-fifth": Recipe(
        (*relay("gray-third", "gray-fourth"), "--gray", *_LAST, *SPLIT),
        9000,
        f"{NOISY} It began with 8500 steps of `r2r`, 4000, 9000 and 2500 of `relay`; what it had "
        "become before the last 2500, averaged over eight turns, is its teacher.",
        "What `gray` goes on from, and the teacher of `gray-fast`.",
        shipped=False,
    ),
    "gray-sixth": Recipe(
        (
            *("train-denoiser", "--gray", "--initial", weights("gray-fifth"), *ALL_NOISY),
            *("--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "loop.seed=41"),
            *("--set", "training.objective.alpha=0.2,16.0"),
        ),
        10000,
        f"{NOISY} It began with `gray-fifth`; these steps are `r2r` again.",
        "What `gray` goes on from, and learns from in turns.",
        shipped=False,
        wider=True,
    ),
    "gray-seventh": Recipe(
        (
            *(*relay("gray-sixth"), "--gray", *ALL_NOISY),
            *("--set", "loop.learning_rate=8e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "loop.seed=43", *_OF_GRAY),
        ),
        14000,
        f"{NOISY} It began with `gray-sixth`, which is its teacher, asked about each patch in a "
        "turn of its own.",
        "What `gray` goes on from, and learns from in turns.",
        shipped=False,
        wider=True,
    ),
    "gray-eighth": Recipe(
        (
            *(*relay("gray-seventh"), "--gray", *ALL_NOISY),
            *("--set", "loop.learning_rate=6e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.8", "--set", "loop.seed=44", *_OF_GRAY),
        ),
        5000,
        f"{NOISY} It had 33000 steps from the first corpus and 24000 from this one before these. "
        "`gray-seventh`, asked about each patch in a turn of its own, is its teacher.",
        "What `gray` begins with, and learns from in turns.",
        shipped=False,
        wider=True,
    ),
    "gray": Recipe(
        (
            *(*relay("gray-eighth"), "--gray", *ALL_NOISY),
            *("--set", "loop.learning_rate=8e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "loop.seed=81", *_OF_GRAY),
            *("--set", "training.objective.balance=0.85"),
        ),
        22000,
        f"{NOISY} It began with `gray-eighth`, which is its teacher, asked about each patch in a "
        "turn of its own. 62000 steps went before.",
        "The default denoiser of gray pictures, trained on noisy images alone.",
        wider=True,
    ),
    "gray-fast-first": Recipe(
        (
            *("train-denoiser", "--gray", "--data-term", "relay"),
            *("--teacher", weights("gray-fifth"), *_FAST),
        ),
        4000,
        f"{NOISY} `gray-fifth`, averaged over eight turns, is its teacher.",
        "What `gray-fast` begins with.",
        shipped=False,
        wider=True,
    ),
    "gray-fast": Recipe(
        (
            *(*relay("gray-seventh", "gray-fast-first"), "--gray", *_FAST_IN_TURNS),
            *("--set", "loop.seed=52"),
        ),
        6000,
        f"{NOISY} `gray-seventh`, asked about each patch in a turn of its own, is its teacher. It "
        "had 4000 steps of that of `gray-fifth` before these.",
        "The denoiser of gray pictures for `--effort fast`, trained on noisy images alone.",
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
