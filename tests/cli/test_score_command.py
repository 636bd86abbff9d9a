"""`flowdenoise score`: bits per value, and heat maps on an absolute and on a relative scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from .conftest import Invoke


def test_heat_maps_have_an_absolute_and_a_relative_scale(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "smooth.png"
    y, x = np.mgrid[0:48, 0:64]
    Image.fromarray((60 + x + 20 * (y > 24)).astype(np.uint8)).save(file)
    drawn = []
    for more in ([], ["--relative"]):
        folder = tmp_path / f"maps{len(more)}"
        answer = invoke("score", file, "--heat-map", folder, "--json", *more)
        assert answer.status == 0
        assert 0 < json.loads(answer.text)["bits_per_dim"] < 4
        assert ("from 0.0 bits, dark, to 8.0, white" in answer.err) == (not more)
        with Image.open(folder / "smooth_bits.png") as heat:
            drawn.append(np.asarray(heat.convert("L"), dtype=float))
    assert drawn[0].shape == (48, 64)
    line = ["score", file, "--heat-map"]
    for folder, more in ((tmp_path / "maps0", [tmp_path / "x" / file.name]), (file, [])):
        refused = invoke(*line, folder, *more)
        assert (refused.status, len(refused.err.splitlines())) == (2, 1)
    assert "is there already" in invoke(*line, tmp_path / "maps0").err
    inputs = [file, tmp_path / "maps0" / "smooth_bits.png"]
    harmful = invoke("score", *inputs, "--heat-map", tmp_path / "maps0", "--overwrite")
    assert (harmful.status, "no input is ever replaced" in harmful.err) == (2, True)
    assert "--heat-map names a folder" in invoke("score", file, "--relative").err
    assert invoke(*line, tmp_path / "maps0", "--overwrite").status == 0
    assert np.ptp(drawn[1]) > 2 * np.ptp(drawn[0]), "its own scale shows more"


def test_a_picture_that_the_prior_does_not_take_is_named(invoke: Invoke, tmp_path: Path) -> None:
    files = [tmp_path / "gray.png", tmp_path / "color.png"]
    for file, kind in zip(files, ("L", "RGB"), strict=True):
        Image.new(kind, (48, 32), 90).save(file)
    answer = invoke("score", *files, "--prior", "prior-gray")
    assert answer.status == 1
    assert str(files[0]) in answer.text
    assert answer.err.splitlines()[-1].startswith(f"error: {files[1]}: this prior is for")
