"""The shelf of the page: what it keeps of a picture in memory, and for how long."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowdenoise import images
from flowdenoise.images import Picture
from flowdenoise.page import PageConfig
from flowdenoise.page.shelf import Dropped, Shelf

from .test_server import denoiser, photo


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, denoiser(), PageConfig())


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[object]]:
    """The pixels of all pictures that are decoded, without keeping them alive."""
    pixels: list[weakref.ref[object]] = []
    real = images.read

    def noticed(*arguments: object, **options: object) -> Picture:
        picture: Picture = real(*arguments, **options)  # type: ignore[arg-type]
        pixels.append(weakref.ref(picture.samples))
        return picture

    monkeypatch.setattr(images, "read", noticed)
    return pixels


def put(shelf: Shelf, seed: int = 0) -> Dropped:
    dropped = shelf.place("photo.jpg")
    dropped.file.write_bytes(photo(seed))
    shelf.add(dropped)
    return dropped


def alive(pixels: list[weakref.ref[object]]) -> int:
    gc.collect()
    return sum(one() is not None for one in pixels)


def test_a_picture_is_decoded_and_examined_once(
    shelf: Shelf, read: list[weakref.ref[object]]
) -> None:
    dropped = put(shelf)
    first = shelf.examined(dropped, "auto", "auto")
    assert shelf.examined(dropped, "auto", "auto") is first
    assert shelf.examined(dropped, 0.1, "white") is not first
    assert shelf.picture(dropped) is shelf.picture(dropped)
    assert len(read) == 1


def test_a_forgotten_picture_leaves_memory_and_others_stay(
    shelf: Shelf, read: list[weakref.ref[object]]
) -> None:
    kept, forgotten = put(shelf, 1), put(shelf, 2)
    for dropped in (kept, forgotten):
        shelf.examined(dropped, "auto", "auto")
    assert alive(read) == 2
    shelf.remove(forgotten.key)
    assert alive(read) == 1
    assert read[0]() is not None


def test_a_picture_forgotten_while_it_is_examined_leaves_memory(
    shelf: Shelf, read: list[weakref.ref[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = put(shelf)
    begun, forgotten = threading.Event(), threading.Event()
    real = shelf.denoiser.examine

    def slow(*arguments: object) -> object:
        begun.set()
        assert forgotten.wait(60)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(shelf.denoiser, "examine", slow)
    with ThreadPoolExecutor(1) as worker:
        examined = worker.submit(shelf.examined, dropped, "auto", "auto")
        assert begun.wait(60)
        shelf.remove(dropped.key)
        forgotten.set()
        assert examined.result().sigma > 0
    del examined
    assert alive(read) == 0


def test_few_pictures_stay_decoded(shelf: Shelf, read: list[weakref.ref[object]]) -> None:
    for seed in range(9):
        put(shelf, seed)
    assert 1 <= alive(read) < 9
