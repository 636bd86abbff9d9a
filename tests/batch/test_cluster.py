"""Workers of Ray do what one process does, and one that is killed takes nothing with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise import batch, weights
from flowdenoise.batch import (
    BatchConfig,
    Cluster,
    ClusterConfig,
    Job,
    Naming,
    plan_jobs,
    plan_remote,
)
from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.errors import UsageError
from flowdenoise.networks import ResNet, ResNetConfig

pytest.importorskip("ray", reason="ray is not installed: make test-ray installs it")

pytestmark = [
    pytest.mark.slow,  # starting Ray takes its time
    pytest.mark.filterwarnings("default"),  # those of Ray and of what it imports
]

PICTURES = 24
CONFIG = BatchConfig(sigma=0.1)


@pytest.fixture
def engine(tmp_path: Path) -> EngineConfig:
    """A small network in a file, which the workers load."""
    file = tmp_path / "small.safetensors"
    net = ResNet(ResNetConfig(channels=(8,), blocks=(2,)))
    weights.save_weights(file, net, training={})
    return EngineConfig(str(file), device="cpu", precision="float32")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        pixels = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def cluster(engine: EngineConfig) -> Iterator[Cluster]:
    with Cluster(engine, ClusterConfig(workers=2)) as started:
        yield started


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_killed_worker_loses_nothing_and_failures_and_resume_are_as_ever(
    album: Path, engine: EngineConfig, cluster: Cluster, tmp_path: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    jobs = plan_jobs([str(album)], Naming(f"{alone}/")).jobs
    list(batch.run(jobs, Denoiser.load(**vars(engine)), CONFIG))
    (album / "bad.png").write_bytes(b"no picture")
    jobs = plan_jobs([str(album)], Naming(f"{together}/")).jobs
    first, second = cluster.processes()
    assert first != second
    outcomes = []
    for outcome in cluster.run(jobs, CONFIG):
        outcomes.append(outcome)
        if len(outcomes) == 3:
            os.kill(first, signal.SIGKILL)
    assert len(outcomes) == PICTURES + 1
    assert {outcome.job for outcome in outcomes} == set(jobs)
    assert sum(outcome.status == "denoised" for outcome in outcomes) == PICTURES
    (failed,) = (outcome for outcome in outcomes if outcome.status == "failed")
    assert "bad.png" in str(failed.error)
    assert contents(together) == contents(alone)
    assert first not in cluster.processes()
    for number in (3, 7):
        (together / f"{number:02}.png").unlink()
    again = list(cluster.run(jobs, BatchConfig(sigma=0.1, existing="skip")))
    assert sum(outcome.status == "denoised" for outcome in again) == 2
    assert sum(outcome.status == "skipped" for outcome in again) == PICTURES - 2
    assert contents(together) == contents(alone)
    refused = list(cluster.run(jobs[:2], CONFIG))
    assert all("exists already" in str(outcome.error) for outcome in refused)
    stream = plan_jobs(["-"]).jobs
    with pytest.raises(UsageError, match="standard input"):
        next(cluster.run(stream, CONFIG))


def test_workers_open_addresses_themselves(
    album: Path, engine: EngineConfig, cluster: Cluster, tmp_path: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    jobs = plan_jobs([str(album)], Naming(f"{alone}/")).jobs
    list(batch.run(jobs, Denoiser.load(**vars(engine)), CONFIG))
    remote = plan_remote([f"file://{album}"], Naming(f"file://{together}")).jobs
    outcomes = list(cluster.run(remote, CONFIG))
    assert {outcome.job for outcome in outcomes} == set(remote)
    assert contents(together) == contents(alone)


def test_a_picture_that_takes_every_worker_down_is_given_up(
    album: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = plan_jobs([str(album / "00.png")], Naming()).jobs
    outcomes = cluster.run(jobs, BatchConfig(sigma=0.1, quality=95))
    workers = iter(range(100))

    def killed(*_: object) -> object:
        next(workers)
        raise cluster._ray.exceptions.RayActorError

    monkeypatch.setattr(cluster._ray, "get", killed)
    (outcome,) = outcomes
    monkeypatch.undo()
    assert "lost 4 times" in str(outcome.error)
    assert next(workers) == 4


def test_an_error_in_a_worker_s_code_is_the_failure_of_its_picture_alone(
    album: Path, cluster: Cluster, tmp_path: Path
) -> None:
    driver = os.getpid()

    class Broken(Job):
        @property
        def files(self) -> tuple[Path, ...]:
            if os.getpid() != driver:
                raise ZeroDivisionError("a fault of ours")
            return super().files

    jobs = list(plan_jobs([str(album)], Naming(f"{tmp_path / 'out'}/")).jobs)
    jobs[4] = Broken(jobs[4].source, jobs[4].target)
    outcomes = {outcome.job: outcome for outcome in cluster.run(jobs, CONFIG)}
    assert outcomes.pop(jobs[4]).error == "ZeroDivisionError: a fault of ours"
    assert [outcome.status for outcome in outcomes.values()] == ["denoised"] * (PICTURES - 1)


def test_workers_that_can_not_load_the_weights_say_so(album: Path) -> None:
    missing = EngineConfig("not there.safetensors", device="cpu")
    with Cluster(missing, ClusterConfig(workers=1, retries=0)) as cluster:
        jobs = plan_jobs([str(album / "00.png")], Naming()).jobs
        (outcome,) = cluster.run(jobs, CONFIG)
    assert "there is no weights file not there.safetensors" in str(outcome.error)


def test_the_command_says_what_failed_once_more_at_the_end(
    album: Path, engine: EngineConfig, tmp_path: Path
) -> None:
    (album / "bad.png").write_bytes(b"no picture")
    options = ["--model", engine.model, "--sigma", "25", "-o", str(tmp_path / "out")]
    command = [sys.executable, "-m", "flowdenoise", "denoise", str(album), "--ray", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[-2] == f"error: 1 of {PICTURES + 1} pictures failed:"
    assert "bad.png: not an image" in lines[-1]
    assert len(list((tmp_path / "out").iterdir())) == PICTURES
