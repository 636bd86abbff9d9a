"""Kill a training run without warning, resume it, and compare with a run that was let alone.

    python examples/benchmarks/resume_check.py [--steps 40]

Trains a small denoiser on the example pictures, twice. The second run is killed with SIGKILL
after its first checkpoint and resumed. Prints both hashes of the weights; status 1 if they differ.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from safetensors.torch import load_file

PICTURES = Path(__file__).parents[1]
EVERY = 5
SIZES = ("network.channels=8", "network.blocks=2", "training.patch=32", "training.late_patch=0")
LOOP = ("loop.batch=4", f"loop.checkpoint_every={EVERY}", "loop.log_every=1")


def command(out: Path, steps: int) -> list[str]:
    """The training command."""
    words = [sys.executable, "-m", "flowdenoise", "train-denoiser", "--device", "cpu", "--quiet"]
    for setting in (*SIZES, *LOOP):
        words += ["--set", setting]
    return [*words, "--data", str(PICTURES), "--steps", str(steps), "--out", str(out)]


def digest(out: Path) -> str:
    """Hash of all weights of a finished run."""
    found = hashlib.sha256()
    for name, value in sorted(load_file(out / "weights.safetensors").items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


def steps_logged(out: Path) -> int:
    """How far a run has come by its log."""
    log = out / "log.csv"
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0


def main() -> int:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        alone, killed = Path(folder) / "alone", Path(folder) / "killed"
        subprocess.run(command(alone, steps), check=True)  # noqa: S603 - our own program
        run = subprocess.Popen(command(killed, steps))  # noqa: S603
        while steps_logged(killed) < EVERY + 2 and run.poll() is None:
            time.sleep(0.01)
        run.kill()
        status, seen = run.wait(), steps_logged(killed)
        subprocess.run([*command(killed, steps), "--resume"], check=True)  # noqa: S603
        first, second = digest(alone), digest(killed)
    print(f"let alone for {steps} steps:            {first}")
    print(f"killed (status {status}) after step {seen}: {second}")
    return int(first != second or status == 0)


if __name__ == "__main__":
    sys.exit(main())
