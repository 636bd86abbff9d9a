"""The estimator of noise maps of gray pictures that training begins with, from that of color ones.

    python examples/shipped_weights/gray_map.py --out FILE

A gray picture has no energy of color, so the weights of those energies are left out. Shown in
three equal channels it would have the square root of three times its brightness, which is what
remains to be allowed for.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import torch

from flowdenoise import weights
from flowdenoise.engine import MAP_ESTIMATOR
from flowdenoise.networks import NoiseMapNet

_ENERGIES = 9  # of each channel: three bands at three scales


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    network = gray_of(weights.load(MAP_ESTIMATOR).network.float())
    weights.save_weights(options.out, network, training={"initial": MAP_ESTIMATOR})


@torch.no_grad()
def gray_of(color: NoiseMapNet) -> NoiseMapNet:
    """The same estimator for gray pictures, (B, 1, H, W).

    Its first layer gives what that for color pictures gives of three equal channels, wherever the
    energies are well above the floor; its levels are divided by the square root of three.
    """
    gray = NoiseMapNet(replace(color.config, image_channels=1))
    kept = {k: v for k, v in color.state_dict().items() if k != "head.weight"}
    channels = color.config.image_channels
    energies = torch.arange(_ENERGIES) * channels  # brightness is the first of each band
    rest = torch.arange(2) + channels * (_ENERGIES + 1)
    own = torch.cat([energies, torch.tensor([_ENERGIES * channels]), rest])
    head = color.state_dict()["head.weight"][:, own].clone()
    scale = math.sqrt(channels)
    kept["head.bias"] = kept["head.bias"] + math.log(scale) * head[:, :_ENERGIES].sum((1, 2, 3))
    head[:, _ENERGIES] *= scale
    kept["tail.2.bias"] = kept["tail.2.bias"] - math.log(scale)
    gray.load_state_dict({**kept, "head.weight": head})
    return gray


if __name__ == "__main__":
    main()
