"""The command copies clean pictures bit for bit, judged by the estimators that are shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowdenoise import images
from flowdenoise.images import Picture

from ..engine.test_clean_pictures import DRAWN
from .conftest import Invoke


@pytest.mark.parametrize("name", ["black on white", "desktop", "curves", "cat"])
def test_a_clean_picture_is_copied_bit_for_bit(invoke: Invoke, tmp_path: Path, name: str) -> None:
    album, picture = tmp_path / "album", Picture(DRAWN[name]())
    album.mkdir()
    images.write(picture, album / "kept.png")
    for quality in (95, 75):
        images.write(picture, album / f"{quality}.jpg", quality=quality)
    answer = invoke("denoise", album, "-o", tmp_path / "out", "--json")
    assert answer.status == 0, answer.err
    outcomes = [json.loads(line) for line in answer.text.splitlines()]
    assert [outcome["status"] for outcome in outcomes] == ["clean"] * 3
    for file in album.iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()
