"""A server on loopback that can misbehave, for the tests of downloads."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flowdenoise.data import download


@dataclass
class Seen:
    """A request and how many bytes of content it was sent."""

    path: str
    headers: dict[str, str]
    sent: int = 0


def strong_tag(content: bytes) -> str:
    """An ETag as most servers make it."""
    return f'"{hashlib.md5(content).hexdigest()}"'


@dataclass
class Loopback:
    """Serves `files`; each request takes the next of `moods`, or is served as it should be.

    Attributes:
        files: Content by path.
        moods: Functions of the handler that answer one request each.
        tag: Makes the ETag of a content, or None for servers without.
        seen: The requests so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    moods: deque[Callable[[Handler], None]] = field(default_factory=deque)
    tag: Callable[[bytes], str | None] = strong_tag
    seen: list[Seen] = field(default_factory=list)
    address: str = ""
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/file") -> str:
        return self.address + path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    loopback: Loopback

    def do_GET(self) -> None:
        self.close_connection = True
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen = Seen(self.path, headers)
        self.loopback.seen.append(self.seen)
        moods = self.loopback.moods
        mood = moods.popleft() if moods else Handler.obey
        mood(self)

    @property
    def content(self) -> bytes:
        return self.loopback.files[self.path]

    def head(self, status: int, headers: dict[str, Any]) -> None:
        self.send_response(status)
        tag = self.loopback.tag(self.content) if self.path in self.loopback.files else None
        for name, value in {"ETag": tag, **headers}.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()

    def body(self, block: bytes) -> None:
        self.seen.sent += len(block)  # before the client can have them, so that no test races
        self.wfile.write(block)
        self.wfile.flush()

    def obey(self, stop: int | None = None) -> None:
        """Answer by the book, but end the connection after `stop` bytes."""
        if self.path not in self.loopback.files:
            return self.refuse(404)
        content = self.content
        asked = re.fullmatch(r"bytes=(\d+)-", self.seen.headers.get("range", ""))
        if_range = self.seen.headers.get("if-range")
        if asked is None or (if_range and if_range != self.loopback.tag(content)):
            return self.whole(stop)
        start = int(asked[1])
        if start >= len(content):
            self.head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": 0})
            return None
        last = len(content) - 1
        headers = {"Content-Range": f"bytes {start}-{last}/{len(content)}"}
        self.head(206, {**headers, "Content-Length": len(content) - start})
        self.body(content[start:][:stop])
        return None

    def whole(self, stop: int | None = None) -> None:
        """Send everything, whatever part was asked for."""
        self.head(200, {"Content-Length": len(self.content)})
        self.body(self.content[:stop])

    def refuse(self, status: int) -> None:
        self.head(status, {"Content-Length": 0})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A server that holds `/file` of 300,000 bytes."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_PAUSES", (0.0, 0.0, 0.0))
    content = b"".join(hashlib.sha256(bytes([i % 251, i // 251])).digest() for i in range(9375))
    state = Loopback({"/file": content})
    handler = type("Bound", (Handler,), {"loopback": state})
    with Server(("127.0.0.1", 0), handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        state.release.set()
        server.shutdown()
        thread.join()
