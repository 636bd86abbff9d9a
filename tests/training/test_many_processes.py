"""Two processes under torchrun: the run of one process, shared out."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.optimization.checkpoint import Checkpoint

SETTINGS = (
    "network.channels=6",
    "network.blocks=1",
    "training.patch=16",
    "training.late_patch=0",
    "loop.batch=4",
    "loop.log_every=1",
    "loop.precision=float32",
    "loop.checkpoint_every=2",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(
            folder / f"{index}.png"
        )
    return folder


def command(pictures: Path, out: Path, steps: int, *extra: str, processes: int = 1) -> list[str]:
    launcher = [sys.executable, "-m"]
    if processes > 1:
        launcher += [
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={processes}",
            "-m",
        ]
    options = [option for setting in SETTINGS for option in ("--set", setting)]
    return [
        *launcher,
        "flowdenoise",
        "train-denoiser",
        f"--data={pictures}",
        f"--out={out}",
        f"--steps={steps}",
        "--device=cpu",
        "--threads=1",
        *options,
        *extra,
    ]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "USE_LIBUV": "0"}


def losses(out: Path) -> list[float]:
    return [
        float(row["loss"]) for row in csv.DictReader((out / "log.csv").read_text().splitlines())
    ]


def test_two_processes_train_what_one_does(pictures: Path, tmp_path: Path) -> None:
    for name, processes in (("one", 1), ("two", 2)):
        line = command(pictures, tmp_path / name, 6, processes=processes)
        subprocess.run(line, env=environment(), check=True, capture_output=True, timeout=300)
    one, two = tmp_path / "one", tmp_path / "two"
    assert len(losses(one)) == len(losses(two)) == 6
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    first, second = (Checkpoint.load(out / "checkpoint.pt") for out in (one, two))
    assert first.step == second.step == 6
    for name, value in first.model.items():
        assert torch.allclose(second.model[name], value, rtol=1e-3, atol=1e-5), name
    assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in two.iterdir())


def test_a_killed_process_ends_the_run_and_leaves_a_checkpoint(
    pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    line = command(pictures, out, 100_000, processes=2)
    run = subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not (out / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    workers = subprocess.run(
        ["pgrep", "-f", f"flowdenoise train-denoiser.*{out}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    children = [int(pid) for pid in workers if int(pid) != run.pid]
    os.kill(children[-1], signal.SIGKILL)
    _, messages = run.communicate(timeout=240)
    assert run.returncode != 0
    assert "SIGKILL" in messages or "exitcode" in messages
    checkpoint = Checkpoint.load(out / "checkpoint.pt")
    assert checkpoint.step >= 2
    more = command(pictures, out, checkpoint.step + 2, "--resume")
    subprocess.run(more, env=environment(), check=True, capture_output=True, timeout=300)
    assert Checkpoint.load(out / "checkpoint.pt").step == checkpoint.step + 2


def test_a_kill_at_any_moment_loses_no_more_than_since_the_last_checkpoint(
    pictures: Path, tmp_path: Path
) -> None:
    through, killed = tmp_path / "through", tmp_path / "killed"
    subprocess.run(
        command(pictures, through, 40), env=environment(), check=True, capture_output=True
    )
    run = subprocess.Popen(
        command(pictures, killed, 40), env=environment(), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not (killed / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert 2 <= Checkpoint.load(killed / "checkpoint.pt").step <= 40
    more = command(pictures, killed, 40, "--resume")
    subprocess.run(more, env=environment(), check=True, capture_output=True)
    first, second = (Checkpoint.load(out / "checkpoint.pt") for out in (through, killed))
    for name, value in first.ema.items():
        assert torch.equal(second.ema[name], value), name
