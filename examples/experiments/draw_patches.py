"""Draw a corpus of patches from a prior: what can be learned from its samples alone?

    python examples/experiments/draw_patches.py --prior prior-color --count 8192 --out drawn/
    flowdenoise train-denoiser --baseline --data-term supervised --noise-mode fresh --data drawn/ \
        --set training.patch=32 --set training.late_patch=0 --out runs/samples-only

Each sample is a picture of its own. No real image is a target of anything.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from flowdenoise import images
from flowdenoise.weights import load

BATCH = 256


def main() -> None:
    """Write the patches as PNG."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prior", default="prior-color")
    parser.add_argument("--count", type=int, default=8192)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    flow = load(options.prior, role="prior").network
    flow.eval().requires_grad_(False)
    options.out.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    for first in range(0, options.count, BATCH):
        count = min(BATCH, options.count - first)
        samples = flow.sample(count, temperature=options.temperature, generator=generator)
        for index, sample in enumerate(samples.nan_to_num().clamp(0, 1)):
            images.write_png(options.out / f"{first + index:06d}.png", sample)


if __name__ == "__main__":
    main()
