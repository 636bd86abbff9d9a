"""The estimators of the level of white noise and of the maps of a camera's noise."""

from __future__ import annotations

from recipes.recipe import ALL_NOISY, CLEAN, SPLIT, Recipe, weights

_DIFFERENCES = (
    "It saw two simulated noises of each picture; its targets are the levels of their difference."
)
_EDITED = (*ALL_NOISY, "--set", "loop.learning_rate=1.2e-3", "--set", "loop.decay=0.6")
_LEVELS = f"{CLEAN} Its targets are numbers: the level of the noise that was added."

NOISE_ESTIMATORS = {
    "noise-level-color": Recipe(
        ("train-noise-level", *SPLIT),
        6000,
        _LEVELS,
        "Estimates the noise level of color pictures.",
    ),
    "noise-level-gray": Recipe(
        ("train-noise-level", "--gray", *SPLIT),
        6000,
        _LEVELS,
        "Estimates the noise level of gray pictures.",
    ),
    "noise-map-color-first": Recipe(
        ("train-noise-map", *ALL_NOISY, "--set", "loop.learning_rate=1.5e-3"),
        3700,
        _DIFFERENCES,
        "What `noise-map-color` begins with.",
        shipped=False,
        wider=True,
    ),
    "noise-map-color-second": Recipe(
        ("train-noise-map", "--initial", weights("noise-map-color-first"), *ALL_NOISY),
        2600,
        _DIFFERENCES,
        "What `noise-map-color` goes on from.",
        shipped=False,
        wider=True,
    ),
    "noise-map-color-third": Recipe(
        (
            *("train-noise-map", "--initial", weights("noise-map-color-second"), *ALL_NOISY),
            *("--set", "loop.learning_rate=1.2e-3"),
        ),
        1500,
        f"{_DIFFERENCES} It had 6300 steps before these, without reduced crops, by a script with "
        "the settings of their commands, before there was the command.",
        "What `noise-map-color` and `noise-map-gray-first` begin with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-color-fourth": Recipe(
        (
            *("train-noise-map", "--initial", weights("noise-map-color-third"), *_EDITED),
            *("--set", "loop.seed=2"),
        ),
        6500,
        f"{_DIFFERENCES} Two in five were edited after the camera, a third got another size, and "
        "one in twelve had the grain of film. It began with `noise-map-color-third`, which had "
        "7800 steps without any of that. The file is the mean of the weights of both, 0.5 each "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `noise-map-color` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-color-fifth": Recipe(
        (
            *("train-noise-map", "--initial", weights("noise-map-color-fourth"), *_EDITED),
            *("--set", "loop.seed=71"),
        ),
        3500,
        f"{_DIFFERENCES} Half of the scenes have bright beside dark places, and up to eight times "
        "the light that fits or a tenth of it. It began with `noise-map-color-fourth`. Of "
        "the file a quarter are weights of that, three quarters are new "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `noise-map-color` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-color-sixth": Recipe(
        (
            *("train-noise-map", "--initial", weights("noise-map-color-fifth"), *_EDITED),
            *("--set", "training.clean=0.25", "--set", "training.reduced_after=0.35"),
            *("--set", "loop.seed=7331"),
        ),
        6000,
        f"{_DIFFERENCES} Beside its pictures it was to see whole scenes in few pixels "
        "(examples/shipped_weights/whole_scenes.py; of its two filters another hash chose), but "
        "only four of 1,000 crops were cut from them. It began with `noise-map-color-fifth`. Of "
        "the file a quarter are weights of that, three quarters are new "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `noise-map-color` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-color": Recipe(
        (
            *("train-noise-map", "--initial", weights("noise-map-color-sixth"), *_EDITED),
            *("--set", "network.filters=16", "--set", "loop.warmup=200"),
            *("--set", "training.clean=0.25", "--set", "training.reduced_after=0.35"),
            *("--set", "training.by_area=0.35", "--set", "training.kept=6000"),
            *("--set", "loop.seed=4242"),
        ),
        14_000,
        f"{_DIFFERENCES} Beside its pictures it saw whole scenes in few pixels "
        "(examples/shipped_weights/whole_scenes.py), from which one in seven crops was cut. It "
        "began with `noise-map-color-sixth`, which has no filters.",
        "Tells where a photograph is how noisy, in brightness and in color.",
        255.0,
        wider=True,
    ),
    "noise-map-gray-first": Recipe(
        (
            *("train-noise-map", "--gray", "--initial", weights("noise-map-color-third")),
            *(*ALL_NOISY, "--set", "loop.learning_rate=1.2e-3"),
        ),
        2600,
        _DIFFERENCES,
        "What `noise-map-gray` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-gray-second": Recipe(
        (
            *("train-noise-map", "--gray", "--initial", weights("noise-map-gray-first")),
            *("--set", "training.clean=0.3", "--set", "loop.learning_rate=1.2e-3", *ALL_NOISY),
            *("--set", "loop.decay=0.6", "--set", "loop.seed=1", "--set", "training.relit=0"),
        ),
        4500,
        f"{_DIFFERENCES} It saw color photographs that were turned gray. It began with 2600 steps "
        "of the same, which began with `noise-map-color-third`.",
        "What `noise-map-gray` was until its pixels were seen by filters.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-gray": Recipe(
        (
            *("train-noise-map", "--gray", "--initial", weights("noise-map-color"), *_EDITED),
            *("--set", "network.filters=16", "--set", "loop.warmup=200"),
            *("--set", "training.clean=0.3", "--set", "training.reduced_after=0.35"),
            *("--set", "training.by_area=0.35", "--set", "training.relit=0"),
            *("--set", "training.kept=1600", "--set", "loop.seed=4343"),
        ),
        7000,
        f"{_DIFFERENCES} It saw color photographs that were turned gray, and beside its pictures "
        "whole scenes in few pixels (examples/shipped_weights/whole_scenes.py).",
        "Tells where a gray photograph is how noisy.",
        255.0,
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
