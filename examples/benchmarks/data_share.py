"""What share of a training step goes into data: cutting, turning and noising patches.

python examples/benchmarks/data_share.py --data IMAGES
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from flowdenoise.data.corpus import list_images, load_corpus
from flowdenoise.optimization.optimizers import build_optimizer
from flowdenoise.system.device import choose_device, choose_precision
from flowdenoise.training import recipes
from flowdenoise.training.denoiser_stage import DenoiserStage
from flowdenoise.training.run_config import DenoiserRun
from flowdenoise.training.runs import build_network


def synchronize(device: torch.device) -> float:
    """The time at which the device has done all that was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Time whole steps and their batches, and print the share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    device = choose_device(options.device)
    run: DenoiserRun = recipes.default(3)
    corpus = load_corpus(list_images(options.data), channels=3, smallest=run.training.patch)
    model = build_network(run.network).to(device).to(memory_format=torch.channels_last)
    stage = DenoiserStage(model, corpus.to(device), run.training, steps=10**6, seed=0)
    optimizer = build_optimizer(run.loop.optimizer, model, 1e-4, run.loop.betas)
    half = choose_precision(run.loop.precision, device) == torch.bfloat16
    shares = []
    for step in range(options.rounds + 2):
        start = synchronize(device)
        sources, first, count = stage.sources.at(step, 0, run.loop.batch)
        stage.term.sample(sources, sources.patches.draws(step, count, first))
        data = synchronize(device) - start
        start = synchronize(device)
        with torch.autocast(device.type, torch.bfloat16, half):
            loss = stage.loss(model, step, 0, run.loop.batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        whole = synchronize(device) - start
        if step >= 2:  # the first two warm up
            shares.append(data / whole)
    print(
        f"data takes {100 * statistics.median(shares):.1f} % of a step (median of {len(shares)})"
    )


if __name__ == "__main__":
    main()
