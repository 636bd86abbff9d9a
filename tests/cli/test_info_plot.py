"""`flowdenoise info` on photographs: their noise drawn, and what the file tells of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flowdenoise.estimation import Estimators, Finding
from flowdenoise.images import Picture
from flowdenoise.noise import NoiseKind

from .conftest import Invoke


def test_the_noise_of_a_photograph_is_drawn(invoke: Invoke, photo: Path) -> None:
    plot = photo.with_name("noise.png")
    assert invoke("info", photo, "--plot", plot).status == 0
    with Image.open(plot) as drawn:
        assert drawn.width > 1000
    answer = invoke("info", photo, "--plot", plot)  # it is there already
    assert answer.status == 2
    assert "is there already" in answer.err
    assert invoke("info", photo, "--plot", plot, "--overwrite").status == 0
    before = photo.read_bytes()
    other = plot.with_name("other.png")
    for wrong in ([photo, "--plot", other], ["--plot", plot.with_name("other.jpg")]):
        assert invoke("info", photo, *wrong).status == 2
    assert invoke("info", photo, "--plot", photo, "--overwrite").status == 2
    assert photo.read_bytes() == before


def test_what_is_drawn_was_estimated_for_what_is_said(
    invoke: Invoke, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    estimated = Estimators.find

    def find(self: Estimators, picture: Picture, kind: NoiseKind, **how: Any) -> Finding:
        asked.append((kind, picture.channels))
        return estimated(self, picture, kind, **how)

    monkeypatch.setattr(Estimators, "find", find)
    assert invoke("info", photo, "--plot", photo.with_name("noise.png")).status == 0
    # It is white noise of all channels, so brightness tells nothing, drawn as if a camera's.
    assert asked == [("auto", 3), ("camera", 3)]


def test_the_iso_of_a_photograph_is_said(invoke: Invoke, photo: Path) -> None:
    exif, taken = Image.Exif(), photo.with_name("taken.jpg")
    exif.get_ifd(34665)[34855] = 640
    with Image.open(photo) as picture:
        picture.convert("RGB").save(taken, exif=exif)
    assert "taken at ISO 640, by the file" in invoke("info", taken).text
    known = [json.loads(invoke("info", file, "--json").text)["iso"] for file in (taken, photo)]
    assert known == [640, None]
