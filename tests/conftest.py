"""Shared by all tests: one thread, fixed seeds, and small pictures made here."""

from __future__ import annotations

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
