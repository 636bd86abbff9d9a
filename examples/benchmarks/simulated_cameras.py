"""What the program makes of simulated photographs: a phone's, a reflex camera's, a camera's JPEG.

    python examples/benchmarks/simulated_cameras.py bsds500-val32 [--list docs/heldout.csv] \
        [--weights supervised=FILE ...] [--effort fast ...] [--skip-told] [--gray] \
        [--side 512] [--reduce 2] [--jpeg 85] [--shots 32] [--light 4]

Each kind of camera takes one photograph of the middle 256x256 of each clean picture. The truth is
what it would take without noise, or the mean of that many shots. With more light than 1 bright
places burn out. Both are turned gray and reduced if wanted, and the photograph is stored as JPEG
if wanted. Rows: the photograph itself; the automatic result; the best of some levels that `auto`
is told, picture by picture, unless they are skipped; and the automatic result of further weights
and of other efforts.
All pass through the engine as files do, in 8 bits. The second table is the least gain of a
picture, which is negative where one came out worse than it went in. The third counts the pictures
that lost more than 0.15 dB, and says what these lost together. The fourth is the shift of the
mean: over all pictures, brightness of the result minus that of the truth, in the band of 16 levels
of the truth where it is largest.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from colorless_noise import as_stored
from torch import Tensor

from flowdenoise import Denoiser, metrics
from flowdenoise.benchmark.sets import open_set
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.images import Picture
from flowdenoise.noise import editing
from flowdenoise.training.validation_photos import SIDE, Photos, validation_photos

LEVELS = (3, 5, 8, 12, 20, 35, 50)
"""The levels that are told, 0 to 255 scale."""

BANDS = 16
LEAST = 0.005  # of all pixels: a band that has fewer says little
SEEN = 0.15  # dB; what a picture may lose and still look as it did


@dataclass
class Row:
    """What a way of cleaning reached with one kind of camera.

    Attributes:
        psnr: The PSNR of each picture.
        shift: Sums of result minus truth, by band of the truth's brightness.
        count: Pixels of each band.
    """

    psnr: list[float] = field(default_factory=list)
    shift: Tensor = field(default_factory=lambda: torch.zeros(BANDS))
    count: Tensor = field(default_factory=lambda: torch.zeros(BANDS))

    def add(self, result: Tensor, truth: Tensor) -> None:
        """Count a result (C, H, W) in."""
        self.psnr.append(metrics.psnr(result, truth))
        bands = (BANDS * truth.mean(0)).long().clamp(max=BANDS - 1).flatten()
        self.shift.index_add_(0, bands, 255 * (result - truth).mean(0).flatten())
        self.count += torch.bincount(bands, minlength=BANDS)

    @property
    def largest_shift(self) -> float:
        """The mean shift of the band that has the largest, 0 to 255 scale."""
        seen = self.count > LEAST * self.count.sum()
        shifts = self.shift[seen] / self.count[seen]
        return float(shifts[shifts.abs().argmax()])


def gains(row: Row, noisy: Row) -> list[float]:
    """What each picture gained, in dB."""
    return [after - before for after, before in zip(row.psnr, noisy.psnr, strict=True)]


def losses(row: Row, noisy: Row) -> str:
    """How many pictures lost more than `SEEN`, and what these lost together, in dB."""
    lost = [-gain for gain in gains(row, noisy) if gain < -SEEN]
    return f"{len(lost)}; {sum(lost):.1f}"


def photographs(
    folder: Path,
    table: Path | None,
    *,
    gray: bool,
    side: int,
    reduced: float = 1,
    shots: int = 0,
    light: float = 1,
) -> Photos:
    """The simulated photographs of a folder's pictures, of all or of those that a table names."""
    files = open_set(str(folder)).listed(table).files
    config = DataConfig(validation=tuple(map(str, files)))
    photos = validation_photos(
        Sources(config),
        smallest=64,
        stride=2,
        most=len(files),
        side=side,
        shots=shots,
        light=light,
    )

    def changed(photo: Tensor) -> Tensor:
        whole = in_gray(photo) if gray else photo
        if reduced == 1:
            return whole
        return in_8_bits(editing.resize_whole(whole[None], 1 / reduced)[0])

    return {kind: [(changed(a), changed(b)) for a, b in pairs] for kind, pairs in photos.items()}


def in_8_bits(photo: Tensor) -> Tensor:
    """The photograph as a file of 8 bits holds it."""
    return (255 * photo).round() / 255


def in_gray(photo: Tensor) -> Tensor:
    """A color picture (3, H, W) in gray, (1, H, W), as a file of 8 bits holds it."""
    return in_8_bits(metrics.luma(photo)[None])


def told(denoiser: Denoiser, picture: Picture, truth: Tensor) -> Tensor:
    """The best result of a denoiser that is told a level."""
    results = [denoiser.denoise_picture(picture, level / 255).picture for level in LEVELS]
    return max((one.tensor()[0] for one in results), key=lambda made: metrics.psnr(made, truth))


def measure(
    photos: Photos, denoisers: dict[str, Denoiser], *, levels: bool, quality: int | None
) -> dict[str, dict[str, Row]]:
    """Rows by their names, each by the kind of camera; with the best of told levels if wanted."""
    names = ("noisy", "automatic", *(["told the best level"] if levels else []), *denoisers)
    table = {name: {kind: Row() for kind in photos} for name in names}
    auto = Denoiser.load()
    for kind, pairs in photos.items():
        for noisy, truth in pairs:
            picture = as_stored(noisy, quality)
            table["noisy"][kind].add(noisy if quality is None else picture.tensor()[0], truth)
            if levels:
                table["told the best level"][kind].add(told(auto, picture, truth), truth)
            for name, denoiser in {"automatic": auto, **denoisers}.items():
                cleaned = denoiser.denoise_picture(picture).picture
                table[name][kind].add(cleaned.tensor()[0], truth)
    return table


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="folder of clean pictures")
    parser.add_argument("--list", type=Path, help="CSV whose column `image` names some of them")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--effort", action="append", default=[], help="an effort of `denoise`")
    parser.add_argument("--skip-told", action="store_true", help="leave out the told levels")
    parser.add_argument("--gray", action="store_true", help="turn the photographs gray")
    parser.add_argument("--side", type=int, default=SIDE, help="the largest side of a photograph")
    parser.add_argument("--reduce", type=float, default=1, help="factor that sides are divided by")
    parser.add_argument("--jpeg", type=int, metavar="QUALITY", help="store photographs as JPEG")
    parser.add_argument("--shots", type=int, default=0, help="whose mean is the truth")
    parser.add_argument("--light", type=float, default=1, help="factor of the scenes' light")
    options = parser.parse_args()
    named = dict(word.split("=", 1) for word in options.weights)
    if taken := {"noisy", "automatic", "told the best level"} & named.keys():
        parser.error(f"a row of its own is called {taken.pop()}: take another name")
    photos = photographs(
        options.images,
        options.list,
        gray=options.gray,
        side=options.side,
        reduced=options.reduce,
        shots=options.shots,
        light=options.light,
    )
    denoisers = {name: Denoiser.load(file) for name, file in named.items()}
    denoisers |= {f"effort {effort}": Denoiser.load(effort=effort) for effort in options.effort}
    table = measure(photos, denoisers, levels=not options.skip_told, quality=options.jpeg)
    count = len(next(iter(photos.values())))
    figures_of: tuple[tuple[str, Callable[[Row, Row], str]], ...] = (
        ("PSNR", lambda row, _: f"{statistics.mean(row.psnr):.2f}"),
        ("least gain", lambda row, noisy: f"{min(gains(row, noisy)):+.2f}"),
        ("lose more than 0.15 dB; together", losses),
        ("largest shift", lambda row, _: f"{row.largest_shift:+.2f}"),
    )
    for title, figure in figures_of:
        print(f"| {title}, {count} pictures of {options.images.name} |", " | ".join(photos), "|")
        print("| --- |" + " ---: |" * len(photos))
        for name, kinds in table.items():
            figures = (figure(row, table["noisy"][kind]) for kind, row in kinds.items())
            print(f"| {name} |", " | ".join(figures), "|")
        print()


if __name__ == "__main__":
    main()
