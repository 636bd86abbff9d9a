"""The page in a real browser: drop, slide, wipe, save; wrong files, two tabs, foreign pages."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise import images
from flowdenoise.batch import BatchConfig, Naming, plan_jobs, run
from flowdenoise.engine import Denoiser
from flowdenoise.page import PageConfig, Server, listening

from .. import browser
from .test_server import denoiser, photo

PROGRAM = browser.find()

pytestmark = pytest.mark.skipif(
    PROGRAM is None or os.name != "posix",
    reason="no Chromium is installed (Debian: apt-get install chromium)",
)

LIMIT = 200_000
READY = "document.documentElement.dataset.ready"
ANSWERED = "document.getElementById('stage').dataset.seconds"
EFFORT = "document.getElementById('stage').dataset.effort"
NOTICE = "document.getElementById('notices').textContent"
NAME = "document.getElementById('name').textContent"


@contextmanager
def running(quick: Denoiser | None = None) -> Iterator[Server]:
    """A server of the page."""
    with listening(denoiser(), PageConfig(max_upload=LIMIT), quick) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        yield server
        server.stop()
        thread.join(30)


@contextmanager
def served(quick: Denoiser | None = None) -> Iterator[str]:
    """The address of a page."""
    with running(quick) as server:
        yield server.address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    profile = tmp_path_factory.mktemp("profile")
    with browser.Browser(str(PROGRAM), profile) as opened:
        yield opened


@pytest.fixture
def page(chromium: browser.Browser, address: str, tmp_path: Path) -> browser.Browser:
    """A new tab with the page, whose stage has 700x300 pixels."""
    chromium.new_tab()
    chromium.size(1004, 300)
    chromium.save_downloads_in(tmp_path)
    chromium.open(address)
    chromium.wait(READY)
    return chromium


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for seed, name in enumerate(("one.jpg", "two.jpg")):
        (folder / name).write_bytes(photo(seed, 120, 160))
    (folder / "notes.txt").write_text("no picture")
    return folder


def pixel(page: browser.Browser, x: int, y: int) -> list[int]:
    pen = "document.getElementById('canvas').getContext('2d')"
    found: list[int] = page.value(f"[...{pen}.getImageData({x}, {y}, 1, 1).data.slice(0, 3)]")
    return found


def slide(page: browser.Browser, name: str, value: float) -> None:
    page.value(f"delete document.getElementById('stage').dataset.seconds; {name}.value = {value};"
               f"{name}.dispatchEvent(new Event('input'))")  # fmt: skip


def downloaded(folder: Path, name: str) -> bytes:
    file = folder / name
    browser.wait_for(file.is_file)
    browser.wait_for(lambda: not list(folder.glob("*.crdownload")))
    return file.read_bytes()


def test_the_door_leads_to_the_page(chromium: browser.Browser) -> None:
    with running() as server:
        chromium.new_tab()
        chromium.open(server.door.as_uri())
        chromium.wait("document.documentElement?.dataset.ready")
        assert chromium.value("location.href") == server.address


def test_a_dropped_picture_is_seen_slid_and_saved(
    page: browser.Browser, album: Path, tmp_path: Path
) -> None:
    page.drop([album / "one.jpg"], 200, 150)
    page.wait(ANSWERED)
    assert page.value(NAME) == "one.jpg"
    assert "EXIF" in page.value("document.getElementById('facts').textContent")
    before = np.asarray(Image.open(album / "one.jpg"))
    # The picture stands in the middle of the stage, each of its pixels one of the screen's.
    assert pixel(page, 270 + 10, 90 + 20) == before[20, 10].tolist()
    right = pixel(page, 270 + 100, 90 + 20)
    assert right != before[20, 100].tolist()
    slide(page, "strength", 0)
    page.wait(ANSWERED)
    assert pixel(page, 270 + 100, 90 + 20) == before[20, 100].tolist()
    slide(page, "strength", 1)
    page.wait(ANSWERED)
    assert pixel(page, 270 + 100, 90 + 20) == right
    slide(page, "wipe", 0)
    browser.wait_for(lambda: pixel(page, 270 + 10, 90 + 20) != before[20, 10].tolist())
    page.click("#save")
    saved = downloaded(tmp_path, "one_denoised.jpg")
    jobs = plan_jobs([str(album / "one.jpg")], Naming(f"{tmp_path}/told/")).jobs
    (outcome,) = run(jobs, denoiser(), BatchConfig())
    assert saved == outcome.written[0].read_bytes()
    assert page.value(NOTICE) == ""
    complaints = [e for e in page.events if e.get("method") == "Runtime.exceptionThrown"]
    assert complaints == []


def test_a_slider_is_answered_by_less_effort_until_it_rests(
    page: browser.Browser, album: Path, tmp_path: Path
) -> None:
    place = (270 + 100, 90 + 20)
    with served(denoiser("fast")) as address:
        page.open(address)
        page.wait(READY)
        page.drop([album / "one.jpg"], 200, 150)
        page.wait(f"{EFFORT} === 'normal' && !view.running")
        page.value(
            "window.told = []; new MutationObserver(() => told.push(["
            f"{EFFORT}, document.getElementById('status').textContent, ...document."
            f"getElementById('canvas').getContext('2d').getImageData({place[0]}, {place[1]}, 1, 1)"
            ".data.slice(0, 3)])).observe(document.getElementById('stage'), {attributes: true})"
        )
        page.value(
            "for (let step = 1; step <= 10; step += 1) { strength.value = 0.5 + step / 20;"
            "strength.dispatchEvent(new Event('input')); }"
        )
        page.wait(f"{EFFORT} === 'normal' && told.length > 1 && !view.running")
        told = page.value("told")
        assert [effort for effort, *_ in told] == ["fast", "normal"]
        assert all(f"effort {effort}" in status for effort, status, *_ in told)
        for effort, _, *color in told:
            examined = denoiser(effort).denoise_picture(images.read(album / "one.jpg"))
            assert color == examined.picture.samples[20, 100].tolist()
        asked = page.value(
            "performance.getEntriesByType('resource').map((entry) => new URL(entry.name))"
            ".filter((url) => url.pathname.endsWith('/after')).map((url) => url.searchParams)"
            ".map((query) => [query.get('effort'), query.get('strength')])"
        )
        assert {strength for effort, strength in asked if effort == "normal"} == {"1"}
        page.click("#save")
        saved = downloaded(tmp_path, "one_denoised.jpg")
    jobs = plan_jobs([str(album / "one.jpg")], Naming(f"{tmp_path}/told/")).jobs
    (outcome,) = run(jobs, denoiser(), BatchConfig())
    assert saved == outcome.written[0].read_bytes()


def test_a_dropped_folder_is_done_with_progress_and_comes_back_as_one(
    page: browser.Browser, album: Path, tmp_path: Path
) -> None:
    page.drop([album], 200, 150)
    page.wait("!document.getElementById('strip').hidden")
    labels = "[...document.querySelectorAll('#strip .label')].map((label) => label.textContent)"
    assert page.value(labels) == ["one.jpg", "two.jpg"]
    page.value(
        "window.seen = new Set(); new MutationObserver(() => seen.add(document.querySelector("
        "'#progress span').textContent)).observe(document.getElementById('progress'),"
        "{subtree: true, childList: true, attributes: true})"
    )
    page.wait("!document.getElementById('save-all').disabled")
    page.value("document.getElementById('save-all').click()")
    data = downloaded(tmp_path, "denoised.zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["album/one_denoised.jpg", "album/two_denoised.jpg"]
        assert archive.testzip() is None
    assert {"1 of 2: album/one.jpg", "2 of 2: album/two.jpg"} <= set(page.value("[...seen]"))


def test_all_results_are_made_by_the_settings_of_the_moment_and_a_trouble_that_is_over_is_not_told(
    page: browser.Browser, album: Path, tmp_path: Path
) -> None:
    page.drop([album], 200, 150)
    page.wait(ANSWERED)
    page.wait("document.querySelectorAll('#strip img').length === 2")
    page.value(
        "window.asked = []; window.really = fetch;"
        "window.fetch = (path, options) => {"
        "  if (options?.method !== 'POST' || !path.includes('/result')) {"
        "    return really(path, options);"
        "  }"
        "  asked.push(new URL(path, location).searchParams.get('strength'));"
        "  strength.value = 0.5; strength.dispatchEvent(new Event('input'));"
        "  return really(asked.length === 1 ? 'nowhere' : path, options);"
        "}; null"
    )
    buttons = (
        "[...document.querySelectorAll('#strip button')]"
        ".map((button) => [button.className, button.title])"
    )
    for titles in (["bad", "Not Found"], ["done", "album/one.jpg"]):
        page.value("document.getElementById('save-all').click()")
        downloaded(tmp_path, "denoised.zip")
        page.wait("!document.getElementById('save-all').disabled")
        assert page.value(buttons) == [titles, ["done", "album/two.jpg"]]
        (tmp_path / "denoised.zip").unlink()
    assert page.value("asked") == ["1", "1", "0.5", "0.5"]


def test_a_wrong_file_is_told_in_one_line_and_the_page_goes_on(
    page: browser.Browser, album: Path
) -> None:
    page.drop([album / "notes.txt"], 200, 150)
    assert page.wait(NOTICE).startswith("notes.txt: not an image")
    assert page.value("!document.getElementById('welcome').hidden")
    (album / "large.png").write_bytes(bytes(LIMIT + 1))
    page.drop([album / "large.png"], 200, 150)
    page.wait(f"{NOTICE}.includes('large.png: the file is larger than')")
    page.drop([album / "two.jpg"], 200, 150)
    page.wait(ANSWERED)
    assert page.value(NAME) == "two.jpg"


def test_the_server_refuses_a_large_upload_that_the_page_would_not_send(
    page: browser.Browser,
) -> None:
    page.value(
        f"fetch('pictures?name=a.jpg', {{method: 'POST', body: new Uint8Array({LIMIT + 1})}})"
        ".then((answer) => { window.told = answer.status; }, () => { window.told = 'cut off'; })"
    )
    assert page.wait("window.told") in (413, "cut off")


def test_two_tabs_do_not_know_each_other(page: browser.Browser, address: str, album: Path) -> None:
    first = page.tab
    page.drop([album / "one.jpg"], 200, 150)
    page.wait(ANSWERED)
    second = page.new_tab()
    page.size(1004, 300)
    page.open(address)
    page.wait(READY)
    page.drop([album / "two.jpg"], 200, 150)
    page.wait(ANSWERED)
    slide(page, "strength", 0.3)
    page.wait(ANSWERED)
    for tab, name, strength in ((first, "one.jpg", "1"), (second, "two.jpg", "0.3")):
        page.tab = tab
        assert page.value(NAME) == name
        assert page.value("strength.value") == strength
        assert page.value("document.querySelectorAll('#strip button').length") == 1
    page.tab = second
    page.open("about:blank")  # the second tab leaves, and takes nothing along
    page.tab = first
    slide(page, "strength", 0.5)
    page.wait(ANSWERED)


def test_a_page_of_another_origin_gets_nothing(page: browser.Browser, address: str) -> None:
    """A foreign page that even knows the secret can neither read nor change anything."""

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>foreign</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=server.serve_forever).start()
    try:
        page.new_tab()
        page.open(f"http://127.0.0.1:{server.server_port}/")
        for options in ("{}", "{mode: 'no-cors'}", "{method: 'POST', mode: 'no-cors', body: 'x'}"):
            page.value(
                "window.told = undefined;"
                f"fetch('{address}pictures?name=a.jpg', {options})"
                ".then((answer) => { window.told = `${answer.type} ${answer.status}`; },"
                "() => { window.told = 'refused'; })"
            )
            assert page.wait("window.told") in ("refused", "opaque 0")
        page.value(
            f'document.body.innerHTML = \'<iframe src="{address}"></iframe><img src="{address}'
            'files/icon.svg" onerror="window.broken = true">\''
        )
        page.wait("window.broken")
        page.wait("document.querySelector('iframe').contentDocument === null")
        refused = [
            event
            for event in page.events
            if event.get("method") == "Network.responseReceivedExtraInfo"
            and event["params"]["statusCode"] == 403
        ]
        assert len(refused) == 5  # three times fetched, a frame, an image
    finally:
        server.shutdown()
        server.server_close()
