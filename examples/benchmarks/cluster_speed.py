"""Pictures per second of one worker of Ray and of two, one processor thread each.

    python examples/benchmarks/cluster_speed.py [--pictures 12 --side 800 --model color]

The workers are started, and have done a picture, before the clock runs. Both are timed in the same
run; where other programs are busy, the processor time of a picture says more than the clock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from flowdenoise import images
from flowdenoise.batch import BatchConfig, Cluster, ClusterConfig, Naming, plan_jobs
from flowdenoise.benchmark.synthetic import photograph
from flowdenoise.engine import EngineConfig
from flowdenoise.images import Picture


def main() -> None:
    """Make pictures, denoise them by one worker and by two, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--side", type=int, default=800)
    parser.add_argument("--model", default="color")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "album"
        folder.mkdir()
        images.write(Picture(photograph(given.side, given.side)), folder / "0000.jpg")
        for number in range(1, given.pictures):
            shutil.copy(folder / "0000.jpg", folder / f"{number:04}.jpg")
        seconds = [measure(folder, workers, given.model) for workers in (1, 2)]
    print(f"two workers against one: {seconds[0] / seconds[1]:.2f} times")


def measure(folder: Path, workers: int, model: str) -> float:
    """Seconds for all pictures of a folder."""
    jobs = plan_jobs([str(folder)], Naming(f"{folder.parent}/by-{workers}/")).jobs
    config = BatchConfig(sigma=15 / 255, existing="overwrite")
    with Cluster(EngineConfig(model, device="cpu"), ClusterConfig(workers=workers)) as cluster:
        processes = cluster.processes()
        list(cluster.run(jobs[:workers], config))
        start, spent = time.perf_counter(), sum(map(processor_seconds, processes))
        outcomes = list(cluster.run(jobs, config))
        seconds = time.perf_counter() - start
        spent = sum(map(processor_seconds, processes)) - spent
    if any(outcome.status != "denoised" for outcome in outcomes):
        raise RuntimeError("a picture was not denoised")
    load = os.getloadavg()[0]
    print(
        f"{workers} workers: {len(jobs) / seconds:.2f} pictures/s, "
        f"{spent / len(jobs):.2f} s of processor time a picture, load {load:.1f}",
        flush=True,
    )
    return seconds


def processor_seconds(process: int) -> float:
    """Processor time of a process so far, of all its threads (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
