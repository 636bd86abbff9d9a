"""What docs/results.md says: each section with the command that measures it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DATA = "FOLDER"
"""Stands in commands for the folder of data."""

_TOLD_AND_BLIND = "flowdenoise,flowdenoise-blind"
_WITH_PEERS = f"{_TOLD_AND_BLIND},dncnn,ffdnet"
_WITH_NOISE2VOID = f"{_WITH_PEERS},n2v,n2v-mixed,noisy"
_LEVELS = "--sigma 15,25,35,50"
_VALIDATION = f"{DATA}/bsds500-val32"
_COLORFUL = "open-photos-2 --list docs/heldout.csv --middle 256"


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: The name of its folder among the runs.
        title: The heading.
        command: The command `benchmark ...` of flowdenoise, or a script with its options.
        text: The text that a reader must know.
        published: The published rows to quote beside the measured ones: the name, then dB at the
            command's levels.
        source: The source of those rows.
        weights: The shipped weights on which the answer of a script or of a timing depends.
    """

    name: str
    title: str
    command: str
    text: str = ""
    published: tuple[tuple[str, ...], ...] = ()
    source: str = ""
    weights: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of the command."""
        return self.command.split()

    @property
    def measures_a_set(self) -> bool:
        """Whether it is `benchmark SET`, which keeps what it has measured."""
        return self.words[0] == "benchmark" and self.words[1] not in ("speed", "whole-command")

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods in the order of the command; none where it names none."""
        words = self.words
        return (
            tuple(words[words.index("--methods") + 1].split(",")) if "--methods" in words else ()
        )

    @property
    def levels(self) -> tuple[str, ...]:
        """The noise levels of a set, as in the command; one empty text where none is added."""
        words = self.words
        if "--sigma" in words and self.measures_a_set:
            return tuple(words[words.index("--sigma") + 1].split(","))
        return ("",)


def _white_noise() -> Iterator[Section]:
    """The sets of the literature, noise of the usual levels and weak noise."""
    yield Section(
        "cbsd68",
        "White noise, color: CBSD68",
        f"benchmark cbsd68 {_LEVELS} --methods {_WITH_NOISE2VOID} --data-dir {DATA}",
        "Protocol `awgn`. `flowdenoise` is told the level, `flowdenoise-blind` finds it by "
        "itself, as the command does. DnCNN (blind) and FFDNet (told), trained with clean "
        "targets, run their authors' weights.",
        (
            ("CBM3D, told", "33.52", "30.71", "28.89", "27.38"),
            ("CDnCNN-B, clean targets", "33.89", "31.23", "29.58", "27.92"),
            ("FFDNet, clean targets, told", "33.87", "31.21", "29.58", "27.96"),
            ("CDnCNN by SURE / extended SURE", "", "30.98 / 31.18", "", "27.64 / 27.91"),
        ),
        "FFDNet (Zhang et al., IEEE TIP 2018), table 2; extended SURE (Zhussip et al., 2019)",
    )
    yield Section(
        "bsd68",
        "White noise, gray: BSD68",
        f"benchmark bsd68 {_LEVELS} --methods {_WITH_NOISE2VOID} --data-dir {DATA}",
        "",
        (
            ("BM3D, told", "31.07", "28.57", "27.08", "25.62"),
            ("WNNM, told", "31.37", "28.83", "27.30", "25.87"),
            ("DnCNN-B, clean targets", "31.61", "29.16", "", "26.23"),
            ("FFDNet, clean targets, told", "31.63", "29.19", "27.73", "26.29"),
            ("Noise2Void", "", "27.71", "", ""),
        ),
        "FFDNet, table 1; DnCNN; Noise2Void (Krull et al., CVPR 2019)",
    )
    for kind, image_set in (("color", "cbsd68"), ("gray", "bsd68")):
        yield Section(
            f"{image_set}-weak",
            f"Weak noise, {kind}",
            f"benchmark {image_set} --sigma 2,5,10 --methods {_TOLD_AND_BLIND},ffdnet,noisy "
            f"--data-dir {DATA}",
        )


def _other_pictures() -> Iterator[Section]:
    """Sets that hide less than CBSD68, and photographs with noise of their own."""
    yield Section(
        "colorful",
        "Pictures rich in color",
        f"benchmark {_COLORFUL} --sigma 2,5,10,15,25,50 --methods {_WITH_PEERS},noisy "
        f"--data-dir {DATA}",
        "The middle 256x256 of 50 colorful photographs that no training saw "
        "(`docs/heldout.csv`), but for four that are smaller. "
        "CBSD68 holds color at half resolution, and hides what a network does to color.",
    )
    yield Section(
        "colorful-gray",
        "The same in gray",
        f"benchmark {_COLORFUL} --sigma 15,25,50 --gray --methods {_WITH_PEERS},noisy "
        f"--data-dir {DATA}",
    )
    for name, title in (("kodak24", "Kodak24"), ("mcmaster", "McMaster")):
        yield Section(
            name,
            f"White noise, color: {title}",
            f"benchmark {name} {_LEVELS} --methods {_WITH_PEERS},noisy --data-dir {DATA}",
            "Only reported, never tuned on.",
        )
    for name, title, text in (
        ("nam25", "Real noise: Nam25", "Protocol `real`: photographs as files hold them."),
        ("cc15", "Real noise: CC15", "Only reported, never tuned on."),
        (
            "sidd-look",
            "Real noise: four phone crops",
            "Too few for more than a look. The four were in view when it was decided how much "
            "of the lacking light is given back, and to widen the bound on strong noise, so "
            "their figure is not an untouched one. They were looked at, too, when simulated "
            "cameras got noisier green and uneven photon noise, and when it was decided how "
            "clearly noise must tell of a tone curve. Since it is told whether a mosaic begins "
            "with red or blue they had 34.28 dB in place of 34.37.",
        ),
        ("polyu", "Real noise: PolyU", "Reflex cameras with their own JPEG."),
    ):
        yield Section(
            name,
            title,
            f"benchmark {name} --methods flowdenoise-blind,flowdenoise@12,dncnn,ffdnet@12,noisy "
            f"--precision float32 --data-dir {DATA}",
            text,
        )


def _small_networks() -> Iterator[Section]:
    """What `--effort fast` costs in quality, each beside the network that it stands for."""
    for kind, more in (("color", ""), ("gray", " --gray")):
        image_set = "cbsd68" if kind == "color" else "bsd68"
        for name, title, images in (
            (image_set, image_set.upper(), image_set),
            (f"colorful-{kind}", "pictures rich in color", f"{_COLORFUL}{more}"),
        ):
            yield Section(
                f"{name}-fast",
                f"The small network of `--effort fast`, {kind}: {title}",
                f"benchmark {images} --sigma 15,25,50 --methods "
                f"flowdenoise-blind,flowdenoise-blind={kind}-fast --data-dir {DATA}",
            )


def _paper() -> Iterator[Section]:
    """The table of the paper that this program began with."""
    yield Section(
        "paper",
        "The paper's table, done again",
        "benchmark cbsd68 --protocol paper --sigma 15,25,35 --methods "
        f"flowdenoise,flowdenoise=paper-color,flowdenoise-blind,n2v,noisy --data-dir {DATA}",
        "Noise clipped and cut to 8 bits, as in the paper's code. Its table mixes this with "
        "others' figures for gray images and unclipped noise: its DnCNN row is that of gray BSD68 "
        "above. `flowdenoise=paper-color` has learned by the paper's own objective, and is not "
        "told the level.",
        (
            ("BM3D, as the paper printed it", "33.14", "30.22", "28.25"),
            ("DnCNN, the same", "31.73", "29.23", "28.95"),
            ("Noise2Void, the same", "28.92", "27.68", "26.51"),
            ("deep image prior, the same", "27.58", "26.60", "25.97"),
            ("the paper's own row", "29.10", "28.61", "26.20"),
        ),
        "[arXiv 2009.11532](https://arxiv.org/abs/2009.11532), table 1",
    )


def _knowledge() -> Iterator[Section]:
    """What it knows: the noise level, black, and how likely pictures are."""
    yield Section(
        "clipped",
        "Noise that was cut off at black",
        f"examples/benchmarks/clipped_noise.py --images {_VALIDATION}",
        "8 bits, color, sigma told, without and with the bias taken out.",
        weights=("color",),
    )
    for name, title, more, weights in (
        ("level-color", "How well it knows the noise level, color", "", "noise-level-color"),
        ("level-gray", "The same in gray", " --gray", "noise-level-gray"),
        ("level-wavelet", "The wavelet estimate of scikit-image, gray", " --gray --wavelet", ""),
    ):
        yield Section(
            name,
            title,
            f"examples/benchmarks/noise_level_errors.py --images {_VALIDATION}{more}",
            "Mean absolute error (mean error) by the true level and how the picture was stored.",
            weights=(weights,) if weights else (),
        )
    for kind in ("color", "gray"):
        yield Section(
            f"bits-{kind}",
            f"Bits per dimension of the prior, {kind}",
            f"examples/benchmarks/bits_per_dim.py --images {_VALIDATION} --weights prior-{kind}",
            weights=(f"prior-{kind}",),
        )


def _guards() -> Iterator[Section]:
    """Pictures that a network has not learned."""
    color, gray = ("color", "noise-level-color", "noise-map-color"), ("gray", "noise-level-gray")
    photographs = f"--images {DATA}/open-photos-2 --list docs/heldout.csv --crop 192"
    for name, title, options, weights in (
        ("drawings", "12 drawings", "--drawn --sigma 1,2,3,5,10", color),
        ("drawings-gray", "gray in RGB", "--drawn --gray --sigma 1,2,3,5,10", gray),
        ("held-out", "photographs held out", f"{photographs} --sigma 1,2,3,5,10", color),
    ):
        yield Section(
            f"never-worse-{name}",
            f"Never worse than it came in: {title}",
            f"examples/experiments/never_worse.py {options}",
            "PSNR in 8 bits. *Network* is the network without what guards it; *worst* is the "
            "picture that gains least, below zero one that came out worse than it came in.",
            weights=weights,
        )
    yield Section(
        "shadows",
        "Shadows and highlights",
        "examples/experiments/shadows.py",
        "Mean shift in bands of 16 levels, of 255, over a gray ramp from black to white; the "
        "noise of light fades in the shadows, and half of it is cut off at white. Without noise "
        "it is told sigma 5.",
        weights=gray,
    )


def _speed() -> Iterator[Section]:
    """Time, on an otherwise idle machine if possible."""
    command = "benchmark speed --threads 1 --tiles 512,0 --side 512"
    for kind, more in (("color", ""), ("gray", " --gray")):
        yield Section(
            f"speed-{kind}",
            f"Speed, {kind}",
            f"{command} --methods flowdenoise,dncnn,ffdnet,bm3d{more} --data-dir {DATA}",
            "One thread. DnCNN and FFDNet compute in float32 unless `--precision bfloat16` asks.",
            weights=(kind,),
        )
    yield Section(
        "speed-bfloat16",
        "Speed, color, all in bfloat16",
        f"{command} --methods flowdenoise,dncnn,ffdnet --precision bfloat16 --data-dir {DATA}",
        weights=("color",),
    )
    yield Section(
        "whole-command",
        "The whole command",
        "benchmark whole-command --megapixels 12",
        "With its start, the noise level and both files, beside the bare network.",
        weights=("color",),
    )


def _slow() -> Iterator[Section]:
    """What takes hours."""
    for kind, image_set in (("color", "cbsd68"), ("gray", "bsd68")):
        yield Section(
            f"{image_set}-best",
            f"Eight turns (`--effort best`), {kind}",
            f"benchmark {image_set} {_LEVELS} --methods {_TOLD_AND_BLIND},flowdenoise-blind-x8 "
            f"--data-dir {DATA}",
        )
        yield Section(
            f"{image_set}-classical",
            f"Methods without training, {kind}",
            f"benchmark {image_set} {_LEVELS} --limit 20 --data-dir {DATA} "
            "--methods flowdenoise,bm3d,nlm,wavelet,noisy",
            "The first 20 images. BM3D is its authors' package.",
        )
    yield Section(
        "bsd68-wnnm",
        "Weighted nuclear norm minimization, gray",
        "benchmark bsd68 --sigma 25 --limit 3 --methods flowdenoise,wnnm,bm3d,noisy "
        f"--data-dir {DATA}",
        "The first three pictures. Over all 68, WNNM is published with 28.83, BM3D with 28.57.",
    )
    for kind, image_set in (("gray", "bsd68"), ("color", "cbsd68")):
        yield Section(
            f"{image_set}-dip",
            f"Deep image prior on whole pictures, {kind}",
            f"benchmark {image_set} --sigma 25 --limit 3 --methods flowdenoise,dip-narrow,noisy "
            f"--data-dir {DATA}",
            "The first three pictures. Each trains a network of its own, of a quarter of the "
            "published width and in bfloat16, and stops by itself, without the truth, after 3,000 "
            "steps at the latest. The paper printed 26.6 for it.",
        )


SECTIONS = (
    *_white_noise(),
    *_other_pictures(),
    *_small_networks(),
    *_paper(),
    *_knowledge(),
    *_guards(),
    *_speed(),
    *_slow(),
)
"""In the order of the page and of measuring: what is quick and important comes first."""
