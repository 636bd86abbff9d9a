r"""How much of the levels that the estimator of noise maps finds should a denoiser be told?

`measure` denoises photographs that are found to have the noise of a camera, told some shares of
the levels, and writes a row for each: the signs that `engine.method_noise` sees, and what was
gained. Pictures without a noisy partner are taken by simulated cameras. `--gray` turns photographs
gray, `--reduce` divides their sides by a factor, as people do before they think of noise, and
`--light` multiplies the light of simulated scenes: what is too bright burns out.

`fit` finds the weights of the signs that count for such photographs with which they gain most, a
loss and a real photograph counting three times, and what they gain in pictures that were left out
of the fit, a fifth at a time.

    python examples/experiments/share_of_noise.py measure IMAGES... --out rows.csv [--gray] \
        [--reduce 2] [--light 4]
    python examples/experiments/share_of_noise.py fit rows.csv... [--gray] [--signs SIGN...]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics, weights
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.engine import EngineConfig, RemovalConfig
from flowdenoise.engine.denoisers import Denoisers, model_of
from flowdenoise.engine.examined import Examined, ExaminedPlane
from flowdenoise.engine.trial.method_noise import WEIGHTS, Signs, signs_of_noise
from flowdenoise.estimation.estimate import Estimate, camera_or_white
from flowdenoise.estimation.estimators import Finding
from flowdenoise.estimation.noise_maps import MAP_ESTIMATORS, noise_maps
from flowdenoise.images import Picture
from flowdenoise.noise import editing
from flowdenoise.training.validation_photos import SIDE, validation_photos

SHARES = (0.45, 1.0)
"""The shares of the levels that are tried unless others are asked for."""

TOLD = "told "  # before a share, the heading of what is gained by it
ALL = 10**6
BEST = 60.0  # the PSNR of a picture that nobody can tell from the truth, in dB
SIGNS = tuple(field.name for field in fields(Signs))
PARTS = 5
PENALTY, REAL = 3.0, 3.0
MOST = 4.0  # a gain beyond some dB needs no more encouragement
DAMPING = 0.003
TINY = 1e-6  # a sign that does not vary has no weight


class Meter:
    """Measures what a photograph gains by shares of the levels.

    Args:
        channels: The number of channels of the photographs, 1 or 3.
        shares: The shares of the levels to try.
    """

    def __init__(self, channels: int, shares: list[float]) -> None:
        self.denoiser, self.channels, self.shares = Denoiser.load(), channels, shares
        self.estimator = weights.load(MAP_ESTIMATORS[channels]).network.eval()
        config = EngineConfig()
        model = model_of(config)
        self.networks = Denoisers(
            model.networks,
            model.photos,
            model.quick,
            self.denoiser.device,
            self.denoiser.precision,
            config,
        )

    @torch.no_grad()
    def row(self, picture: Picture, truth: Tensor) -> dict[str, Any] | None:
        """The signs and the gains; None unless the noise is found to be that of a camera."""
        found = self.denoiser.examine(picture, noise="white").planes
        if len(found) != 1 or found[0].picture.channels != self.channels:
            return None
        plane = found[0].plane
        maps = noise_maps(plane.picture, self.estimator, self.denoiser.device)
        if camera_or_white(found[0].estimate, maps, self.channels).maps is None:
            return None
        quick = self.networks.quick_for(Estimate.of_camera(maps), self.channels)
        if quick is None:
            return None
        signs = signs_of_noise(plane.picture, maps, quick, self.denoiser.device)
        if signs is None:
            return None
        came = _quality(picture, truth)
        gains = {}
        for share in self.shares:
            told = Estimate(share * maps.sigma, "camera", maps=maps.scaled(share))
            way = Examined(picture, (ExaminedPlane(plane, Finding(told)),))
            result = self.denoiser.remove(way, RemovalConfig())
            gains[f"{TOLD}{share:g}"] = _quality(result, truth) - came
        return {"sigma": 255 * maps.sigma, **asdict(signs), **gains}


def _quality(picture: Picture, truth: Tensor) -> float:
    return min(BEST, metrics.psnr(picture.tensor()[0], truth))


def photographs(
    folders: list[str], channels: int, reduced: float, light: float
) -> Iterator[tuple[str, int, Picture, Tensor]]:
    """The kind, the number, the photograph and the truth of all that the folders hold."""
    for folder in folders:
        sources = Sources(DataConfig(validation=(folder,)))
        side = round(SIDE * reduced)
        found = validation_photos(sources, smallest=64, stride=2, most=ALL, side=side, light=light)
        for kind, pairs in found.items():
            for number, (noisy, truth) in enumerate(pairs):
                if channels == 1:
                    noisy, truth = (metrics.luma(photo)[None] for photo in (noisy, truth))
                if reduced != 1:
                    noisy, truth = (middle_of(photo, reduced) for photo in (noisy, truth))
                name = f"{Path(folder).name}, {kind}"
                yield name, number, Picture(images.quantize(noisy, np.uint8)), truth


def middle_of(photo: Tensor, factor: float) -> Tensor:
    """The middle square of a photograph (C, H, W) whose sides are divided by a factor."""
    side = int(min(photo.shape[1:]) / factor)
    return editing.resize(photo[None], torch.tensor([1 / factor]), side)[0]


def measure(
    folders: list[str],
    out: Path,
    channels: int,
    shares: list[float],
    reduced: float,
    light: float,
) -> None:
    """Write a row for each photograph that is found to have the noise of a camera."""
    meter, told = Meter(channels, shares), [f"{TOLD}{share:g}" for share in shares]
    with out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ("kind", "number", "sigma", *SIGNS, *told))
        writer.writeheader()
        for kind, number, picture, truth in photographs(folders, channels, reduced, light):
            if (row := meter.row(picture, truth)) is not None:
                writer.writerow({"kind": kind, "number": number, **row})
                stream.flush()


class Rows:
    """What was measured, as tensors.

    Args:
        files: CSV files from `measure`, all of the same shares.
        signs: The names of the signs that count.
    """

    def __init__(self, files: list[Path], signs: tuple[str, ...]) -> None:
        rows = [row for file in files for row in csv.DictReader(file.open(newline=""))]
        self.kinds = [row["kind"] for row in rows]
        pictures = [f"{row['kind'].split(',')[0]} {row['number']}".encode() for row in rows]
        self.part = torch.tensor([zlib.crc32(picture) % PARTS for picture in pictures])
        ones = torch.ones(len(rows), 1, dtype=torch.float64)
        self.signs = torch.cat([ones, torch.stack([self._column(rows, s) for s in signs], 1)], 1)
        told = [name for name in rows[0] if name.startswith(TOLD)]
        self.powers = torch.arange(1, 1 + len(told), dtype=torch.float64)
        shares = torch.tensor([float(name.removeprefix(TOLD)) for name in told]).double()
        gains = torch.stack([self._column(rows, name) for name in told])
        self._curve = torch.linalg.solve(shares[:, None] ** self.powers, gains).T
        self.counts = torch.tensor([REAL if "pairs" in kind else 1.0 for kind in self.kinds])

    @staticmethod
    def _column(rows: list[dict[str, str]], name: str) -> Tensor:
        return torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)

    def gain(self, share: Tensor) -> Tensor:
        """The gain in dB by a share: the polynomial through none and those that were tried."""
        return (self._curve * share[:, None] ** self.powers).sum(1)


def worth(gain: Tensor) -> Tensor:
    """What a gain is worth: a loss counts more, a large gain little more than some gain."""
    return torch.where(gain > 0, MOST * torch.tanh(gain / MOST), PENALTY * gain)


def fit(rows: Rows, learned: Tensor) -> Tensor:
    """The bias and the weights with which the learned rows gain most."""
    mean, spread = rows.signs[:, 1:].mean(0), rows.signs[:, 1:].std(0).clamp(min=TINY)
    scaled = torch.cat([rows.signs[:, :1], (rows.signs[:, 1:] - mean) / spread], 1)
    found = torch.zeros(scaled.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([found], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        gains = (rows.counts * worth(rows.gain(torch.sigmoid(scaled @ found))))[learned]
        value = DAMPING * found[1:].square().sum() - gains.mean()
        value.backward()
        return value

    optimizer.step(loss)
    weight = found.detach()[1:] / spread
    return torch.cat([found.detach()[:1] - (weight * mean).sum(), weight])


def report(title: str, rows: Rows, share: Tensor) -> None:
    """Print what is gained, in the mean, by kind and in the worst photograph."""
    gain, by_kind = rows.gain(share), defaultdict(list)
    for kind, value in zip(rows.kinds, gain.tolist(), strict=True):
        by_kind[kind].append(value)
    means = ", ".join(f"{kind} {statistics.mean(found):+.2f}" for kind, found in by_kind.items())
    losses = int((gain < -0.3).sum())
    print(
        f"{title}: worth {worth(gain).mean():.3f}, mean {gain.mean():+.3f} dB, "
        f"worst {gain.min():+.2f}, {losses} of {len(gain)} lose more than 0.3; {means}"
    )


def main() -> None:
    """Measure or fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    first = commands.add_parser("measure")
    first.add_argument("images", nargs="+", help="folders of clean pictures or of pairs")
    first.add_argument("--out", type=Path, required=True)
    first.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the levels")
    first.add_argument(
        "--reduce", type=float, default=1.0, help="factor that sides are divided by"
    )
    first.add_argument("--light", type=float, default=1.0, help="factor of the light of scenes")
    second = commands.add_parser("fit")
    second.add_argument("rows", nargs="+", type=Path)
    second.add_argument("--signs", nargs="+", choices=SIGNS, help="those that count, if others")
    for command in (first, second):
        command.add_argument("--gray", action="store_true", help="gray photographs")
    options = parser.parse_args()
    channels = 1 if options.gray else 3
    if options.command == "measure":
        measure(
            options.images, options.out, channels, options.shares, options.reduce, options.light
        )
        return
    signs = tuple(options.signs or WEIGHTS[channels][1])
    rows = Rows(options.rows, signs)
    report("all of the levels", rows, torch.ones(len(rows.kinds)))
    share = torch.empty(len(rows.kinds), dtype=torch.float64)
    for part in range(PARTS):
        found, out = fit(rows, rows.part != part), rows.part == part
        share[out] = torch.sigmoid(rows.signs[out] @ found)
    report("a share, weights of other pictures", rows, share)
    best = torch.stack([rows.gain(torch.full_like(share, step / 20)) for step in range(21)])
    report("the best share of each", rows, best.argmax(0) / 20)
    found = fit(rows, torch.ones_like(rows.part, dtype=torch.bool)).tolist()
    print(f"bias {found[0]:.3f}", *(f"{s} {w:.3f}" for s, w in zip(signs, found[1:], strict=True)))


if __name__ == "__main__":
    main()
