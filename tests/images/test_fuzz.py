"""The fuzzer finds nothing in a few altered files, and would find something if there were."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "fuzz"


def run(*options: str, prelude: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); {prelude}import fuzz_files as f\n"
    code += f"sys.argv = ['fuzz_files.py', *{options!r}]; f.main()"
    line = [sys.executable, "-c", code]
    return subprocess.run(line, check=False, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def _extras() -> None:
    for module in ("pillow_heif", "pillow_jxl", "resource"):
        pytest.importorskip(module)


def test_a_few_altered_files_are_read_or_refused() -> None:
    done = run("--inputs", "150")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert sum(told["outcomes"].values()) == 150
    assert len(told["outcomes"]) > 5


def test_a_writer_of_half_pictures_would_be_found() -> None:
    halved = (
        "from dataclasses import replace; from flowdenoise.images import writing; "
        "fit = writing.fit; "
        "half = lambda p: replace(p, samples=p.samples[: p.height // 2], alpha=None); "
        "writing.fit = lambda p, kind: (half(fit(p, kind)[0]), ()); "
    )
    done = run("--inputs", "1", prelude=halved)
    assert done.returncode == 1
    assert "a result of 40x24 from" in done.stderr
