"""Speed: what is measured adds up. How fast this machine is, is no promise."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from flowdenoise import weights
from flowdenoise.benchmark import whole_command
from flowdenoise.benchmark.config import SpeedConfig
from flowdenoise.benchmark.methods import MethodOptions, parse
from flowdenoise.benchmark.report.speed_grid import speed_grid, whole_command_grid
from flowdenoise.benchmark.sets import open_set
from flowdenoise.benchmark.speed import measure
from flowdenoise.benchmark.synthetic import photograph
from flowdenoise.errors import FlowdenoiseError, UsageError

CPU = torch.device("cpu")
SMALL = SpeedConfig(tiles=(32, 0), side=64, slow_side=32, rounds=2, matrix=64)


def test_networks_are_timed_by_tile_and_others_once(shipped: Path, photos: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    table = measure(
        parse("flowdenoise,nlm"),
        SMALL,
        MethodOptions("float32"),
        3,
        CPU,
        quality=open_set(str(photos)),
        on_step=lambda *step: steps.append(step),
    )
    assert [(speed.method, speed.tile) for speed in table.speeds] == [
        ("flowdenoise", 32),
        ("flowdenoise", 0),
        ("nlm", None),
    ]
    assert table.peak_flops > 0
    for speed in table.speeds[:2]:
        cost = 2 * 1e6 * speed.megapixels_per_second * _cost()
        assert speed.share_of_peak == pytest.approx(cost / table.peak_flops)
    assert table.speeds[2].share_of_peak is None
    assert all(speed.psnr is not None and speed.psnr > 10 for speed in table.speeds)
    assert [step[:2] for step in steps] == [(n, 9) for n in range(9)]
    grid = speed_grid(table, CPU)
    assert [row[1] for row in grid.rows] == ["32", "untiled", "-"]
    assert [row[2] for row in grid.rows] == ["float32", "float32", "-"]
    assert grid.header[-1] == "PSNR at sigma 25"


def _cost() -> float:
    cost: float = weights.load("color").config.multiply_adds_per_pixel
    return cost


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="rounds must be from 1"):
        SpeedConfig(rounds=0)


def test_the_photograph_that_nobody_took_is_the_same_each_time() -> None:
    first = photograph(1100, 40)
    assert (first.shape, first.dtype) == ((1100, 40, 3), np.uint8)
    assert np.array_equal(first, photograph(1100, 40))
    assert first.std() > 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="units of memory differ")
def test_time_and_memory_are_those_of_the_command_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    held = np.ones(300 << 20, np.uint8)  # what this process holds must not count
    code = "import time; data = bytearray(100 << 20); time.sleep(0.2)"
    monkeypatch.setattr(whole_command, "COMMAND", (sys.executable, "-c", code))
    seconds, peak = whole_command.run_command([])
    assert 0.2 < seconds < 60
    assert 100 << 20 < peak < 200 << 20
    assert held.all()


def test_a_command_that_fails_says_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.exit('error: the disk is full')"
    monkeypatch.setattr(whole_command, "COMMAND", (sys.executable, "-c", code))
    with pytest.raises(FlowdenoiseError, match="failed: error: the disk is full"):
        whole_command.run_command([])


def test_the_command_is_set_against_the_bare_network(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_command, "run_command", lambda _: (2.0, 300_000_000))
    monkeypatch.setattr(whole_command, "_BARE_TILE", 64)
    found = whole_command.measure(0.01, rounds=2, precision="float32")
    assert (found.width, found.height) == (115, 87)
    assert found.bare_seconds is not None
    assert found.ratio == pytest.approx(2.0 / found.bare_seconds)
    memory_only = whole_command.measure(0.01, bare=False)
    assert memory_only.ratio is None
    grid = whole_command_grid([found, memory_only])
    assert grid.rows[1] == ("115 x 87", "2.0", "-", "-", "0.30")
