"""`flowdenoise info --plot`: the noise of a photograph, drawn."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from .conftest import Invoke


def test_the_noise_of_a_photograph_is_drawn(invoke: Invoke, photo: Path) -> None:
    plot = photo.with_name("noise.png")
    assert invoke("info", photo, "--plot", plot).status == 0
    with Image.open(plot) as drawn:
        assert drawn.width > 1000
    answer = invoke("info", photo, "--plot", plot)  # it is there already
    assert answer.status == 2
    assert "is there already" in answer.err
    assert invoke("info", photo, photo, "--plot", plot.with_name("other.png")).status == 2
