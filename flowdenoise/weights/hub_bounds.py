"""Bounds on what the Hub's client may do: bytes, seconds, and how long a server makes it wait.

The client believes a server's length, tries again without an end in sight where bytes drip, and
sleeps as long as a server says. Here a download ends at the announced size, everything ends after
a time, and a wait beyond a minute is an error that says how long it would have been.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import huggingface_hub
from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]  # public by its manual

from flowdenoise.system.cache import readable_size

T = TypeVar("T")

Report = Callable[[str], None]
"""Called with a line for the user about what is going on."""

MAX_WAIT = 60.0
"""Seconds that a server may ask us to wait before it is given up."""

MAX_QUESTION = 180.0
"""Seconds that a question may take, with all waiting and trying again."""

_START, _SLOWEST = 180.0, 50_000  # a download may take these seconds, and one per so many bytes
_GRACE = 5.0  # seconds for a call to clean up after its connection was closed
_TRIES = 3
_BUSY = (429, 503)  # too many requests; not available now


class BoundError(Exception):
    """A bound is passed; the message says which."""


def download_seconds(size: int) -> float:
    """How long a download of that many bytes may take."""
    return _START + size / _SLOWEST


def bounded(call: Callable[[], T], seconds: float, report: Report | None) -> T:
    """What a call of the client gives, within a time and with short waits only.

    The call runs in a thread of its own. After the time its connection is closed, and if it does
    not end by that, it is left to itself; it ends with the process at the latest.

    Args:
        call: The call, which takes no arguments.
        seconds: Seconds that it may take.
        report: Called with a line when a server asks to wait.

    Raises:
        BoundError: The call takes longer, or a server asks to wait for more than a minute.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(_patient(call))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with _heard(report):
        thread.start()
        thread.join(seconds)
    if thread.is_alive():
        huggingface_hub.close_session()
        thread.join(_GRACE)
        raise BoundError(f"it was not done after {seconds:.0f} seconds: try again later")
    if errors:
        raise errors[0]
    return results[0]


def _patient(call: Callable[[], T]) -> T:
    """Call again after a server that was busy, as it asked."""
    for _ in range(_TRIES):
        try:
            return call()
        except Exception as error:
            answer = getattr(error, "response", None)
            wait = None if answer is None else asked_to_wait(answer.status_code, answer.headers)
            if wait is None:
                raise
            time.sleep(wait)
    return call()


@contextmanager
def _heard(report: Report | None) -> Iterator[None]:
    """Tell of each answer that asks to wait, and refuse those that ask for too long."""

    def hear(response: Any) -> None:
        wait = asked_to_wait(response.status_code, response.headers)
        if wait is None:
            return
        if wait > MAX_WAIT:
            raise BoundError(f"the server asks to wait {wait:.0f} seconds: try again later")
        if report:
            report(f"the server asks to wait {wait:.0f} seconds")

    hooks = huggingface_hub.get_session().event_hooks["response"]
    hooks.append(hear)
    try:
        yield
    finally:
        hooks.remove(hear)


def asked_to_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait by its `Retry-After` (RFC 9110, 10.2.3), or None.

    >>> asked_to_wait(429, {"retry-after": "30"})
    30.0
    """
    text = headers.get("retry-after", "").strip()
    if status not in _BUSY or not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def counting(size: int) -> type[Any]:
    """A progress bar for the client that ends a download beyond `size` bytes."""

    class Counting(tqdm):
        got = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.got += n or 0
            if self.got > size:
                raise BoundError(f"the server sends more than the {readable_size(size)} announced")
            done: bool | None = super().update(n)
            return done

    return Counting
