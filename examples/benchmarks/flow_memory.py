"""What a training step of the flow keeps for its backward pass, with and without recomputing.

    python examples/benchmarks/flow_memory.py [--steps-per-level 16] [--width 128] [--batch 32]

Counts the bytes of all tensors that autograd saves, each storage once, and the time of a step.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from flowdenoise.flow import Glow, GlowConfig


def saved_bytes(flow: Glow, patches: Tensor) -> tuple[int, float]:
    """Bytes kept between forward and backward pass, and seconds of both."""
    storages: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in flow.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    start = time.perf_counter()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = -flow(patches, 0.1).mean()
    kept = sum(storages.values())
    loss.backward()
    return kept, time.perf_counter() - start


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps-per-level", type=int, default=16)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    config = GlowConfig(
        steps_per_level=options.steps_per_level,
        hidden_channels=options.width,
        noise_levels=True,
    )
    torch.manual_seed(0)
    flow, patches = Glow(config), torch.rand(options.batch, 3, 32, 32)
    flow.initialize(patches, 0.1)
    saved_bytes(flow, patches)
    for recompute in (False, True):
        flow.recompute = recompute
        kept, seconds = saved_bytes(flow, patches)
        name = "recomputing" if recompute else "keeping all"
        print(f"{name}: {kept / 1e6:.0f} MB kept, {seconds:.2f} s a step")


if __name__ == "__main__":
    main()
