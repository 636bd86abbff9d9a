"""What docs/results.md says: each section with the command that measures it."""

from __future__ import annotations

from dataclasses import dataclass

DATA = "FOLDER"
"""Stands in commands for the folder of data."""

_OURS = "flowdenoise,flowdenoise-blind,flowdenoise-blind-x8"
_PEERS = "dncnn,ffdnet"


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
    """

    name: str
    title: str
    command: str
    text: str = ""
    published: tuple[tuple[str, ...], ...] = ()
    source: str = ""

    @property
    def words(self) -> list[str]:
        """The words of the command."""
        return self.command.split()

    @property
    def measures_a_set(self) -> bool:
        """Whether it is `benchmark SET`, which keeps what it has measured."""
        apart = ("table1", "speed", "whole-command")
        return self.words[0] == "benchmark" and self.words[1] not in apart


SECTIONS = (
    Section(
        "cbsd68",
        "White noise, color: CBSD68",
        f"benchmark cbsd68 --methods {_OURS},{_PEERS},n2v,bm3d,nlm,wavelet,noisy --limit bm3d=20 "
        f"--data-dir {DATA}",
        "Protocol `awgn`; `-blind` finds the level by itself, `-x8` is `--thorough`. DnCNN and "
        "FFDNet run their authors' weights.",
        (
            ("CBM3D, told", "33.52", "30.71", "28.89", "27.38"),
            ("CDnCNN-B, clean targets", "33.89", "31.23", "29.58", "27.92"),
            ("FFDNet, clean targets, told", "33.87", "31.21", "29.58", "27.96"),
        ),
        "FFDNet, table 2",
    ),
    Section(
        "bsd68",
        "White noise, gray: BSD68",
        f"benchmark bsd68 --methods {_OURS},{_PEERS},n2v,bm3d,nlm,wavelet,noisy --data-dir {DATA}",
        "",
        (
            ("BM3D, told", "31.07", "28.57", "27.08", "25.62"),
            ("WNNM, told", "31.37", "28.83", "27.30", "25.87"),
            ("DnCNN-B, clean targets", "31.61", "29.16", "", "26.23"),
            ("FFDNet, clean targets, told", "31.63", "29.19", "27.73", "26.29"),
        ),
        "FFDNet, table 1; DnCNN",
    ),
    Section(
        "cbsd68-weak",
        "Weak noise, color",
        f"benchmark cbsd68 --sigma 2,5,10 --methods flowdenoise,flowdenoise-blind,{_PEERS},noisy "
        f"--data-dir {DATA}",
    ),
    Section(
        "bsd68-weak",
        "Weak noise, gray",
        f"benchmark bsd68 --sigma 2,5,10 --methods flowdenoise,flowdenoise-blind,{_PEERS},noisy "
        f"--data-dir {DATA}",
    ),
    Section(
        "colorful",
        "Pictures rich in color",
        "benchmark open-photos-2 --list docs/heldout.csv --middle 512 --sigma 2,5,10,15,25,50 "
        f"--methods flowdenoise,flowdenoise-blind,{_PEERS},noisy --data-dir {DATA}",
        "The middle of 50 colorful photographs that no training saw (`docs/heldout.csv`).",
    ),
    Section(
        "colorful-gray",
        "The same in gray",
        "benchmark open-photos-2 --list docs/heldout.csv --middle 512 --sigma 15,25,50 --gray "
        f"--methods flowdenoise,flowdenoise-blind,{_PEERS},noisy --data-dir {DATA}",
    ),
    *(
        Section(
            name,
            title,
            f"benchmark {name} --methods flowdenoise-blind,flowdenoise@13,dncnn,ffdnet@13,noisy "
            f"--data-dir {DATA}",
            text,
        )
        for name, title, text in (
            ("nam25", "Real noise: Nam25", "Protocol `real`: photographs as files hold them."),
            ("cc15", "Real noise: CC15", "Only reported, never tuned on."),
            ("polyu", "Real noise: PolyU", "Reflex cameras with their own JPEG."),
            ("sidd-look", "Real noise: four phone crops", "Too few for more than a look."),
        )
    ),
    Section(
        "table1",
        "The paper's table, done again",
        f"benchmark table1 --methods flowdenoise,bm3d,dncnn,n2v --limit bm3d=20 --data-dir {DATA}",
        "The paper mixes gray and color images and protocols; here each is a table of its own.",
    ),
    Section(
        "paper-objective",
        "The paper's objective",
        "benchmark cbsd68 --protocol paper --sigma 15,25,35 --methods flowdenoise=paper-color "
        f"--data-dir {DATA}",
        "Noise clipped and cut to 8 bits, as in the paper, which printed 29.10, 28.61 and 26.20.",
    ),
    Section(
        "bsd68-slow",
        "Deep image prior and WNNM on whole pictures, gray",
        "benchmark bsd68 --sigma 25 --limit 3 --methods flowdenoise,dip,wnnm,bm3d,ffdnet,noisy "
        f"--data-dir {DATA}",
        "The first three pictures. Deep image prior stops by itself. The paper printed 26.6 for "
        "it, FFDNet's table 28.83 for WNNM, over all 68.",
    ),
    Section(
        "cbsd68-slow",
        "Deep image prior on whole pictures, color",
        "benchmark cbsd68 --sigma 25 --limit 3 --methods flowdenoise,dip,bm3d,ffdnet,noisy "
        f"--data-dir {DATA}",
        "The first three pictures.",
    ),
    Section(
        "clipped",
        "Noise that was cut off at black",
        f"examples/benchmarks/clipped_noise.py --images {DATA}/bsds500-val32",
        "8 bits, color, sigma told, without and with the bias taken out.",
    ),
    *(
        Section(
            name,
            title,
            f"examples/benchmarks/noise_level_errors.py --images {DATA}/bsds500-val32{more}",
            "Mean absolute error (mean error) by the true level and how the picture was stored.",
        )
        for name, title, more in (
            ("level-color", "How well it knows the noise level, color", ""),
            ("level-gray", "The same in gray", " --gray"),
            ("level-wavelet", "The wavelet estimate of scikit-image, gray", " --gray --wavelet"),
        )
    ),
    *(
        Section(
            f"bits-{kind}",
            f"Bits per dimension of the prior, {kind}",
            f"examples/benchmarks/bits_per_dim.py --images {DATA}/bsds500-val32 "
            f"--weights prior-{kind}",
        )
        for kind in ("color", "gray")
    ),
    *(
        Section(
            f"speed-{kind}",
            f"Speed, {kind}",
            "benchmark speed --methods flowdenoise,dncnn,ffdnet,bm3d --threads 1 --tiles 512,0 "
            f"--side 512{more} --data-dir {DATA}",
            "One thread. DnCNN and FFDNet compute in float32 unless `--precision bfloat16` asks.",
        )
        for kind, more in (("color", ""), ("gray", " --gray"))
    ),
    Section(
        "speed-bfloat16",
        "Speed, color, all in bfloat16",
        "benchmark speed --methods flowdenoise,dncnn,ffdnet --threads 1 --tiles 512,0 --side 512 "
        f"--precision bfloat16 --data-dir {DATA}",
    ),
    Section(
        "whole-command",
        "The whole command",
        "benchmark whole-command --megapixels 12",
        "With its start, the noise level and both files, beside the bare network.",
    ),
)
"""In the order of the page."""
