"""Training throughput of our Glow against that of the package normflows, in one run.

Both have the same levels, steps, hidden width and batch, those of `train-prior` unless said
otherwise, and the same affine coupling with sigmoid scale; each step is forward, backward and
Adam. At a split normflows learns a Gaussian without looking at the half that stays; ours is
predicted from it, by one convolution as Glow's, or with `--split net` by a network as large as a
coupling's. The two take turns, so that the ratio holds while the machine's speed drifts.

    pip install normflows
    python examples/benchmarks/glow_throughput.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import get_args

import torch

from flowdenoise.flow import Glow, GlowConfig
from flowdenoise.flow.split import Split


def ours(
    config: GlowConfig, batch: torch.Tensor, precision: str, *, compiled: bool = False
) -> Callable[[], float]:
    """A training step of our Glow."""
    flow = Glow(config).to(memory_format=torch.channels_last)
    flow.initialize(batch)
    density = torch.compile(flow) if compiled else flow
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-4, fused=True)
    images = batch.contiguous(memory_format=torch.channels_last)

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = -density(images).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def theirs(
    config: GlowConfig, batch: torch.Tensor, *, compiled: bool = False
) -> Callable[[], float]:
    """A training step of the Glow of normflows' own example, with the same sizes."""
    import normflows as nf

    bases, merges, flows = [], [], []
    for level in range(config.levels):
        coarse = 2 ** (config.levels + 1 - level)
        blocks = [
            nf.flows.GlowBlock(config.image_channels * coarse, config.hidden_channels)
            for _ in range(config.steps_per_level)
        ]
        flows.append([*blocks, nf.flows.Squeeze()])
        if level > 0:
            merges.append(nf.flows.Merge())
            factor = 2 ** (config.levels - level)
            shape = (config.image_channels * factor, *(config.size // factor,) * 2)
        else:
            channels = config.image_channels * 2 ** (config.levels + 1)
            shape = (channels, *(config.size // 2**config.levels,) * 2)
        bases.append(nf.distributions.DiagGaussian(shape))
    model = nf.MultiscaleFlow(bases, flows, merges, class_cond=False)
    model.log_prob(batch, None)  # its ActNorm initializes itself
    cost = torch.compile(model.forward_kld) if compiled else model.forward_kld
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def step() -> float:
        loss = cost(batch, None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def seconds(step: Callable[[], float]) -> float:
    """Wall time of one step."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> None:
    """Time them and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--steps-per-level", type=int, default=GlowConfig.steps_per_level)
    parser.add_argument("--hidden", type=int, default=GlowConfig.hidden_channels)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--split", choices=get_args(Split), default=GlowConfig.split)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="also both under torch.compile")
    options = parser.parse_args()
    torch.manual_seed(0)
    config = GlowConfig(
        levels=options.levels,
        steps_per_level=options.steps_per_level,
        hidden_channels=options.hidden,
        scale="sigmoid",
        split=options.split,
    )
    batch = torch.rand(options.batch, 3, 32, 32)
    steps = {
        "normflows, float32": theirs(config, batch),
        "flowdenoise, float32": ours(config, batch, "float32"),
        "flowdenoise, bfloat16": ours(config, batch, "bfloat16"),
    }
    if options.compile:
        steps["normflows, float32, compiled"] = theirs(config, batch, compiled=True)
        steps["flowdenoise, bfloat16, compiled"] = ours(config, batch, "bfloat16", compiled=True)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for count in range(options.rounds + 1):
        for name, step in steps.items():
            taken = seconds(step)
            if count:  # the first round warms up
                times[name].append(taken)
    base = times["normflows, float32"]
    for name, values in times.items():
        ratio = statistics.median(b / v for b, v in zip(base, values, strict=True))
        rate = options.batch / statistics.median(values)
        print(f"{name}: {rate:.1f} patches/s, {ratio:.2f} times normflows")


if __name__ == "__main__":
    main()
