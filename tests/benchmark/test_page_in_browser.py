"""The page in a real browser: the slider slides, by mouse and keyboard; nothing is fetched."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from flowdenoise.benchmark.report import write_all
from flowdenoise.benchmark.results import collect
from flowdenoise.benchmark.runner import BenchmarkConfig, run
from flowdenoise.benchmark.sets import open_set

from .. import browser
from .conftest import Told

PROGRAM = browser.find()

pytestmark = pytest.mark.skipif(
    PROGRAM is None or os.name != "posix",
    reason="no Chromium is installed (Debian: apt-get install chromium)",
)


@pytest.fixture
def page(photos: Path, tmp_path: Path) -> Iterator[browser.Browser]:
    """The report of a small run, open in a browser."""
    folder, config = tmp_path / "run", BenchmarkConfig((25.0,), pictures=2)
    images, methods = open_set(str(photos)), [Told("ours"), Told("theirs", lambda n, _: n * 0.8)]
    found = run(images, methods, config, torch.device("cpu"), folder)
    write_all(collect(found, images, methods, config, torch.device("cpu")), folder)
    with browser.Browser(str(PROGRAM), tmp_path / "profile") as opened:
        opened.open((folder / "index.html").as_uri())
        yield opened


def test_the_page_works_from_a_file_by_keyboard_and_mouse(page: browser.Browser) -> None:
    assert page.value("document.getElementById('compare').hidden") is False
    widths = "[...document.querySelectorAll('.pair img')].map((image) => image.naturalWidth)"
    assert page.value(widths) == [48, 48]
    _slides_by_keyboard(page)
    _slides_by_mouse(page)
    _changes_pictures(page)
    _says_in_words_what_is_seen(page)
    _fetches_nothing(page)


def _divide(page: browser.Browser) -> tuple[str, str]:
    """The slider's value, and where the right picture is really cut."""
    return (
        page.value("document.getElementById('divide').value"),
        page.value("getComputedStyle(document.getElementById('right-picture')).clipPath"),
    )


def _slides_by_keyboard(page: browser.Browser) -> None:
    assert _divide(page) == ("50", "inset(0px 0px 0px 50%)")
    for _ in range(5):  # image, left, right, and then the slider
        page.press("Tab", 9)
        if page.value("document.activeElement.id") == "divide":
            break
    assert page.value("document.activeElement.id") == "divide"
    for _ in range(3):
        page.press("ArrowRight", 39)
    assert _divide(page) == ("53", "inset(0px 0px 0px 53%)")
    page.press("Home", 36)
    # Browsers differ in how much of "0px 0px 0px 0%" they leave out.
    value, clip = _divide(page)
    assert value == "0"
    assert clip in ("inset(0px)", "inset(0px 0px 0px 0%)")


def _slides_by_mouse(page: browser.Browser) -> None:
    page.value("document.getElementById('pair').scrollIntoView()")
    box = "document.getElementById('pair').getBoundingClientRect()"
    left, width, top = (page.value(f"{box}.{side}") for side in ("left", "width", "top"))
    for _ in range(100):  # a busy browser delivers movements with its next frame, or the next
        for y in (top + 8, top + 9):
            page.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 4, y=y)
        if page.value("document.getElementById('divide').value") == "25":
            break
        time.sleep(0.1)
    assert page.value("document.getElementById('divide').value") == "25"


def _changes_pictures(page: browser.Browser) -> None:
    options = "[...document.getElementById('left').options].map((option) => option.text)"
    assert page.value(options) == ["clean", "noisy", "ours", "theirs"]
    before = page.value("document.getElementById('left-picture').src")
    page.value(
        "const left = document.getElementById('left');"
        "left.value = 3; left.dispatchEvent(new Event('change'))"
    )
    assert page.value("document.getElementById('left-picture').src") != before
    assert "theirs" in page.value("document.getElementById('left-caption').textContent")
    page.value(
        "const image = document.getElementById('image');"
        "image.value = 1; image.dispatchEvent(new Event('change'))"
    )
    assert "theirs" in page.value("document.getElementById('left-caption').textContent")


def _says_in_words_what_is_seen(page: browser.Browser) -> None:
    alts = page.value("[...document.images].map((image) => image.alt)")
    assert alts[0].startswith("1, noise sigma 25: theirs, ")
    assert alts[1].startswith("1, noise sigma 25: ours, ")
    assert page.value("document.documentElement.lang") == "en"
    assert page.value("document.getElementById('divide').getAttribute('aria-label')")
    captions = page.value("[...document.querySelectorAll('caption')].map((c) => c.textContent)")
    assert "PSNR in dB: photos, color, 3 images, protocol awgn" in captions


def _fetches_nothing(page: browser.Browser) -> None:
    asked = [
        event["params"]["request"]["url"]
        for event in page.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)
    complaints = [event for event in page.events if event.get("method") == "Log.entryAdded"]
    assert complaints == []
