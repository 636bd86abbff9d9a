"""The small denoisers of photographs: those of `--effort fast`, and those of the trials."""

from __future__ import annotations

from recipes.photographs import JITTER, MANY_CAMERAS, SIMULATED
from recipes.recipe import TWO_SCALES, Recipe, weights

SMALL_PHOTOGRAPHS = {
    "photo-fast-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-third")),
            *("--initial", weights("color-fast-first")),
            *TWO_SCALES,
            *("--set", "loop.batch=12", "--set", "loop.learning_rate=8e-4"),
            *JITTER,
        ),
        1800,
        f"{SIMULATED} But for a tenth, its targets are what `photo-third` makes of its inputs. "
        "It began with 6500 steps of `color-fast`. Its maps were those of `noise-map-color`, "
        "1300 steps later.",
        "What `photo-fast` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fourth")),
            *("--initial", weights("photo-fast-first")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *JITTER,
            *("--set", "training.kept=700"),
        ),
        4000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fourth` makes of its "
        "inputs. 700 batches were made once and learned from again and again. It began with 1800 "
        "steps of `photo-fast-first`, whose teacher was `photo-third`.",
        "What `photo-fast` and `photo-coarse-fast` begin with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-third": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifth")),
            *("--initial", weights("photo-fast-second")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=8e-4"),
            *JITTER,
            *("--set", "loop.decay=0.8", "--set", "training.kept=450"),
        ),
        1800,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fifth` makes of its inputs. "
        "450 batches were made once and learned from again and again. 5800 steps went before, "
        "whose teachers were `photo-third` and `photo-fourth`.",
        "What `photo-fast` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-trial": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifth")),
            *("--initial", weights("photo-fast-third")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *JITTER,
            *("--set", "loop.decay=0.7", "--set", "training.kept=1000"),
            *("--set", "loop.seed=4"),
        ),
        9500,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fifth` makes of its inputs. "
        "1000 batches were made once and learned from again and again. 7600 steps went before, "
        "whose teachers were `photo-third`, `photo-fourth` and `photo-fifth`.",
        "The denoiser of a few windows of a photograph, by which noise is told from texture.",
        255.0,
        wider=True,
    ),
    "photo-fast-fifth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-trial")),
            *TWO_SCALES,
            *("--set", "loop.batch=12", "--set", "loop.learning_rate=7e-4"),
            *JITTER,
            *("--set", "training.late_patch=0", "--set", "training.patch=80"),
            *("--set", "training.phones=0.6", "--set", "training.light=0.08,1"),
        ),
        3300,
        f"{SIMULATED} It saw what `photo` saw, and has no teacher. White balance and matrices "
        "had other ranges for the first 900 steps. The file is the mean of its weights, 0.6, and "
        "those of `photo-trial`, 0.4 (examples/shipped_weights/mean_of_weights.py). 17,100 steps "
        "went before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-sixth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-fast-fifth")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
        ),
        4200,
        f"{SIMULATED} It began with `photo-fast-fifth` as it was before its mean was taken, "
        "and saw what `photo` saw. It has no teacher. The file is the mean of its weights and "
        "those of `photo-fast-fifth` (examples/shipped_weights/mean_of_weights.py). 20,400 steps "
        "went before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-seventh": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-eleventh")),
            *("--initial", weights("photo-fast-sixth")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=8e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.9", "--set", "training.kept=900"),
        ),
        5000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-eleventh` makes of its "
        "inputs, as they are and transposed. 900 batches were made once and learned from again "
        "and again. "
        "The file is the mean of its weights and those of `photo-fast-sixth` "
        "(examples/shipped_weights/mean_of_weights.py). 24,600 steps went before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-eighth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-thirteenth")),
            *("--initial", weights("photo-fast-seventh")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "training.phones=0.8"),
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=9e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.85"),
            *("--set", "training.kept=1200"),
        ),
        15_000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-thirteenth` makes of its "
        "inputs, as they are and transposed. Four in five are by phones. 1,200 batches were made "
        "once and learned from again and again. 29,600 steps went before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-ninth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fourteenth")),
            *("--initial", weights("photo-fast-eighth")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "training.phones=0.8"),
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=9e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.75"),
            *("--set", "training.kept=1000"),
        ),
        10_000,
        f"{SIMULATED} Its cameras balance white before they demosaick. But for a tenth, its "
        "targets are what `photo`, with three in four parts of its last weights in place of one "
        "half, makes of its inputs, as they are and transposed. Four in five are by phones. 1,000 "
        "batches were made once and learned from again and again. 44,600 steps went before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-tenth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifteenth")),
            *("--initial", weights("photo-fast-ninth")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "training.by_area=0.35", "--set", "training.reduced=0.35"),
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=9e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.75"),
            *("--set", "training.kept=1000", "--set", "loop.seed=8102"),
        ),
        12_000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fifteenth` makes of its "
        "inputs, as they are and transposed. Beside its pictures it saw whole scenes in few "
        "pixels (examples/shipped_weights/whole_scenes.py), and a third of its photographs were "
        "reduced behind the camera, noise and target alike in linear light. Three in five are by "
        "phones. 1,000 batches were made once and learned from again and again. 54,600 steps went "
        "before.",
        "What `photo-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifteenth")),
            *("--initial", weights("photo-fast-tenth")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "training.by_area=0.35", "--set", "training.reduced=0.35"),
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=9e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.75"),
            *("--set", "training.kept=3200", "--set", "loop.seed=91"),
        ),
        24_000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fifteenth` makes of its "
        "inputs, in the mean of all eight turns, its mosaic in place in each: the same lessons as "
        "those of `photo`. 66,600 steps went before.",
        "The denoiser of photographs whose noise is fine for `--effort fast`, trained on noisy "
        "ones alone.",
        255.0,
        wider=True,
    ),
    "photo-coarse-trial": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-coarse-first")),
            *("--initial", weights("photo-fast-second")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *JITTER,
            *("--set", "training.kept=500"),
        ),
        1900,
        f"{SIMULATED} But for a tenth, its targets are what `photo-coarse-first` makes of "
        "its inputs. 500 batches were made once and learned from again and again.",
        "The denoiser of a few windows of a photograph whose noise a camera has smoothed, by "
        "which noise is told from texture.",
        255.0,
        wider=True,
    ),
    "photo-coarse-fast-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-coarse-first")),
            *("--initial", weights("photo-coarse-trial")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.75"),
            *("--set", "training.jitter=0.15", "--set", "training.late_patch=0"),
            *("--set", "training.phones=0.15", "--set", "training.light=0.3,1"),
            *("--set", "training.kept=700"),
        ),
        4500,
        f"{SIMULATED} But for a tenth, its targets are what `photo-coarse-first` makes of "
        "its inputs, in turns. 700 batches were made once and learned from again and again.",
        "What `photo-coarse-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-coarse-fast-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-coarse-second")),
            *("--initial", weights("photo-coarse-fast-first")),
            *TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=8e-4"),
            *("--set", "loop.warmup=50", "--set", "loop.decay=0.75"),
            *("--set", "training.jitter=0.15", "--set", "training.late_patch=0"),
            *("--set", "training.phones=0.15", "--set", "training.light=0.3,1"),
            *("--set", "training.kept=800"),
        ),
        5000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-coarse-second` makes of its "
        "inputs, in turns. 800 batches were made once and learned from again and again. The file "
        "is the mean of its weights, 0.7, and those of `photo-coarse-fast-first`, 0.3 "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `photo-coarse-fast` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-coarse-fast": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifteenth")),
            *("--set", "second_teacher=" + weights("photo-coarse-third")),
            *("--initial", weights("photo-coarse-fast-second")),
            *(*TWO_SCALES, *MANY_CAMERAS, "--set", "training.late_patch=0"),
            *("--set", "loop.learning_rate=8e-4", "--set", "loop.decay=0.75"),
            *("--set", "training.phones=0.15", "--set", "training.light=0.3,1"),
            *("--set", "training.blue_first=0.3", "--set", "training.by_area=0.35"),
            *("--set", "training.reduced=0.2", "--set", "loop.warmup=50"),
            *("--set", "training.kept=600", "--set", "loop.seed=93"),
        ),
        6000,
        f"{SIMULATED} It learned on from the lessons of `photo-coarse`, whose targets are the "
        "mean of what two teachers make of its inputs in all eight turns.",
        "The denoiser of photographs whose noise a camera has smoothed for `--effort fast`, "
        "trained on noisy ones alone.",
        255.0,
        wider=True,
    ),
}
"""In an order in which each finds what it begins with; all begin behind those of `photographs`."""
