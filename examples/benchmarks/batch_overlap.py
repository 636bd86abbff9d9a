"""How many pictures a second a batch makes, one by one and overlapped, as a ratio in one run.

    python examples/benchmarks/batch_overlap.py [--pictures 12 --side 1024 --rounds 3 --estimate]

The same pictures are denoised in turns both ways: one by one (as `--fail-fast` does), and reading
the next and writing the last while one is denoised.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from flowdenoise import Denoiser, batch, images
from flowdenoise.benchmark.synthetic import photograph


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--estimate", action="store_true", help="do not tell the noise level")
    options = parser.parse_args()
    denoiser = Denoiser.load(device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        for index in range(options.pictures):
            picture = images.Picture(photograph(options.side, options.side))
            images.write(picture, Path(folder) / f"{index:03d}.png")
        plan = batch.plan_jobs([folder], batch.Naming(output=f"{folder}/out/"))
        ratios = []
        for _ in range(options.rounds):
            rates = []
            for overlapped in (False, True):
                config = batch.BatchConfig(
                    sigma="auto" if options.estimate else 25 / 255,
                    existing="overwrite",
                    keep_going=overlapped,
                )
                start = time.perf_counter()
                outcomes = list(batch.run(plan.jobs, denoiser, config))
                if any(outcome.status != "denoised" for outcome in outcomes):
                    raise SystemExit("a picture was not denoised")
                rates.append(len(outcomes) / (time.perf_counter() - start))
            ratios.append(rates[1] / rates[0])
            print(
                f"one by one {rates[0]:.3f}, overlapped {rates[1]:.3f} pictures/s: "
                f"{ratios[-1]:.2f} times"
            )
    print(f"median ratio: {np.median(ratios):.2f}")


if __name__ == "__main__":
    main()
