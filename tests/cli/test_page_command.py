"""`flowdenoise page`: the browser is led to the page without its secret being shown to others."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from flowdenoise.page import Server

from .conftest import Invoke


@pytest.mark.parametrize("opens", [True, False])
def test_the_browser_is_started_without_the_secret(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    opened: list[tuple[str, str]] = []

    def open_in_browser(address: str) -> bool:
        file = Path(url2pathname(urlsplit(address).path))
        opened.append((address, file.read_text("utf-8")))
        return True

    monkeypatch.setattr(webbrowser, "open", open_in_browser)
    monkeypatch.setattr(Server, "run", lambda _: None)
    answer = invoke("page", *([] if opens else ["--no-open"]))
    assert answer.status == 0
    address = answer.text.strip()
    secret = address.split("/")[3]
    assert len(secret) >= 32
    assert len(opened) == opens
    for started_with, shown in opened:
        assert secret not in started_with
        assert address in shown
