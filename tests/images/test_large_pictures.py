"""Large pictures: reading and writing takes memory for their pixels and little besides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SIDE = (6000, 8334)  # 50 megapixels

PROBE = """
import hashlib, json, resource, sys
from pathlib import Path
import numpy as np
from flowdenoise import images

def digest(picture):
    return hashlib.sha256(picture.samples).hexdigest()

name, height, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if sys.argv[4] == "make":
    samples = np.empty((height, width, 3), np.uint16)
    rng = np.random.default_rng(0)
    for top in range(0, height, 100):
        shape = samples[top : top + 100].shape
        samples[top : top + 100] = rng.integers(20000, 24000, shape, np.uint16)
    made = images.Picture(samples)
    images.write(made, name)
    print(digest(made))
else:
    picture = images.read(name)
    before = digest(picture)
    images.write(picture, name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path("/proc/self/status")  # Linux counts the memory of what started it in the former
    for line in status.read_text().splitlines() if status.exists() else ():
        peak = int(line.split()[1]) * 1024 if line.startswith("VmHWM:") else peak
    print(json.dumps([before, digest(images.read(name)), peak]))
"""


def probe(*arguments: object) -> str:
    line = [sys.executable, "-c", PROBE, *map(str, arguments)]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_fifty_megapixels_of_sixteen_bits_fit_into_little_memory(
    suffix: str, tmp_path: Path
) -> None:
    pytest.importorskip("resource")
    name = tmp_path / f"large{suffix}"
    made = probe(name, *SIDE, "make")
    before, after, peak = json.loads(probe(name, *SIDE, "copy"))
    assert made == before == after
    assert peak < 1.2e9
