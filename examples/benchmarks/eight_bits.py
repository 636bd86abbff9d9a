"""What integers of 8 bits in the inner blocks of networks cost in PSNR, and how much they save.

    python examples/benchmarks/eight_bits.py IMAGES [--weights color-fast photo-fast ...]

The middle 256x256 of every so many-th picture of the folder is measured. Networks for white noise
are told 15, 25 and 50; those for photographs see the three kinds of simulated cameras, told the
maps of the shipped estimator. Time is processor time of one thread on 640x640 pixels.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from flowdenoise import metrics, weights
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.networks import DenoisingNetwork, with_integers
from flowdenoise.noise.white import add_gaussian
from flowdenoise.training.camera_stage import coarse_maps
from flowdenoise.training.validation_photos import validation_photos

Shown = tuple[Tensor, Tensor | float, Tensor]  # a noisy picture, what is told of it, the truth
SHIPPED = ("color-fast", "photo-fast", "photo-coarse-fast", "color", "photo")
SIDE = 640


def pictures(folder: Path, step: int) -> dict[str, dict[str, list[Shown]]]:
    """What networks are shown, by the number of their maps and by the kind of noise."""
    photos = validation_photos(Sources(DataConfig(validation=(str(folder),))), 64, stride=4)
    estimator = weights.load("noise-map-color").network.eval()
    cameras: dict[str, list[Shown]] = {}
    for kind, pairs in photos.items():
        cameras[kind] = [
            (noisy[None], coarse_maps(estimator, noisy[None]), truth)
            for noisy, truth in pairs[::step]
        ]
    white: dict[str, list[Shown]] = {}
    for level in (15, 25, 50):
        cleans = [truth[None] for _, truth in photos["reflex"][::step]]
        white[str(level)] = [
            (add_gaussian(clean, level / 255, seed=seed), level / 255, clean[0])
            for seed, clean in enumerate(cleans)
        ]
    return {"1": white, "2": cameras}


def psnr(network: DenoisingNetwork, shown: Sequence[Shown]) -> float:
    """The mean PSNR of what a network makes of noisy pictures."""
    return statistics.mean(
        metrics.psnr(network(as_used(noisy), told)[0].clamp(0, 1), truth)
        for noisy, told, truth in shown
    )


def as_used(picture: Tensor) -> Tensor:
    """A picture as the engine shows it to networks."""
    return picture.contiguous(memory_format=torch.channels_last)


def seconds(compute: Callable[[], Tensor], times: int = 5) -> float:
    """The processor time of a computation, the least of some."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        compute()
        taken.append(time.process_time() - start)
    return min(taken)


@torch.inference_mode()
def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--weights", nargs="+", default=SHIPPED)
    parser.add_argument("--step", type=int, default=4, help="take every so many-th picture")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shown = pictures(options.images, options.step)
    print("| weights | | seconds | PSNR |")
    print("| --- | --- | ---: | --- |")
    for name in options.weights:
        exact = weights.load(name).network.eval().requires_grad_(False)
        exact = exact.to(memory_format=torch.channels_last)
        half = copy.deepcopy(exact).bfloat16()
        tile = as_used(torch.rand(1, 3, SIDE, SIDE))
        maps = exact.config.sigma_channels
        told = torch.full((1, maps, SIDE, SIDE), 0.1) if maps > 1 else 0.1
        for label, network in {
            "float32": exact,
            "float32 and integers": with_integers(exact, exact),
            "bfloat16": half,
            "bfloat16 and integers": with_integers(half, exact),
        }.items():
            found = {kind: psnr(network, some) for kind, some in shown[str(maps)].items()}
            taken = seconds(partial(network, tile, told))
            words = ", ".join(f"{kind}: {value:.3f}" for kind, value in found.items())
            print(f"| `{name}` | {label} | {taken:.3f} | {words} |")


if __name__ == "__main__":
    main()
