"""The examples do what they say."""

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_python_example_gains_some_decibels(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "denoise_array.py"), run_name="__main__")
    words = capsys.readouterr().out.replace(",", "").split()
    noisy, denoised = float(words[1]), float(words[4])
    assert noisy == pytest.approx(20.7, abs=0.5)
    assert denoised > noisy + 8


def test_the_pictures_are_those_that_the_script_makes(tmp_path: Path) -> None:
    script = shutil.copy(EXAMPLES / "make_examples.py", tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    made = sorted(path.name for path in tmp_path.glob("*.png"))
    assert made == sorted(path.name for path in EXAMPLES.glob("*.png"))
    for name in made:
        with Image.open(tmp_path / name) as new, Image.open(EXAMPLES / name) as shipped:
            assert np.array_equal(np.asarray(new), np.asarray(shipped)), name
