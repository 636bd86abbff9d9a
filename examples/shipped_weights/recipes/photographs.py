"""The denoisers of photographs, whose noise is that of a camera."""

from __future__ import annotations

from recipes.recipe import Recipe, weights

SIMULATED = (
    "It saw one simulated noisy photograph of each picture, with one noise for good where light "
    "is measured; its targets are noisy, too, with a noise of their own."
)
JITTER = ("--set", "training.jitter=0.15", "--set", "loop.warmup=100")

MANY_CAMERAS = (
    *("--set", "loop.learning_rate=6e-4", "--set", "training.jitter=0.15"),
    *("--set", "loop.warmup=30", "--set", "loop.decay=0.85", "--set", "loop.batch=12"),
    *("--set", "training.patch=80", "--set", "training.phones=0.6"),
    *("--set", "training.light=0.08,1"),
)
"""What the last runs have in common, on photographs as they are simulated now."""

PHOTOGRAPHS = {
    "photo-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("color-wide")),
            *("--set", "loop.decay=0.7"),
        ),
        2400,
        SIMULATED,
        "What `photo` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-first")),
            *("--set", "loop.learning_rate=2e-4"),
        ),
        5200,
        SIMULATED,
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-third": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-second")),
            *("--set", "loop.learning_rate=1.5e-4"),
        ),
        1500,
        f"{SIMULATED} It began with 0.8 times the weights of `photo-second` and 0.2 times "
        "those of the run of `color-wide`.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fourth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-third")),
            *("--set", "loop.learning_rate=3e-4", "--set", "training.jitter=0.15"),
        ),
        3000,
        f"{SIMULATED} It began with 0.6 times the weights of `photo-third` and 0.4 times those "
        "of `color-wide`. The file is the mean of its weights, 0.6, and those of `photo-third`, "
        "0.4 (examples/shipped_weights/mean_of_weights.py). The targets of the 9100 steps before "
        "had no false color, and the simulator was still changed during them.",
        "What `photo` and `photo-coarse` begin with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fifth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-fourth")),
            *("--set", "loop.learning_rate=5e-4", "--set", "training.jitter=0.15"),
        ),
        5500,
        f"{SIMULATED} It began with `photo-fourth` as it was before its mean was taken. The "
        "file is the mean of its weights, 0.7, and those of `photo-fourth`, 0.3 "
        "(examples/shipped_weights/mean_of_weights.py). 12,100 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-sixth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-fifth")),
            *("--set", "loop.learning_rate=5e-4", *JITTER, "--set", "loop.batch=12"),
            *("--set", "training.patch=80", "--set", "training.phones=0.7"),
            *("--set", "training.light=0.08,1"),
        ),
        2500,
        f"{SIMULATED} Seven in ten were taken by phones, scenes had as little as a twelfth of "
        "their light, and 493 pictures were enlarged parts of the others "
        "(examples/shipped_weights/enlarged.py), as soft as photographs are at their own pixels; "
        "of each open photograph one part of 448x448 pixels was seen beside that. The run was "
        "stopped after 1,802 steps. The file is the mean of its weights and those of "
        "`photo-fifth` (examples/shipped_weights/mean_of_weights.py). 17,600 steps went "
        "before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-seventh": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-sixth")),
            *("--set", "loop.learning_rate=3e-4", *JITTER, "--set", "loop.batch=12"),
            *("--set", "training.patch=80", "--set", "training.phones=0.6"),
            *("--set", "training.light=0.08,1"),
        ),
        1700,
        f"{SIMULATED} It began with `photo-sixth` as it was before its mean was taken, and saw "
        "the same pictures. The file is the mean of its weights and those of `photo-sixth` "
        "(examples/shipped_weights/mean_of_weights.py). 19,400 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-eighth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-seventh")),
            *("--set", "loop.learning_rate=5e-4", *JITTER, "--set", "loop.batch=12"),
            *("--set", "training.patch=80", "--set", "training.phones=0.6"),
            *("--set", "training.light=0.08,1"),
        ),
        1900,
        f"{SIMULATED} Since then photons are counted, and white balance and matrices of "
        "cameras differ more. Six in ten were taken by phones, scenes had as little as a twelfth "
        "of their light, and 493 pictures were enlarged parts of the others "
        "(examples/shipped_weights/enlarged.py), as soft as photographs are at their own pixels; "
        "of each open photograph one part of 448x448 pixels was seen beside that. White balance "
        "and matrices had other ranges for the first 1,000 steps. The file is the mean of its "
        "weights, 0.6, and those of `photo-sixth`, 0.4 "
        "(examples/shipped_weights/mean_of_weights.py). 21,100 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-ninth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-eighth")),
            *MANY_CAMERAS,
        ),
        2200,
        f"{SIMULATED} It began with `photo-eighth` as it was before its mean was taken, and "
        "saw the same pictures. The file is the mean of its weights and those of `photo-eighth` "
        "(examples/shipped_weights/mean_of_weights.py). 23,000 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-tenth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-ninth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=4e-4"),
        ),
        2300,
        f"{SIMULATED} It began with `photo-ninth` as it was before its mean was taken, and "
        "saw the same pictures. The file is the mean of its weights and those of `photo-ninth` "
        "(examples/shipped_weights/mean_of_weights.py). 25,200 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-eleventh": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-tenth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=7e-4"),
        ),
        12_500,
        f"{SIMULATED} It saw the same pictures as `photo-tenth`. 27,500 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-twelfth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-eleventh")),
            *("--initial", weights("photo-eleventh")),
            *(*MANY_CAMERAS, "--set", "loop.decay=0.9", "--set", "training.late_patch=0"),
            *("--set", "training.blue_first=0.5"),
        ),
        1700,
        f"{SIMULATED} But for a tenth, its targets are what `photo-eleventh` makes of its "
        "inputs, as they are and transposed; then half of them are turned by 180 degrees, so that "
        "their mosaics begin with blue. The file is the mean of its weights and those of "
        "`photo-eleventh` (examples/shipped_weights/mean_of_weights.py). 40,000 steps went "
        "before.",
        "What `photo` goes on from, and its teacher.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-thirteenth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-twelfth")),
            *("--initial", weights("photo-twelfth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=7e-4", "--set", "loop.decay=0.8"),
            *("--set", "training.late_patch=0", "--set", "training.blue_first=0.5"),
        ),
        6500,
        f"{SIMULATED} But for a tenth, its targets are what `photo-twelfth` makes of its inputs, "
        "as they are and transposed; then half of them are turned by 180 degrees. The file is the "
        "mean of its weights and those of `photo-twelfth` "
        "(examples/shipped_weights/mean_of_weights.py). 41,700 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fourteenth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-thirteenth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=7e-4", "--set", "loop.decay=0.85"),
            *("--set", "training.late_patch=0"),
        ),
        6000,
        f"{SIMULATED} Its cameras balance white before they demosaick, where those of before did "
        "it afterwards. The file is the mean of its weights and those of `photo-thirteenth` "
        "(examples/shipped_weights/mean_of_weights.py). 48,200 steps went before.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fifteenth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-fourteenth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=5e-4", "--set", "loop.decay=0.85"),
            *("--set", "training.late_patch=0", "--set", "training.phones=0.5"),
            *("--set", "training.by_area=0.35", "--set", "training.reduced=0.35"),
            *("--set", "loop.warmup=50"),
        ),
        5000,
        f"{SIMULATED} Beside its pictures it saw whole scenes in few pixels "
        "(examples/shipped_weights/whole_scenes.py), and a third of its photographs were reduced "
        "behind the camera, noise and target alike in linear light. The file is the mean of its "
        "weights, 0.75, and those of `photo-fourteenth`, 0.25 "
        "(examples/shipped_weights/mean_of_weights.py). 54,200 steps went before.",
        "What `photo` goes on from, and its teacher.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifteenth")),
            *("--initial", weights("photo-fifteenth")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=7e-4", "--set", "loop.decay=0.85"),
            *("--set", "training.late_patch=0", "--set", "training.reduced=0.35"),
            *("--set", "training.by_area=0.35", "--set", "training.kept=3200"),
            *("--set", "loop.batch=16", "--set", "loop.warmup=50", "--set", "loop.seed=91"),
        ),
        14_000,
        f"{SIMULATED} But for a tenth, its targets are what `photo-fifteenth` makes of its "
        "inputs, in the mean of all eight turns, its mosaic in place in each. 3,200 batches were "
        "made once and learned from again and again. 59,200 steps went before.",
        "The denoiser of photographs whose noise is fine or strong, trained on noisy ones alone.",
        255.0,
        wider=True,
    ),
    "photo-coarse-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", weights("photo-third")),
            *("--set", "loop.learning_rate=3e-4", "--set", "training.jitter=0.15"),
        ),
        3000,
        f"{SIMULATED} It has no training of its own: the file is the mean of the weights of "
        "`photo-fourth` and of `color-wide` (examples/shipped_weights/mean_of_weights.py). The "
        "command is the last of those that led to `photo-fourth`.",
        "What `photo-coarse` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-coarse-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-tenth")),
            *("--set", "second_teacher=" + weights("photo-coarse-first")),
            *("--initial", weights("photo-coarse-first")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=5e-4"),
            *("--set", "training.late_patch=0", "--set", "training.phones=0.15"),
            *("--set", "training.light=0.3,1"),
        ),
        5500,
        f"{SIMULATED} But for a tenth, its targets are the mean of what `photo-tenth` and "
        "`photo-coarse-first` make of its inputs, in turns.",
        "What `photo-coarse` goes on from, and one of its teachers.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-coarse-third": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-twelfth")),
            *("--set", "second_teacher=" + weights("photo-coarse-second")),
            *("--initial", weights("photo-coarse-second")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=4e-4", "--set", "loop.decay=0.9"),
            *("--set", "training.late_patch=0", "--set", "training.phones=0.15"),
            *("--set", "training.light=0.3,1", "--set", "training.blue_first=0.3"),
        ),
        2000,
        f"{SIMULATED} But for a tenth, its targets are the mean of what `photo-twelfth` and "
        "`photo-coarse-second` make of its inputs, as they are and transposed; then three tenths "
        "of them are turned by 180 degrees. The file is the mean of its weights and those of "
        "`photo-coarse-second` (examples/shipped_weights/mean_of_weights.py).",
        "What `photo-coarse` goes on from, and one of its teachers.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-coarse": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", weights("photo-fifteenth")),
            *("--set", "second_teacher=" + weights("photo-coarse-third")),
            *("--initial", weights("photo-coarse-third")),
            *(*MANY_CAMERAS, "--set", "loop.learning_rate=4e-4", "--set", "loop.decay=0.9"),
            *("--set", "training.late_patch=0", "--set", "training.phones=0.15"),
            *("--set", "training.light=0.3,1", "--set", "training.blue_first=0.3"),
            *("--set", "training.by_area=0.35", "--set", "training.reduced=0.2"),
            *("--set", "loop.warmup=50", "--set", "training.kept=600", "--set", "loop.seed=93"),
        ),
        4500,
        f"{SIMULATED} But for a tenth, its targets are the mean of what `photo-fifteenth` and "
        "`photo-coarse-third` make of its inputs, each in the mean of all eight turns; then three "
        "tenths of them are turned by 180 degrees. A fifth of its photographs were reduced behind "
        "the camera. 600 batches were made once and learned from again and again.",
        "The denoiser of photographs whose noise a camera has smoothed, trained on noisy ones "
        "alone.",
        255.0,
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
