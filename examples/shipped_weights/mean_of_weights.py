"""The mean of two files of weights of one network, as a file.

    python examples/shipped_weights/mean_of_weights.py FIRST SECOND --share 0.65 --out FILE

Where the second is the first trained further on other pictures, the mean keeps most of what each
is better at (M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). A second
that is told one level of noise is told brightness and color apart first, if the first is.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from flowdenoise import weights
from flowdenoise.networks import ResNet, tell_two_maps


def main() -> None:
    """Write the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of the second")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    first, second = (weights.load(str(file)) for file in (options.first, options.second))
    network, last = first.network.float(), second.network.float()
    alike = isinstance(last, ResNet) and last.config == replace(network.config, maps=1)
    if alike and last.config != network.config:
        last = tell_two_maps(last)
    other = last.state_dict()
    mean = {
        name: own.lerp(other[name], options.share) for name, own in network.state_dict().items()
    }
    network.load_state_dict(mean)
    training = {"first": first.training, "second": second.training, "share": options.share}
    weights.save_weights(options.out, network, training=training)


if __name__ == "__main__":
    main()
