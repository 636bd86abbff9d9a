"""End a training run by signals at random moments, again and again: is anything lost?

    TMPDIR=/dev/shm python examples/robustness/kill_training.py --kills 200

A small run is killed (SIGKILL), terminated (SIGTERM) or interrupted (SIGINT) and resumed until it
is done, then the next one begins. Every time the newest checkpoint must be whole, and each run
must end in the very weights of one that nobody disturbed, its log with each step once. A folder
in memory spares the disk, to which each checkpoint is synced.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from flowdenoise.data.patches import NoiseConfig
from flowdenoise.data.sources import DataConfig
from flowdenoise.networks import ResNetConfig
from flowdenoise.optimization.checkpoint import CHECKPOINT, Checkpoint
from flowdenoise.optimization.loop import LoopConfig
from flowdenoise.optimization.processes import Workers
from flowdenoise.training.denoiser_stage import DenoiserTraining
from flowdenoise.training.place import Place
from flowdenoise.training.run_config import DenoiserRun
from flowdenoise.training.runs import train_denoiser

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Disturb runs until there were enough signals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng, kills, runs = random.Random(options.seed), 0, 0  # noqa: S311 - no cipher
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run = small_run(folder)
        alone = folder / "alone"
        start = time.perf_counter()
        wait(begin(run, alone))
        whole = time.perf_counter() - start
        while kills < options.kills:
            disturbed = folder / f"disturbed{runs}"
            while True:
                child = begin(run, disturbed)
                time.sleep(whole * rng.random())
                os.kill(child, rng.choice(SIGNALS))
                status = wait(child)
                kills += status != 0
                if (disturbed / CHECKPOINT).exists():
                    Checkpoint.load(disturbed / CHECKPOINT)
                if status == 0:
                    break
            if faults := differences(alone, disturbed):
                sys.exit(f"run {runs}, {kills} times ended: {', '.join(faults)}")
            runs += 1
    print(f"{kills} times ended and resumed, {runs} runs: all with the weights of one that nobody")
    print("disturbed, each step in the log once, nothing left over")


def small_run(folder: Path) -> DenoiserRun:
    """A run of a second or two on pictures of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 40, 44, 3), dtype=np.uint8)
    (folder / "pictures").mkdir()
    for index, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / "pictures" / f"{index}.png")
    pictures = (str(folder / "pictures"),)
    every = {"checkpoint_every": 2, "log_every": 2, "validate_every": 10}
    return DenoiserRun(
        data=DataConfig(noisy=pictures, validation=pictures),
        network=ResNetConfig(channels=(8,), blocks=(1,)),
        training=DenoiserTraining(noise=NoiseConfig(), patch=32),
        loop=LoopConfig(steps=40, batch=4, optimizer="muon", **every),  # type: ignore[arg-type]
    )


def begin(run: DenoiserRun, folder: Path) -> int:
    """Begin or resume in a process of its own; returns its number."""
    child = os.fork()
    if child:
        return child
    resume = (folder / CHECKPOINT).exists()
    place = Place(folder, Workers.alone(), report=lambda progress: None, resume=resume)
    try:
        finished = train_denoiser(run, place)
    except BaseException:  # Ctrl-C before the loop; the folders are the parent's to remove
        os._exit(1)
    os._exit(0 if finished else 130)


def wait(child: int) -> int:
    """The exit status of a process, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def differences(alone: Path, disturbed: Path) -> list[str]:
    """What the two folders do not have in common."""
    one, other = (Checkpoint.load(folder / CHECKPOINT) for folder in (alone, disturbed))
    pairs = [(one.model, other.model), (one.ema, other.ema)]
    names = [sorted(file.name for file in folder.iterdir()) for folder in (alone, disturbed)]
    same = {
        "weights": all(torch.equal(a[name], b[name]) for a, b in pairs for name in a),
        "counters": one.counters == other.counters,
        "log": log(disturbed)[-1] == log(alone)[-1] and ascend(log(disturbed)),
        "files": names[0] == names[1],
    }
    return [name for name, equal in same.items() if not equal]


def log(folder: Path) -> list[tuple[int, str]]:
    """Steps and measurements of the log; an interruption is logged, too."""
    rows = csv.DictReader((folder / "log.csv").read_text().splitlines())
    return [(int(row["step"]), row["metrics"]) for row in rows]


def ascend(rows: list[tuple[int, str]]) -> bool:
    """Whether each step is there once."""
    steps = [step for step, _ in rows]
    return steps == sorted(set(steps))


if __name__ == "__main__":
    main()
