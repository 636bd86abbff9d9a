"""Kill `denoise` at random moments, and see that nothing is lost and nothing left.

    python examples/robustness/kill_batch.py [--kills 200] [--seed 0]

A folder of pictures is denoised with all extra files; the signals take turns: SIGKILL, SIGTERM,
Ctrl-C. After each, inputs must be untouched and every file under its final name whole; a signal
that was caught must end with its status, a message and no temporary file. Then the same command
goes on, and must give, bit for bit, what a run that was let alone gave, with nothing beside it.
Prints a line for each fault, and a table.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PICTURES, SIDE = 12, 200


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder, temporary ones included."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@dataclass(frozen=True)
class Batch:
    """A folder of pictures, to be denoised into another.

    Attributes:
        source: The folder of the pictures.
        out: The folder of the results.
    """

    source: Path
    out: Path

    def make(self) -> None:
        """Make the pictures."""
        self.source.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for index in range(PICTURES):
            pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(self.source / f"{index:02d}.png")

    def command(self) -> list[str]:
        """The command, which goes on where it was killed."""
        files = [str(self.source), "--output", f"{self.out}/", "--skip-existing"]
        wanted = ["--sigma", "25", "--compare", "--save-noise"]
        return [sys.executable, "-m", "flowdenoise", "denoise", *files, *wanted]

    def kill(self, number: signal.Signals, seconds: float) -> tuple[int, str]:
        """Start the command and send it a signal; its status and what it said."""
        process = subprocess.Popen(self.command(), stderr=subprocess.PIPE, text=True)  # noqa: S603
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            _, said = process.communicate()
        return process.returncode, said

    def finish(self) -> str:
        """Let the command go on to its end; why it did not, or nothing."""
        done = subprocess.run(self.command(), capture_output=True, text=True, check=False)  # noqa: S603
        return done.stderr if done.returncode else ""


def faults(
    batch: Batch, whole: dict[str, str], number: signal.Signals, seconds: float
) -> list[str]:
    """Kill once and go on; what was wrong."""
    inputs = contents(batch.source)
    status, said = batch.kill(number, seconds)
    found = []
    if status not in {0, -number, 128 + number}:  # done, killed while Python starts, or caught
        found.append(f"status {status}: {said}")
    if status == 128 + number and said.count("nothing half-written") != 1:
        found.append(f"no message: {said}")
    if "Traceback" in said and status != -number:
        found.append(said)
    left = contents(batch.out)
    parts = [name for name in left if name.startswith(".")]
    if parts and status == 128 + number:
        found.append(f"left behind: {parts}")
    found += [f"{name} is not whole" for name in left.keys() - parts if left[name] != whole[name]]
    if failed := batch.finish():
        found.append(f"going on failed: {failed}")
    if (made := contents(batch.out)) != whole:
        found.append(f"going on gave other files: {sorted(made.items() ^ whole.items())}")
    if contents(batch.source) != inputs:
        found.append("an input was changed")
    return found


def main() -> int:
    """Kill, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    kills, wrong = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        batch = Batch(Path(folder) / "in", Path(folder) / "out")
        batch.make()
        start = time.perf_counter()
        if failed := batch.finish():
            sys.exit(failed)
        seconds = time.perf_counter() - start
        whole = contents(batch.out)
        for index in range(options.kills):
            shutil.rmtree(batch.out, ignore_errors=True)
            number, moment = SIGNALS[index % len(SIGNALS)], rng.uniform(0, seconds)
            for fault in faults(batch, whole, number, moment):
                print(f"{number.name} after {moment:.2f} of {seconds:.2f} s: {fault}", flush=True)
                wrong[number.name] += 1
            kills[number.name] += 1
            print(f"{index + 1} of {options.kills}", end="\r", file=sys.stderr, flush=True)
    for name, count in kills.items():
        print(f"{name}: {count} kills, {wrong[name]} faults")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
