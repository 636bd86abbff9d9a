"""A real browser, driven over a pipe by the DevTools protocol; nothing else to install."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The browser's program, if one is installed."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def wait_for(question: Callable[[], Any], seconds: float = 120) -> Any:
    """Ask until the answer is true; it is given back."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.05)
    return answer


class Browser:
    """Chromium with one empty tab; what is done is done in the tab that was opened or used last.

    The browser reads commands from its file descriptor 3 and writes to 4, each a JSON object that
    ends in a zero byte.
    """

    def __init__(self, program: str, profile: Path) -> None:
        commands, self._send = os.pipe()
        self._receive, answers = os.pipe()

        def connect() -> None:  # in the child, before it becomes the browser
            first, second = os.dup(commands), os.dup(answers)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self._process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=connect,
        )
        os.close(commands)
        os.close(answers)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        self.tab: str | None = None
        self.new_tab()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._send)
        os.close(self._receive)
        self._process.terminate()
        self._process.wait(20)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self.tab:
            message["sessionId"] = self.tab
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            block = os.read(self._receive, 1 << 20)
            assert block, "the browser has gone"
            self._buffer += block
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def new_tab(self) -> str:
        """Open an empty tab; its name is to be written to `tab` when it is used again."""
        self.tab = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.tab = str(attached["sessionId"])
        return self.tab

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.events.clear()
        self.call("Page.enable")
        self.call("Network.enable")
        self.call("Runtime.enable")
        self.call("Log.enable")
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """The value of a piece of JavaScript in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 120) -> Any:
        """Wait until a piece of JavaScript has a true value; it is given back."""
        return wait_for(lambda: self.value(expression), seconds)

    def drop(self, files: Sequence[Path], x: int, y: int) -> None:
        """Drag files from the desktop over a place of the page and let them fall."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def click(self, selector: str) -> None:
        """Click with the mouse into the middle of an element."""
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        self.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'nearest'}})")
        x = self.value(f"{box}.left + {box}.width / 2")
        y = self.value(f"{box}.top + {box}.height / 2")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def save_downloads_in(self, folder: Path) -> None:
        """Let downloads go into a folder without a question."""
        tab, self.tab = self.tab, None  # the whole browser is told
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self.tab = tab

    def size(self, width: int, height: int) -> None:
        """Make the tab that many pixels large, one for each of the style sheet's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self, file: Path) -> None:
        """Write what the tab shows to a PNG file."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def press(self, key: str, code: int) -> None:
        """Press a key on the keyboard."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)
