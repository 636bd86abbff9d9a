"""The server, at an address with a secret in it, which runs until the user ends it."""

from __future__ import annotations

import html
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from flowdenoise.engine import Denoiser
from flowdenoise.errors import UsageError
from flowdenoise.page.bounds import PageConfig
from flowdenoise.page.routes import application

_HOST = "127.0.0.1"  # and no other: the page is for this machine

_DOOR = """<!doctype html>
<meta charset="utf-8">
<title>flowdenoise</title>
<meta http-equiv="refresh" content="0; url={address}">
<p><a href="{address}">flowdenoise</a></p>
"""


@dataclass(frozen=True)
class Server:
    """A server that listens and whose `run` answers.

    Attributes:
        address: The address to open in a browser; whoever knows it may use the page.
        door: A file that leads a browser to the address and that no other user can read. What a
            program is started with can be seen by all users, so a browser is given this file.
    """

    address: str
    door: Path
    _uvicorn: uvicorn.Server
    _socket: socket.socket

    def run(self) -> None:
        """Answer requests until a signal or `stop` ends it."""
        self._uvicorn.run(sockets=[self._socket])

    def stop(self) -> None:
        """Make `run`, in another thread, end."""
        self._uvicorn.should_exit = True


@contextmanager
def listening(
    denoiser: Denoiser, config: PageConfig, quick: Denoiser | None = None
) -> Iterator[Server]:
    """Listen on this machine alone, with a private folder that is removed at the end.

    Args:
        denoiser: The engine.
        config: The settings of the page.
        quick: An engine of less effort, whose results are seen until those of the other are there.

    Raises:
        UsageError: Another program has the port.
    """
    token = secrets.token_urlsafe(24)
    with (
        tempfile.TemporaryDirectory(
            prefix="flowdenoise-page-", ignore_cleanup_errors=True
        ) as name,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, config.port))
        except OSError as error:
            raise UsageError(
                f"the port {config.port} can't be had: take another `port`"
            ) from error
        listener.listen()
        port = listener.getsockname()[1]
        address = f"http://{_HOST}:{port}/{token}/"
        pictures = Path(name) / "pictures"
        pictures.mkdir()
        app = application(
            denoiser,
            replace(config, port=port),
            token=token,
            folder=pictures,
            quick=quick,
        )
        settings = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, lifespan="off"
        )
        door = _door(Path(name), address)
        yield Server(address, door, uvicorn.Server(settings), listener)


def _door(folder: Path, address: str) -> Path:
    """Write the file that leads to an address."""
    door = folder / "open.html"
    descriptor = os.open(door, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_DOOR.format(address=html.escape(address)))
    return door
