"""Where the time of the command goes beside the network: processor time of each stage, one thread.

    python examples/benchmarks/command_stages.py [--megapixels 12 --tile 512 --effort normal]

`start` is the start of Python and all imports, `examine` the estimate, `remove` the network with
its tiles' overlap and all that is done with tiles. `network` is each pixel once. Processor
time does not ask whether other programs are busy; shares of it can be compared.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from flowdenoise import images, weights
from flowdenoise.benchmark.synthetic import photograph
from flowdenoise.engine import (
    Denoiser,
    EngineConfig,
    RemovalConfig,
    TileDenoiser,
    TilingConfig,
    takes_integers,
)
from flowdenoise.engine.tiles import tiling
from flowdenoise.images import Picture

T = TypeVar("T")

STARTED = time.process_time()


def main() -> None:
    """Denoise a photograph stage by stage, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--tile", type=int)
    parser.add_argument("--effort", default=EngineConfig.effort)
    given = parser.parse_args()
    torch.set_num_threads(1)
    width = round(math.sqrt(given.megapixels * 1e6 * 4 / 3))
    height = round(given.megapixels * 1e6 / width)
    seconds = {"start": STARTED}

    def timed(stage: str, work: Callable[[], T]) -> T:
        begin = time.process_time()
        result = work()
        seconds[stage] = time.process_time() - begin
        return result

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photograph.png"
        images.write(Picture(photograph(height, width)), file)
        picture = timed("read", lambda: images.read(file))
        denoiser = Denoiser.load(device="cpu", tile=given.tile, effort=given.effort)
        examined = timed("examine", lambda: denoiser.examine(picture))
        result = timed("remove", lambda: denoiser.remove(examined, RemovalConfig()))
        timed("write", lambda: images.write(result, file))
    whole = sum(seconds.values())
    (name,) = denoiser.weights_for(examined)
    device, precision = denoiser.device, denoiser.precision
    eight_bits = takes_integers(denoiser.config, precision, device)
    network = TileDenoiser.of(weights.load(name).network, device, precision, eight_bits=eight_bits)
    bare = network_alone(network, picture)
    config, stride = network.tiling.changed(given.tile), network.config.stride
    more = math.prod(
        len(axis.starts) * axis.tile / axis.length
        for axis in (tiling.cut(side, config, multiple=stride) for side in (height, width))
    )
    for stage, spent in seconds.items():
        print(f"{stage:8} {spent:6.2f} s  {spent / bare:6.1%} of the network")
    print(f"{name}:")
    print(f"network  {bare:6.2f} s; the overlap of tiles adds {more - 1:.1%}")
    print(f"whole    {whole:6.2f} s, {whole / bare:.2f} times the network")


def network_alone(denoiser: TileDenoiser, picture: Picture) -> float:
    """Processor time of the network over all pixels, each once, in tiles side by side."""
    side, noisy = TilingConfig().tile, picture.tensor()
    sigma, seconds, pixels = 15 / 255, 0.0, 0
    with torch.no_grad():
        for top in range(0, picture.height - side + 1, side):
            for left in range(0, picture.width - side + 1, side):
                part = noisy[:, :, top : top + side, left : left + side]
                part = part.contiguous(memory_format=torch.channels_last)
                begin = time.process_time()
                denoiser.network(part, sigma)
                seconds += time.process_time() - begin
                pixels += side * side
    return seconds * picture.width * picture.height / pixels


if __name__ == "__main__":
    main()
