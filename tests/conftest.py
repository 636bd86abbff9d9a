"""Shared by all tests: one thread, fixed seeds, and small pictures made here."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

hypothesis.settings.register_profile(
    "project",
    deadline=None,  # this machine's speed is no property of the code
    max_examples=25,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("project")


@pytest.fixture(autouse=True)
def _one_thread_and_a_fixed_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _an_interrupt_is_heard() -> None:
    """A shell that starts the tests in the background has them ignore SIGINT, and all below."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


CAPABILITIES = 0x20080522  # the third version of the calls to read and to set them
OVERRIDE, READ_ALL = 1 << 1, 1 << 2  # to pass by the permissions of files


@pytest.fixture
def permissions_hold() -> Iterator[None]:
    """The permissions of files hold in the test, even if root runs it."""
    if os.name == "nt":
        pytest.skip("other permissions")
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("no permission stops root here")
    system, header = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(CAPABILITIES, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, and their higher halves
    assert system.capget(header, sets) == 0
    usual = sets[0]
    sets[0] &= ~(OVERRIDE | READ_ALL)
    assert system.capset(header, sets) == 0
    yield
    sets[0] = usual
    assert system.capset(header, sets) == 0


def scene(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """A picture with flat parts, a gradient, edges and texture, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack([x / width, y / height, 0.5 + 0 * x], axis=2)
    for _ in range(6):
        top, left = rng.integers(0, max(1, height)), rng.integers(0, max(1, width))
        color = rng.uniform(0.1, 0.9, 3)
        picture[top : top + height // 3 + 1, left : left + width // 3 + 1] = color
    picture += 0.1 * np.sin(x / 3 + y / 5)[:, :, None]
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)


DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of real images, which is not part of the project."""
    if not DATA.is_dir():
        pytest.skip("the real images (BSDS500 and others) are not beside the project here")
    return DATA
