"""Bits per dimension and inverse error of a prior on clean patches: what its training validates.

    python examples/benchmarks/bits_per_dim.py --images IMAGES [--weights prior-gray]

1024 patches of the prior's size are cut at places that depend on the images alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flowdenoise.data.corpus import list_images, load_corpus
from flowdenoise.flow import Glow
from flowdenoise.training.prior_stage import PriorStage, PriorTraining
from flowdenoise.weights import load


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--weights", default="prior-color")
    options = parser.parse_args()
    flow = load(options.weights, role="prior").network
    assert isinstance(flow, Glow)  # noqa: S101 - for the type checker; the role says it
    corpus = load_corpus(list_images(options.images), channels=flow.config.image_channels)
    stage = PriorStage(flow, corpus, PriorTraining(), seed=0, validation=corpus)
    figures = stage.validate(flow.eval())
    print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
