"""`flowdenoise simulate`: noisy photographs under names that harm nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .conftest import Invoke


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_a_photograph_lies_beside_its_picture(invoke: Invoke, photo: Path) -> None:
    before = photo.read_bytes()
    answer = invoke("simulate", photo, "--camera", "reflex", "--iso", 6400, "--seed", 3)
    noisy = photo.with_name("photo_noisy.png")
    assert answer.status == 0
    assert "ISO 6400: 7,143 electrons" in answer.err
    assert pixels(noisy).shape == pixels(photo).shape
    assert photo.read_bytes() == before
    first = pixels(noisy)
    assert invoke("simulate", photo).status == 1  # it is there already
    again = ("simulate", photo, "--camera", "reflex", "--iso", 6400, "--overwrite")
    assert invoke(*again, "--seed", 3).status == 0
    assert np.array_equal(pixels(noisy), first)
    assert invoke(*again, "--seed", 4).status == 0
    assert not np.array_equal(pixels(noisy), first)


def test_no_photograph_replaces_its_picture(invoke: Invoke, photo: Path) -> None:
    before = photo.read_bytes()
    answer = invoke("simulate", photo, "-o", photo, "--overwrite")
    assert answer.status == 1
    assert answer.err.count("no input is ever replaced") == 1
    assert photo.read_bytes() == before


def test_an_unknown_camera_is_a_mistake_in_the_call(invoke: Invoke, photo: Path) -> None:
    answer = invoke("simulate", photo, "--camera", "film")
    assert answer.status == 2
    assert "phone, reflex, camera-jpeg" in answer.err
    answer = invoke("simulate", photo, "--demosaicking", "film")
    assert answer.status == 2
    assert "linear, edges, opencv" in answer.err
    assert not photo.with_name("photo_noisy.png").exists()
