"""How each shipped file of weights was made: the command, and what its card says."""

from __future__ import annotations

from dataclasses import dataclass

DATA = (
    "BSDS500's train and test images (400, for research use) and 42 open photographs (CC0, "
    "public domain, CC BY, CC BY-SA), divided by name and seed 0 into 147 images for the clean "
    "corpus and 295 for the noisy one, without overlap (docs/split.csv)"
)
WIDER = (
    "The noisy corpus of the recipes before (docs/split.csv), its BSDS500 images halved beside "
    "the whole ones, 200 of 250 open photographs, those that docs/heldout.csv does not name (CC0, "
    "public domain, CC BY, CC BY-SA), and 120 drawn charts "
    "(examples/shipped_weights/full_chroma.py)"
)
"""The corpus of the recipes that say `wider`: color in full resolution."""
SPLIT = ("--set", "data.clean_share=0.3333")
ALL_NOISY = ("--set", "data.clean_share=0")


@dataclass(frozen=True)
class Recipe:
    """One file of weights.

    Attributes:
        command: The training command of `flowdenoise` and its options, without paths.
        steps: The number of optimizer steps.
        corpus: The part of `DATA` that it saw, as a sentence for the card.
        summary: The purpose, as one sentence for the card.
        sigma_255: The highest noise level that it is for, 0 to 255 scale.
        shipped: Whether its file goes into `weights/`.
        wider: Whether its corpus is `WIDER` instead of `DATA`.
    """

    command: tuple[str, ...]
    steps: int
    corpus: str
    summary: str
    sigma_255: float = 55.0
    shipped: bool = True
    wider: bool = False

    @property
    def channels(self) -> int:
        """The number of channels: 1 for gray, 3 for color."""
        return 1 if "--gray" in self.command else 3


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
_AGAIN = ("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=200")
_TEACH_ONCE = ("--set", "training.teach_once=true", "--set", "training.objective.balance=1.0")
_THOROUGH = (*_TEACH_ONCE, "--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=200")
_LAST = (
    *(*_TEACH_ONCE, "--set", "training.objective.alpha=0.2,8.0", "--set", "loop.decay=0.8"),
    *("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=100"),
)
_TWO_SCALES = ("--set", "network.channels=32,64", "--set", "network.blocks=2,5")
"""The size of all small networks of `--effort fast`."""
_JITTER = ("--set", "training.jitter=0.15", "--set", "loop.warmup=100")
_FAST = (
    *_TWO_SCALES,
    *("--set", "loop.batch=32", "--set", "loop.decay=0.6", "--set", "loop.warmup=300"),
    *("--set", "loop.learning_rate=1.5e-3", "--set", "training.objective.alpha=0.2,8.0"),
    *("--set", "training.objective.balance=1.0", *ALL_NOISY),
)
"""What the small networks of `--effort fast` have in common: two scales, and a larger teacher."""
_NOISY = "It saw the noisy corpus only, each image with one fixed noise."
_CLEAN = "It saw the clean corpus only."
_DIFFERENCES = (
    "It saw two simulated noises of each picture; its targets are the levels of their difference."
)
_PHOTOGRAPHS = (
    "It saw one simulated noisy photograph of each picture, with one noise for good where light "
    "is measured; its targets are noisy, too, with a noise of their own."
)
_EDITED = (*ALL_NOISY, "--set", "loop.learning_rate=1.2e-3", "--set", "loop.decay=0.6")
_LEVELS = f"{_CLEAN} Its targets are numbers: the level of the noise that was added."


def _weights(name: str) -> str:
    """What an earlier recipe made; `train.py` puts the folder of the runs for {runs}."""
    return f"{{runs}}/{name}/weights.safetensors"


def _relay(teacher: str, initial: str = "") -> tuple[str, ...]:
    """Go on from a denoiser, by default the teacher itself."""
    begin = ("--teacher", _weights(teacher), "--initial", _weights(initial or teacher))
    return ("train-denoiser", "--data-term", "relay", *begin)


RECIPES = {
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
        ("train-noise-map", "--initial", _weights("noise-map-color-first"), *ALL_NOISY),
        2600,
        _DIFFERENCES,
        "What `noise-map-color` goes on from.",
        shipped=False,
        wider=True,
    ),
    "noise-map-color-third": Recipe(
        (
            *("train-noise-map", "--initial", _weights("noise-map-color-second"), *ALL_NOISY),
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
    "noise-map-color": Recipe(
        (
            *("train-noise-map", "--initial", _weights("noise-map-color-third"), *_EDITED),
            *("--set", "loop.seed=2"),
        ),
        6500,
        f"{_DIFFERENCES} Two in five were edited after the camera, a third got another size, and "
        "one in twelve had the grain of film. It began with `noise-map-color-third`, which had "
        "7800 steps without any of that. The file is the mean of the weights of both, 0.5 each "
        "(examples/shipped_weights/mean_of_weights.py).",
        "Tells where a photograph is how noisy, in brightness and in color.",
        255.0,
        wider=True,
    ),
    "noise-map-gray-first": Recipe(
        (
            *("train-noise-map", "--gray", "--initial", _weights("noise-map-color-third")),
            *(*ALL_NOISY, "--set", "loop.learning_rate=1.2e-3"),
        ),
        2600,
        _DIFFERENCES,
        "What `noise-map-gray` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "noise-map-gray": Recipe(
        (
            *("train-noise-map", "--gray", "--initial", _weights("noise-map-gray-first")),
            *("--set", "training.clean=0.3", "--set", "loop.learning_rate=1.2e-3", *ALL_NOISY),
            *("--set", "loop.decay=0.6", "--set", "loop.seed=1"),
        ),
        4500,
        f"{_DIFFERENCES} It saw color photographs that were turned gray. It began with 2600 steps "
        "of the same, which began with `noise-map-color-third`.",
        "Tells where a gray photograph is how noisy.",
        255.0,
        wider=True,
    ),
    "color-first": Recipe(
        ("train-denoiser", *SPLIT),
        13000,
        _NOISY,
        "What `color` begins with and learns from.",
        shipped=False,
    ),
    "color-second": Recipe(
        (*_relay("color-first"), *_AGAIN, *SPLIT),
        5000,
        _NOISY,
        "What `color` goes on from.",
        shipped=False,
    ),
    "color-third": Recipe(
        (*_relay("color-second"), *_AGAIN, *SPLIT),
        5000,
        _NOISY,
        "What `color` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "color-fourth": Recipe(
        (*_relay("color-third"), *_THOROUGH, *SPLIT),
        9000,
        _NOISY,
        "What `color` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "color-fifth": Recipe(
        (*_relay("color-fourth"), *_THOROUGH, *SPLIT),
        5000,
        _NOISY,
        "What `color` begins with.",
        shipped=False,
    ),
    "color-narrow": Recipe(
        (*_relay("color-fourth", "color-fifth"), *_LAST, *SPLIT),
        1500,
        f"{_NOISY} It began with 13000 steps of `r2r`, twice 5000, 9000 and 5000 of `relay`; what "
        "it had become before the last 5000, averaged over eight turns, is its teacher.",
        "What `color-wide` begins with and is mixed with.",
        shipped=False,
    ),
    "color-wide": Recipe(
        (
            *("train-denoiser", "--initial", _weights("color-narrow"), *ALL_NOISY),
            *("--set", "loop.learning_rate=5e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.6", "--set", "training.color.mix=0.3"),
            *("--set", "training.color.permute=0.3"),
        ),
        4500,
        f"{_NOISY} It began with `color-narrow`; these steps are `r2r` again. The file is the "
        "mean of their weights, 0.65, and those of `color-narrow`, 0.35 "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `color` begins with and is mixed with.",
        shipped=False,
        wider=True,
    ),
    "color-wider": Recipe(
        (
            *("train-denoiser", "--initial", _weights("color-wide"), *ALL_NOISY),
            *("--set", "loop.learning_rate=7e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.75", "--set", "training.color.mix=0.3"),
            *("--set", "training.color.permute=0.3"),
            *("--set", "training.objective.alpha=0.2,16.0", "--set", "loop.seed=7"),
        ),
        8500,
        f"{_NOISY} It began with the mean that `color-wide` ends with; these steps are `r2r` "
        "again. The file is the mean of their weights, 0.65, and those of `color-wide`, 0.35 "
        "(examples/shipped_weights/mean_of_weights.py).",
        "What `color` begins with and learns from.",
        shipped=False,
        wider=True,
    ),
    "color": Recipe(
        (
            *_relay("color-wider"),
            *(*ALL_NOISY, "--set", "loop.learning_rate=6e-4", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.8", "--set", "training.color.mix=0.3"),
            *("--set", "training.color.permute=0.3"),
            *("--set", "training.objective.alpha=0.5,16.0"),
            *("--set", "training.objective.balance=1.0", "--set", "loop.seed=8"),
        ),
        5000,
        f"{_NOISY} It began with `color-wider`, which is its teacher, asked about each patch in a "
        "turn of its own.",
        "The default denoiser of color pictures, trained on noisy images alone.",
        wider=True,
    ),
    "color-fast-first": Recipe(
        (
            *("train-denoiser", "--data-term", "relay", "--teacher", _weights("color-wide")),
            *(*_FAST, "--set", "training.color.mix=0.3"),
        ),
        6500,
        f"{_NOISY} `color-wide` is its teacher.",
        "What `color-fast` begins with.",
        shipped=False,
        wider=True,
    ),
    "color-fast": Recipe(
        (
            *_relay("color-wide", "color-fast-first"),
            *(*_FAST, "--set", "training.color.mix=0.3", "--set", "training.late_share=0.5"),
            *("--set", "loop.learning_rate=1.2e-3", "--set", "loop.warmup=100"),
            *("--set", "loop.decay=0.7"),
        ),
        3600,
        f"{_NOISY} `color-wide` is its teacher. It had 6500 steps of that before these.",
        "The denoiser of color pictures for `--effort fast`, trained on noisy images alone.",
        wider=True,
    ),
    "photo-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("color-wide")),
            *("--set", "loop.decay=0.7"),
        ),
        2400,
        _PHOTOGRAPHS,
        "What `photo` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("photo-first")),
            *("--set", "loop.learning_rate=2e-4"),
        ),
        5200,
        _PHOTOGRAPHS,
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-third": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("photo-second")),
            *("--set", "loop.learning_rate=1.5e-4"),
        ),
        1500,
        f"{_PHOTOGRAPHS} It began with 0.8 times the weights of `photo-second` and 0.2 times "
        "those of the run of `color-wide`.",
        "What `photo` goes on from.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fourth": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("photo-third")),
            *("--set", "loop.learning_rate=3e-4", "--set", "training.jitter=0.15"),
        ),
        3000,
        f"{_PHOTOGRAPHS} It began with 0.6 times the weights of `photo-third` and 0.4 times those "
        "of `color-wide`. The file is the mean of its weights, 0.6, and those of `photo-third`, "
        "0.4 (examples/shipped_weights/mean_of_weights.py). The targets of the 9100 steps before "
        "had no false color, and the simulator was still changed during them.",
        "What `photo` and `photo-coarse` begin with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("photo-fourth")),
            *("--set", "loop.learning_rate=5e-4", "--set", "training.jitter=0.15"),
        ),
        5500,
        f"{_PHOTOGRAPHS} It began with `photo-fourth` as it was before its mean was taken. The "
        "file is the mean of its weights, 0.7, and those of `photo-fourth`, 0.3 "
        "(examples/shipped_weights/mean_of_weights.py). 12,100 steps went before.",
        "The denoiser of photographs whose noise is fine, trained on noisy ones alone.",
        255.0,
        wider=True,
    ),
    "photo-coarse": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--initial", _weights("photo-third")),
            *("--set", "loop.learning_rate=3e-4", "--set", "training.jitter=0.15"),
        ),
        3000,
        f"{_PHOTOGRAPHS} It has no training of its own: the file is the mean of the weights of "
        "`photo-fourth` and of `color-wide` (examples/shipped_weights/mean_of_weights.py). The "
        "command is the last of those that led to `photo-fourth`.",
        "The denoiser of photographs whose noise a camera has smoothed, trained on noisy ones "
        "alone.",
        255.0,
        wider=True,
    ),
    "photo-fast-first": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", _weights("photo-third")),
            *("--initial", _weights("color-fast-first")),
            *_TWO_SCALES,
            *("--set", "loop.batch=12", "--set", "loop.learning_rate=8e-4"),
            *_JITTER,
        ),
        1800,
        f"{_PHOTOGRAPHS} But for a tenth, its targets are what `photo-third` makes of its inputs. "
        "It began with 6500 steps of `color-fast`. Its maps were those of `noise-map-color`, "
        "1300 steps later.",
        "What `photo-fast` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-second": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", _weights("photo-fourth")),
            *("--initial", _weights("photo-fast-first")),
            *_TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *_JITTER,
            *("--set", "training.kept=700"),
        ),
        4000,
        f"{_PHOTOGRAPHS} But for a tenth, its targets are what `photo-fourth` makes of its "
        "inputs. 700 batches were made once and learned from again and again. It began with 1800 "
        "steps of `photo-fast-first`, whose teacher was `photo-third`.",
        "What `photo-fast` and `photo-coarse-fast` begin with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast-third": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", _weights("photo")),
            *("--initial", _weights("photo-fast-second")),
            *_TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=8e-4"),
            *_JITTER,
            *("--set", "loop.decay=0.8", "--set", "training.kept=450"),
        ),
        1800,
        f"{_PHOTOGRAPHS} But for a tenth, its targets are what `photo` makes of its inputs. 450 "
        "batches were made once and learned from again and again. 5800 steps went before, whose "
        "teachers were `photo-third` and `photo-fourth`.",
        "What `photo-fast` begins with.",
        255.0,
        shipped=False,
        wider=True,
    ),
    "photo-fast": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", _weights("photo")),
            *("--initial", _weights("photo-fast-third")),
            *_TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *_JITTER,
            *("--set", "loop.decay=0.7", "--set", "training.kept=1000"),
            *("--set", "loop.seed=4"),
        ),
        9500,
        f"{_PHOTOGRAPHS} But for a tenth, its targets are what `photo` makes of its inputs. 1000 "
        "batches were made once and learned from again and again. 7600 steps went before, whose "
        "teachers were `photo-third`, `photo-fourth` and `photo`.",
        "The denoiser of photographs whose noise is fine for `--effort fast`, trained on noisy "
        "ones alone.",
        255.0,
        wider=True,
    ),
    "photo-coarse-fast": Recipe(
        (
            *("train-denoiser", "--preset", "photo", "--teacher", _weights("photo-coarse")),
            *("--initial", _weights("photo-fast-second")),
            *_TWO_SCALES,
            *("--set", "loop.batch=16", "--set", "loop.learning_rate=1e-3"),
            *_JITTER,
            *("--set", "training.kept=500"),
        ),
        1900,
        f"{_PHOTOGRAPHS} But for a tenth, its targets are what `photo-coarse` makes of its "
        "inputs. 500 batches were made once and learned from again and again.",
        "The denoiser of photographs whose noise a camera has smoothed for `--effort fast`, "
        "trained on noisy ones alone.",
        255.0,
        wider=True,
    ),
    "gray-first": Recipe(
        ("train-denoiser", "--gray", *SPLIT),
        8500,
        _NOISY,
        "What `gray` begins with and learns from.",
        shipped=False,
    ),
    "gray-second": Recipe(
        (*_relay("gray-first"), "--gray", *_AGAIN, *SPLIT),
        4000,
        _NOISY,
        "What `gray` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "gray-third": Recipe(
        (*_relay("gray-second"), "--gray", *_THOROUGH, *SPLIT),
        9000,
        _NOISY,
        "What `gray` goes on from, and learns from in eight turns.",
        shipped=False,
    ),
    "gray-fourth": Recipe(
        (*_relay("gray-third"), "--gray", *_LAST, *SPLIT),
        2500,
        _NOISY,
        "What `gray` goes on from.",
        shipped=False,
    ),
    "gray": Recipe(
        (*_relay("gray-third", "gray-fourth"), "--gray", *_LAST, *SPLIT),
        9000,
        f"{_NOISY} It began with 8500 steps of `r2r`, 4000, 9000 and 2500 of `relay`; what it had "
        "become before the last 2500, averaged over eight turns, is its teacher.",
        "The default denoiser of gray pictures, trained on noisy images alone.",
    ),
    "gray-fast": Recipe(
        (
            *("train-denoiser", "--gray", "--data-term", "relay", "--teacher", _weights("gray")),
            *_FAST,
        ),
        4000,
        f"{_NOISY} `gray`, averaged over eight turns, is its teacher.",
        "The denoiser of gray pictures for `--effort fast`, trained on noisy images alone.",
        wider=True,
    ),
    "prior-color-first": Recipe(
        ("train-prior", "--noise", *SPLIT, *_SMALL, *_PRIOR),
        6000,
        _CLEAN,
        "What `prior-color` grew from.",
        shipped=False,
    ),
    "prior-color-second": Recipe(
        (
            *("train-prior", "--noise", "--initial", _weights("prior-color-first"), *SPLIT),
            *(*_LARGE, "--set", "loop.learning_rate=7e-4", *_HALF_CLEAN, *_PRIOR),
        ),
        6400,
        _CLEAN,
        "What `prior-color` goes on from.",
        shipped=False,
    ),
    "prior-color": Recipe(
        (
            *("train-prior", "--noise", "--initial", _weights("prior-color-second"), *SPLIT),
            *(*_LARGE, "--set", "loop.learning_rate=6e-4", *_HALF_CLEAN, *_PRIOR),
        ),
        6400,
        f"{_CLEAN} It grew from a smaller flow (K=8, width 64) after 6000 steps of that, and had "
        "6400 steps before these.",
        "What color pictures look like: a Glow prior, conditioned on the noise level.",
    ),
    "prior-gray-first": Recipe(
        ("train-prior", "--noise", "--gray", *SPLIT, *_SMALL, *_PRIOR),
        6000,
        _CLEAN,
        "What `prior-gray` grew from.",
        shipped=False,
    ),
    "prior-gray": Recipe(
        (
            *("train-prior", "--noise", "--gray", "--initial", _weights("prior-gray-first")),
            *("--set", "network.steps_per_level=16", "--set", "network.hidden_channels=64"),
            *("--set", "loop.learning_rate=7e-4", *_HALF_CLEAN, *_PRIOR, *SPLIT),
        ),
        6500,
        f"{_CLEAN} It grew from a shallower flow (K=8) after 6000 steps of that.",
        "What gray pictures look like: a Glow prior, conditioned on the noise level.",
    ),
    "paper-color": Recipe(
        (
            *("train-denoiser", "--preset", "paper-text", "--data-term", "descent"),
            *("--prior", _weights("prior-color-first")),
            *("--prior-weight", "map", "--prior-scale", "0.5", "--set", "loop.batch=32"),
            *("--set", "loop.optimizer=muon", "--set", "loop.precision=bfloat16"),
            *("--set", "loop.decay=0.5", "--set", "loop.warmup=50", "--set", "loop.ema=0.98"),
            *SPLIT,
        ),
        600,
        f"{_NOISY} A prior that saw the clean corpus told what is likeliest for each noisy patch: "
        "the paper's objective, whose prior's weight follows the noise here, minimized by eight "
        "steps of descent from the prior's Tweedie step. The network learned the minima.",
        "The paper's objective, to compare with.",
        50.0,
    ),
    "n2v-gray": Recipe(
        ("train-denoiser", "--preset", "n2v", "--gray", *ALL_NOISY),
        14000,
        _NOISY,
        "Noise2Void, gray, to compare with.",
        wider=True,
    ),
    "n2v-color": Recipe(
        ("train-denoiser", "--preset", "n2v", *ALL_NOISY),
        14000,
        _NOISY,
        "Noise2Void, color, to compare with.",
        wider=True,
    ),
}
"""In an order in which each finds what it begins with."""
