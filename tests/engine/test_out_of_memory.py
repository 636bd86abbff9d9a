"""Memory that really runs out: a limit of the system, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import resource
import numpy as np
import torch
from flowdenoise import images
from flowdenoise.engine import Denoiser, EngineConfig
from flowdenoise.networks.resnet import ResNet, ResNetConfig

torch.set_num_threads(1)
torch.manual_seed(0)
rng = np.random.default_rng(0)
net = ResNet(ResNetConfig(channels=(16, 32), blocks=(1, 1)))
cut = EngineConfig(tile=0, overlap=32)
engine = Denoiser({3: lambda: net}, {}, device=torch.device("cpu"), config=cut)
picture = images.Picture(rng.integers(0, 256, (1400, 1400, 3), dtype=np.uint8))
enough = engine.denoise_picture(picture, 0.1).picture.samples
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 128 * 2**20, resource.RLIM_INFINITY))
tiles = []
result = engine.denoise_picture(picture, 0.1, on_tile=lambda _, total: tiles.append(total))
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("tiles:", max(tiles))
print("largest difference:", np.abs(result.picture.samples.astype(int) - enough).max())
"""

GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}
"""What makes the C library give freed memory back at once, so that what is left is foreseeable."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the limit is set as on Linux")
def test_a_picture_too_large_for_the_memory_is_done_in_tiles() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | GIVEN_BACK,
    )
    assert done.returncode == 0, done.stderr
    tiles, difference = done.stdout.splitlines()
    assert int(tiles.removeprefix("tiles: ")) > 1
    assert difference == "largest difference: 0"
